"""Covariance spectra: eigenvalues in a shared basis, in finite dimension or of a limiting law.

In dimension d a spectrum lists one eigenvalue per coordinate, at s_j = (j + 1/2)/d for the families given by a
function of s in (0, 1). In infinite dimension, and in dimensions too large to list, it holds nodes: distinct
eigenvalues, or Gauss nodes of the limiting law (`limits.py`), the share of a node being its Gauss weight. A continuous
law is held as such beside them: what is solved rather than simulated takes more nodes of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.data.arrays import Array, checked_dimension, described, finite_array, finite_number, shortened
from jominy.data.limits import (
    GAUSS_NODES,
    Continuum,
    density_continuum,
    density_rule,
    jacobi_rule,
    linear_start,
    power_rule,
    power_start,
    quantile_continuum,
)
from jominy.data.quantiles import marchenko_pastur_quantiles
from jominy.errors import InputError

LISTED_UP_TO = 2_000_000
"""Largest dimension in which every coordinate is listed; beyond it a million nodes' worth of memory buys nothing."""


@dataclass(frozen=True)
class Quantiles:
    """The eigenvalue as a function of s in (0, 1), which behaves like s^exponent at zero."""

    function: Callable[[Array], Array]
    exponent: float


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum:
    """Eigenvalues of a covariance, each with its share of the coordinates.

    eigenvalues: (Q,) >= 0, in units of (input coordinate)^2; in coordinate order if Q = dimension, else nodes
    shares:      (Q,) > 0, fraction of the coordinates, summing to one; all 1/d if Q = dimension
    dimension:   number of coordinates d, or math.inf for a limiting law
    name:        how it was made, for descriptions only
    quantiles:   of nodes that are a function of s, so that several spectra of one mixture share their nodes
    continuum:   the continuous law that the nodes stand for, if there is one

    Raises InputError for a negative or non-finite eigenvalue, shares that do not sum to one, wrong lengths.

    >>> Spectrum(eigenvalues=[1.0, 3.0], shares=[0.5, 0.5], dimension=2).mean
    2.0
    """

    eigenvalues: Array
    shares: Array
    dimension: int | float
    name: str = ""
    quantiles: Quantiles | None = None
    continuum: Continuum | None = None

    def __post_init__(self) -> None:
        eigenvalues = finite_array(self.eigenvalues, "eigenvalues")
        shares = finite_array(self.shares, "shares")
        dimension = checked_dimension(self.dimension)
        if eigenvalues.ndim != 1 or eigenvalues.size == 0:
            raise InputError("eigenvalues must be a non-empty 1-D array", f"shape {eigenvalues.shape}")
        if eigenvalues.min() < 0:
            raise InputError("eigenvalues must be >= 0", float(eigenvalues.min()))
        if shares.shape != eigenvalues.shape:
            raise InputError(
                "shares must be one per eigenvalue", f"{shares.shape} shares, {eigenvalues.shape} eigenvalues"
            )
        if shares.min() <= 0 or abs(shares.sum() - 1) > 1e-9:
            raise InputError("shares must be > 0 and sum to one", f"smallest {shares.min()}, sum {shares.sum()}")
        if eigenvalues.size > dimension or (eigenvalues.size == dimension and np.ptp(shares) > 1e-12):
            raise InputError(
                "there is one eigenvalue per coordinate, each with the share 1/dimension, or there are fewer nodes",
                f"{eigenvalues.size} eigenvalues, dimension {dimension}",
                "Use spectrum(values) for your own eigenvalues.",
            )
        object.__setattr__(self, "eigenvalues", eigenvalues)
        object.__setattr__(self, "shares", shares)
        object.__setattr__(self, "dimension", dimension)

    @property
    def listed(self) -> bool:
        """Whether every coordinate is listed; otherwise the eigenvalues are nodes."""
        return self.eigenvalues.size == self.dimension

    @property
    def mean(self) -> float:
        """tr K / d, in units of (input coordinate)^2."""
        return float(self.shares @ self.eigenvalues)

    def describe(self) -> dict[str, Any]:
        """What a result stores about it (JSON-able)."""
        dimension = self.dimension if math.isfinite(self.dimension) else "inf"
        return {
            "kind": self.name or "spectrum",
            "dimension": dimension,
            "mean": self.mean,
            "smallest": float(self.eigenvalues.min()),
            "largest": float(self.eigenvalues.max()),
            "eigenvalues": described(self.eigenvalues),
        }

    def __repr__(self) -> str:
        return self.name or f"Spectrum({shortened(self.eigenvalues.tolist())}, dimension={self.dimension})"


