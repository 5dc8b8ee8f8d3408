"""The largest rate of least squares on samples: against the explicit operator on second moments."""

import numpy as np
import pytest

import jominy as jm
from samples_zoo import few_rows, problem, rate, small, small_samples

X, Y = small()
N, D = X.shape


def second_moment_operator(x, value):
    """(d^2, d^2): V -> mean (I - eta x x') V (I - eta x x') at the rate `value`."""
    d = x.shape[1]
    steps = np.eye(d) - value / d * x[:, :, None] * x[:, None, :]
    return np.mean([np.kron(step, step) for step in steps], axis=0)


def attributes(samples):
    return jm.simulate(problem(samples, "squared", 0.0), rate(1e-3), times=[1.0], seeds=1, progress=False).attrs


@pytest.mark.parametrize("x", [X, X[:, :4] ** 2, small(seed=4, n=48, d=5)[0] @ np.diag([3, 1, 1, 1, 0.1])])
def test_the_mean_square_limit_is_where_the_operator_has_radius_one(x):
    limit = attributes(jm.Samples(x, Y, preprocessing=None))["mean_square_stability_rate"]
    operators = [second_moment_operator(x, factor * limit) for factor in (0.99, 1, 1.01)]
    radius = [np.max(np.abs(np.linalg.eigvals(operator))) for operator in operators]
    assert radius[1] == pytest.approx(1.0, abs=1e-6)
    assert radius[0] < 1 < radius[2]


def test_it_is_seen_also_with_fewer_rows_than_features():
    x, y = few_rows(n=4, d=6)
    limit = attributes(jm.Samples(x, y, preprocessing=None))["mean_square_stability_rate"]
    basis = np.linalg.svd(x)[2][:4].T  # what the rows span; elsewhere nothing moves
    seen = x @ basis
    assert np.max(np.abs(np.linalg.eigvals(second_moment_operator(seen, limit * 4 / 6)))) == pytest.approx(1, abs=1e-6)


def test_the_largest_sample_rate_is_that_at_which_no_step_overshoots():
    largest = attributes(small_samples())["largest_sample_rate"]
    assert largest == pytest.approx(2 * D / np.max(np.sum(X**2, axis=1)), rel=1e-12)


def test_the_forecast_grows_above_the_limit_and_not_below():
    limit = attributes(small_samples())["mean_square_stability_rate"]
    ends = {}
    for factor in (0.9, 1.1):
        mine = problem(small_samples(), "squared", 0.0)
        curve = jm.forecast(mine, rate(factor * limit), times=[0.0, 100.0, 200.0])
        ends[factor] = curve.adversarial_risk.values[1:]
    assert ends[0.9][1] == pytest.approx(ends[0.9][0], rel=0.05)
    assert ends[1.1][1] > 10 * ends[1.1][0]


def test_logistic_has_no_such_limit():
    curve = jm.forecast(problem(small_samples(), "logistic", 0.1), rate(0.8, decay=0.5), times=[0.0, 0.2, 1.0, 4.0])
    assert "mean_square_stability_rate" not in curve.attrs
