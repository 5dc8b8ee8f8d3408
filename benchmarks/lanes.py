"""Ten thousand forecasts as lanes of one program, against SciPy's time for one; and a gradient through the solver."""

from collections.abc import Callable

import numpy as np

import jominy as jm
from benchmarks import opponents
from benchmarks.small_systems import fastest_scipy, two_classes
from benchmarks.timing import Row, race, seconds

LAST = np.array([opponents.HORIZON])
CHECKED = 12
"""Lanes compared with their own single forecasts."""
NODES = 24


def points(per_side: int) -> list[tuple[float, float]]:
    """Radius and rate of the points: a square grid."""
    radii, rates = np.linspace(0.0, 1.0, per_side), np.linspace(0.1, 1.0, per_side)
    return [(float(radius), float(rate)) for radius in radii for rate in rates]


def of_points(problem_at: Callable[[float], jm.Problem], given: list[tuple[float, float]]) -> tuple[list, list]:
    """Problems, one for each radius, and schedules."""
    problems = {radius: problem_at(radius) for radius, _ in given}
    return [problems[radius] for radius, _ in given], [jm.Constant(rate) for _, rate in given]


def row(work: str, problem_at, start, compress: bool | int, scipy_at, per_side: int, runs: int) -> Row:
    """Lanes against SciPy's fastest method on a sample of the same points."""
    given = points(per_side)
    problems, schedules = of_points(problem_at, given)
    settings = {"times": LAST, "rtol": opponents.TOLERANCE, "compress": compress}

    def lanes():
        return jm.forecast_many(problems, schedules, starts=start, progress=False, **settings)

    chosen = np.random.default_rng(0).choice(len(given), CHECKED, replace=False)

    def scipy(method: str) -> list:
        return [scipy_at(*given[place], method) for place in chosen]

    method, sample = fastest_scipy(scipy)
    timed = race(runs, jominy=lanes, scipy=sample)
    each, other = timed["jominy"].per(len(given)), timed["scipy"].per(CHECKED)
    many = lanes()
    worst = {"own": 0.0, "tight": 0.0}
    for place in chosen:
        for name, rtol in (("own", opponents.TOLERANCE), ("tight", 1e-10)):
            alone = jm.forecast(problems[place], schedules[place], start=start, **(settings | {"rtol": rtol}))
            gap = abs(float(many.adversarial_risk[place, -1]) / float(alone.adversarial_risk[-1]) - 1)
            worst[name] = max(worst[name], gap)
    ratio = other.over(each)
    return Row(
        f"{len(given):,} forecasts, {work}, t = 10",
        f"{each} a forecast, {seconds(timed['jominy'].median)} in all",
        f"SciPy {method}: {other} a forecast",
        ratio,
        ">= 40, no lane worse than 1e-6 from its own single forecast",
        ratio >= 40 and worst["own"] <= 1e-6,
        f"rtol 1e-6, values at t = 10; {CHECKED} lanes differ from their own single forecasts by {worst['own']:.0e}, "
        f"from forecasts at rtol 1e-10 by {worst['tight']:.0e}; with every point's optimum, status and error",
    )


def gradient(runs: int) -> Row:
    """All derivatives by radius and rate against the forecast."""
    data, start = two_classes()[0].data, two_classes()[1]

    def study(radius: float, rate: float):
        return jm.Problem(data, jm.LogisticLoss(), radius), jm.Constant(rate), start

    values = {"radius": 0.3, "rate": 0.5}
    timed = race(
        runs,
        gradient=lambda: jm.sensitivity(study, values, time=10),
        forecast=lambda: jm.forecast(study(**values)[0], jm.Constant(0.5), time=10, start=start),
    )
    ratio = timed["gradient"].over(timed["forecast"])
    return Row(
        "derivatives of every variable by radius and rate, two logistic classes",
        str(timed["gradient"]),
        f"the forecast itself, warm: {timed['forecast']}",
        ratio,
        "<= 6 times the forecast",
        ratio <= 6,
        "the ratio is the gradient's time over the forecast's",
    )


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    per_side, runs = (32, 3) if quick else (100, 5)
    problem, start = two_classes()
    data = jm.LinearTeacher(jm.power_law(4000, 1.5), 1.0, 0.25)
    nodes = opponents.power_law_nodes(NODES)
    return [
        row(
            "two logistic classes, radius x rate",
            lambda radius: jm.Problem(problem.data, jm.LogisticLoss(), radius),
            start,
            True,
            lambda radius, rate, method: opponents.scipy_logistic(radius, rate, method, times=LAST),
            per_side,
            runs,
        ),
        row(
            f"least squares, power law on {NODES} nodes, radius x rate",
            lambda radius: jm.Problem(data, jm.SquaredLoss(), radius),
            0.5,
            NODES,
            lambda radius, rate, method: opponents.scipy_nodes(nodes, radius, rate, method, times=LAST),
            per_side,
            runs,
        ),
        gradient(3 if quick else 7),
    ]