def identity(dimension: int | float, scale: float = 1.0) -> Spectrum:
    """K = scale times the identity.

    >>> identity(4, scale=2.0).eigenvalues
    array([2., 2., 2., 2.])
    """
    scale = finite_number(scale, "scale", minimum=0.0)
    name = f"identity(dimension={dimension}, scale={scale:g})"
    if checked_dimension(dimension) > LISTED_UP_TO:
        return Spectrum(np.array([scale]), np.ones(1), dimension, name)
    return _one_per_coordinate(np.full(int(dimension), scale), name)


def power_law(dimension: int | float, exponent: float, mean: float = 1.0) -> Spectrum:
    """Eigenvalues proportional to s^exponent, s uniform in (0, 1), scaled to the given mean; smallest first.

    exponent: >= 0, larger means more anisotropic; mean: tr K / d, in units of (input coordinate)^2.

    >>> power_law(4, exponent=1.0).eigenvalues
    array([0.25, 0.75, 1.25, 1.75])
    """
    exponent = finite_number(exponent, "exponent", minimum=0.0)
    mean = finite_number(mean, "mean", minimum=0.0)
    name = f"power_law(dimension={dimension}, exponent={exponent:g}, mean={mean:g})"
    if checked_dimension(dimension) > LISTED_UP_TO:
        quantiles = Quantiles(lambda s: (exponent + 1) * mean * s**exponent, exponent)
        return _nodes(quantiles, power_start(exponent), dimension, name)
    values = _midpoints(dimension) ** exponent
    if values[-1] < 1e-200:  # steeper than numbers reach: all but the last coordinates vanish
        values = (_midpoints(dimension) / _midpoints(dimension)[-1]) ** exponent
    return _one_per_coordinate(values * (mean / values.mean()), name)


def two_level(dimension: int | float, high: float = 1.6, low: float = 0.4, share: float = 0.5) -> Spectrum:
    """Two eigenvalues: the first share * d coordinates (rounded up) have `high`, the others `low`.

    >>> two_level(4).eigenvalues
    array([1.6, 1.6, 0.4, 0.4])
    """
    high, low = finite_number(high, "high", minimum=0.0), finite_number(low, "low", minimum=0.0)
    share = finite_number(share, "share")
    if not 0 < share < 1:
        raise InputError("share must be between 0 and 1, both excluded", share, "Use identity(...) for one level.")
    name = f"two_level(dimension={dimension}, high={high:g}, low={low:g}, share={share:g})"
    if checked_dimension(dimension) > LISTED_UP_TO:
        return Spectrum(np.array([high, low]), np.array([share, 1 - share]), dimension, name)
    count = math.ceil(share * dimension - 1e-9)  # 0.1 * 30 is a hair above 3 in floating point
    return _one_per_coordinate(np.where(np.arange(int(dimension)) < count, high, low), name)


def uniform(dimension: int | float, low: float, high: float) -> Spectrum:
    """Eigenvalues spread evenly between `low` and `high`: low + (high - low) s; high may be the smaller one.

    >>> uniform(4, 0.0, 2.0).eigenvalues
    array([0.25, 0.75, 1.25, 1.75])
    """
    low, high = finite_number(low, "low", minimum=0.0), finite_number(high, "high", minimum=0.0)
    name = f"uniform(dimension={dimension}, low={low:g}, high={high:g})"
    quantiles = Quantiles(lambda s: low + (high - low) * s, 1.0)
    if checked_dimension(dimension) > LISTED_UP_TO:
        return _nodes(quantiles, linear_start(low, high), dimension, name)
    return _one_per_coordinate(quantiles.function(_midpoints(dimension)), name)


