"""Where training at a constant rate ends.

Source: theory `dynamics.md` sections 4.2 and 4.3.
"""

from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from jominy.data import Samples
from jominy.data.laws import EigenLaw
from jominy.dynamics.coordinates.rest import coordinate_rest
from jominy.dynamics.ends.least_squares import least_squares_rest
from jominy.dynamics.ends.mixture import Rest, rest_near
from jominy.dynamics.laws.geometry import minimiser, padded
from jominy.dynamics.laws.representations import Representation, representations
from jominy.dynamics.laws.risk import RiskSpec, largest_logit
from jominy.dynamics.laws.stability import mixture_rate_limits
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.least_squares import is_centred_least_squares
from jominy.dynamics.optima.optimum import population_optimum
from jominy.dynamics.population.lanes import Plan
from jominy.dynamics.population.solve import solve
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision
from jominy.results import Status
from jominy.schedules import Constant
from jominy.schedules.base import require_rate

HORIZONS = (30.0, 300.0, 3000.0)
"""Times, in units of 1 / rate, after which the end is sought near the forecast's state."""
CONVERGED = 1e-9
"""Relative mismatch of the scalars up to which a state counts as at rest."""


@dataclass(frozen=True)
class Stationary:
    """The state in which training at a constant rate ends.

    Attributes
    ----------
    adversarial_risk : float
    norm : float, ||X||
    distance_to_optimum : float, ||X - X0||, X0 the adversarial optimum; infinite where that is
    residual_variance : float or None, sigma^2 = E (y - <X, x>)^2 for one class and a residual loss
    ridge : float, for least squares on one centred class the limiting effective ridge, with which the mean of X is the
        ridge solution; otherwise E Psi_rho / ||X||, what the attack adds to the Hessian. Under l_inf Gamma = E Psi_rho,
        by which it pulls every weight sqrt(d) X_j of budget one towards zero
    rate, critical_rate : float, the rate, and the one from which on the risk may grow without bound
    status, advice : str, "completed", "diverged" (then all values are infinite) or "step limit reached" (no state at
        rest was found within the longest forecast; the values are those of its end), and what it means
    """

    adversarial_risk: float
    norm: float
    distance_to_optimum: float
    residual_variance: float | None
    ridge: float
    rate: float
    critical_rate: float
    status: str = Status.COMPLETED.label
    advice: str = "The state is a fixed point of the equations."

    def describe(self) -> dict[str, Any]:
        """The state as a JSON-able record."""
        return dict(vars(self))


@double_precision
def stationary(problem: Problem, rate: float) -> Stationary:
    """Where training ends under a constant learning rate g: the fixed point of the deterministic equivalent.

    Least squares on one centred class: one scalar equation in kappa = eps ||X|| / sigma,
    kappa^2 b0 = eps^2 [a0 (1 - g q b1) + g q b0 a1] (sums on the theory page). Every other loss and mixture: the mean
    of X minimises the quadratic model of E Psi_r, E Psi_rr, E Psi_{r r*} (one each per class) and the ridge
    E Psi_rho / ||X||, the variance is (g/2) sum_i p_i E_i[Psi_r^2] lambda_i / (d alpha), and the scalars are those of
    that state; Newton's method starts where a forecast has arrived. Covariances may or may not commute. Under l_inf
    the law of each weight at rest is piecewise normal, in a self-consistent field of a few scalars.

    Parameters
    ----------
    problem : Problem on a Gaussian mixture
    rate : float > 0

    Returns
    -------
    Stationary
        Where training diverges, or comes to no rest, the status says so.

    Raises
    ------
    InputError
        Samples, or a rate that is not > 0.

    Notes
    -----
    Source: theory `dynamics.md` section 4.3 (derived there for least squares; for the others from 0.2 and 1.2).
    Beyond the collapse radius the end is small but not zero: ||X|| is proportional to the rate.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> end = jm.stationary(jm.Problem(data, jm.SquaredLoss(), radius=0.5), rate=0.5)
    >>> round(end.adversarial_risk, 8), round(end.ridge, 8)
    (0.52521416, 0.40045187)
    """
    if isinstance(problem.data, Samples):
        raise InputError(
            "The stationary state is for Gaussian mixtures", "Samples", "Use forecast over a long time: it has held_out"
        )
    rate = require_rate(rate)
    if rate == 0:
        raise InputError("A stationary state needs a rate > 0", rate, "Without steps training stays where it starts")
    critical = mixture_rate_limits(problem).critical
    if is_centred_least_squares(problem) and problem.law.teacher is not None:
        return _least_squares(problem, rate, critical)
    if not problem.attack.quadratic:
        return _of_coordinates(problem, rate, critical)
    law = problem.law
    representation = representations(law, None, True).unchecked
    found = population_optimum(problem, representation)
    for horizon in HORIZONS:
        times = np.array([0.5, 1.0]) * horizon / rate
        point = Point(problem, Constant(rate), None, representation)
        solution = solve([point], Plan(times, np.zeros(0), 1e-9))[0].only()
        if not solution.reached:  # not a single step: what can be told is the start
            solution = solve([point], Plan(np.zeros(1), np.zeros(0), 1e-9))[0].only()
        if np.any(solution.lost):
            return _diverged(rate, critical)
        order = jax.tree.map(lambda leaf: leaf[-1], solution.observation.order)
        setting = solution.setting._replace(rule=gaussian_rule(1.1 * largest_logit(solution.setting, order)))
        rest, mismatch = _rest(problem, setting, rate, order)
        near = np.abs(float(rest.order.norm) - float(order.norm)) <= 0.5 * float(order.norm)
        if mismatch < CONVERGED and near:
            return _described(problem, rest, rate, critical, found.regime == "separable")
    return Stationary(
        float(solution.variables["adversarial_risk"][1][-1]),
        float(order.norm),
        float(solution.variables.get("distance_to_optimum", ((), [np.inf]))[1][-1]),
        _residual_variance(problem, order),
        float(rest.ridge),
        rate,
        critical,
        Status.STEP_LIMIT.label,
        f"No state at rest was found after time {HORIZONS[-1] / rate:.3g}: training is still moving there, or its end "
        "is singular. The values are those of that time.",
    )


