"""The adversarial optimum of several classes: against the binary one, slopes by differences, and other descents."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import jominy as jm
from softmax_oracle import ascended


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.mark.parametrize(
    ("several", "single", "radius", "attack", "settings", "close"),
    [
        (jm.SoftmaxLoss(), jm.LogisticLoss(), 0.3, jm.L2(), {}, 1e-8),
        (jm.SoftmaxLoss(), jm.LogisticLoss(), 0.5, jm.L2(), {"intercept": True}, 1e-8),
        (jm.SoftmaxLoss(), jm.LogisticLoss(), 0.5, jm.Mahalanobis(np.arange(30) / 15), {}, 1e-8),
        (jm.SoftmaxLoss(), jm.LogisticLoss(), 3.0, jm.L2(), {"intercept": True}, 1e-8),
        (jm.CrammerSingerLoss(), jm.HingeLoss(), 0.5, jm.L2(), {}, 1e-6),
    ],
)
def test_two_classes_are_the_binary_optimum(cancer, several, single, radius, attack, settings, close):
    samples = jm.Samples(*cancer, **settings)
    two = jm.optimum(jm.Problem(samples, several, radius, attack))
    one = jm.optimum(jm.Problem(samples, single, radius, attack))
    assert two.adversarial_risk == pytest.approx(one.adversarial_risk, rel=close)
    np.testing.assert_allclose(
        two.vector[1] - two.vector[0], one.vector, atol=100 * close * max(1.0, np.linalg.norm(one.vector))
    )
    assert two.found


def test_softmax_is_least_by_another_descent_and_other_attacks(wine):
    X, y = wine
    problem = jm.Problem(jm.Samples(X, y), jm.SoftmaxLoss(), 1.0)
    best = jm.optimum(problem)
    features = np.asarray(problem.samples.features)
    assert best.regime == "interior" and best.found
    assert best.adversarial_risk == pytest.approx(np.mean(ascended(best.vector, features, y, 1.0)), rel=1e-5)
    assert best.adversarial_risk < np.log(3)
    np.testing.assert_allclose(best.vector.sum(axis=0), 0.0, atol=1e-9)
    g = np.random.default_rng(0)
    for size in (0.02, 0.1):
        moved = best.vector + size * g.standard_normal(best.vector.shape)
        # Attacks by ascent are no larger than the exact ones: that only makes this harder.
        assert np.mean(ascended(moved, features, y, 1.0)) > best.adversarial_risk


def test_no_ascent_finds_a_larger_loss_at_the_optimum():
    """There the largest attacks are close to several classes at once; the clean row and one corner alone miss 5e-5."""
    problem = jm.Problem(jm.Samples(*load_iris(return_X_y=True)), jm.SoftmaxLoss(), 0.5)
    best = jm.optimum(problem)
    ascents = ascended(best.vector, np.asarray(problem.samples.features), problem.samples.class_numbers, 0.5, starts=20)
    assert best.adversarial_risk == pytest.approx(np.mean(ascents), rel=1e-6)


def test_one_against_the_rest_is_its_binary_problems(wine):
    X, y = wine
    best = jm.optimum(jm.Problem(jm.Samples(X, y), jm.OneVersusRestLoss(), 0.7))
    risks = []
    features = np.asarray(jm.Problem(jm.Samples(X, y), jm.OneVersusRestLoss(), 0.7).samples.features)
    for k in range(3):
        labels = np.where(y == k, 1.0, -1.0)

        def risk(w, labels=labels):
            return np.mean(np.logaddexp(0, -labels * (features @ w) + 0.7 * np.sqrt(w @ w + 1e-18)))

        found = minimize(risk, best.vector[k] * 0.5, method="BFGS", options={"gtol": 1e-8})
        risks.append(found.fun)
    assert best.adversarial_risk == pytest.approx(sum(risks), rel=1e-7)


def test_classes_that_can_be_told_apart_have_none(wine):
    all_apart = jm.optimum(jm.Problem(jm.Samples(*wine), jm.SoftmaxLoss(), 0.3))
    assert all_apart.regime == "separable" and all_apart.norm == np.inf and all_apart.vector is None
    assert all_apart.adversarial_risk == 0
    # One kind of iris is apart from both others, which are not from each other.
    X, y = load_iris(return_X_y=True)
    one_apart = jm.optimum(jm.Problem(jm.Samples(X, y, intercept=True), jm.SoftmaxLoss(), 0.3))
    assert one_apart.regime == "separable" and 0.1 < one_apart.adversarial_risk < 0.5


def test_above_the_collapse_radius_it_is_the_intercept_alone(wine):
    X, y = wine
    problem = jm.Problem(jm.Samples(X, y, intercept=True), jm.SoftmaxLoss(), 3.5)
    best = jm.optimum(problem)
    assert problem.final_radius > best.collapse_radius
    assert not np.any(best.vector[:, :-1])
    shares = np.bincount(y) / len(y)
    assert best.adversarial_risk == pytest.approx(-shares @ np.log(shares), rel=1e-9)
    weighted = jm.Problem(jm.Samples(X, [f"kind {k}" for k in y], class_weight="balanced"), jm.SoftmaxLoss(), 3.5)
    assert jm.optimum(weighted).adversarial_risk == pytest.approx(np.log(3), rel=1e-12)


def test_forecasts_and_runs_are_measured_from_it(wine):
    problem = jm.Problem(jm.Samples(*wine), jm.SoftmaxLoss(), 1.0)
    best = jm.optimum(problem)
    curve = jm.forecast(problem, jm.Constant(0.5), times=[0.0, 5.0], runs=20, start=best.vector + 3.0)
    assert abs(float(curve.excess_risk[0])) < 1e-5 and abs(float(curve.distance_to_optimum[0])) < 1e-6
    assert float(curve.excess_risk[1]) == pytest.approx(float(curve.adversarial_risk[1]) - best.adversarial_risk)
    runs = jm.simulate(problem, jm.Constant(0.5), times=[0.0, 5.0], seeds=2, progress=False)
    assert float(runs.distance_to_optimum[0, 0]) == pytest.approx(best.norm)
    assert curve.attrs["optimum_risk"] == best.adversarial_risk
