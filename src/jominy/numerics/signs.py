"""Averages over a normal number that involve its sign: what an attack on single features needs of a weight's law."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import erf

from jominy.numerics.arrays import Array


class SignAverages(NamedTuple):
    """E|u|, E sign u, and the density of u at zero, arrays of one shape."""

    size: Array
    sign: Array
    density: Array


def sign_averages(mean: Array, variance: Array, smallest: float) -> SignAverages:
    """Over u ~ N(mean, variance), elementwise; a variance below `smallest` is taken for that in sign and density.

    >>> import numpy as np
    >>> [round(float(one), 4) for one in sign_averages(np.array(0.0), np.array(4.0), 1e-30)]  # 2 sqrt(2 / pi)
    [1.5958, 0.0, 0.1995]
    """
    sd = jnp.sqrt(jnp.maximum(variance, smallest))
    t = mean / sd
    density = jnp.exp(-(t**2) / 2) / jnp.sqrt(2 * jnp.pi)  # of t
    sign = erf(t / jnp.sqrt(2.0))
    return SignAverages(2 * jnp.sqrt(jnp.maximum(variance, 0.0)) * density + mean * sign, sign, density / sd)
