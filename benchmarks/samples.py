"""Forecast on real samples: digits, even against odd (1797 x 61), time 10, diagonal covariance."""

from sklearn.datasets import load_digits

import jominy as jm
from benchmarks.timing import race


def measure() -> list[dict]:
    """Rows of the table."""
    features, digits = load_digits(return_X_y=True)
    problem = jm.Problem(jm.Samples(features, digits % 2), jm.LogisticLoss(), 0.2)
    timed = race(
        9,
        forecast=lambda: jm.forecast(problem, jm.Constant(1.0), time=10, diagonal=True),
        thirty=lambda: jm.simulate(problem, jm.Constant(1.0), time=10, seeds=30, progress=False),
    )
    return [{
        "work": "forecast, digits even/odd (1797 x 61), time 10, diagonal",
        "jominy": str(timed["forecast"]),
        "opponent": f"30 seeds of jominy's own SGD on the same rows {timed['thirty']}",
        "ratio": timed["thirty"].median / timed["forecast"].median,
        "wanted": "<= 0.1 s",
        "note": "risk, accuracy, norm, distance, band at 41 times",
    }]  # fmt: skip
