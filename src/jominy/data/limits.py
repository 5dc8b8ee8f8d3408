"""Nodes of limiting laws: a law of eigenvalues as nodes, each with its share of the coordinates.

Order parameters are integrals of functions that are analytic in the eigenvalue, so a Gauss rule replaces any number of
coordinates: a few dozen nodes where they are the groups of a simulation. The equations ask for more: what decays like
exp(-K t) and the optimum, with its pole at -lam, are as steep near the eigenvalue zero as t and lam make them. Their
rule is a `Continuum`: panels that narrow towards zero, a Gauss rule in each. Source: theory `dynamics.md` section 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from jominy.data.arrays import Array
from jominy.errors import InputError

GAUSS_NODES = 48
"""Groups of a simulation; 24 nodes already give the risk to 1e-10 (theory section 7)."""
GROWTH = 2.2
"""By which factor eigenvalues grow in a panel."""
PANEL_NODES = 12
"""In a panel from b / `GROWTH` to b a function with a pole at -lam <= 0 is integrated up to 1e-17 of its size; where
the pole is off the real axis, as between several classes, up to 1e-15."""
END_NODES = 24
"""In the panels at both ends, one of which has the smallest eigenvalue: exp(-K t) is seen there until nothing is left
(up to 1e-10 of its own integral until it has fallen to 1e-26)."""
NARROWEST = 0.98e-13
"""Below this share of the largest eigenvalue there is one panel: the optimum calls everything in it flat."""
_LARGEST_DENOMINATOR = 12
_PANELS = 64
"""Panels of the fine grid of a density, and nodes in each."""
_EDGE_HALVINGS = 48
"""How often the panels of that grid halve in angle at the lower end: a density may grow like K^-0.8 towards zero."""


class PanelNodes(NamedTuple):
    """Nodes (Q,) of a continuous law: their positions in [0, 1], eigenvalues and shares."""

    position: Array
    eigenvalues: Array
    shares: Array


@dataclass(frozen=True, eq=False)
class Continuum:
    """A continuous law of eigenvalues, each at a position v in [0, 1], as nodes on panels.

    start: for the upper end v > 0 of a panel the lowest other end at which `PANEL_NODES` nodes resolve the equations;
           zero at last
    rule:  the nodes on panels with these edges, from 0 to 1
    """

    start: Callable[[float], float]
    rule: Callable[[tuple[float, ...]], PanelNodes]


def shared_panels(laws: Sequence[Continuum]) -> tuple[float, ...]:
    """Edges of the longest panels that serve several laws."""
    edges = [1.0]
    while edges[-1] > 0:
        edges.append(max(law.start(edges[-1]) for law in laws))
    return tuple(edges[::-1])


@cache
def _legendre(count: int) -> tuple[Array, Array]:
    """Nodes in (0, 1), and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def _counts(edges: tuple[float, ...]) -> list[int]:
    """Nodes in each panel."""
    last = len(edges) - 2
    return [END_NODES if panel in (0, last) else PANEL_NODES for panel in range(last + 1)]


def quantile_continuum(eigenvalue: Callable[[Array], Array], start: Callable[[float], float]) -> Continuum:
    """Of eigenvalues that are a function of s, uniform in (0, 1): Gauss-Legendre in s.

    In the first panel in s^(1/4), so that 1 / K, too, is integrated where it has a mean, as for K = sqrt(s).
    """

    def rule(edges: tuple[float, ...]) -> PanelNodes:
        s, shares = [], []
        for begin, end, count in zip(edges[:-1], edges[1:], _counts(edges), strict=True):
            within, weights = _legendre(count)
            if not begin:
                within, weights = within**4, 4 * within**3 * weights
            s.append(begin + (end - begin) * within)
            shares.append((end - begin) * weights)
        position, share = np.concatenate(s), np.concatenate(shares)
        return PanelNodes(position, eigenvalue(position), share / share.sum())

    return Continuum(start, rule)


def power_start(exponent: float) -> Callable[[float], float]:
    """Where a panel of the eigenvalues s^exponent starts: neither they nor s grow by more than `GROWTH` in it."""
    steep = max(exponent, 1.0)
    ratio, last = GROWTH ** (-1 / steep), NARROWEST ** (1 / steep)
    return lambda s: max(s * ratio, last) if s > last else 0.0


def linear_start(low: float, high: float) -> Callable[[float], float]:
    """Where a panel of the eigenvalues low + (high - low) v starts: they do not grow by more than `GROWTH` in it."""
    wide, least = high - low, NARROWEST * max(low, high)

    def start(v: float) -> float:
        here = low + wide * v
        if wide > 0:
            return max((max(here / GROWTH, least) - low) / wide, 0.0) if here > least else 0.0
        return max((max(here * GROWTH, least) - low) / wide, 0.0) if wide else 0.0

    return start


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
    """Few Gauss nodes and shares of a density on [low, high], which need not be normalised: Lanczos on a fine grid."""
    ((position, mass),) = _masses(density, low, high, (0.0, 1.0))
    nodes, shares = jacobi_rule(*_lanczos(position, mass / mass.sum(), GAUSS_NODES))
    return low + (high - low) * nodes, shares


