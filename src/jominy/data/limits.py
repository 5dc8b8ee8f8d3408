"""Gauss nodes of limiting laws: a law of eigenvalues as a few nodes, each with its share of the coordinates.

Order parameters are integrals of functions that are analytic in the eigenvalue, so a Gauss rule of a few dozen nodes
replaces any number of coordinates. Source: theory `dynamics.md` section 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from jominy.data.arrays import Array
from jominy.errors import InputError

GAUSS_NODES = 48
"""24 nodes already give 1e-10 (theory section 7); twice as many serve long times and several classes."""
_LARGEST_DENOMINATOR = 12
_PANELS = 64
"""Panels of the fine grid, and nodes in each: one rule of as many nodes would take a 4096 x 4096 eigenvalue problem."""


def power_rule(exponents: Iterable[float]) -> tuple[Array, Array]:
    """Nodes s in (0, 1) and shares for which s^a, a among the exponents, is integrated without loss at s = 0.

    With s = u^p and p such that every a p is a whole number, eigenvalues are polynomials in u and the uniform law of s
    has the density p u^(p - 1): the rule is Gauss-Jacobi in u.

    >>> nodes, shares = power_rule([0.5])
    >>> round(float(shares @ np.exp(-np.sqrt(nodes))), 12) == round(2 - 4 / np.e, 12)
    True
    """
    power = _common_power([a for a in exponents if a > 0])
    if power == 1:
        u, shares = np.polynomial.legendre.leggauss(GAUSS_NODES)
    else:
        from scipy.special import roots_jacobi  # here, because the other spectra need not pay for the import

        u, shares = roots_jacobi(GAUSS_NODES, 0.0, power - 1)
    return ((u + 1) / 2) ** power, shares / shares.sum()


def _common_power(exponents: list[float]) -> float:
    """The smallest p with a p whole for all exponents a; 1 / (smallest a) if some a is no simple fraction."""
    fractions = [Fraction(a).limit_denominator(_LARGEST_DENOMINATOR) for a in exponents]
    if not exponents:
        return 1.0
    if any(abs(float(f) - a) > 1e-12 * a for f, a in zip(fractions, exponents, strict=True)):
        return 1 / min(exponents)
    return math.lcm(*(f.denominator for f in fractions)) / math.gcd(*(f.numerator for f in fractions))


def jacobi_rule(diagonal: Array, beside: Array) -> tuple[Array, Array]:
    """Gauss nodes and shares from the three-term recurrence of the law's orthogonal polynomials (Golub-Welsch)."""
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return nodes, vectors[0] ** 2


def density_rule(density: Callable[[Array], Array], low: float, high: float) -> tuple[Array, Array]:
    """Gauss nodes and shares of a density on [low, high], which need not be normalised (Lanczos on a fine grid).

    The grid is even in an angle, as square-root edges like.
    """
    within, weights = np.polynomial.legendre.leggauss(_PANELS)
    angles = (np.pi / _PANELS * (np.arange(_PANELS)[:, None] + (within + 1) / 2)).ravel()
    weights = np.tile(np.pi / _PANELS / 2 * weights, _PANELS)
    points = (low + high - (high - low) * np.cos(angles)) / 2
    try:
        values = np.broadcast_to(np.asarray(density(points), dtype=float), points.shape)
    except (TypeError, ValueError) as error:
        raise InputError(
            "A density must map an array of eigenvalues to an array of the same shape", f"{type(error).__name__}"
        ) from error
    if not np.all(np.isfinite(values)) or values.min() < 0 or not np.any(values > 0):
        raise InputError("A density must be finite, >= 0 and somewhere > 0 inside its interval", f"[{low}, {high}]")
    mass = weights * np.sin(angles) * values
    return jacobi_rule(*_lanczos(points, mass / mass.sum()))


def _lanczos(points: Array, mass: Array) -> tuple[Array, Array]:
    """Recurrence coefficients of a discrete law: Lanczos with full reorthogonalisation, which ends early if it can."""
    basis = [np.sqrt(mass)]
    diagonal, beside = [float(mass @ points)], []
    while len(diagonal) < GAUSS_NODES:
        rest = points * basis[-1]
        for _ in range(2):
            rest = rest - np.stack(basis).T @ (np.stack(basis) @ rest)
        size = float(np.linalg.norm(rest))
        if size <= 1e-12 * np.abs(points).max():
            break
        beside.append(size)
        basis.append(rest / size)
        diagonal.append(float(basis[-1] ** 2 @ points))
    return np.array(diagonal), np.array(beside)


__all__ = ["GAUSS_NODES", "density_rule", "jacobi_rule", "power_rule"]
