"""Forecasts of a sweep under attacks on single features: on all cores, each by itself as nothing is shared."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jominy.dynamics.coordinates.forecast import coordinate_forecast
from jominy.dynamics.population.many import Plain, Variables, plain_forecasts
from jominy.dynamics.population.plan import RTOL, Plan
from jominy.dynamics.problem import Problem
from jominy.numerics.cores import cores
from jominy.numerics.precision import double_precision
from jominy.schedules import Schedule


@double_precision
def plain_coordinate_forecasts(
    points: Sequence[tuple[Problem, Schedule, Any]],
    *,
    dimension: float,
    time: float | None = None,
    times: Sequence[float] | None = None,
    evaluate_at: Sequence[float] = (),
    rtol: float = RTOL,
    batch_size: int = 1,
    progress: bool = False,
) -> list[Plain]:
    """As `plain_forecasts`, of points some of which are under attacks on single features."""
    from tqdm import tqdm

    plan = Plan.of(dimension, time, times, evaluate_at, rtol, batch_size)
    same: dict[str, Any] = {"dimension": dimension, "time": time, "times": times, "evaluate_at": evaluate_at}

    @double_precision  # which a thread does not inherit
    def told(point: tuple[Problem, Schedule, Any]) -> Plain:
        problem, schedule, start = point
        if problem.attack.of_inner_products:
            (one,) = plain_forecasts([point], **same, rtol=rtol, batch_size=batch_size)
            return one
        schedule.check(plan.times)
        problem.radius_schedule.check(plan.times)
        curve = coordinate_forecast(problem, schedule, plan, start)
        variables, coords = (_parts(curve, names) for names in (curve.data_vars, curve.coords))
        return Plain(variables, coords, dict(curve.attrs))

    bar = tqdm(total=len(points), delay=2, unit="point", desc="forecasts", disable=not progress)

    def counted(one: Plain) -> Plain:
        bar.update()
        return one

    with bar, ThreadPoolExecutor(cores()) as pool:
        try:
            first = [counted(told(point)) for point in points[:1]]  # by itself, so that programs are compiled once
            return first + [counted(one) for one in pool.map(told, points[1:])]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _parts(curve: Any, names: Any) -> Variables:
    return {str(name): (tuple(map(str, curve[name].dims)), curve[name].values) for name in names}