def _of_coordinates(problem: Problem, rate: float, critical: float) -> Stationary:
    """Under an attack on single features."""
    if 0 < critical <= rate:
        return _diverged(rate, critical)
    rest = coordinate_rest(problem, rate)
    told = Stationary(
        rest.risk,
        float(rest.order.norm),
        float(np.sqrt(max(rest.distance_squared, 0.0))),
        _residual_variance(problem, rest.order),
        rest.pull,
        rate,
        critical,
    )
    if rest.mismatch < CONVERGED:
        return told
    advice = "No state at rest was found: the values are those of the last step of the search for it. Use `forecast`."
    return replace(told, status=Status.STEP_LIMIT.label, advice=advice)


def _least_squares(problem: Problem, rate: float, critical: float) -> Stationary:
    law = problem.law
    assert isinstance(law, EigenLaw) and law.teacher is not None
    end = least_squares_rest(law, problem.final_radius, rate) if rate < critical else None
    if end is None:
        return _diverged(rate, critical)
    found = population_optimum(problem, representations(law)[-1])
    scalars = found.solved.scalars
    ridge = np.inf if found.regime == "collapse" else float(scalars.ridge / scalars.curvature[0])
    k = law.eigenvalues[0]
    seen = k > 0

    def solution(penalty: float) -> np.ndarray:
        return np.where(seen, k / np.where(seen, k + penalty, 1.0), 0.0) * law.teacher

    spread = end.kick * end.residual_variance * (law.shares @ np.where(seen, k / np.where(seen, k + end.ridge, 1), 0))
    distance = np.sqrt(np.sum((solution(end.ridge) - solution(ridge)) ** 2) + spread)
    return Stationary(end.risk, end.norm, float(distance), end.residual_variance, end.ridge, rate, critical)


def _rest(problem: Problem, setting: RiskSpec, rate: float, order: Any) -> tuple[Rest, float]:
    """The state at rest on the uncompressed law."""
    exact: Representation = representations(problem.law)[-1]
    geometry = padded(exact.geometry)
    target = minimiser(geometry, population_optimum(problem, exact).solved.scalars)
    return rest_near(geometry, setting, rate, target, order)


def _described(problem: Problem, rest: Rest, rate: float, critical: float, separable: bool) -> Stationary:
    return Stationary(
        float(rest.risk),
        float(rest.order.norm),
        np.inf if separable else float(np.sqrt(max(rest.distance_squared, 0.0))),
        _residual_variance(problem, rest.order),
        float(rest.ridge),
        rate,
        critical,
    )


def _residual_variance(problem: Problem, order: Any) -> float | None:
    one_class = order.residual_variance.shape[-1] == 1 and not problem.loss.needs_classes
    return float(order.residual_variance[..., 0]) if one_class else None


def _diverged(rate: float, critical: float) -> Stationary:
    limit = f"Use a rate below {critical:.6g}." if 0 < critical <= rate else "Use a lower rate."
    return Stationary(
        np.inf,
        np.inf,
        np.inf,
        None,
        0.0,
        rate,
        critical,
        Status.DIVERGED.label,
        f"At this rate the risk grows without bound: there is no end. {limit}",
    )