def density_continuum(density: Callable[[Array], Array], low: float, high: float) -> Continuum:
    """The continuous law with a density on [low, high], which need not be normalised: Lanczos in each panel."""

    @lru_cache(maxsize=4)
    def rule(edges: tuple[float, ...]) -> PanelNodes:
        found = []
        for panel, ((v, mass), count) in enumerate(
            zip(_masses(density, low, high, edges), _counts(edges), strict=True)
        ):
            if panel == low == 0 and _has_mean_inverse(
                v, mass
            ):  # nodes of the law divided by K integrate 1 / K as well
                nodes, inverse = _panel_rule(v, mass / v, count)
                found.append((nodes, nodes * inverse))
            elif np.any(mass > 0):
                found.append(_panel_rule(v, mass, count))
        position, shares = (np.concatenate(part) for part in zip(*found, strict=True))
        return PanelNodes(position, low + (high - low) * position, shares / shares.sum())

    return Continuum(linear_start(low, high), rule)


def _masses(
    density: Callable[[Array], Array], low: float, high: float, edges: tuple[float, ...]
) -> list[tuple[Array, Array]]:
    """Many positions (P,) in each panel, and the mass at them."""
    grids = [_grid(*panel) for panel in zip(edges[:-1], edges[1:], strict=True)]
    points = low + (high - low) * np.concatenate([v for v, _ in grids])
    try:
        values = np.broadcast_to(np.asarray(density(points), dtype=float), points.shape)
    except (TypeError, ValueError) as error:
        raise InputError(
            "A density must map an array of eigenvalues to an array of the same shape", f"{type(error).__name__}"
        ) from error
    if not np.all(np.isfinite(values)) or values.min() < 0 or not np.any(values > 0):
        raise InputError("A density must be finite, >= 0 and somewhere > 0 inside its interval", f"[{low}, {high}]")
    ends = np.cumsum([v.size for v, _ in grids])[:-1]
    return [(v, weight * here) for (v, weight), here in zip(grids, np.split(values, ends), strict=True)]


def _has_mean_inverse(position: Array, mass: Array) -> bool:
    """Whether 1 / v has a mean next to zero, of which the smallest positions then are a small part."""
    inverse = mass / position
    return bool(np.sum(inverse[position < 1e-6 * position.max()]) < 0.5 * np.sum(inverse))


def _grid(begin: float, end: float) -> tuple[Array, Array]:
    """Many positions (P,) between two, and weights (P,) of the integral over them.

    The grid is even in an angle, as square-root edges like, and halves towards the lower end.
    """
    within, weights = _legendre(_PANELS)
    first, last = 2 * np.arcsin(np.sqrt(begin)), 2 * np.arcsin(np.sqrt(end))
    edges = np.linspace(first, last, 1 + max(1, math.ceil(_PANELS * (last - first) / np.pi)))
    if not begin:
        edges = np.concatenate([[0.0], edges[1] * 0.5 ** np.arange(_EDGE_HALVINGS, 0, -1), edges[1:]])
    wide = np.diff(edges)[:, None]
    angles = (edges[:-1, None] + wide * within).ravel()
    return np.sin(angles / 2) ** 2, (wide * weights).ravel() * np.sin(angles)


def _panel_rule(position: Array, mass: Array, count: int) -> tuple[Array, Array]:
    """The Gauss rule of one panel, whose shares sum to its mass."""
    begin, wide = position.min(), max(np.ptp(position), 1e-300)
    nodes, shares = jacobi_rule(*_lanczos((position - begin) / wide, mass / mass.sum(), count))
    return begin + wide * nodes, mass.sum() * shares


def _lanczos(points: Array, mass: Array, count: int) -> tuple[Array, Array]:
    """Recurrence coefficients of a discrete law: Lanczos with full reorthogonalisation, which ends early if it can."""
    basis = np.empty((count, mass.size))
    basis[0] = np.sqrt(mass)
    diagonal, beside = [float(mass @ points)], []
    while len(diagonal) < count:
        known = basis[: len(diagonal)]
        rest = points * known[-1]
        for _ in range(2):
            rest -= (known @ rest) @ known
        size = float(np.linalg.norm(rest))
        if size <= 1e-12 * np.abs(points).max():
            break
        beside.append(size)
        basis[len(diagonal)] = rest / size
        diagonal.append(float(basis[len(diagonal)] ** 2 @ points))
    return np.array(diagonal), np.array(beside)


__all__ = [
    "GAUSS_NODES",
    "Continuum",
    "PanelNodes",
    "density_continuum",
    "density_rule",
    "jacobi_rule",
    "linear_start",
    "power_rule",
    "power_start",
    "quantile_continuum",
    "shared_panels",
]
