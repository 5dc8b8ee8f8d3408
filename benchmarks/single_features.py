"""Forecasts under l_inf, whose weights have laws that are followed on cells, beside the same ones under l2."""

import numpy as np

import jominy as jm
from benchmarks.timing import Row, race, seconds
from jominy.attacks import Attack

TIME, ERROR = 5.0, 4e-5
PATTERN = np.tile(np.arange(4), 50)
TEACHER = np.array([1.6, -0.8, 0.3, 0.0])[PATTERN] / np.sqrt(200)
HALVES = np.where(np.arange(200) < 100, 1.6, 0.4)
"""Eight points of the joint law of eigenvalue and teacher: case A1 of theory `attacks.md` section 7."""


def eight_points(radius: float, attack: Attack) -> jm.Problem:
    """Least squares on a linear teacher with noise."""
    data = jm.LinearTeacher(jm.spectrum(HALVES), TEACHER, noise_variance=0.25)
    return jm.Problem(data, jm.SquaredLoss(), radius, attack)


def new_radii(attack: Attack):
    """A question that was never asked before, at each call."""
    radii = iter(np.random.default_rng(0).uniform(0.3, 0.7, 10**6).tolist())
    how = {"time": TIME, "start": jm.RandomStart(0.7)}
    return lambda: jm.forecast(eight_points(next(radii), attack), jm.Constant(0.6), **how)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    timed = race(5 if quick else 15, l_inf=new_radii(jm.LInf()), l2=new_radii(jm.L2()))
    told = new_radii(jm.LInf())().attrs["numerical_error"]
    times = timed["l_inf"].over(timed["l2"])
    rows = [
        Row(
            f"a new radius under l_inf, 8 points, t = {TIME:g}",
            str(timed["l_inf"]),
            f"the same under l2: {timed['l2']}",
            1 / times,
            "at most 3 times l2's",
            times <= 3,
            f"{times:.2g} times l2's; its error, by its own account: {told:.1e} ({ERROR:.0e} wanted)",
        )
    ]
    count = 50 if quick else 1000
    schedules = [jm.Constant(rate) for rate in np.linspace(0.2, 0.6, count)]
    problems = [eight_points(radius, jm.LInf()) for radius in np.linspace(0.3, 0.7, count)]

    def sweep():
        return jm.forecast_many(problems, schedules, time=TIME, progress=False)

    many = race(1, sweep=sweep)["sweep"]
    rows.append(
        Row(
            f"{count} forecasts under l_inf at once",
            seconds(many.median),
            f"one after the other: {seconds(count * timed['l_inf'].median)}",
            count * timed["l_inf"].median / many.median,
            "at most 20 s",
            None if quick else many.median <= 20,
        )
    )
    return rows
