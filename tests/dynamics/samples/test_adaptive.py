"""Polyak and exact line search on samples: the forecast's rate against its definition, and runs that follow it."""

import numpy as np
import pytest

import jominy as jm
import samples_oracle as oracle
from samples_zoo import STEPS, TIMES, named, problem, small, small_samples

X, Y = small()
D = X.shape[1]
START = 0.3 * np.cos(np.arange(D))
SCHEDULES = {"polyak": jm.Polyak(), "line search": jm.ExactLineSearch()}


def own_rate(name, state, loss, radius, best):
    """Minimiser of the mean distance to `best`, or of the risk to second order, one step ahead."""
    co = oracle.coefficients(state, loss, X, Y, radius)
    second = co.N + np.outer(co.g, co.g)  # of one row's gradient
    if name == "polyak":
        gain, cost = co.g @ (state.m - best) + np.trace(co.H @ state.V), np.trace(second) / D
    else:
        gain, cost = co.g @ co.g + np.trace(co.H @ state.V @ co.H), np.sum(co.H * second) / D
    return max(gain, 0) / cost


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_rate_is_the_best_one_at_that_moment(name):
    mine = problem(small_samples(), "squared", 0.4)
    best = jm.optimum(mine).vector
    curve = jm.forecast(mine, SCHEDULES[name], times=TIMES, start=START, largest_block=1, diagonal=False)
    state, rates, norms = oracle.State(START, np.zeros((D, D))), [], []
    for _ in range(STEPS[-1] + 1):
        rates.append(own_rate(name, state, "squared", 0.4, best))
        norms.append(state.norm)
        state = oracle.recursion("squared", X, Y, 0.4, lambda t, g=rates[-1]: g, [1], state.m, state.V)[0]
    np.testing.assert_allclose(curve.learning_rate, np.array(rates)[STEPS], rtol=1e-5)
    np.testing.assert_allclose(curve.norm, np.array(norms)[STEPS], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name, start, first", [("polyak", None, 0.5), ("line search", 0.1, 1 / 30)])
def test_runs_that_follow_the_rate_have_the_risk_forecast(name, start, first):
    """Breast cancer, logistic, radius 0.2, 600 seeds: within 3.5 standard errors + 1 % from time `first` on.

    Polyak's rate begins at 20, where one run in three trebles its risk at its first step: no Gaussian yet.
    """
    mine = problem(named("breast_cancer"), "logistic", 0.2)
    curve = jm.forecast(mine, SCHEDULES[name], time=10, start=start)
    runs = jm.simulate(mine, SCHEDULES[name], time=10, start=start, seeds=600, progress=False)
    later = runs.time >= first - 1e-9
    risk = runs.adversarial_risk.mean("seed")[later]
    error = runs.adversarial_risk.std("seed", ddof=1)[later] / np.sqrt(600)
    assert np.all(np.abs(curve.adversarial_risk[later] - risk) < 3.5 * error + 0.01 * risk)
    assert "the forecast's" in runs.attrs["notes"]


@pytest.mark.parametrize("name", [pytest.param("polyak", marks=pytest.mark.slow), "line search"])
def test_runs_follow_the_rate_step_by_step_where_it_changes_fast(name):
    mine = problem(named("wine"), "squared", 0.2)
    times = np.arange(9) / 13
    curve = jm.forecast(mine, SCHEDULES[name], times=times, start=0.1)
    runs = jm.simulate(mine, SCHEDULES[name], times=times, start=0.1, seeds=1, progress=False)
    np.testing.assert_allclose(runs.learning_rate[0], curve.learning_rate, rtol=1e-9)


def test_polyak_ends_nearer_to_the_optimum_than_constant_rates():
    """It is the best schedule for the distance, step by step; greedy, but far better than rates off by two."""
    mine = problem(small_samples(), "squared", 0.4)
    ends = {
        name: float(jm.forecast(mine, schedule, times=TIMES, start=START, largest_block=1).distance_to_optimum[-1])
        for name, schedule in {"polyak": jm.Polyak(), "low": jm.Constant(0.05), "high": jm.Constant(1.0)}.items()
    }
    assert ends["polyak"] < min(ends["low"], ends["high"])
