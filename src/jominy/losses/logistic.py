"""The logistic loss."""

import jax

from jominy.losses.base import MarginLoss
from jominy.numerics.arrays import Array


class LogisticLoss(MarginLoss):
    """log(1 + exp(-y r)) for labels y = -1, +1 (binary cross-entropy of a linear score).

    >>> import jax.numpy as jnp
    >>> round(float(LogisticLoss()(jnp.array(0.0), jnp.array(1.0))), 4)
    0.6931
    """

    def profile(self, margin: Array) -> Array:
        return jax.nn.softplus(-margin)

    def slope(self, margin: Array) -> Array:
        return -jax.nn.sigmoid(-margin)

    def curvature(self, margin: Array) -> Array:
        wrong = jax.nn.sigmoid(-margin)
        return wrong * (1 - wrong)
