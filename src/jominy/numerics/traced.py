"""A user's own function of one number, as JAX needs it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jominy.errors import InputError


def require_scalar_function(function: Callable[[Any], Any], name: str, advice: str) -> None:
    """Raise InputError unless JAX can trace `function` from one number to one number; `name` begins the sentence.

    >>> require_scalar_function(jnp.exp, "A loss", "Use jnp.exp")
    """
    try:
        shape = jax.eval_shape(lambda z: jnp.asarray(function(z)), jax.ShapeDtypeStruct((), float)).shape
    except Exception as error:  # whatever goes wrong in there is the caller's function
        raise InputError(
            f"{name} must be written with jax.numpy, as it is traced", f"{type(error).__name__}: {error}", advice
        ) from error
    if shape != ():
        raise InputError(f"{name} must give one number for one number", f"an array of shape {shape}", advice)
