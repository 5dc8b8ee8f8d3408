"""Forecasts for Gaussian mixtures: solve, error estimate, status."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jominy.dynamics.fluctuations import Bands, Curve, PathLaw, path_law, population_bands
from jominy.dynamics.labelled import Method, Training, labelled
from jominy.dynamics.laws.representations import representations
from jominy.dynamics.laws.spectral import SpectralFlow
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.optima.optimum import population_optimum
from jominy.dynamics.other_attacks import OtherAttack
from jominy.dynamics.population.errors import band_difference
from jominy.dynamics.population.outcome import outcome_of
from jominy.dynamics.population.plan import COARSER, Plan
from jominy.dynamics.population.solve import ForecastBatch, begin_solve, solve
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, past_divergence
from jominy.schedules import Schedule

ACCEPTED = 2e-7
"""Relative error estimate of all variables below which a compressed forecast is accepted."""
BANDS_ACCEPTED = 1e-6
"""The same for their bands."""
MOST_NUMBERS = 500
"""A finer representation with a larger state (nodes times fixed vectors) is not tried for the sake of bands, which cost
the square of it; the error is told."""
STEADY = 1e-5
"""Below this one, an estimate that twice as many nodes did not halve is the integrator's."""
PACE, LEAST_STEPS, MOST_STEPS = 10, 2000, 20_000
"""The fluctuations decay twice as fast as the mean curve's distances, so they take a few steps to one of its own. Where
they need more than this they blow up, as at a collapse, and no spread is to be told there. The largest number is half a
minute's."""


def good_enough(error: float, before: float, rtol: float) -> bool:
    """Whether to accept a forecast of estimated relative `error`, when half the nodes left the error `before`.

    >>> good_enough(1e-8, np.inf, 1e-9), good_enough(2e-7, np.inf, 1e-9), good_enough(2e-7, 2e-7, 1e-9)
    (True, False, True)
    """
    return error < max(ACCEPTED, COARSER * rtol) or before / 2 < error < STEADY


def resolved(
    problem: Problem, schedule: Schedule, plan: Plan, start: Any, compress: bool | int
) -> tuple[Point, ForecastBatch]:
    """The forecast of one point on the cheapest representation that is good enough."""
    before = np.inf
    for representation in representations(problem.law, start, compress):
        point = Point(problem, schedule, start, representation)
        begun = begin_solve(point, plan)
        found = population_optimum(problem, representation)
        found.record(problem.final_radius).require_for(schedule)
        (solved,) = solve([point], plan, begun=begun())
        if good_enough(error := float(solved.numerical_error[0]), before, plan.rtol):
            break
        before = error
    return point, solved


def population_forecast(
    problem: Problem,
    schedule: Schedule,
    plan: Plan,
    start: Any,
    compress: bool | int,
    band_dimension: float | None = None,
    others: Sequence[OtherAttack] = (),
    under: Variables | None = None,
):
    """The forecast of a Gaussian mixture as a labelled result; see `forecast`. `band_dimension` asks for bands.

    `under` is what is read out under other attacks.
    """
    point, solved = resolved(problem, schedule, plan, start, compress)
    bands = None
    if band_dimension is not None:
        point, solved, bands = _resolved_for_bands(point, solved, plan, compress, band_dimension)
    representation, times = point.representation, plan.times
    found = population_optimum(problem, representation)
    outcome = outcome_of(point, solved, plan)
    if not solved.reached[0]:  # not a single step: the start is what can be told
        times = np.zeros(1)
        (solved,) = solve([point], plan._replace(times=times))
    solution = solved.only()
    variables = past_divergence(solution.variables | (under or {}), solution.lost)
    more: dict[str, Any] = {} if plan.batch_size == 1 else {"batch_size": plan.batch_size}
    if band_dimension is not None:
        bands = bands or _bands(point, plan, solution, band_dimension)
        variables, more = variables | bands.variables, bands.attributes
        outcome = outcome._replace(notes=[*outcome.notes, *bands.notes])
    return labelled(
        Method("forecast", representation.description, float(solution.numerical_error)),
        Training(problem, schedule, start, plan.evaluate_at, others),
        variables,
        times[: len(solution.lost)],
        found.record(problem.final_radius),
        outcome,
        more=more,
    )


def _resolved_for_bands(
    point: Point, solved: ForecastBatch, plan: Plan, compress: bool | int, dimension: float
) -> tuple[Point, ForecastBatch, Bands | None]:
    """The forecast on the cheapest representation, from its own on, whose bands are good enough, their error counted.

    The error is the difference to the bands on as many other nodes, at a coarser tolerance. On groups from the
    beginning, and of what diverges, there is no estimate, and no bands are made here.
    """
    choices = iter(representations(point.problem.law, point.start, compress))
    while next(choices) is not point.representation:
        pass
    before, twin_plan = np.inf, plan._replace(rtol=COARSER * plan.rtol)
    while (point.representation.projections or before < np.inf) and solved.reached[0] and not np.any(solved.lost):
        twin = point._replace(representation=point.representation.mirrored)
        (other,) = solve([twin], twin_plan)
        if np.any(other.lost) or other.reached[0] != solved.reached[0]:
            break
        pairs = ((point, plan, solved), (twin, twin_plan, other))
        bands, others = (_bands(one, its, found.only(), dimension) for one, its, found in pairs)
        error = band_difference(bands.variables, others.variables)
        finer = next(choices, None)
        size = 0 if finer is None or finer.fixed is None else (1 + len(finer.fixed.vectors)) * finer.size
        if error < BANDS_ACCEPTED or before / 2 < error < STEADY or not 0 < size <= MOST_NUMBERS:
            return point, replace(solved, numerical_error=np.maximum(solved.numerical_error, error)), bands
        assert finer is not None
        point, before = point._replace(representation=finer), error
        (solved,) = solve([point], plan)
    return point, solved, None


def _bands(point: Point, plan: Plan, solution: ForecastBatch, dimension: float) -> Bands:
    curve, most_steps = _curve(plan, solution)
    return population_bands(point, curve, plan.evaluate_at, dimension, plan.rtol, most_steps)


def _curve(plan: Plan, solution: ForecastBatch) -> tuple[Curve, int]:
    """A solved forecast as its bands need it, and the steps that they may take."""
    flow, times = solution.tasks[0].system, plan.times[: len(solution.lost)]
    assert isinstance(flow, SpectralFlow)
    spec = solution.spec._replace(loss=solution.spec.loss.measured)
    curve = Curve(flow, spec, times, solution.observation, ~solution.lost)
    return curve, min(PACE * int(solution.steps) + LEAST_STEPS, MOST_STEPS)


def population_path_law(training: Training, plan: Plan, compress: bool | int, dimension: float) -> PathLaw | None:
    """The law of single runs at the times of a plan; None where real runs alone tell."""
    point, solved = resolved(training.problem, training.schedule, plan, training.start, compress)
    if int(solved.reached[0]) < len(plan.times):
        return None
    curve, most_steps = _curve(plan, solved.only())
    return path_law(point, curve, dimension, most_steps)
