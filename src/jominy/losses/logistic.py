"""The logistic loss."""

import jax
from jax import Array

from jominy.losses.base import MarginLoss


class LogisticLoss(MarginLoss):
    """log(1 + exp(-y r)) for labels y = -1, +1 (binary cross-entropy of a linear score).

    >>> import jax.numpy as jnp
    >>> round(float(LogisticLoss()(jnp.array(0.0), jnp.array(1.0))), 4)
    0.6931
    """

    def profile(self, margin: Array) -> Array:
        return jax.nn.softplus(-margin)
