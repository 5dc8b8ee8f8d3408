"""The data sets that the tests of samples share, as plain arrays; no file is read but scikit-learn's own."""

from functools import lru_cache

import numpy as np

import jominy as jm
from jominy.data import from_scikit_learn

LOSSES = {"squared": jm.SquaredLoss(), "logistic": jm.LogisticLoss()}
RATES = {"squared": 0.3, "logistic": 1.0}
"""The rates of the issue's table."""

NAMED = {
    "breast_cancer": ("breast_cancer", None),
    "wine": ("wine", ((0,), (1, 2))),
    "digits_3_8": ("digits", ((3,), (8,))),
    "digits_even_odd": ("digits", ((0, 2, 4, 6, 8), (1, 3, 5, 7, 9))),
    "diabetes": ("diabetes", None),
}


def arrays(name: str):
    """(X, y) of one of scikit-learn's sets."""
    table = from_scikit_learn(*NAMED[name])
    return table.X, table.y


@lru_cache
def named(name: str) -> jm.Samples:
    """One of scikit-learn's sets with the default preprocessing: per feature, rows clipped at 3 d."""
    return jm.Samples(*arrays(name))


def small(seed: int = 0, n: int = 48, d: int = 5):
    """Two overlapping classes, features unequal and neither Gaussian nor centred: x (n, d), y (n,) of -1 and 1."""
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n) % 3 == 0, -1.0, 1.0)
    x = (rng.standard_exponential((n, d)) - 0.8) * np.linspace(0.4, 1.0, d) + 0.3 * y[:, None] * np.arange(d) / d
    return x, y


TIMES = [0.0, 0.2, 1.0, 4.0]
STEPS = [0, 1, 5, 20]
"""The reports of the small problem, whose d is 5: one grid, so that its programs are compiled once."""


def rate(value: float, decay: float = 0.0) -> jm.InverseTime:
    """A constant rate, or one that falls, as one kind of schedule: one kind is one compiled program."""
    return jm.InverseTime(value, decay)


@lru_cache
def small_samples() -> jm.Samples:
    return jm.Samples(*small(), preprocessing=None)


def problem(samples: jm.Samples, loss: str, radius: float) -> jm.Problem:
    return jm.Problem(samples, LOSSES[loss], radius)


def heavy_tails(seed: int = 0, n: int = 400, d: int = 40, freedom: float = 2.5):
    """Student-t features: some rows hundreds of times larger than others."""
    rng = np.random.default_rng(seed)
    y = np.sign(rng.standard_normal(n))
    return rng.standard_t(freedom, (n, d)) + 0.3 * y[:, None], y


def few_rows(seed: int = 1, n: int = 80, d: int = 120):
    """More features than rows, correlated through twenty factors: the classes can be separated."""
    rng = np.random.default_rng(seed)
    y = np.sign(rng.standard_normal(n))
    factors = rng.standard_normal((n, 20)) @ rng.standard_normal((20, d)) / 2
    return factors + rng.standard_normal((n, d)) + 0.15 * y[:, None] * rng.standard_normal(d), y


def halves(x, y, seed: int = 0):
    """A random split into a training and a test half, as (x, y) each."""
    order = np.random.default_rng(seed).permutation(len(y))
    first, second = order[: len(y) // 2], order[len(y) // 2 :]
    return (x[first], y[first]), (x[second], y[second])
