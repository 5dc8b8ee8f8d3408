"""Fewer rows than features: followed in the space of the rows, and the same as in all dimensions."""

import numpy as np
import pytest

import jominy as jm
import samples_oracle as oracle
from jominy.dynamics.samples.forecast import beginning
from jominy.numerics.precision import double_precision
from samples_zoo import problem, rate, small

X, Y = small(seed=3, n=5, d=8)
X_TEST, Y_TEST = small(seed=4, n=6, d=8)
D = X.shape[1]
STEPS = [0, 1, 8, 24]
TIMES = [step / D for step in STEPS]
RADIUS, OTHER = 0.4, 0.9
VECTOR = 0.3 * np.cos(np.arange(D))  # not in the space of the rows
STARTS = {
    "zero": (None, None, None, 5),
    "vector": (VECTOR, VECTOR, None, 6),
    "random": (jm.RandomStart(0.6), None, 0.36 * np.eye(D) / D, 6),
}


@pytest.mark.parametrize("loss", ["logistic", "squared"])
@pytest.mark.parametrize("start", STARTS)
def test_nothing_is_lost_in_the_space_of_the_rows(loss, start):
    """Against the recursion in all eight dimensions, in NumPy, also read out on rows outside of that space."""
    given, m, V, coordinates = STARTS[start]
    mine = problem(jm.Samples(X, Y, preprocessing=None), loss, RADIUS)
    settings = {"start": given, "largest_block": 1, "diagonal": False}
    curve = jm.forecast(mine, rate(0.5), times=TIMES, held_out=(X_TEST, Y_TEST), evaluate_at=[OTHER], **settings)
    states = oracle.recursion(loss, X, Y, RADIUS, lambda t: 0.5, STEPS, m, V)
    tolerance = {"rtol": 2e-6} if loss == "logistic" else {"rtol": 1e-8}
    for index, state in list(enumerate(states))[1:]:
        expected = {"norm": state.norm}
        for prefix, x, y in (("", X, Y), ("held_out_", X_TEST, Y_TEST)):
            expected |= {
                f"{prefix}adversarial_risk": state.risk(loss, x, y, RADIUS),
                f"{prefix}clean_risk": state.risk(loss, x, y, 0.0),
                f"{prefix}risk_at_radius": state.risk(loss, x, y, OTHER),
                f"{prefix}adversarial_accuracy": state.accuracy(x, y, RADIUS),
            }
        for name, value in expected.items():
            np.testing.assert_allclose(np.squeeze(curve[name][index]), value, **tolerance, err_msg=name)

    @double_precision
    def inside():
        return beginning(mine, rate(0.5), np.array(TIMES), given, False, 1)

    assert inside().spread.mean.size == coordinates  # and not eight


@pytest.mark.parametrize("radius", [0.1, RADIUS])
def test_the_optimum_is_in_the_space_of_the_rows(radius):
    found = jm.optimum(problem(jm.Samples(X, Y, preprocessing=None), "squared", radius))
    inside = X.T @ np.linalg.lstsq(X.T, found.vector, rcond=None)[0]
    np.testing.assert_allclose(inside, found.vector, atol=1e-9)
    # no gradient is left, but for rows that are met exactly
    gradients = oracle.row_gradients("squared", X, Y, found.vector, radius)
    nudged = found.vector + 1e-4 * np.random.default_rng(0).standard_normal((20, D))
    risks = [np.mean(oracle.attacked_loss("squared", Y, X @ w, np.linalg.norm(w), radius)) for w in nudged]
    assert np.all(np.array(risks) >= found.adversarial_risk - 1e-9) and gradients.shape == (len(X), D)


@pytest.mark.parametrize("radius, regime", [(0.0, "separable"), (0.1, "separable"), (3.0, "collapse")])
def test_fewer_rows_than_features_are_separated_without_descent(radius, regime, monkeypatch):
    """At radius 0.1 < 1 / ||X|| for the X of least norm with x_i X = y_i, here by NumPy's pseudo-inverse."""
    monkeypatch.setattr("jominy.dynamics.samples.optimum._minimise", None)
    x = np.linalg.pinv(X) @ Y
    assert np.min(Y * (X @ x)) - 0.1 * np.linalg.norm(x) > 0
    assert jm.optimum(problem(jm.Samples(X, Y, preprocessing=None), "logistic", radius)).regime == regime
