"""Single forecasts of small systems at relative tolerance 1e-6, against SciPy's fastest method and torchdiffeq."""

from collections.abc import Callable

import numpy as np

import jominy as jm
from benchmarks import opponents
from benchmarks.timing import Row, race

RADIUS, RATE, DIMENSION = 0.3, 0.5, 400


def two_classes(radius: float = RADIUS) -> tuple[jm.Problem, np.ndarray]:
    """The problem of `opponents.scipy_logistic` and its start."""
    mean = np.full(DIMENSION, opponents.MEAN * DIMENSION**-0.5)
    start = np.where(np.arange(DIMENSION) % 2, 1.0, -1.0) * opponents.START * DIMENSION**-0.5
    data = jm.GaussianMixture([0.5, 0.5], [-mean, mean], [jm.identity(DIMENSION)] * 2, labels=[-1, 1])
    return jm.Problem(data, jm.LogisticLoss(), radius), start


def fastest_scipy(solve: Callable[[str], opponents.Solved]) -> tuple[str, Callable[[], opponents.Solved]]:
    """SciPy's fastest method for `solve(method)` in three runs of each."""
    timed = race(3, **{method: lambda method=method: solve(method) for method in opponents.METHODS})
    best = min(timed, key=lambda method: timed[method].median)
    return best, lambda: solve(best)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    problem, start = two_classes()
    schedule, settings = jm.Constant(RATE), {"times": opponents.TIMES, "rtol": opponents.TOLERANCE}
    batch = 100 if quick else 1000
    spread = np.random.default_rng(0).uniform(0.0, 1.0, batch), np.random.default_rng(1).uniform(0.1, 1.0, batch)

    def forecast():
        return jm.forecast(problem, schedule, start=start, **settings)

    method, solve = fastest_scipy(lambda method: opponents.scipy_logistic(RADIUS, RATE, method))
    contestants = {
        "jominy": forecast,
        "scipy": solve,
        "one": lambda: opponents.torchdiffeq_logistic(np.array([RADIUS]), np.array([RATE])),
    }
    timed = race(3 if quick else 7, **contestants, batch=lambda: opponents.torchdiffeq_logistic(*spread))
    exact = opponents.scipy_logistic(RADIUS, RATE, "DOP853", 1e-11).risk
    errors = [np.max(np.abs(risk / exact - 1)) for risk in (forecast().adversarial_risk.values, solve().risk)]
    note = f"rtol 1e-6, {len(opponents.TIMES)} times; error of the risk {errors[0]:.1e}, SciPy's {errors[1]:.1e}"
    work = "one forecast, two logistic classes, t = 10"
    rows = [
        Row(work, str(timed["jominy"]), f"{words} {time}", time.over(timed["jominy"]), "none", None, note)
        for words, time in (
            (f"SciPy {method}", timed["scipy"]),
            ("torchdiffeq dopri5, one", timed["one"]),
            (f"torchdiffeq dopri5, one of a batch of {batch} that shares its steps:", timed["batch"].per(batch)),
        )
    ]
    nodes = opponents.power_law_nodes()
    method, solve = fastest_scipy(lambda method: opponents.scipy_nodes(nodes, RADIUS, RATE, method))
    law = jm.Problem(jm.LinearTeacher(jm.power_law(np.inf, 1.5), 1.0, 0.25), jm.SquaredLoss(), RADIUS)

    def compressed():
        return jm.forecast(law, schedule, start=0.5, **settings)

    timed = race(3 if quick else 7, jominy=compressed, scipy=solve)
    rows.append(
        Row(
            "one forecast, least squares, power law, t = 10",
            f"{timed['jominy']} on its 48 nodes",
            f"SciPy {method} on 24 nodes, 72 unknowns: {timed['scipy']}",
            timed["scipy"].over(timed["jominy"]),
            "none",
            None,
            "rtol 1e-6; jominy's time includes a second solve for the error estimate, and every variable",
        )
    )
    return rows
