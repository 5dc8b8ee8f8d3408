"""Averages over a normal number that involve its sign: what an attack on single features needs of a weight's law."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
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
    >>> from jominy.numerics.precision import double_precision
    >>> found = double_precision(sign_averages)(np.array(0.0), np.array(4.0), 1e-30)
    >>> [round(float(one), 4) for one in found]  # 2 sqrt(2 / pi)
    [1.5958, 0.0, 0.1995]
    """
    sd = jnp.sqrt(jnp.maximum(variance, smallest))
    t = mean / sd
    density = jnp.exp(-(t**2) / 2) / jnp.sqrt(2 * jnp.pi)  # of t
    sign = erf(t / jnp.sqrt(2.0))
    return SignAverages(2 * jnp.sqrt(jnp.maximum(variance, 0.0)) * density + mean * sign, sign, density / sd)


class PowerAverages(NamedTuple):
    """E|u|^q, E f with f = |u|^(q-1) sign u, the slope of that in the mean, and E f^2, arrays of one shape."""

    size: Array
    slope: Array
    bend: Array
    square: Array


_ROOTS, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_FAR = 8.5
"""Standard deviations of a normal number that are looked at."""


def power_averages(mean: Array, variance: Array, power: Array, smallest: float) -> PowerAverages:
    """Over u ~ N(mean, variance) (d,), power q > 1; to 1e-6 by Gauss's rule on each side of zero.

    >>> import numpy as np
    >>> from jominy.numerics.precision import double_precision
    >>> found = double_precision(power_averages)(np.zeros(1), np.full(1, 4.0), np.asarray(1.5), 1e-150)
    >>> round(float(found.size[0]), 4)  # 2^1.5 2^.75 Gamma(1.25) / sqrt(pi)
    2.4326
    """
    sd = jnp.maximum(jnp.sqrt(jnp.maximum(variance, 0.0)), jnp.maximum(1e-9 * jnp.abs(mean), smallest))
    t = (mean / sd)[..., None]
    share = (_ROOTS + 1) / 2
    sides = []
    for sign in (1.0, -1.0):  # u = sign * sd * y, y > 0
        centre = sign * t
        low, high = jnp.maximum(centre - _FAR, 0.0), jnp.maximum(centre + _FAR, 0.0)
        # Powers of y at zero are smooth in the fourth root.
        y = low + (high - low) * share**4
        mass = (high - low) * 4 * share**3 * _WEIGHTS / 2 * jnp.exp(-((y - centre) ** 2) / 2) / np.sqrt(2 * np.pi)
        sides.append((sign, y, sign * y - t, mass))
    q = power
    safe = [(sign, jnp.maximum(y, 1e-300), off, mass) for sign, y, off, mass in sides]
    size = sum(jnp.sum(mass * y**q, axis=-1) for _, y, _, mass in safe)
    slope = sum(sign * jnp.sum(mass * y ** (q - 1), axis=-1) for sign, y, _, mass in safe)
    # Stein's lemma in place of a power that may be infinite at zero.
    bend = sum(sign * jnp.sum(mass * y ** (q - 1) * off, axis=-1) for sign, y, off, mass in safe)
    square = sum(jnp.sum(mass * y ** (2 * q - 2), axis=-1) for _, y, _, mass in safe)
    return PowerAverages(sd**q * size, sd ** (q - 1) * slope, sd ** (q - 2) * bend, sd ** (2 * q - 2) * square)
