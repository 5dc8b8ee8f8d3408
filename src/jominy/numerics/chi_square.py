"""Chi-square variables as functions of normal ones, by the quantile: one normal number each, and no rejection."""

import jax.numpy as jnp
import numpy as np
import scipy
from numpy.polynomial import chebyshev

from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.normals import LARGEST

MANY = 1e4
"""Degrees of freedom from which on the expansion around the normal is better than SciPy's quantiles."""
DEGREE, SMALLEST = 48, 1e-9


class ChiSquare(Module):
    """Chi-square variables of given degrees of freedom (G,); zero where there are none.

    `__call__` maps normals z (..., G) to the quantiles F^-1(Phi(z)), as a Chebyshev series in z. The series is good to
    1e-6 standard deviations for one degree of freedom, to 1e-8 from three on.

    >>> from jominy.numerics.precision import double_precision
    >>> one = ChiSquare(np.array([4.0]))
    >>> round(float(double_precision(one)(np.zeros(1))[0]), 4)  # the median
    3.3567
    """

    middle: Array
    scale: Array
    series: Array

    def __init__(self, freedom: np.ndarray):
        freedom = np.asarray(freedom, dtype=float)
        used = np.maximum(freedom, 1.0)
        self.middle, self.scale = freedom, np.sqrt(2 * np.maximum(freedom, 0.0))
        nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
        values = (quantile(LARGEST * nodes[:, None], used) - used) / np.sqrt(2 * used)
        fitted = chebyshev.chebfit(nodes, values, DEGREE)
        counted = np.flatnonzero(np.max(np.abs(fitted), axis=1, initial=0.0) > SMALLEST)
        self.series = fitted[: counted[-1] + 1 if counted.size else 1]

    def __call__(self, normal: Array) -> Array:
        """Chi-square values for standard normals (..., G)."""
        x = normal / LARGEST
        last = before = jnp.zeros_like(x)
        for coefficient in self.series[:0:-1]:  # Clenshaw
            last, before = coefficient + 2 * x * last - before, last
        standard = self.series[0] + x * last - before
        return jnp.maximum(self.middle + self.scale * standard, 0.0)


def quantile(normal: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """F^-1(Phi(normal)) for `freedom` degrees of freedom >= 1.

    >>> bool(np.allclose(quantile(np.array(1.0), np.array(1e4)), quantile(np.array(1.0), np.array(1e4 + 1e-6))))
    True
    """
    few = np.minimum(freedom, MANY) / 2
    exact = np.where(
        normal < 0,
        scipy.special.gammaincinv(few, scipy.special.ndtr(normal)),
        scipy.special.gammainccinv(few, scipy.special.ndtr(-normal)),
    )
    # Cornish and Fisher's expansion in 1/sqrt(freedom).
    z, root = normal, np.sqrt(2 * freedom)
    expanded = (
        freedom
        + root * z
        + 2 * (z**2 - 1) / 3
        + (z**3 - 7 * z) / (9 * root)
        - (6 * z**4 + 14 * z**2 - 32) / (405 * freedom)
        + (9 * z**5 + 256 * z**3 - 433 * z) / (4860 * root * freedom)
    )
    return np.where(freedom > MANY, expanded, 2 * exact)
