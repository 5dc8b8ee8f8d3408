"""The array type of the rooms that compute: they work on JAX's arrays and on NumPy's alike."""

from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

Array: TypeAlias = jax.Array | np.ndarray


def root(square: Array) -> jax.Array:
    """The square root of what should not be negative, elementwise; its derivative at zero is zero, not infinite.

    >>> root(np.array([4.0, -1e-20])).tolist()
    [2.0, 0.0]
    """
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
