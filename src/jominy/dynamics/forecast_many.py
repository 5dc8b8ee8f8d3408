"""Many forecasts at once, as lanes of one compiled program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.data import GaussianMixture
from jominy.dynamics.batches import batch_count, in_finite_steps
from jominy.dynamics.ending import status_of
from jominy.dynamics.lanes import COARSER, Plan, Point, Solved, solve
from jominy.dynamics.optimum import population_optimum
from jominy.dynamics.population_forecast import ACCEPTED
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii, past_divergence
from jominy.dynamics.representations import representations
from jominy.dynamics.start import describe_start
from jominy.dynamics.times import report_times, whole_steps
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.results import Status, make_result
from jominy.schedules import Schedule

if TYPE_CHECKING:
    import xarray as xr


@double_precision
def forecast_many(
    problems: Problem | Sequence[Problem],
    schedules: Schedule | Sequence[Schedule],
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    starts: Any = None,
    evaluate_at: Sequence[float] = (),
    compress: bool | int = True,
    rtol: float = 1e-9,
    batch_size: int = 1,
    progress: bool = True,
) -> xr.Dataset:
    """Forecasts of many problems or schedules at once: the same numbers as `forecast`, a hundred times faster each.

    Points whose problems have one structure (the same loss, kind of schedule, numbers of classes and of nodes) are
    solved as lanes of one compiled program, on all cores.

    Parameters
    ----------
    problems, schedules : P problems on Gaussian mixtures and P schedules; a single one serves all points
    time, times, evaluate_at, compress, rtol, batch_size : as in `forecast`, for all points
    starts : a list of P starts, or one for all
    progress : show a bar where it takes longer than two seconds

    Returns
    -------
    xarray.Dataset
        The variables of `forecast` over `point` and `time`, and for each point status, numerical_error (estimated for
        every eighth point on one landscape: each carries the largest among those solved together), optimum_risk,
        optimum_norm and collapse_radius. Sizes of diverged points are infinite; what a point does not have is NaN.

    Raises
    ------
    InputError
        As `forecast`; samples, bands and held-out arrays are for `forecast`, one at a time.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> problem = jm.Problem(data, jm.SquaredLoss(), radius=0.5)
    >>> curves = jm.forecast_many(problem, [jm.Constant(rate) for rate in (0.25, 0.5, 3.0)], time=10)
    >>> curves.adversarial_risk[:2, -1].values.round(4).tolist(), curves.status.values.tolist()
    ([0.4515, 0.5252], ['completed', 'completed', 'diverged'])
    """
    points = _points(problems, schedules, starts)
    radii = evaluation_radii(evaluate_at)
    dimension = points[0][0].data.dimension
    size = batch_count(batch_size, dimension)
    grid = report_times(time, times, dimension / size)
    if in_finite_steps(size, dimension, grid[-1]):
        grid = whole_steps(grid, dimension / size)
    for problem, schedule in {(id(p), id(s)): (p, s) for p, s, _ in points}.values():
        schedule.check(grid)
        problem.radius_schedule.check(grid)
    plan = Plan(grid, radii, rtol, size)
    solved = _solve(points, plan, compress, progress)
    return _labelled(points, plan, solved)


def _points(problems: Any, schedules: Any, starts: Any) -> list[tuple[Problem, Schedule, Any]]:
    """Each point's problem, schedule and start."""
    several = [thing for thing in (problems, schedules, starts) if isinstance(thing, list | tuple)]
    counts = {len(thing) for thing in several} or {1}
    if len(counts) > 1 or 0 in counts:
        raise InputError(
            "Problems, schedules and starts must be lists of one length, or one thing for all points",
            f"lengths {sorted(counts)}",
            "For all combinations use sweep(...), or itertools.product",
        )
    (count,) = counts
    columns = [thing if isinstance(thing, list | tuple) else [thing] * count for thing in (problems, schedules, starts)]
    for kind, column, advice in (
        (Problem, columns[0], "Problem(data, loss, radius)"),
        (Schedule, columns[1], "Constant(0.5)"),
    ):
        for one in column:
            if not isinstance(one, kind):
                raise InputError(f"Every point needs a {kind.__name__.lower()} object", one, f"Such as {advice}")
    for problem in columns[0]:
        if not isinstance(problem.data, GaussianMixture):
            raise InputError(
                "Many forecasts at once are for Gaussian mixtures",
                type(problem.data).__name__,
                "Use forecast(...) for each problem on samples",
            )
    dimensions = {problem.data.dimension for problem in columns[0]}
    if len(dimensions) > 1:
        raise InputError(
            "Points that are forecast together must have one dimension",
            sorted(dimensions),
            "Call forecast_many once for each",
        )
    return list(zip(*columns, strict=True))


