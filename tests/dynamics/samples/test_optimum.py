"""The adversarial optimum on samples, against SciPy on formulations of its own."""

import numpy as np
import pytest
from scipy import optimize

import jominy as jm
import samples_oracle as oracle
from samples_zoo import LOSSES, few_rows, problem, small, small_samples

X, Y = small()
N, D = X.shape


def logistic_by_bfgs(x, y, radius):
    """Smooth but at zero; several starts, the best end."""

    def value(w):
        norm = np.linalg.norm(w)
        return np.mean(oracle.attacked_loss("logistic", y, x @ w, norm, radius))

    starts = [0.1 * y @ x / len(y), *np.random.default_rng(0).standard_normal((3, x.shape[1]))]
    ends = [optimize.minimize(value, w, method="BFGS", options={"gtol": 1e-9, "maxiter": 2000}) for w in starts]
    return min(ends, key=lambda end: end.fun)


def squares_by_epigraph(x, y, radius):
    """min mean (s_i + radius t)^2 / 2 with s_i >= |x_i w - y_i|, t >= |w|: smooth, convex, by SLSQP."""
    n, d = x.shape

    def value(v):
        grown = v[d : d + n] + radius * v[-1]
        return np.mean(grown**2) / 2, np.concatenate([np.zeros(d), grown / n, [radius * np.mean(grown)]])

    bound = np.hstack([np.vstack([-x, x]), np.vstack([np.eye(n), np.eye(n)]), np.zeros((2 * n, 1))])
    limits = np.concatenate([-y, y])  # s - x w >= -y and s + x w >= y
    constraints = [
        {"type": "ineq", "fun": lambda v: bound @ v - limits, "jac": lambda v: bound},
        {
            "type": "ineq",
            "fun": lambda v: v[-1] ** 2 - v[:d] @ v[:d],
            "jac": lambda v: np.concatenate([-2 * v[:d], np.zeros(n), [2 * v[-1]]]),
        },
        {"type": "ineq", "fun": lambda v: v[-1], "jac": lambda v: np.eye(len(v))[-1]},
    ]
    w = np.linalg.lstsq(x, y, rcond=None)[0] * 0.7
    first = np.concatenate([w, np.abs(x @ w - y) + 0.01, [np.linalg.norm(w) + 0.01]])
    end = optimize.minimize(
        value, first, jac=True, method="SLSQP", constraints=constraints, options={"ftol": 1e-14, "maxiter": 1000}
    )
    assert end.success
    return end.fun, end.x[:d]


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.25])
def test_logistic(radius):
    found = jm.optimum(problem(small_samples(), "logistic", radius))
    expected = logistic_by_bfgs(X, Y, radius)
    assert found.regime == "interior"
    assert found.adversarial_risk == pytest.approx(expected.fun, rel=1e-8)
    np.testing.assert_allclose(found.vector, expected.x, atol=2e-4)
    assert found.norm == pytest.approx(np.linalg.norm(found.vector), rel=1e-12)


@pytest.mark.parametrize("radius", [0.05, 0.2])
def test_least_squares(radius):
    found = jm.optimum(problem(small_samples(), "squared", radius))
    risk, w = squares_by_epigraph(X, Y, radius)
    assert found.regime == "shrink"
    assert found.adversarial_risk == pytest.approx(risk, rel=2e-6)
    np.testing.assert_allclose(found.vector, w, atol=1e-3)


