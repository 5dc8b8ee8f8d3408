"""Which constant learning rates keep the risk of a mixture bounded.

Source: theory `dynamics.md` section 4.3 (stability; derived there from the Euler identity of a loss that is quadratic
far out, independent of the radius).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.problem import Problem
from jominy.losses import Loss
from jominy.numerics.arrays import Array
from jominy.numerics.precision import double_precision

FAR = np.array([100.0, 200.0, 400.0])
"""Scores at which a loss shows how it grows."""


@dataclass(frozen=True)
class RateLimits:
    """What is known about large constant rates.

    Attributes
    ----------
    critical : float, every rate below it is stable; infinity for a loss of bounded slope; 0 where nothing is known
    divergent : float, every rate above it diverges; equal to `critical` for one class, infinity if none is known
    mean_square : float, the largest E ||x||^2 / d of a class (without its mean): rates scale like its inverse
    reason : where `critical` comes from, in words
    """

    critical: float
    divergent: float
    mean_square: float
    reason: str

    def describe(self) -> dict[str, Any]:
        """The limits as a JSON-able record."""
        return dict(vars(self))

    def sentence(self) -> str:
        """The limits in one sentence."""
        if np.isinf(self.critical):
            return f"No constant rate diverges: {self.reason}."
        if self.critical == 0:
            return f"The largest stable rate is not known: {self.reason}."
        if self.divergent == self.critical:
            return f"Rates below {self.critical:.4g} are stable, rates above it diverge: {self.reason}."
        above = f", those above {self.divergent:.4g} diverge" if np.isfinite(self.divergent) else ""
        return f"Rates below {self.critical:.4g} are stable{above}: {self.reason}."


def limits_of(loss: Loss, mean_square: float, at_curvature: Callable[[float], RateLimits]) -> RateLimits:
    """What the loss far out says alone; else `at_curvature` of its curvature there."""
    curvature = far_curvature(loss)
    if curvature == 0:
        return RateLimits(np.inf, np.inf, mean_square, "the loss has a bounded slope")
    if curvature is None:
        return RateLimits(0.0, np.inf, mean_square, "the slope of the loss grows faster than linearly")
    return at_curvature(curvature)


def mixture_rate_limits(problem: Problem) -> RateLimits:
    """Largest stable rate and smallest divergent one of a mixture, with the reason."""
    sizes = problem.law.mean_variances

    def at_curvature(curvature: float) -> RateLimits:
        with np.errstate(divide="ignore", over="ignore"):  # what does not vary is stable at any rate
            safe, lost = 2 / (curvature * sizes.max()), 2 / (curvature * sizes.min())
        reason = "2 d / tr K, at any radius" if safe == lost else "2 d / tr K of the widest and of the narrowest class"
        return RateLimits(float(safe), float(lost), float(sizes.max()), reason)

    return limits_of(problem.loss, float(sizes.max()), at_curvature)


def thresholds(problem: Problem) -> tuple[float, float]:
    """Least squares on a mixture: the rate below which every radius is stable, and the one above which none is."""
    variances = problem.law.mean_variances
    with np.errstate(divide="ignore", over="ignore"):
        return 2 / variances.max(), 2 / variances.min()


@lru_cache(maxsize=64)
def divergent_rate(problem: Problem) -> float:
    """The rate above which the risk of a mixture grows without bound at any radius; infinite where none is known."""
    if problem.loss.least_squares:  # whose curvature need not be found out
        return float(thresholds(problem)[1])
    return mixture_rate_limits(problem).divergent


@jax.jit
def _slopes_at(loss: Loss, scores: Array) -> Array:
    def slope(score: Array) -> Array:
        zero = jnp.zeros(())
        return loss.adversarial_slopes(score, zero, jnp.ones(()))[0]

    return jnp.vectorize(slope)(scores)


@double_precision
def far_curvature(loss: Loss) -> float | None:
    """Curvature of the loss at large scores: 0 if its slope is bounded, None if it does not settle.

    >>> from jominy.losses import LogisticLoss, SquaredLoss
    >>> far_curvature(SquaredLoss()), far_curvature(LogisticLoss())
    (1.0, 0.0)
    """
    if loss.bounded_slope:
        return 0.0
    found = []
    for slopes in np.abs(np.asarray(_slopes_at(loss, np.stack([FAR, -FAR])))):
        near, beyond = np.diff(slopes) / np.diff(FAR)
        if not np.isfinite(beyond) or abs(beyond - near) > 1e-2 * max(abs(near), 1e-2):
            return None
        found.append(0.0 if beyond < 1e-3 else float(beyond))
    return round(max(found), 3)
