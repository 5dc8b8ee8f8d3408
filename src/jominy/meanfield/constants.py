"""Three answers to "how large is E ||G||_{p->q}": the leading order, a rigorous bound, and a sharp value.

G is K x d with independent N(0, 1/d) entries, the Jacobian of a wide network divided by sqrt(omega^L). `width_dim` is
dN of the finite-width correction (infinite for independent entries): the rows of J share dN directions. All of it is
DERIVED (theory page `meanfield.md` section 4), nothing is the paper's own table.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from jominy.meanfield.extremes import mean_largest_norm, mean_largest_normal, mean_largest_sum, mean_norm
from jominy.meanfield.numbers import Numbers

_ABS = math.sqrt(2 / math.pi)  # E |N(0, 1)|
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_POINTS, _WEIGHTS = (1 + _POINTS) / 2, _WEIGHTS / 2


class Constants(ABC):
    """Which of the three values to take; use Leading(), Chevet() or Sharp()."""

    @abstractmethod
    def value(self, d: np.ndarray, k: np.ndarray, width_dim: np.ndarray, p: float, q: float) -> np.ndarray:
        """beta_{p,q} for arrays of sizes that broadcast."""


@dataclass(frozen=True)
class Leading(Constants):
    """The leading order for d >> K; for p = 1 and q < infinity also K >> ln d. Formulas to think with.

    (1,1) K sqrt(2/(pi d)), (1,2) sqrt(K/d), (1,inf) sqrt(2 ln(2Kd)/d), (2,1) sqrt K, (2,2) 1 + sqrt(K/d), (2,inf) 1,
    (inf,1) sqrt(2Kd/pi), (inf,2) and (inf,inf) sqrt(2d/pi).
    """

    def value(self, d: np.ndarray, k: np.ndarray, width_dim: np.ndarray, p: float, q: float) -> np.ndarray:
        one, two, inf = 1.0, 2.0, math.inf
        if p == 1:
            return {one: k * _ABS / np.sqrt(d), two: np.sqrt(k / d), inf: np.sqrt(2 * np.log(2 * k * d) / d)}[q]
        if p == 2:
            return {one: np.sqrt(k), two: 1 + np.sqrt(k / d + k / width_dim), inf: np.ones_like(k)}[q]
        return _ABS * np.sqrt(d) * (np.sqrt(k) if q == 1 else 1.0)


@dataclass(frozen=True)
class Chevet(Constants):
    """An upper bound at every d and K, never more than twice the value: Chevet's inequality.

    [r_q E||g_d||_{p*} + R_p E||g_K||_q] / sqrt(d), r_q = sqrt K for q = 1 else 1, R_p = sqrt d for p = inf else 1; for
    one output E||g_d||_{p*} / sqrt(d). Finite width: d_eff for d at p = 2; the second term times sqrt(1 + d/dN) at p =
    inf.
    """

    def value(self, d: np.ndarray, k: np.ndarray, width_dim: np.ndarray, p: float, q: float) -> np.ndarray:
        input_term, output_term = chevet_terms(d, k, width_dim, p, q)
        return np.where(k == 1, input_term, input_term + output_term)


@dataclass(frozen=True)
class Sharp(Constants):
    """The value itself: exact for p = 1 and for q = inf, to 1-2 % elsewhere (Tracy-Widom, spin-glass ground states).

    Exact means: of independent entries; the expected maximum of d sums of K half-normals for (1,1), of d chi_K for
    (1,2), of Kd half-normals for (1,inf), of K chi_d for (2,inf), of K sums of d half-normals for (inf,inf). Exact too
    for one output. (2,1) and (inf,1), (inf,2) carry FITTED finite-K factors. Finite width as on the theory page.
    """

    def value(self, d: np.ndarray, k: np.ndarray, width_dim: np.ndarray, p: float, q: float) -> np.ndarray:
        input_term, output_term = chevet_terms(d, k, width_dim, p, q)
        several = np.maximum(k, 2.0)  # the formulas below are for two outputs and more
        found = _sharp(d, several, width_dim, p, q)
        if p != 1 and q != math.inf:  # rigorous on both sides, where d is too small for the asymptotic formulas
            found = np.clip(found, np.maximum(input_term, output_term), input_term + output_term)
        found = np.where(d == 1, output_term, found)
        return np.where(k == 1, input_term, found)


def chevet_terms(
    d: np.ndarray, k: np.ndarray, width_dim: np.ndarray, p: float, q: float
) -> tuple[np.ndarray, np.ndarray]:
    """The two terms of Chevet's bound, each of them a lower bound."""
    inputs = d if p != 2 else 1 / (1 / d + 1 / width_dim)
    spread = np.sqrt(k) if q == 1 else 1.0
    if p == 1:
        first = mean_largest_normal(d) / np.sqrt(d)
    else:
        first = mean_norm(inputs) / np.sqrt(inputs) if p == 2 else _ABS * np.sqrt(d)
    if q == 1:
        second = k * _ABS
    else:
        second = mean_norm(k) if q == 2 else mean_largest_normal(k)
    reach = np.sqrt(1 + d / width_dim) if p == math.inf else 1 / np.sqrt(inputs)
    return spread * first, second * reach


def _sharp(d: np.ndarray, k: np.ndarray, width_dim: np.ndarray, p: float, q: float) -> np.ndarray:
    ground = 0.7632 - 0.70 * k ** (-2 / 3)  # Sherrington-Kirkpatrick ground state at K spins
    if p == 1:
        if q == 1:
            return mean_largest_sum(d, k) / np.sqrt(d)
        return (mean_largest_norm(d, k) if q == 2 else mean_largest_normal(k * d)) / np.sqrt(d)
    if p == 2:
        inputs = 1 / (1 / d + 1 / width_dim)
        if q == 1:
            return np.sqrt(k) * (1 + ground * np.sqrt(k / inputs))
        if q == math.inf:
            return mean_largest_norm(k, inputs) / np.sqrt(inputs)
        a, b = np.sqrt(np.maximum(inputs - 0.5, 0.01)), np.sqrt(k - 0.5)
        scale = (a + b) * (1 / a + 1 / b) ** (1 / 3)
        return np.sqrt(np.maximum((a + b) ** 2 - 1.2065 * scale, 0.0) / inputs)
    if q == 1:
        fluctuation = 1.0793**2 / np.pi * (1 + d / width_dim) + 0.0623
        return _ABS * np.sqrt(k * d) + k * ground / 0.7632 * np.sqrt(fluctuation)
    if q == 2:
        return _ABS * np.sqrt(d) + _spherical_ground_state(d / width_dim) * np.sqrt(k) * (1 - 0.603 * k ** (-2 / 3))
    # The excess over the mean row norm is proportional to a row norm's s.d., which finite width increases.
    mean = _ABS * np.sqrt(d)
    widening = np.sqrt(1 + d / width_dim / (np.pi - 2))
    return mean + (mean_largest_sum(k, d) / np.sqrt(d) - mean) * widening


def _spherical_ground_state(ratio: Numbers) -> np.ndarray:
    """sqrt(2/pi) int_0^1 sqrt((1 - s^2)^(-1/2) + ratio) ds, with s = 1 - w^4, in which the integrand is smooth."""
    ratio = np.asarray(ratio, dtype=float)[..., None]
    return _ABS * (4 * _POINTS**2 * np.sqrt(1 / np.sqrt(2 - _POINTS**4) + ratio * _POINTS**2)) @ _WEIGHTS
