"""Many forecasts, each on the cheapest representation that is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jominy.dynamics.labelled import accuracy_of, optimum_attributes, scenario_of
from jominy.dynamics.laws.representations import Representations, representations
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.optima.optimum import population_optimum
from jominy.dynamics.population.forecast import good_enough
from jominy.dynamics.population.outcome import outcome_of
from jominy.dynamics.population.plan import RTOL, Plan
from jominy.dynamics.population.solve import ForecastBatch, solve
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import past_divergence
from jominy.numerics.collection import without_collection
from jominy.numerics.precision import double_precision
from jominy.results.schema import attributes
from jominy.results.soundness import judged
from jominy.schedules import Schedule

Variables = dict[str, tuple[tuple[str, ...], np.ndarray]]


class Found(NamedTuple):
    """Where the forecast of a point is to be found."""

    point: Point
    solved: ForecastBatch
    row: int


class Plain(NamedTuple):
    """A forecast's result without xarray, which would cost more than the forecast."""

    variables: Variables
    coords: Variables
    attrs: dict[str, Any]


@double_precision
@without_collection()
def plain_forecasts(
    points: Sequence[tuple[Problem, Schedule, Any]],
    *,
    dimension: float,
    time: float | None = None,
    times: Sequence[float] | None = None,
    evaluate_at: Sequence[float] = (),
    rtol: float = RTOL,
    batch_size: int = 1,
) -> list[Plain]:
    """What `forecast` gives for each point (problem, schedule, start) of one dimension, solved together."""
    plan = Plan.of(dimension, time, times, evaluate_at, rtol, batch_size)
    told = []
    for found in solve_points(list(points), plan, True, progress=False):
        point = found.point
        solved = found.solved.rows([found.row])
        outcome, solution = outcome_of(point, solved, plan), solved.only()
        optimum = solution.tasks[0].optimum.record(point.problem.final_radius)
        more = {} if plan.batch_size == 1 else {"batch_size": plan.batch_size}
        variables, error = past_divergence(solution.variables, solution.lost), float(solution.numerical_error)
        accuracy = accuracy_of(point.problem) + error
        end = judged(variables, *outcome, optimum_risk=optimum.adversarial_risk, accuracy=accuracy)
        attrs = attributes(
            engine="forecast",
            scenario=scenario_of(point.problem, point.schedule, point.start),
            status=end.status,
            advice=end.advice,
            numerical_error=error,
            notes=end.notes,
            extra={"method": point.representation.description, **optimum_attributes(optimum), **more},
        )
        coords: Variables = {"time": (("time",), plan.times[: len(solution.lost)])}
        if plan.evaluate_at.size:
            coords["evaluation_radius"] = (("evaluation_radius",), plan.evaluate_at)
        told.append(Plain(variables, coords, attrs))
    return told


def solve_points(points: list, plan: Plan, compress: bool | int, progress: bool) -> list[Found]:
    """Each point on the cheapest representation that is good enough."""
    from tqdm import tqdm

    for problem in {id(problem): problem for problem, _, _ in points}.values():
        problem.radius_schedule.check(plan.times)
    for schedule in {id(schedule): schedule for _, schedule, _ in points}.values():
        schedule.check(plan.times)
    left, found, level = list(range(len(points))), {}, 0
    before = np.full(len(points), np.inf)
    known: dict[tuple[int, Any], Representations] = {}
    with tqdm(total=len(points), delay=2, unit="point", desc="forecasts", disable=not progress) as bar:
        while left:
            asked, last = [], []
            for k in left:
                problem, schedule, start = points[k]
                here = id(problem.data), start if isinstance(start, float | None) else id(start)
                if (choices := known.get(here)) is None:
                    choices = known[here] = representations(problem.law, start, compress)
                asked.append(Point(problem, schedule, start, choices[min(level, len(choices) - 1)]))
                last.append(level + 1 >= len(choices))
                if schedule.adaptive:
                    optimum = population_optimum(problem, asked[-1].representation)
                    optimum.record(problem.final_radius).require_for(schedule)
            for one in solve(asked, plan, bar.update):
                for row, task in enumerate(one.tasks):
                    k, error = left[task.place], float(one.numerical_error[row])
                    if last[task.place] or good_enough(error, before[k], plan.rtol):
                        found[k] = Found(asked[task.place], one, row)
                    before[k] = error
            bar.n = len(found)
            left, level = [k for k in left if k not in found], level + 1
    return [found[k] for k in range(len(points))]
