"""Double precision for the theory, without changing JAX's configuration for the rest of the process."""

import os
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np

from jominy.errors import InputError
from jominy.numerics.programs import make_room

P = ParamSpec("P")
T = TypeVar("T")


def double_precision(function: Callable[P, T]) -> Callable[P, T]:
    """Run `function` with 64-bit floats; the caller's own JAX code keeps the precision that it chose.

    Every computation begins here, so that it is here that old programs make room for new ones.

    >>> import jax.numpy as jnp
    >>> double_precision(lambda: jnp.ones(1).dtype)()
    dtype('float64')
    """

    @wraps(function)
    def in_double(*args: P.args, **kwargs: P.kwargs) -> T:
        _require_device()
        make_room()
        with jax.enable_x64(True):
            return function(*args, **kwargs)

    return in_double


@lru_cache(maxsize=1)
def _require_device() -> None:
    """InputError if JAX is told to use a device that it does not find: it fails in ways of its own, without a word."""
    try:
        jax.devices()
    except Exception as error:
        found = os.environ.get("JAX_PLATFORMS") or str(error)
        step = "Set JAX_PLATFORMS=cpu, or leave it unset."
        raise InputError("JAX must find the device that JAX_PLATFORMS names", found, step) from None


def as_precise_as(like: Any, tree: Any) -> Any:
    """The tree with its floats in the precision of the array `like`.

    >>> as_precise_as(np.float32(1), [np.ones(2), 3])[0].dtype
    dtype('float32')
    """

    def cast(leaf: Any) -> Any:
        return leaf.astype(like.dtype) if np.issubdtype(getattr(leaf, "dtype", int), np.floating) else leaf

    return jax.tree.map(cast, tree)
