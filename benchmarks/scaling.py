"""Cost against nodes, classes, lanes, seeds and dimension: slopes of time in log-log, by least squares over medians."""

from collections.abc import Callable, Sequence

import numpy as np

import jominy as jm
from benchmarks.timing import Row, Timed, race, seconds


def slope(sizes: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    """d log time / d log size by least squares, and its standard error, to which a bend of the line adds."""
    x, y = np.log(sizes) - np.mean(np.log(sizes)), np.log(times) - np.mean(np.log(times))
    found = x @ y / (x @ x)
    return float(found), float(np.sqrt(np.sum((y - found * x) ** 2) / (len(x) - 2) / (x @ x)))


def last_slope(sizes: Sequence[float], timed: Sequence[Timed]) -> tuple[float, float]:
    """The slope between the two largest sizes, and what half the ranges of their runs make of it."""
    (small, large), step = timed[-2:], np.log(sizes[-1] / sizes[-2])
    ranges = [np.log(one.high / one.low) / 2 for one in (small, large)]
    return float(np.log(large.median / small.median) / step), float(np.hypot(*ranges) / step)


def nodes(count: int) -> Callable[[], object]:
    """Least squares on as many distinct eigenvalues, not compressed."""
    problem = jm.Problem(jm.LinearTeacher(jm.power_law(count, 1.5), 1.0, 0.25), jm.SquaredLoss(), 0.5)
    return lambda: jm.forecast(problem, jm.Constant(0.5), time=10, compress=False)


def classes(count: int) -> Callable[[], object]:
    """As many classes on orthogonal means, logistic loss."""
    d = 8 * count
    means = [np.eye(d)[k] * (1 if k % 2 else -1) for k in range(count)]
    labels = [1 if k % 2 else -1 for k in range(count)]
    data = jm.GaussianMixture(np.full(count, 1 / count), means, [jm.identity(d)] * count, labels)
    return lambda: jm.forecast(jm.Problem(data, jm.LogisticLoss(), 0.3), jm.Constant(0.5), time=10)


def lanes(count: int) -> Callable[[], object]:
    """As many rates of one problem, solved together."""
    problem = jm.Problem(jm.LinearTeacher(jm.power_law(1000, 1.5), 1.0, 0.25), jm.SquaredLoss(), 0.5)
    schedules = [jm.Constant(rate) for rate in np.linspace(0.1, 1.0, count)]
    return lambda: jm.forecast_many(problem, schedules, times=[10.0], rtol=1e-6, progress=False)


def seeds(count: int) -> Callable[[], object]:
    """As many seeds of the simulator that is exact in law."""
    problem = jm.Problem(jm.LinearTeacher(jm.identity(1000), 1.0, 0.25), jm.SquaredLoss(), 0.5)
    return lambda: jm.simulate(problem, jm.Constant(0.5), times=[0, 20], seeds=count, progress=False)


def dimensions(count: int) -> Callable[[], object]:
    """Full-vector SGD, a thousand steps of four seeds."""
    problem = jm.Problem(jm.LinearTeacher(jm.identity(count), 1.0, 0.25), jm.SquaredLoss(), 0.5)
    times = [0.0, 1000 / count]
    return lambda: jm.simulate(problem, jm.Constant(0.5), times=times, seeds=4, full_vectors=True, progress=False)


SWEEPS: dict[str, tuple[Callable[[int], Callable[[], object]], list[int]]] = {
    "nodes of an uncompressed forecast": (nodes, [1000, 4000, 16_000, 64_000]),
    "classes of a forecast": (classes, [2, 4, 8, 16]),
    "lanes of forecast_many": (lanes, [64, 256, 1024, 4096]),
    "seeds of the exact simulator": (seeds, [100, 400, 1600, 6400]),
    "dimension of full-vector SGD": (dimensions, [1000, 4000, 16_000, 64_000]),
}


NOTE = (
    "of all slopes: at small sizes the fixed cost of a call shows, at large ones the work; ± is the standard error of "
    "the fit, and at the end half the range of the runs"
)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    rows = []
    for name, (work, sizes) in SWEEPS.items():
        sizes = sizes[:3] if quick else sizes
        timed = race(3 if quick else 5, **{str(size): work(size) for size in sizes})
        found = [timed[str(size)] for size in sizes]
        table = ", ".join(f"{size}: {seconds(one.median)}" for size, one in zip(sizes, found, strict=True))
        (all_, error), (last, spread) = slope(sizes, [one.median for one in found]), last_slope(sizes, found)
        rows.append(
            Row(
                f"slope in log-log against the {name}",
                f"{all_:.2f} ± {error:.2f} over all, {last:.2f} ± {spread:.2f} at the end ({table})",
                "",
                None,
                "none",
                None,
                "" if rows else NOTE,
            )
        )
    return rows
