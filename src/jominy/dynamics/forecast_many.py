"""Many forecasts at once, as lanes of one compiled program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics.coordinates.many import plain_coordinate_forecasts
from jominy.dynamics.labelled import accuracy_of, scenario_of
from jominy.dynamics.population.many import Found, Plain, solve_points
from jominy.dynamics.population.outcome import statuses
from jominy.dynamics.population.plan import RTOL, Plan
from jominy.dynamics.population.solve import ForecastBatch
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, past_divergence
from jominy.errors import InputError
from jominy.numerics.collection import without_collection
from jominy.numerics.precision import double_precision
from jominy.results import Status, make_result
from jominy.results.soundness import CLAIMS, below_optimum
from jominy.schedules import Schedule

if TYPE_CHECKING:
    import xarray as xr

NUMBERS = ("numerical_error", "optimum_risk", "optimum_norm", "collapse_radius")
"""Of each point, beside its variables and its status."""


@double_precision
@without_collection()
def forecast_many(
    problems: Problem | Sequence[Problem],
    schedules: Schedule | Sequence[Schedule],
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    starts: Any = None,
    evaluate_at: Sequence[float] = (),
    compress: bool | int = True,
    rtol: float = RTOL,
    batch_size: int = 1,
    progress: bool = True,
) -> xr.Dataset:
    """Forecasts of many problems or schedules at once: the same numbers as `forecast`, in less time.

    Points whose problems have one structure (the same loss, kind of schedule, numbers of classes and of nodes) are
    solved as lanes of one compiled program, on all cores; under attacks on single features (l_inf, l_p) each by itself.

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
        every eighth point on one geometry: each carries the largest among those solved together), optimum_risk,
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
    dimension = points[0][0].data.dimension
    plan = Plan.of(dimension, time, times, evaluate_at, rtol, batch_size)
    if all(problem.attack.of_inner_products for problem, *_ in points):
        return _labelled(points, plan, solve_points(points, plan, compress, progress))
    how: dict[str, Any] = {
        "evaluate_at": evaluate_at, "rtol": rtol, "batch_size": batch_size, "progress": progress,
    }  # fmt: skip
    return _one_by_one(
        points, plan, plain_coordinate_forecasts(points, dimension=dimension, time=time, times=times, **how)
    )


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
        if problem.data.empirical:
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


def _judged(solved: ForecastBatch) -> list[Status]:
    """The status of each of P forecasts, none of which vouches for numbers that cannot be right."""
    optima = np.array([float(task.optimum.solved.risk) for task in solved.tasks])
    accuracy = accuracy_of(solved.tasks[0].problem) + solved.numerical_error
    excess = past_divergence(solved.variables, solved.lost)["excess_risk"][1]
    wrong = below_optimum(excess, optima, accuracy).any
    for _, values in solved.variables.values():
        wrong |= np.any(np.isnan(values.reshape(len(wrong), -1)), axis=1)
    told = statuses(solved)
    return [Status.UNSOUND if bad and one in CLAIMS else one for bad, one in zip(wrong, told, strict=True)]


def _labelled(points: list, plan: Plan, found: list[Found]) -> xr.Dataset:
    """All points as one labelled result."""
    count = len(found)
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    status = np.empty(count, dtype=object)
    numbers = {name: np.empty(count) for name in NUMBERS}
    together: dict[int, list[tuple[int, int]]] = {}
    for place, one in enumerate(found):
        together.setdefault(id(one.solved), []).append((place, one.row))
    for pairs in together.values():
        places, own = (np.array(side) for side in zip(*pairs, strict=True))
        one = found[places[0]].solved
        beyond = np.arange(len(plan.times)) >= one.reached[:, None]
        for name, (dims, values) in past_divergence(one.variables, one.lost).items():
            shape = (count, *values.shape[1:])
            _, all_values = variables.setdefault(name, (("point", *dims), np.full(shape, np.nan)))
            gone = beyond[(...,) + (None,) * (values.ndim - 2)]
            all_values[places] = np.where(gone, np.nan, values)[own]
        status[places] = np.array([one.label for one in _judged(one)], dtype=object)[own]
        numbers["numerical_error"][places] = one.numerical_error[own]
        optima = [one.tasks[row].optimum for row in own]
        numbers["optimum_risk"][places] = [optimum.solved.risk for optimum in optima]
        numbers["optimum_norm"][places] = [optimum.solved.order.norm for optimum in optima]
        numbers["collapse_radius"][places] = [optimum.collapse_radius for optimum in optima]
    return _made(points, plan, variables, numbers, status)


def _one_by_one(points: list, plan: Plan, found: list[Plain]) -> xr.Dataset:
    """Of forecasts that have been told each by itself, up to the last time that each reached."""
    count = len(found)
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for place, one in enumerate(found):
        for name, (dims, values) in one.variables.items():
            sizes = np.shape(values)
            shape = [len(plan.times) if dim == "time" else size for dim, size in zip(dims, sizes, strict=True)]
            _, all_values = variables.setdefault(name, (("point", *dims), np.full((count, *shape), np.nan)))
            reached: tuple[Any, ...] = (place, *(slice(size) for size in sizes))
            all_values[reached] = values
    numbers = {name: np.array([float(one.attrs[name]) for one in found]) for name in NUMBERS}
    return _made(points, plan, variables, numbers, np.array([one.attrs["status"] for one in found], dtype=object))


def _made(points: list, plan: Plan, variables: Variables, numbers: dict, status: np.ndarray) -> xr.Dataset:
    """The result: variables, and the numbers and status of each point."""
    count = len(points)
    variables = variables | {name: (("point",), values) for name, values in numbers.items()}
    variables["status"] = (("point",), status.astype(str))
    coords: dict[str, Any] = {"point": np.arange(count), "time": plan.times}
    if plan.evaluate_at.size:
        coords["evaluation_radius"] = plan.evaluate_at
    completed = np.mean(status == Status.COMPLETED.label)
    return make_result(
        variables,
        coords,
        engine="forecast",
        scenario={"points": count, "first": scenario_of(*points[0])},
        status=Status.COMPLETED,
        advice=f"{completed:.0%} of the points completed; the others' status says how they ended.",
        numerical_error=float(np.max(numbers["numerical_error"])),
    )