def marchenko_pastur(dimension: int | float, ratio: float) -> Spectrum:
    """Spectrum of a sample covariance of white data: Marchenko-Pastur law of mean one, smallest eigenvalue first.

    ratio: dimension / samples of that covariance, between 0 and 1 (both excluded); the support is (1 -+ sqrt ratio)^2.
    In finite dimension: the quantiles of the law at s_j, scaled so that their mean is one (a change of order d^(-5/3)).

    >>> marchenko_pastur(3, ratio=0.25).eigenvalues.round(4)
    array([0.4841, 0.9302, 1.5857])
    """
    ratio = finite_number(ratio, "ratio")
    if not 0 < ratio < 1:
        raise InputError("ratio must be between 0 and 1, both excluded", ratio, "It is dimension / samples.")
    name = f"marchenko_pastur(dimension={dimension}, ratio={ratio:g})"
    if checked_dimension(dimension) > LISTED_UP_TO:
        beside = np.full(GAUSS_NODES - 1, math.sqrt(ratio))
        nodes, shares = jacobi_rule(np.array([1.0] + [1 + ratio] * (GAUSS_NODES - 1)), beside)
        low, high = (1 - math.sqrt(ratio)) ** 2, (1 + math.sqrt(ratio)) ** 2
        continuum = density_continuum(lambda x: np.sqrt(np.maximum((x - low) * (high - x), 0.0)) / x, low, high)
        return Spectrum(nodes, shares, dimension, name, continuum=continuum)
    values = marchenko_pastur_quantiles(_midpoints(dimension), ratio)
    return _one_per_coordinate(values / values.mean(), name)


def spectrum(values: ArrayLike) -> Spectrum:
    """Your own eigenvalues (d,), one per coordinate, in units of (input coordinate)^2.

    >>> spectrum([1.0, 0.5, 0.25]).dimension
    3
    """
    eigenvalues = finite_array(values, "eigenvalues")
    if eigenvalues.ndim != 1 or eigenvalues.size == 0:
        raise InputError("eigenvalues must be a non-empty 1-D array", f"shape {eigenvalues.shape}")
    return _one_per_coordinate(eigenvalues)


def limiting_spectrum(
    density: Callable[[Array], Array], low: float, high: float, dimension: int | float = math.inf
) -> Spectrum:
    """The limiting law with your own density of eigenvalues on [low, high].

    density:   function of an array of eigenvalues, >= 0, proportional to the density; smooth inside the interval, up
               to square-root edges and a power K^-a, a < 0.8, at the lower end
    low, high: the interval, 0 <= low < high, in units of (input coordinate)^2
    dimension: number of coordinates, which bands and simulators ask for; infinite unless given

    Source: theory `dynamics.md` section 7 (Gauss nodes of continuous laws).

    >>> semicircle = limiting_spectrum(lambda x: np.sqrt((x - 0.5) * (1.5 - x)), 0.5, 1.5)
    >>> round(float(semicircle.shares @ semicircle.eigenvalues**2), 12)  # mean^2 + radius^2 / 4
    1.0625
    """
    low, high = finite_number(low, "low", minimum=0.0), finite_number(high, "high", minimum=0.0)
    if not low < high:
        raise InputError("a density needs an interval with low < high", f"[{low}, {high}]", "Swap them.")
    name = f"limiting_spectrum(low={low:g}, high={high:g}, dimension={dimension})"
    nodes, continuum = density_rule(density, low, high), density_continuum(density, low, high)
    return Spectrum(*nodes, checked_dimension(dimension), name, continuum=continuum)


def _nodes(quantiles: Quantiles, start: Callable[[float], float], dimension: int | float, name: str) -> Spectrum:
    s, shares = power_rule([quantiles.exponent])
    continuum = quantile_continuum(quantiles.function, start)
    return Spectrum(quantiles.function(s), shares, dimension, name, quantiles, continuum)


def _midpoints(dimension: int | float) -> Array:
    return (np.arange(int(dimension), dtype=np.float64) + 0.5) / dimension


def _one_per_coordinate(eigenvalues: Array, name: str = "") -> Spectrum:
    return Spectrum(eigenvalues, np.full(eigenvalues.size, 1 / eigenvalues.size), eigenvalues.size, name)


__all__ = [
    "Spectrum",
    "identity",
    "limiting_spectrum",
    "marchenko_pastur",
    "power_law",
    "spectrum",
    "two_level",
    "uniform",
]
