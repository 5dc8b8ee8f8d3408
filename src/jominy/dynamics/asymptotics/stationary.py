"""Where training at a constant rate ends.

Source: theory `dynamics.md` sections 4.2 and 4.3.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jominy.dynamics.asymptotics.least_squares import least_squares_rest
from jominy.dynamics.asymptotics.mixture import FixedPoint, rest_near
from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.coordinates.rest import coordinate_rest
from jominy.dynamics.laws.geometry import minimiser, padded
from jominy.dynamics.laws.representations import Representation, representations
from jominy.dynamics.laws.risk import RiskSpec, largest_logit
from jominy.dynamics.laws.stability import mixture_rate_limits
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.least_squares import is_centred_least_squares
from jominy.dynamics.optima.optimum import population_optimum
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.population.solve import solve
from jominy.dynamics.problem import Problem
from jominy.dynamics.students import whole_ridge
from jominy.numerics.gaussian import gaussian_rule
from jominy.results import Status
from jominy.schedules import Constant

HORIZONS = (30.0, 300.0, 3000.0)
"""Times, in units of 1 / rate, after which the end is sought near the forecast's state."""
CONVERGED = 1e-9
"""Relative mismatch of the scalars up to which a state counts as at rest."""


def mixture_end(problem: Problem, rate: float) -> Stationary:
    """The end of training on a mixture; see `jominy.stationary`."""
    critical = mixture_rate_limits(problem).critical
    if is_centred_least_squares(problem) and problem.law.teacher is not None:
        return _least_squares(problem, rate, critical)
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
        setting = solution.spec._replace(rule=gaussian_rule(1.1 * largest_logit(solution.spec, order)))
        rest, mismatch = _rest(problem, setting, rate, order)
        near = np.abs(float(rest.order.norm) - float(order.norm)) <= 0.5 * float(order.norm)
        if mismatch < CONVERGED and near:
            return _described(problem, rest, rate, critical, found.regime == "separable")
    return Stationary(
        float(solution.variables["adversarial_risk"][1][-1]),
        float(order.norm),
        float(solution.variables.get("distance_to_optimum", ((), [np.inf]))[1][-1]),
        _residual_variance(problem, order),
        whole_ridge(rest.ridges),
        rate,
        critical,
        Status.STEP_LIMIT.label,
        f"No state at rest was found after time {HORIZONS[-1] / rate:.3g}: training is still moving there, or its end "
        "is singular. The values are those of that time.",
    )


def coordinate_end(problem: Problem, rate: float) -> Stationary:
    """The end of training under an attack on single features."""
    critical = mixture_rate_limits(problem).critical
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
    law = problem.law.in_eigenbasis
    assert law.teacher is not None
    end = least_squares_rest(law, problem.final_radius, rate) if rate < critical else None
    if end is None:
        return _diverged(rate, critical)
    found = population_optimum(problem, representations(law)[-1])
    scalars = found.solved.scalars
    ridge = np.inf if found.regime == "collapse" else float(scalars.ridges[0] / scalars.curvature[0])
    k = law.eigenvalues[0]
    seen = k > 0

    def solution(penalty: float) -> np.ndarray:
        return np.where(seen, k / np.where(seen, k + penalty, 1.0), 0.0) * law.teacher

    spread = (
        end.noise_strength
        * end.residual_variance
        * (law.shares @ np.where(seen, k / np.where(seen, k + end.ridge, 1), 0))
    )
    distance = np.sqrt(np.sum((solution(end.ridge) - solution(ridge)) ** 2) + spread)
    return Stationary(end.risk, end.norm, float(distance), end.residual_variance, end.ridge, rate, critical)


def _rest(problem: Problem, setting: RiskSpec, rate: float, order: Any) -> tuple[FixedPoint, float]:
    """The state at rest on the uncompressed law."""
    exact: Representation = representations(problem.law)[-1]
    geometry = padded(exact.geometry)
    scalars = population_optimum(problem, exact).solved.scalars
    return rest_near(geometry, setting, rate, minimiser(geometry, scalars), order, scalars.flat)


def _described(problem: Problem, rest: FixedPoint, rate: float, critical: float, separable: bool) -> Stationary:
    return Stationary(
        float(rest.risk),
        float(rest.order.norm),
        np.inf if separable else float(np.sqrt(max(rest.distance_squared, 0.0))),
        _residual_variance(problem, rest.order),
        whole_ridge(rest.ridges),
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