def _solve(points, plan: Plan, compress: bool | int, progress: bool) -> dict[int, tuple[Solved, int]]:
    """Where to find each point: on the cheapest representation that is good enough."""
    from tqdm import tqdm

    left, found, level = list(range(len(points))), {}, 0
    with tqdm(total=len(points), delay=2, unit="point", desc="forecasts", disable=not progress) as bar:
        while left:
            choices = {k: representations(points[k][0].data.law, points[k][2], compress) for k in left}
            tasks = []
            for k in left:
                problem, schedule, start = points[k]
                tasks.append(Point(problem, schedule, start, choices[k][min(level, len(choices[k]) - 1)]))
            for (problem, schedule, _), task in zip((points[k] for k in left), tasks, strict=True):
                if schedule.adaptive:
                    population_optimum(problem, task.representation).record(problem.final_radius).require_for(schedule)
            refused = []
            for one in solve(tasks, plan):
                for row, lane in enumerate(one.lanes):
                    place = left[lane.place]
                    good = one.numerical_error[row] < max(ACCEPTED, COARSER * plan.rtol)
                    if good or level + 1 >= len(choices[place]):
                        found[place] = one, row
                    else:
                        refused.append(place)
                bar.update(len(one.lanes))
            bar.n = len(found)
            left, level = sorted(refused), level + 1
    return found


def _labelled(points, plan: Plan, found: dict[int, tuple[Solved, int]]) -> xr.Dataset:
    """All points as one labelled result."""
    count = len(points)
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    status = np.empty(count, dtype=object)
    numbers = {name: np.empty(count) for name in ("numerical_error", "optimum_risk", "optimum_norm", "collapse_radius")}
    rows: dict[int, tuple[Solved, list[tuple[int, int]]]] = {}
    for place, (one, row) in found.items():
        rows.setdefault(id(one), (one, []))[1].append((place, row))
    for one, pairs in rows.values():
        places, own = (list(side) for side in zip(*pairs, strict=True))
        told = past_divergence(one.variables, one.lost)
        beyond = np.arange(len(plan.times)) >= one.reached[:, None]
        for name, (dims, values) in told.items():
            shape = (count, *values.shape[1:])
            _, all_values = variables.setdefault(name, (("point", *dims), np.full(shape, np.nan)))
            gone = beyond[(...,) + (None,) * (values.ndim - 2)]
            all_values[places] = np.where(gone, np.nan, values)[own]
        for place, row in pairs:
            lane, reached = one.lanes[row], int(one.reached[row])
            seen = {name: (dims, values[row, :reached]) for name, (dims, values) in one.variables.items()}
            lost = one.lost[row, :reached]
            status[place] = status_of(lane.problem, lane.schedule, lane.found, seen, lost, len(plan.times)).label
            numbers["numerical_error"][place] = one.numerical_error[row]
            numbers["optimum_risk"][place] = lane.found.solved.risk
            numbers["optimum_norm"][place] = lane.found.solved.order.norm
            numbers["collapse_radius"][place] = lane.found.collapse_radius
    variables |= {name: (("point",), values) for name, values in numbers.items()}
    variables["status"] = (("point",), status.astype(str))
    coords: dict[str, Any] = {"point": np.arange(count), "time": plan.times}
    if plan.evaluate_at.size:
        coords["evaluation_radius"] = plan.evaluate_at
    problem, schedule, start = points[0]
    completed = np.mean(status == Status.COMPLETED.label)
    return make_result(
        variables,
        coords,
        engine="forecast",
        scenario={
            "points": count,
            "first": {
                "problem": problem.describe(),
                "schedule": schedule.describe(),
                "start": describe_start(start),
            },
        },
        status=Status.COMPLETED,
        advice=f"{completed:.0%} of the points completed; the others' status says how they ended.",
        numerical_error=float(np.max(numbers["numerical_error"])),
    )
