"""Weights of single samples: scikit-learn, SciPy, repeated rows, exact moments, SGD."""

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

import jominy as jm

RNG = np.random.default_rng(4)
X = RNG.standard_normal((400, 5)) * [1.0, 2.0, 0.5, 1.0, 1.5]
Y = np.where(X @ [0.8, 0.2, -0.5, 0.0, 0.3] + RNG.standard_normal(400) > 0.4, "ill", "well")
WEIGHTS = np.exp(RNG.standard_normal(400))


def test_without_an_attack_it_is_what_scikit_learn_finds():
    linear_model = pytest.importorskip("sklearn.linear_model")
    data = jm.Samples(X, Y, jm.Preprocessing(clip=None), intercept=True, sample_weight=WEIGHTS)
    weights, intercept = data.weights_to_data(jm.optimum(jm.Problem(data, jm.LogisticLoss(), 0.0)).vector)
    theirs = linear_model.LogisticRegression(C=1e12, tol=1e-12, max_iter=10_000).fit(X, Y, sample_weight=WEIGHTS)
    sign = 1 if data.classes[1] == theirs.classes_[1] else -1
    np.testing.assert_allclose(weights, sign * theirs.coef_[0], rtol=1e-5)
    assert intercept == pytest.approx(sign * theirs.intercept_[0], rel=1e-5)
    alone = linear_model.LogisticRegression(C=1e12, tol=1e-12, max_iter=10_000).fit(X, Y)
    assert abs(alone.coef_[0] / theirs.coef_[0] - 1).max() > 0.05


@pytest.mark.parametrize("attack", [jm.L2(), jm.LInf(), jm.Mahalanobis([1.0, 0, 2, 1, 0, 0])])
def test_a_weight_of_two_is_a_row_that_is_there_twice(attack):
    twice = np.arange(400) % 3 == 0
    plain = None  # scaling would know of rows that are there twice
    weighted = jm.Samples(
        X, Y, plain, intercept=True, sample_weight=np.where(twice, 2.0, 1.0) * 400 / (400 + twice.sum())
    )
    repeated = jm.Samples(np.r_[X, X[twice]], np.r_[Y, Y[twice]], plain, intercept=True)
    for radius in (0.3, 4.0):
        one, other = (jm.optimum(jm.Problem(data, jm.LogisticLoss(), radius, attack)) for data in (weighted, repeated))
        assert one.adversarial_risk == pytest.approx(other.adversarial_risk, rel=1e-9)
        assert one.collapse_radius == pytest.approx(other.collapse_radius, rel=1e-6)
        np.testing.assert_allclose(one.vector, other.vector, atol=2e-6)


def test_without_an_attack_least_squares_has_exact_moments():
    """m -> m - eta E w x e, and E X X' likewise, in NumPy: squares of weights in the noise."""
    y = X @ [0.5, -0.2, 0.1, 0.3, 0.0] + 0.3 * RNG.standard_normal(400)
    data = jm.Samples(X, y, None, sample_weight=WEIGHTS)
    target, rate, steps = np.asarray(data.targets), 0.1, 60
    told = jm.forecast(jm.Problem(data, jm.SquaredLoss(), 0.0), jm.Constant(rate), times=[steps / 5], largest_block=1)
    eta, mean, second = rate / 5, np.zeros(5), np.zeros((5, 5))
    w = WEIGHTS[:, None]
    a, b = (w * X).T @ X / 400, (w[:, 0] * target) @ X / 400
    for _ in range(steps):
        scores = np.einsum("ni,ij,nj->n", X, second, X) - 2 * target * (X @ mean) + target**2
        noise = ((w[:, 0] ** 2 * scores)[:, None] * X).T @ X / 400
        second = second - eta * (a @ second + second @ a - np.outer(b, mean) - np.outer(mean, b)) + eta**2 * noise
        mean = mean - eta * (a @ mean - b)
    squares = np.einsum("ni,ij,nj->n", X, second, X) - 2 * target * (X @ mean) + target**2
    assert told.adversarial_risk.values[-1] == pytest.approx(np.mean(WEIGHTS * squares) / 2, rel=1e-8)


@pytest.mark.parametrize("attack", [jm.L2(), jm.LInf()])
def test_sgd_does_what_the_forecast_says(attack):
    """200 runs, standard error .4 %; held-out risks are not weighted."""
    wide = np.c_[X, RNG.standard_normal((400, 15))]
    data = jm.Samples(wide[:300], Y[:300], intercept=True, sample_weight=np.clip(WEIGHTS[:300], 0.2, 3))
    problem, how = (
        jm.Problem(data, jm.LogisticLoss(), 0.3, attack),
        {"times": [1.0, 5.0, 20.0], "held_out": (wide[300:], Y[300:])},
    )
    told = jm.forecast(problem, jm.Constant(0.5), **how)
    runs = jm.simulate(problem, jm.Constant(0.5), seeds=200, progress=False, **how)
    for name in ("adversarial_risk", "held_out_adversarial_risk", "clean_accuracy"):
        values = runs[name].values
        error = values.std(axis=0) / np.sqrt(200)
        assert np.all(np.abs(told[name].values - values.mean(axis=0)) < 3.5 * error + 0.006), name
    assert "weights of single samples" in str(data.report)


def test_a_small_weight_does_not_make_classes_separable():
    """One row that is wrong for every vector counts little; its risk is below that of a usual row at zero."""
    x, y = np.r_[np.ones(20), 1.0][:, None], np.r_[np.ones(20), -1.0]
    x[::2] *= -1
    y[::2] *= -1
    data = jm.Samples(x, y, None, sample_weight=np.r_[np.ones(20), 1e-3])
    found = jm.optimum(jm.Problem(data, jm.LogisticLoss(), 0.0))
    best = scipy.optimize.minimize_scalar(
        lambda w: np.mean(np.r_[np.ones(20), 1e-3] * np.logaddexp(0, -y * x[:, 0] * w)),
        bounds=(0, 40),
        method="bounded",
    )
    assert found.regime == "interior" and found.adversarial_risk == pytest.approx(best.fun, rel=1e-6)


def test_rows_belong_together_by_their_index():
    frame = pd.DataFrame(X, index=np.arange(400) + 7)
    mixed = pd.Series(WEIGHTS, index=frame.index).sample(frac=1, random_state=0)
    np.testing.assert_allclose(
        jm.Samples(frame, pd.Series(Y, frame.index), sample_weight=mixed).sample_weights, WEIGHTS
    )


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(3), "one number for each sample"),
        (np.r_[np.ones(399), 0.0], "row 399"),
        (np.full(400, np.nan), "finite"),
    ],
)
def test_what_is_no_weight_is_refused(weights, words):
    with pytest.raises(jm.InputError, match=words):
        jm.Samples(X, Y, sample_weight=weights)


def test_estimators_take_them():
    sklearn = pytest.importorskip("jominy.sklearn")
    far = np.where(Y == "ill", 20.0, 1.0)
    plain, heavy = (
        sklearn.AdversarialClassifier(radius=0.1, time=10).fit(X, Y, sample_weight=weights) for weights in (None, far)
    )
    assert np.mean(heavy.predict(X) == "ill") > np.mean(plain.predict(X) == "ill") + 0.2
    same = sklearn.AdversarialClassifier(radius=0.1, time=10).fit(X, Y, sample_weight=np.ones(400))
    np.testing.assert_allclose(same.coef_, plain.coef_, rtol=1e-12)
