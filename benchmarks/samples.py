"""Forecasts on real samples, logistic loss, time 10, diagonal covariance, against jominy's own SGD on the same rows."""

import numpy as np
from sklearn.datasets import load_digits

import jominy as jm
from benchmarks.timing import Row, race


def digits() -> jm.Problem:
    """Even against odd digits, 1797 x 61 after preprocessing."""
    features, values = load_digits(return_X_y=True)
    return jm.Problem(jm.Samples(features, values % 2), jm.LogisticLoss(), 0.2)


def large() -> jm.Problem:
    """5,000 x 663, the size of a set of handwritten digits, with a decaying spectrum; made up."""
    rng = np.random.default_rng(0)
    count, dimension = 5000, 663
    features = rng.standard_normal((count, dimension)) * ((np.arange(dimension) + 1) / dimension) ** -0.5
    score = features @ rng.standard_normal(dimension) / np.sqrt(dimension)
    return jm.Problem(jm.Samples(features, np.sign(score + rng.standard_normal(count))), jm.LogisticLoss(), 0.2)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    small, wide, rate = digits(), large(), jm.Constant(1.0)
    timed = race(
        3 if quick else 9,
        forecast=lambda: jm.forecast(small, rate, time=10, diagonal=True),
        thirty=lambda: jm.simulate(small, rate, time=10, seeds=30, progress=False),
    )
    big = race(3 if quick else 5, forecast=lambda: jm.forecast(wide, rate, time=10, diagonal=True))["forecast"]
    ratio = timed["thirty"].over(timed["forecast"])
    work, note = (
        "forecast, digits even/odd (1797 x 61), time 10",
        "warm; risk, accuracy, norm, distance, band at 41 times",
    )
    return [
        Row(work, str(timed["forecast"]), "none", None, "<= 30 ms", timed["forecast"].median <= 0.03, note),
        Row(
            work,
            str(timed["forecast"]),
            f"30 seeds of jominy's SGD on the same rows, compiled: {timed['thirty']}",
            ratio,
            "> 1",
            ratio > 1,
        ),
        Row("forecast, 5,000 x 663, time 10", str(big), "none", None, "<= 1 s", big.median <= 1.0, note),
    ]