def test_least_squares_without_attack_is_least_squares():
    found = jm.optimum(problem(small_samples(), "squared", 0.0))
    w = np.linalg.lstsq(X, Y, rcond=None)[0]
    np.testing.assert_allclose(found.vector, w, rtol=1e-6)
    assert found.adversarial_risk == pytest.approx(np.mean((X @ w - Y) ** 2) / 2, rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_collapse_radius_is_where_no_direction_descends_from_zero(loss):
    """Just below it a step against the gradient at zero lowers the risk, just above it no direction does."""
    threshold = jm.collapse_radius(problem(small_samples(), loss, 0.1))
    assert threshold == pytest.approx(np.linalg.norm(Y @ X / N), rel=1e-12)  # |loss'(0, y)| is the same for all rows
    zero = np.mean(oracle.attacked_loss(loss, Y, np.zeros(N), 0.0, 0.0))
    directions = np.random.default_rng(1).standard_normal((200, D))
    directions = np.vstack([Y @ X, directions])
    for factor, descends in [(0.98, True), (1.02, False)]:
        radius = factor * threshold
        risks = [
            np.mean(oracle.attacked_loss(loss, Y, X @ w, np.linalg.norm(w), radius))
            for w in 1e-4 * directions / np.linalg.norm(directions, axis=1)[:, None]
        ]
        assert (min(risks) < zero) == descends
        found = jm.optimum(problem(small_samples(), loss, radius))
        assert (found.regime == "collapse") != descends
        assert (found.norm > 0) == descends
        if not descends:
            assert found.adversarial_risk == pytest.approx(zero, rel=1e-12) and not np.any(found.vector)


def margin(x, y):
    """The largest margin of a unit vector: hard-margin SVM through its dual, projected onto the simplex by SLSQP."""
    u = y[:, None] * x
    end = optimize.minimize(
        lambda a: (np.sum((a @ u) ** 2) / 2, u @ (a @ u)),
        np.full(len(y), 1 / len(y)),
        jac=True,
        bounds=[(0, None)] * len(y),
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return np.linalg.norm(end.x @ u)


def test_separable_below_the_largest_margin_and_not_above():
    x, y = few_rows(n=30, d=40)
    samples = jm.Samples(x, y, preprocessing=None)
    widest = margin(x, y)
    for factor, regime in [(0.9, "separable"), (1.1, "interior")]:
        found = jm.optimum(problem(samples, "logistic", factor * widest))
        assert found.regime == regime
        if regime == "separable":
            assert (found.adversarial_risk, found.norm, found.vector) == (0.0, np.inf, None)
        else:
            expected = logistic_by_bfgs(x, y, factor * widest)
            assert found.adversarial_risk == pytest.approx(expected.fun, rel=1e-6)


@pytest.mark.parametrize("name", ["hinge", "squared hinge", "smoothed hinge"])
def test_separable_for_a_loss_that_reaches_zero_is_the_widest_margin(name):
    """Margin 1 for every row: ||X|| (widest - radius) = 1, and the direction is the same for every radius."""
    loss = {"hinge": jm.HingeLoss(), "squared hinge": jm.SquaredHingeLoss(), "smoothed hinge": jm.SmoothedHingeLoss()}
    x, y = few_rows(n=30, d=40)
    samples, widest = jm.Samples(x, y, preprocessing=None), margin(x, y)
    for radius in (0.0, 0.6 * widest):
        mine = jm.Problem(samples, loss[name], radius)
        found = jm.optimum(mine)
        assert found.regime == "interior" and found.adversarial_risk == pytest.approx(0.0, abs=1e-12)
        assert found.norm == pytest.approx(1 / (widest - radius), rel=1e-6)
        assert np.min(y * (x @ found.vector)) - radius * found.norm == pytest.approx(1.0, rel=1e-9)
    if name == "hinge":
        curve = jm.forecast(mine, jm.Polyak(), times=[0.0, 1.0, 3.0])
        assert np.all(np.diff(curve.distance_to_optimum) < 0) and np.all(np.isfinite(curve.adversarial_risk))


def test_fewer_rows_than_features_are_interpolated_without_attack():
    x, y = few_rows(n=30, d=40)
    found = jm.optimum(problem(jm.Samples(x, y, preprocessing=None), "squared", 0.0))
    assert found.regime == "interpolating"
    assert found.adversarial_risk == pytest.approx(0.0, abs=1e-10)
    np.testing.assert_allclose(x @ found.vector, y, atol=1e-5)


def dependent(kind):
    """Rows whose columns are not independent, and an orthonormal basis of the space of the rows."""
    g = np.random.default_rng(1)
    x = g.standard_normal((28, 4))
    more = {
        "a column twice": x[:, :1],
        "sums of columns": x @ g.standard_normal((4, 2)),
        "a column of zeros": np.zeros((28, 1)),
    }[kind]
    x = np.column_stack([x, more])
    left, values, _ = np.linalg.svd(x.T, full_matrices=False)
    y = np.where(x @ g.standard_normal(x.shape[1]) + 6 * g.standard_normal(28) > 0, 1.0, -1.0)
    return x, y, left[:, values > 1e-9]


@pytest.mark.parametrize("radius", [0.0, 1e-300, 1e-12])
@pytest.mark.parametrize("kind", ["a column twice", "sums of columns", "a column of zeros"])
def test_what_no_row_sees_is_zero_in_the_optimum(kind, radius):
    x, y, seen = dependent(kind)
    for loss in (jm.ProbitLoss(), jm.SquaredHingeLoss(), jm.SquaredLoss()):
        found = jm.optimum(jm.Problem(jm.Samples(x, y, preprocessing=None), loss, radius))
        np.testing.assert_allclose(seen @ (seen.T @ found.vector), found.vector, atol=1e-9 * found.norm)
        inside = jm.optimum(jm.Problem(jm.Samples(x @ seen, y, preprocessing=None), loss, radius))
        np.testing.assert_allclose(found.vector, seen @ inside.vector, atol=1e-5 * found.norm)
        assert found.adversarial_risk == pytest.approx(inside.adversarial_risk, rel=1e-9)
    np.testing.assert_allclose(found.vector, np.linalg.pinv(x, rcond=1e-10) @ y, atol=1e-5)


def test_columns_and_targets_of_any_size():
    # Without an attack the optimum of scaled columns and targets is that of the others, scaled.
    x, y, _ = dependent("a column of zeros")
    x, units = x[:, :4], np.array([1e-6, 1e-2, 1e3, 1e6])
    for loss in (jm.ExponentialLoss(), jm.HingeLoss(), jm.LogisticLoss()):
        one, other = (jm.optimum(jm.Problem(jm.Samples(a, y, preprocessing=None), loss, 0.0)) for a in (x, x * units))
        assert other.adversarial_risk == pytest.approx(one.adversarial_risk, rel=1e-7)
        np.testing.assert_allclose(units * other.vector, one.vector, atol=1e-4 * one.norm)
    y = y + x[:, 0]  # of two values, they would be taken for classes
    for size in (1e-9, 1e9):
        one, other = (
            jm.optimum(jm.Problem(jm.Samples(x, c * y, preprocessing=None), jm.SquaredLoss(), 0.1)) for c in (1.0, size)
        )
        np.testing.assert_allclose(other.vector, size * one.vector, atol=1e-6 * other.norm)
        assert other.adversarial_risk == pytest.approx(size**2 * one.adversarial_risk, rel=1e-7)
