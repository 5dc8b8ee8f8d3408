"""An intercept: a feature of ones that no attack can touch."""

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

import jominy as jm
from jominy.data import Encoder

RNG = np.random.default_rng(2)
X = RNG.standard_normal((1500, 6))
Y = np.where(X @ [0.4, 0.3, 0, 0, 0, 0] + 0.6 * RNG.standard_normal(1500) > 1.2, "Yes", "No")  # 94 % "No"


def test_a_rare_class_is_forecast_at_its_base_rate_at_least():
    share = np.mean(Y == "No")
    assert 0.92 < share < 0.96
    settings = {"time": 60, "held_out": (X[:300], Y[:300])}
    for intercept in (False, True):
        data = jm.Samples(X, Y, intercept=intercept)
        curve = jm.forecast(jm.Problem(data, jm.LogisticLoss(), 0.1), jm.Constant(0.5), **settings)
        accurate = float(curve.clean_accuracy[-1]) > share - 0.01
        assert accurate == intercept and (float(curve.held_out_clean_accuracy[-1]) > 0.9) == intercept


def test_it_is_what_logistic_regression_of_scikit_learn_finds():
    linear_model = pytest.importorskip("sklearn.linear_model")
    data = jm.Samples(X, Y, intercept=True)
    assert data.dimension == 7 and data.feature_names[-1] == "intercept"
    np.testing.assert_array_equal(data.features[:, -1], 1)
    found = jm.optimum(jm.Problem(data, jm.LogisticLoss(), 0.0))
    weights, intercept = data.weights_to_data(found.vector)
    theirs = linear_model.LogisticRegression(C=1e10, tol=1e-10, max_iter=10_000).fit(X, Y)
    sign = 1 if data.classes[1] == theirs.classes_[1] else -1
    # Clipped rows differ a little from the raw ones: compare on what the two call probabilities.
    ours, other = X @ weights + intercept, sign * theirs.decision_function(X)
    assert np.corrcoef(ours, other)[0, 1] > 0.999
    assert intercept == pytest.approx(sign * theirs.intercept_[0], rel=0.05)


def test_sgd_learns_it_as_the_forecast_says():
    """200 runs; standard error .3 %."""
    data = jm.Samples(X[:300], Y[:300], intercept=True)
    problem = jm.Problem(data, jm.LogisticLoss(), 0.2)
    how = {"times": [1.0, 5.0, 20.0]}
    told = jm.forecast(problem, jm.Constant(0.5), **how)
    runs = jm.simulate(problem, jm.Constant(0.5), seeds=200, **how)
    values = runs.adversarial_risk.values
    error = values.std(axis=0) / np.sqrt(200)
    assert np.all(np.abs(told.adversarial_risk.values - values.mean(axis=0)) < 3.5 * error + 0.005)


def test_held_out_rows_need_no_column_of_ones():
    data = jm.Samples(X, Y, preprocessing=None, intercept=True)
    features, _ = data.transform(X[:3], Y[:3])
    assert features.shape == (3, 7)
    with pytest.raises(jm.InputError, match="6 columns"):
        data.transform(X[:3, :4], Y[:3])


def test_a_rate_in_data_units_is_refused():
    scaling = jm.Preprocessing(scaling=jm.Scaling.ONE_FACTOR)
    with pytest.raises(jm.InputError, match="not scaled"):
        jm.Samples(X, Y, scaling, intercept=True).rate_from_data_units(0.1)


def test_no_attack_moves_it():
    """SciPy on the risk whose size leaves the last weight out; with it the risk is 1 % higher or more."""
    data, radius = jm.Samples(X[:300], Y[:300], intercept=True), 0.3
    found = jm.optimum(jm.Problem(data, jm.LogisticLoss(), radius))
    rows, labels = np.asarray(data.features), np.asarray(data.targets)

    def risk(x, attacked):
        size = np.sqrt(x[:attacked] @ x[:attacked] + 1e-16)
        return np.mean(np.logaddexp(0, -(labels * (rows @ x) - radius * size)))

    best, attacked = (scipy.optimize.minimize(risk, np.full(7, 0.1), (count,), tol=1e-10).fun for count in (6, 7))
    assert found.adversarial_risk == pytest.approx(best, rel=1e-6) and attacked > best * 1.01


def test_kinds_of_a_word_beside_an_intercept_have_an_optimum():
    """Centred, all kinds of a word sum to nothing: SciPy minimises without the last kind, whose span is the same."""
    g = np.random.default_rng(2)
    count = 300
    town = g.choice(["a", "b", "c"], count)
    frame = pd.DataFrame({"dose": g.standard_normal(count), "age": g.standard_normal(count), "town": town})
    y = np.where(frame["dose"] + (town == "a") + g.standard_normal(count) > 1.4, "ill", "well")
    samples = jm.Samples(frame, y, transform=Encoder(), intercept=True)
    assert samples.untouched.tolist() == [False, False, True, True, True, True]
    X, target = np.asarray(samples.features), samples.targets
    for attack in (jm.L2(), jm.LInf()):
        best = jm.optimum(jm.Problem(samples, jm.LogisticLoss(), 0.3, attack))

        def risk(x, attack=attack):
            size = np.linalg.norm(x[:2]) if attack == jm.L2() else np.sum(np.abs(x[:2])) / np.sqrt(6)
            return np.mean(np.logaddexp(0, 0.3 * size - target * (X[:, [0, 1, 2, 3, 5]] @ x)))

        options = {"maxiter": 40_000, "maxfev": 40_000, "xatol": 1e-9, "fatol": 1e-13}
        found = scipy.optimize.minimize(risk, np.full(5, 0.1), method="Nelder-Mead", options=options)
        assert best.adversarial_risk == pytest.approx(found.fun, abs=1e-7)
        assert np.linalg.norm(best.vector) < 5


def test_the_gaussian_picture_is_of_the_rows_alone():
    g = np.random.default_rng(0)
    X = g.standard_normal((300, 5))
    y = np.where(X[:, 0] + g.standard_normal(300) > 0, 1, -1)
    plain, more = jm.Samples(X, y), jm.Samples(X, y, intercept=True, immutable=[1], class_weight="balanced")
    told = [
        jm.gaussian_picture(jm.Problem(one, jm.LogisticLoss(), 0.2), jm.Constant(1.0), times=[4.0], surrogates=1)
        for one in (plain, more)
    ]
    assert told[0].attrs["gap"] == pytest.approx(told[1].attrs["gap"], rel=1e-6)
