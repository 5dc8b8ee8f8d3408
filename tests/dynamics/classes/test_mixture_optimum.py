"""The optimum of mixtures with several labels: against the binary theory, and SciPy over full vectors on a grid."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

import jominy as jm
from softmax_oracle import ascended, attacked_slopes

MEANS = np.array([[1.2, 0.0, 0.3], [-0.6, 1.0, 0.0], [-0.5, -0.9, 0.4], [0.2, 0.3, -1.0]])
ROWS = np.array([[0.6, 1.0, 1.4], [1.0, 0.8, 0.5], [0.6, 1.0, 1.4], [0.9, 0.9, 0.9]])
WEIGHTS, LABELS = np.array([0.3, 0.25, 0.25, 0.2]), np.array([0, 1, 2, 1])


def _law(**more):
    return jm.GaussianMixture(WEIGHTS, list(MEANS), list(ROWS), labels=LABELS, **more)


def _grid(nodes=10):
    """Points, class numbers and weights of an average over the mixture: Gauss-Hermite in each dimension."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    cube = np.array(list(itertools.product(x, repeat=3)))
    share = np.prod(list(itertools.product(w, repeat=3)), axis=1)
    points = np.concatenate([m + np.sqrt(r) * cube for m, r in zip(MEANS, ROWS, strict=True)])
    return points, np.repeat(LABELS, len(cube)), np.concatenate([p * share for p in WEIGHTS])


def _least(radius):
    X, y, share = _grid()

    def risk(w):
        value, slope = attacked_slopes(w.reshape(3, 3), X, y, radius)
        return share @ value, np.einsum("n,nkd->kd", share, slope).ravel()

    return minimize(risk, 0.3 * MEANS[:3].ravel(), jac=True, method="BFGS", options={"gtol": 1e-6})


@pytest.mark.parametrize("radius", [pytest.param(0.0, marks=pytest.mark.slow), 0.3])
def test_it_is_that_of_scipy_over_full_vectors(radius):
    best = jm.optimum(jm.Problem(_law(), jm.SoftmaxLoss(attack_steps=1), radius))
    found = _least(radius)
    W = found.x.reshape(3, 3)
    assert best.regime == "interior" and best.found
    assert best.adversarial_risk == pytest.approx(found.fun, rel=3e-4)
    np.testing.assert_allclose(best.vector, W - W.mean(axis=0), atol=0.01)
    X, y, share = _grid()
    # Nearly as low as can be on the other average.
    assert share @ ascended(best.vector, X, y, radius) < found.fun * (1 + 3e-5)


@pytest.mark.parametrize("attack", [jm.L2(), jm.Mahalanobis([1.0, 0.5, 2.0])], ids=["l2", "budgets"])
@pytest.mark.parametrize("intercept", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_two_labels_are_the_binary_optimum(attack, intercept):
    if intercept and not attack.isotropic:
        attack = jm.Mahalanobis([1.0, 0.5, 2.0, 0.0])
    parts = dict(weights=[0.3, 0.7], means=[MEANS[0], MEANS[1]], covariances=[ROWS[0], ROWS[1]], intercept=intercept)
    two = jm.Problem(jm.GaussianMixture(labels=[0, 1], **parts), jm.SoftmaxLoss(), 0.2, attack)
    one = jm.Problem(jm.GaussianMixture(labels=[-1, 1], **parts), jm.LogisticLoss(), 0.2, attack)
    mine, theirs = jm.optimum(two), jm.optimum(one)
    assert mine.adversarial_risk == pytest.approx(theirs.adversarial_risk, rel=3e-4)
    np.testing.assert_allclose(mine.vector[1] - mine.vector[0], theirs.vector, atol=0.01)
    assert jm.collapse_radius(two) == pytest.approx(jm.collapse_radius(one), rel=1e-7)


@pytest.mark.parametrize("intercept", [pytest.param(False, marks=pytest.mark.slow), True])
def test_it_collapses_at_the_radius_that_is_told(intercept):
    law = _law(intercept=intercept)
    radius = jm.collapse_radius(jm.Problem(law, jm.SoftmaxLoss(), 0.1))
    shares = np.array([0.3, 0.45, 0.25])
    constant = -shares @ np.log(shares) if intercept else np.log(3)
    inside = jm.optimum(jm.Problem(law, jm.SoftmaxLoss(), 0.97 * radius))
    outside = jm.optimum(jm.Problem(law, jm.SoftmaxLoss(), 1.03 * radius))
    assert inside.adversarial_risk < constant - 1e-5 and np.any(np.abs(inside.vector[:, :3]) > 1e-3)
    assert outside.adversarial_risk == pytest.approx(constant, rel=1e-6) and not np.any(outside.vector[:, :3])
    if not intercept:  # the risk does not fall along any way from zero
        X, y, share = _grid(6)
        g = np.random.default_rng(0)
        tried = [g.standard_normal((3, 3)), inside.vector, inside.vector + 0.1 * g.standard_normal((3, 3))]
        for way in tried:
            way = 0.01 * way / np.linalg.norm(way)
            assert share @ ascended(way, X, y, 1.03 * radius) > constant


def test_forecasts_and_runs_are_measured_from_it():
    problem = jm.Problem(_law(), jm.SoftmaxLoss(), 0.3)
    best = jm.optimum(problem)
    told = jm.forecast(problem, jm.Constant(0.02), times=[0.0, 1.0], start=best.vector + 5.0)
    np.testing.assert_allclose(told.distance_to_optimum[0], 0.0, atol=1e-9)  # rows that are all moved change nothing
    assert abs(float(told.excess_risk[0])) < 5e-4 * best.adversarial_risk
    assert told.attrs["optimum_risk"] == best.adversarial_risk
    runs = jm.simulate(problem, jm.Constant(0.02), times=[0.0, 1.0], start=best.vector, seeds=2, progress=False)
    np.testing.assert_allclose(runs.distance_to_optimum[:, 0], 0.0, atol=1e-9)


@pytest.mark.slow
def test_long_training_at_a_small_rate_ends_there():
    problem = jm.Problem(_law(), jm.SoftmaxLoss(), 0.3)
    far = jm.forecast(problem, jm.Constant(0.05), times=[0.0, 300.0])
    assert float(far.excess_risk[-1]) < 0.05 * float(far.excess_risk[0])
    assert float(far.distance_to_optimum[0]) == pytest.approx(jm.optimum(problem).norm)


def test_classes_that_differ_without_variance_have_none():
    law = jm.GaussianMixture([0.5, 0.5], list(MEANS[:2]), [np.array([1.0, 0.0, 0.0])] * 2, labels=[0, 1])
    assert jm.optimum(jm.Problem(law, jm.SoftmaxLoss(), 0.1)).regime == "separable"
