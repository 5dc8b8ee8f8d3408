"""Least squares on one centred class at small rates: where training ends to leading order, and up to which radius the
teacher is learned exactly.

Source: theory `dynamics.md` sections 4.2 and 4.3 (derived there).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.data.laws import EigenLaw
from jominy.dynamics.asymptotics.least_squares import effective_ridge
from jominy.dynamics.least_squares import (
    MEAN_ABS,
    interpolation_threshold,
    is_centred_least_squares,
    is_least_squares_on_one_class,
)
from jominy.dynamics.optima.optimum import mixture_optimum
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.schedules.base import require_rate


@dataclass(frozen=True)
class SmallRateEnd:
    """Where a small constant rate ends, to leading order in the rate.

    Attributes
    ----------
    regime : str, that of the optimum: "shrink", "collapse" or "interpolating"
    adversarial_risk : float
    norm : float, ||X||
    residual_sd : float, sigma
    """

    regime: str
    adversarial_risk: float
    norm: float
    residual_sd: float

    def describe(self) -> dict[str, Any]:
        """The prediction as a JSON-able record."""
        return dict(vars(self))


@double_precision
def interpolation_radius(problem: Problem) -> float:
    """The radius up to which the adversarial optimum of noiseless least squares is the teacher itself.

    eps_int = c ||X*|| / sqrt(X*' K^{-1} X*), c = sqrt(2/pi); 0 with label noise, or where the teacher has a part in
    directions without variance. The radius of the problem does not enter.

    Raises InputError for anything but least squares on one centred class with a teacher.
    Source: theory `dynamics.md` section 4.2 (derived there).

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400)), jm.SquaredLoss(), radius=0.5)
    >>> round(jm.interpolation_radius(problem), 6)
    0.797885
    """
    return interpolation_threshold(_law(problem, is_least_squares_on_one_class))


@double_precision
def small_rate_end(problem: Problem, rate: float) -> SmallRateEnd:
    """Where least squares ends at a small constant rate g, to leading order in g; `stationary` has the full equation.

    With T = tr K / d and c = sqrt(2/pi). shrink: R = R0 (1 + g T/2), norm and residual those of the optimum. collapse:
    rho = g T sigma_0 / (2 c eps (1 - (eps_zero/eps)^2)), sigma = sigma_0 = sqrt(nu^2 + X*'K X*). interpolating:
    sigma = g eps ||X*|| T / (2 c (1 - (eps/eps_int)^2)). Risk (and norm) of the last two follow to first order from
    R = (1 + c kappa) (nu^2 + lam X*'K (K + lam)^{-1} X*) / (2 - g T), lam the effective ridge at that kappa.

    Raises InputError for anything but least squares on one centred class with a teacher, and at the very radius at
    which a regime ends (where the laws are singular).
    Source: theory `dynamics.md` section 4.3 (derived there).

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> problem = jm.Problem(data, jm.SquaredLoss(), radius=2.0)
    >>> round(jm.small_rate_end(problem, 0.001).norm, 8), round(jm.stationary(problem, 0.001).norm, 8)
    (0.00051078, 0.00051045)
    """
    law, radius, rate = _law(problem), problem.final_radius, require_rate(rate)
    found = mixture_optimum(problem)
    trace = float(law.eigenvalues[0] @ law.shares)
    assert law.teacher is not None
    mass = law.teacher**2
    if found.regime == "collapse":
        outside = 1 - (found.collapse_radius / radius) ** 2
        if outside < 1e-12:
            raise InputError("The law needs a radius beyond the collapse radius, not at it", radius, "Raise the radius")
        sigma = float(np.sqrt(law.noise_variance + law.eigenvalues[0] @ mass))
        norm = rate * trace * sigma / (2 * MEAN_ABS * radius * outside)
        # The mean (K + lam)^{-1} K X* is about K X*/lam, which lowers sigma^2 by 2 X*'K^2 X*/lam.
        ridge = effective_ridge(radius * norm / sigma, radius)
        variance = sigma**2 - 2 * float(law.eigenvalues[0] ** 2 @ mass) / ridge
        risk = (variance + 2 * MEAN_ABS * radius * norm * sigma) / 2
        return SmallRateEnd("collapse", risk, norm, sigma)
    if found.regime == "interpolating":
        norm = float(np.sqrt(mass.sum()))
        inside = 1 - (radius / interpolation_threshold(law)) ** 2
        if inside < 1e-12:
            raise InputError("The law needs a radius below the interpolation radius, not at it", radius, "Lower it")
        if radius == 0:
            return SmallRateEnd("interpolating", 0.0, norm, 0.0)
        sigma = rate * radius * norm * trace / (2 * MEAN_ABS * inside)
        inverse = (MEAN_ABS * norm / interpolation_threshold(law)) ** 2  # X*'K^{-1}X*
        ridge = radius * sigma / (MEAN_ABS * norm)
        pull = radius**2 + MEAN_ABS * radius * sigma / norm
        risk = pull * (norm**2 - ridge * inverse) * (1 + rate * trace / 2) / 2
        norm = float(np.sqrt(2 * risk - 2 * MEAN_ABS * radius * norm * sigma)) / radius
        return SmallRateEnd("interpolating", risk, norm, sigma)
    best = 2 * found.adversarial_risk
    # R0 = (sigma^2 + 2 c eps rho sigma + eps^2 rho^2)/2 solved for sigma.
    shift = radius * found.norm
    sigma = float(np.sqrt(best - (1 - MEAN_ABS**2) * shift**2) - MEAN_ABS * shift)
    return SmallRateEnd("shrink", found.adversarial_risk * (1 + rate * trace / 2), found.norm, sigma)


def _law(problem: Problem, covered: Callable[[Problem], bool] = is_centred_least_squares) -> EigenLaw:
    if not covered(problem) or problem.law.teacher is None:
        attacks = ", under l2 attacks" if covered is is_centred_least_squares else ""
        raise InputError(
            f"This law is for least squares on one centred class with a teacher{attacks}",
            f"{type(problem.loss).__name__}, {type(problem.attack).__name__}",
            "Use LinearTeacher and SquaredLoss(), or stationary(problem, rate), which takes every loss",
        )
    return problem.law  # type: ignore[return-value]
