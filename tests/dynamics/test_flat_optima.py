"""Optima in flat directions and at corners of the risk: closed forms, and SciPy on the risk in few dimensions.

A direction in which no input varies is seen through the means alone; where all targets of a class are met exactly the
risk has a corner. No optimum may be above the zero vector, no forecast below its optimum.
"""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import erf

import jominy as jm

RADII = (0.0, 1e-300, 1e-12, 1e-6, 1e-4, 0.1, 0.5)


def two_levels(radius):
    """One class of mean norm 2, variance 2 along one axis and none along the other, teacher of norm 1/2."""
    data = jm.GaussianMixture([1.0], [2.0], [jm.two_level(2, 2.0, 0.0)], labels=[1], teacher=0.5)
    return jm.Problem(data, jm.SquaredLoss(), radius)


@pytest.mark.parametrize("radius", RADII)
def test_two_levels_meet_every_target_exactly(radius):
    # X = X* + (0, 1 / mean) has no error at all, and no vector without error is shorter.
    wanted = np.array([0.5, 0.5]) / np.sqrt(2) + np.array([0.0, 1 / np.sqrt(2)])
    found = jm.optimum(two_levels(radius))
    assert found.regime == "interpolating"
    np.testing.assert_allclose(found.vector, wanted, rtol=1e-9)
    risk = radius**2 * (wanted @ wanted) / 2
    assert found.adversarial_risk == pytest.approx(risk, rel=1e-7, abs=1e-30 + 2e-15 * radius)
    curve = jm.forecast(two_levels(radius), jm.Constant(0.1), times=[0.0, 1.0, 4.0])
    for name, values in curve.data_vars.items():
        assert not np.any(np.isnan(values)), name
    assert curve.attrs["status"] == "completed" and np.all(curve.excess_risk >= -1e-9)


def risk(x, law, radius, spread=0.0):
    """Adversarial risk of the squared loss; `spread` smooths its corners."""
    weights, means, variances, labels, teacher = law
    mean = means @ (x - teacher) - labels
    sd = np.sqrt(variances @ (x - teacher) ** 2 + spread**2)
    u = mean / np.maximum(sd, 1e-150)
    size = sd * np.sqrt(2 / np.pi) * np.exp(-np.minimum(u**2 / 2, 700)) + mean * erf(u / np.sqrt(2))
    norm = np.sqrt(x @ x + (1e-3 * spread) ** 2)
    return weights @ (sd**2 + mean**2 + 2 * radius * norm * size) / 2 + (radius * norm) ** 2 / 2


def brute(law, radius):
    """The lowest risk found while the smoothing is taken away."""
    x, best = np.full(3, 0.01), risk(np.zeros(3), law, radius)
    for spread in 10.0 ** -np.arange(1, 9):
        for _ in range(3):
            x = minimize(risk, x, (law, radius, spread), method="BFGS", options={"gtol": 1e-12}).x
        best = min(best, risk(x, law, radius))
    return best


def flat_law(seed):
    g = np.random.default_rng(seed)
    variances = g.choice([0.0, 0.0, 0.5, 1.0, 2.0], (3, 3))
    variances[:, 0] = 0.0
    means = np.where(g.random((3, 3)) < 0.4, 0.0, g.standard_normal((3, 3)))
    weights, labels = g.dirichlet(np.full(3, 2.0)), g.choice([0.0, 1.0, -1.0, 0.5], 3)
    return weights / weights.sum(), means, variances, labels, g.standard_normal(3) * g.choice([0.0, 1.0], 3)


@pytest.mark.parametrize("seed", range(8))
def test_three_classes_in_three_dimensions_against_scipy(seed):
    law = flat_law(seed)
    weights, means, variances, labels, teacher = law
    data = jm.GaussianMixture(weights, list(means), list(variances), labels=labels, teacher=teacher)
    for radius in (0.0, 1e-6, 0.1, 0.3, 1.0):
        found, zero = jm.optimum(jm.Problem(data, jm.SquaredLoss(), radius)), risk(np.zeros(3), law, radius)
        assert found.adversarial_risk <= brute(law, radius) * (1 + 1e-8) + 1e-12 * zero
        assert found.adversarial_risk == pytest.approx(risk(found.vector, law, radius), rel=1e-7, abs=1e-13 * zero)
        assert found.adversarial_risk <= zero * (1 + 1e-14) + 1e-30  # two sums of the same terms
        assert found.norm == pytest.approx(np.linalg.norm(found.vector), rel=1e-6, abs=1e-12)


def test_without_an_attack_the_shortest_of_all_minimisers_is_meant():
    weights, means, variances, labels, teacher = flat_law(3)
    data = jm.GaussianMixture(weights, list(means), list(variances), labels=labels, teacher=teacher)
    found = jm.optimum(jm.Problem(data, jm.SquaredLoss(), 0.0))
    # The risk is a quadratic form: rows of the means and of the roots of the variances, weighted.
    rows = np.concatenate([
        np.sqrt(weights)[:, None] * means,
        *(np.diag(np.sqrt(p * k)) for p, k in zip(weights, variances, strict=True)),
    ])
    wanted = rows @ teacher + np.concatenate([np.sqrt(weights) * labels, np.zeros(9)])
    np.testing.assert_allclose(found.vector, np.linalg.pinv(rows, rcond=1e-12) @ wanted, atol=1e-6)


def test_a_teacher_that_is_seen_in_part_is_learnt_as_far_as_it_is_seen():
    variances, teacher = np.array([1.0, 2.0, 0.0]), np.array([0.6, -0.3, 1.0])
    data = jm.GaussianMixture([1.0], [np.zeros(3)], [variances], teacher=teacher)
    seen = teacher * (variances > 0)
    edge = np.sqrt(2 / np.pi) * np.linalg.norm(seen) / np.sqrt(np.sum(seen[:2] ** 2 / variances[:2]))
    assert jm.interpolation_radius(jm.Problem(data, jm.SquaredLoss(), 0.0)) == pytest.approx(edge, rel=1e-12)
    for radius, regime in ((0.0, "interpolating"), (0.99 * edge, "interpolating"), (1.01 * edge, "shrink")):
        found = jm.optimum(jm.Problem(data, jm.SquaredLoss(), radius))
        assert found.regime == regime and found.vector[2] == 0
        if regime == "interpolating":
            np.testing.assert_allclose(found.vector, seen, rtol=1e-12)


def test_classes_apart_where_nothing_varies_have_no_optimum_or_the_widest_margin():
    means = [np.array([0.3, 1.0]), np.array([0.1, -2.0])]
    data = jm.GaussianMixture([0.5, 0.5], means, [np.array([1.0, 0.0])] * 2, labels=[1, -1])
    logistic = jm.optimum(jm.Problem(data, jm.LogisticLoss(), 0.3))
    assert logistic.regime == "separable" and logistic.norm == np.inf and logistic.adversarial_risk == 0
    hinge = jm.optimum(jm.Problem(data, jm.HingeLoss(), 0.3))
    np.testing.assert_allclose(hinge.vector, [0.0, 1 / (1.0 - 0.3)], atol=1e-9)
    assert hinge.adversarial_risk == pytest.approx(0.0, abs=1e-12)
    inside = jm.optimum(jm.Problem(data, jm.LogisticLoss(), 1.02))
    assert np.isfinite(inside.norm) and inside.adversarial_risk < np.log(2)
