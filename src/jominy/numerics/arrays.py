"""The array type of the rooms that compute: they work on JAX's arrays and on NumPy's alike."""

from types import ModuleType
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

Array: TypeAlias = jax.Array | np.ndarray


def namespace(*trees: Any) -> ModuleType:
    """NumPy where every leaf is its own, whose small operations need no program and no queue; else `jax.numpy`.

    >>> namespace(np.ones(2), 3.0).__name__, namespace((np.ones(2), jnp.ones(2))).__name__
    ('numpy', 'jax.numpy')
    """
    return jnp if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(trees)) else np


def root(square: Array) -> jax.Array:
    """The square root of what should not be negative, elementwise; its derivative at zero is zero, not infinite.

    >>> root(np.array([4.0, -1e-20])).tolist()
    [2.0, 0.0]
    """
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
