"""The law of runs in time, against runs of SGD, and against the bands of single times."""

import numpy as np

import jominy as jm
from jominy.dynamics import path_law

TIMES = [0.5, 1.0, 2.0, 4.0]


def test_covariance_in_time_is_that_of_runs():
    """2,000 runs at d = 100: correlations to five standard errors; the spread of each time to 8 %, 1/d and noise."""
    problem = jm.Problem(jm.LinearTeacher(jm.two_level(100), noise_variance=0.25), jm.SquaredLoss(), 0.4)
    law = path_law(problem, jm.InverseTime(1.0, 0.5), TIMES, start=0.7)
    made = jm.simulate(problem, jm.InverseTime(1.0, 0.5), times=TIMES, seeds=2000, start=0.7, progress=False)
    runs = np.stack([made[name].values for name in law.names], axis=-1).reshape(2000, -1)
    covariance = law.covariance.reshape(runs.shape[1], -1)
    assert np.allclose(covariance, covariance.T) and law.names[0] == "adversarial_risk"
    spread = np.sqrt(np.diag(covariance))
    assert np.allclose(runs.std(axis=0) / spread, 1, atol=0.08)
    correlation, measured = covariance / np.outer(spread, spread), np.corrcoef(runs, rowvar=False)
    assert np.abs(measured - correlation).max() < 5 / np.sqrt(2000)
    assert np.abs(correlation - np.eye(len(spread))).max() > 0.5  # there is something to be compared
    assert np.abs((runs.mean(axis=0) - law.mean.ravel()) / spread).max() < 5 / np.sqrt(2000)


def test_of_one_time_it_is_the_band():
    """Two classes, a power law on nodes, a start at zero; relative difference of spreads below 1e-4."""
    classes = jm.GaussianMixture(
        [0.5, 0.5], means=[1.2, -1.2], covariances=[jm.power_law(300, 1.5)] * 2, labels=[1, -1]
    )
    problem = jm.Problem(classes, jm.LogisticLoss(), 0.3)
    law = path_law(problem, jm.Constant(1.0), TIMES)
    told = jm.forecast(problem, jm.Constant(1.0), times=TIMES, bands=True, compress=24)
    for place, name in enumerate(law.names):
        spread = np.sqrt([law.covariance[t, place, t, place] for t in range(4)])
        assert np.allclose(spread, told[f"{name}_sd"], rtol=1e-4), name
        assert np.allclose(law.mean[:, place], told[name] + told[f"{name}_bias"], atol=1e-6), name


def test_where_only_runs_tell_there_is_none():
    rows = np.random.default_rng(0).standard_normal((30, 4))
    samples = jm.Problem(jm.Samples(rows, np.sign(rows[:, 0])), jm.LogisticLoss(), 0.2)
    assert path_law(samples, jm.Constant(0.5), TIMES) is None
    small = jm.Problem(jm.LinearTeacher(jm.identity(20), noise_variance=0.25), jm.SquaredLoss(), 0.3)
    assert path_law(small, jm.Constant(1.7), TIMES) is None  # a rate at which bands are not to be trusted
    assert path_law(small, jm.Constant(0.5), TIMES, batch_size=4) is None
    assert path_law(small, jm.Constant(0.5), [2.0, 4.0]) is None  # forty steps: not normal yet
