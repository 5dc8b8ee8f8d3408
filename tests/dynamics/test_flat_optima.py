"""Optima in flat directions and at corners of the risk: closed forms, and SciPy on the risk in few dimensions.

A direction in which no input varies is seen through the means alone; where all targets of a class are met exactly the
risk has a corner. No optimum may be above the zero vector, no forecast below its optimum.
"""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import erf, expit, ndtr

import jominy as jm
from jominy.dynamics.laws.representations import representations
from jominy.dynamics.laws.risk import risk_spec
from jominy.dynamics.optima.minimise import from_zero
from jominy.dynamics.optima.optimum import _resolved
from jominy.numerics.precision import double_precision
from margin_oracle import PROFILES, averages
from zoo import MARGIN_LOSSES

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
    rows = np.concatenate(
        [
            np.sqrt(weights)[:, None] * means,
            *(np.diag(np.sqrt(p * k)) for p, k in zip(weights, variances, strict=True)),
        ]
    )
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


def margin_risk(x, name, law, radius, spread=0.0):
    """Adversarial risk of a margin loss, and its gradient; `spread` smooths the kinks of classes that do not vary."""
    norm, value, gradient = np.sqrt(x @ x + (1e-3 * spread) ** 2), 0.0, np.zeros_like(x)
    for share, mean, variances, label in zip(*law, strict=True):
        margin, variance = label * mean @ x - radius * norm, variances @ x**2 + spread**2
        if variance < 1e-26:
            average, slope, curvature = PROFILES[name][0](margin), PROFILES[name][1](margin), 0.0
        else:
            average, slope, curvature, _ = averages(name, margin, variance)
        value += share * average
        gradient += share * (slope * (label * mean - radius * x / max(norm, 1e-300)) + curvature * variances * x)
    return value, gradient


def lowest_margin_risk(name, law, radius):
    """The lowest risk found by BFGS while the smoothing is taken away."""
    x = 0.01 * (law[0] * law[3]) @ law[1]
    best = margin_risk(0 * x, name, law, radius)[0]
    for spread in 10.0 ** -np.arange(1, 9):
        for _ in range(2):
            x = minimize(margin_risk, x, (name, law, radius, spread), "BFGS", jac=True, options={"gtol": 1e-10}).x
        best = min(best, margin_risk(x, name, law, radius)[0])
    return best


def flat_classes(seed):
    """Classes whose covariances vanish along the first axis at least; for half of the seeds means do not tell them
    apart there."""
    g = np.random.default_rng(seed)
    d, n = int(g.integers(2, 5)), int(g.integers(2, 5))
    shared, variances = g.random() < 0.3, g.choice([0.0, 0.0, 0.5, 1.0, 2.0], (n, d))
    if shared:
        variances[:] = variances[0]
    variances[:, 0] = 0.0
    if not variances.any():
        variances[:, -1] = 1.0
    if n > 2 and g.random() < 0.3:
        variances[0] = 0.0
    means = np.where(g.random((n, d)) < 0.3, 0.0, g.standard_normal((n, d)))
    labels = g.choice([1.0, -1.0], n)
    labels[:2] = 1, -1
    if g.random() < 0.5:
        flat = ~np.any(variances > 0, axis=0)
        means[:, flat] = (g.standard_normal(d) * g.uniform(0.3, 2, (n, 1)))[:, flat]
    weights = g.dirichlet(np.full(n, 3.0))
    return weights / weights.sum(), means, variances, labels


FLAT_CLASSES = [
    (3, "squared hinge", 0.0),
    (8, "hinge", 1e-12),
    (11, "exponential", 1e-12),
    *(
        pytest.param(*one, marks=pytest.mark.slow)
        for one in (
            (0, "logistic", 0.0),
            (1, "probit", 0.0),
            (7, "probit", 1e-12),
            (9, "squared hinge", 1e-12),
            (10, "smoothed hinge", 1e-12),
            (12, "logistic", 1e-6),
            (14, "hinge", 1e-6),
            (15, "squared hinge", 1e-6),
            (17, "exponential", 1e-6),
            (20, "hinge", 0.1),
            (31, "probit", 1e-12),
            (54, "logistic", 1e-12),
            (155, "exponential", 1e-12),
        )
    ),
]


@pytest.mark.parametrize(("seed", "name", "radius"), FLAT_CLASSES)
def test_margin_losses_in_flat_directions_against_scipy(seed, name, radius):
    law = weights, means, variances, labels = flat_classes(seed)
    data = jm.GaussianMixture(weights, list(means), list(variances), labels=labels)
    found = jm.optimum(jm.Problem(data, MARGIN_LOSSES[name], radius))
    zero, own = (margin_risk(x, name, law, radius)[0] for x in (np.zeros(means.shape[1]), found.vector))
    assert found.adversarial_risk <= lowest_margin_risk(name, law, radius) + 1e-7 * zero
    assert found.adversarial_risk == pytest.approx(own, rel=1e-6, abs=1e-9 * zero)
    assert found.norm == pytest.approx(np.linalg.norm(found.vector), rel=1e-6)


@pytest.mark.parametrize(("name", "radius"), [("hinge", 0.0), pytest.param("exponential", 0.0, marks=pytest.mark.slow)])
def test_covariances_that_do_not_commute_with_a_flat_direction(name, radius):
    # Turned by a rotation the dense law has the optimum of the diagonal one, turned.
    weights, means, variances, labels = flat_classes(8)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    plain = jm.GaussianMixture(weights, list(means), list(variances), labels=labels)
    turned = [turn @ np.diag(row) @ turn.T for row in variances]
    dense = jm.GaussianMixture(weights, list(means @ turn.T), turned, labels=labels)
    one, other = (jm.optimum(jm.Problem(data, MARGIN_LOSSES[name], radius)) for data in (plain, dense))
    assert other.adversarial_risk == pytest.approx(one.adversarial_risk, rel=1e-6, abs=1e-9)
    np.testing.assert_allclose(other.vector, turn @ one.vector, atol=1e-4 * one.norm)


def test_a_class_that_is_a_point_beside_one_many_lengths_away():
    # The first axis tells the first class for sure, all others the second: the hinge has no risk worth a number.
    means = [np.array([1e14, 2.0, 0.5]), np.array([0.0, 0.2, -2.0])]
    data = jm.GaussianMixture([0.3, 0.7], means, [np.array([1e-3, 0.1, 2.0]), np.zeros(3)], labels=[1, -1])
    for radius in (0.0, 0.07):
        assert jm.optimum(jm.Problem(data, jm.HingeLoss(), radius)).adversarial_risk < 1e-9


@pytest.mark.slow
def test_where_some_classes_are_apart_the_others_have_their_own_optimum():
    # The first axis holds the first class apart; the others differ in the second alone, where nothing varies either.
    means = [np.array([1.0, 0.3, 0.2]), np.array([0.0, 1.0, 0.5]), np.array([0.0, 0.5, -0.4])]
    weights, labels, variances = np.array([0.3, 0.4, 0.3]), [1, -1, 1], [np.array([0.0, 0.0, 1.0])] * 3
    for name in ("logistic", "exponential"):
        data = jm.GaussianMixture(weights, means, variances, labels=labels)
        found = jm.optimum(jm.Problem(data, MARGIN_LOSSES[name], 0.0))
        rest = (weights[1:], np.array(means)[1:, 1:], np.array(variances)[1:, 1:], np.array([-1.0, 1.0]))
        assert found.regime == "separable"
        assert found.adversarial_risk == pytest.approx(lowest_margin_risk(name, rest, 0.0), rel=1e-6)


@pytest.mark.parametrize("radius", [0.0, 0.6])
@pytest.mark.parametrize("size, teacher, noise", [(0.05, 0.0, 0.0), (0.05, 0.0, 2.0), (0.0, 0.5, 2.0), (0.0, 0.0, 0.0)])
@pytest.mark.parametrize("loss", [jm.SquaredLoss(), jm.RidgeSquaredLoss()], ids=["squared", "ridge"])
def test_where_nothing_is_to_be_learnt_the_optimum_is_the_zero_vector(loss, size, teacher, noise, radius):
    # No input varies, or no target depends on one: at zero there is no gradient, and the risk is convex.
    data = jm.LinearTeacher(jm.identity(6, size), teacher, noise_variance=noise)
    problem = jm.Problem(data, loss, radius)
    found = jm.optimum(problem)
    assert (found.regime, found.norm, found.collapse_radius) == ("collapse", 0.0, 0.0)
    assert jm.collapse_radius(problem) == 0
    assert found.adversarial_risk == pytest.approx(noise / 2, abs=1e-29)
    curve = jm.forecast(problem, jm.Constant(0.1), times=[0.0, 1.0], start=0.3)
    assert curve.attrs["status"] == "collapsed" and np.all(curve.excess_risk >= 0)


CHANCES = {
    "logistic": lambda mean, sd: expit(mean[..., None] + sd * STEPS) @ STEP_WEIGHTS,
    "probit": lambda mean, sd: ndtr(mean / np.sqrt(1 + sd**2)),
    "sign": lambda mean, sd: ndtr(mean / sd) if sd > 1e-9 else 1.0 * (mean > 0),
}
LABEL_LAWS = {"logistic": jm.LogisticLabels(), "probit": jm.ProbitLabels(), "sign": jm.SignLabels()}
STEPS = np.linspace(-9, 9, 61)
STEP_WEIGHTS = np.exp(-(STEPS**2) / 2) / np.sum(np.exp(-(STEPS**2) / 2))
A_POINT_AND_A_PLANE = (
    np.array([0.5, 0.5]),
    np.array([[1.0, 0.5, 0.0], [-0.5, 1.0, 0.2]]),
    np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 0.0]]),
    np.array([1.0, -1.0, 0.5]),
)


def random_label_risk(x, labels, name, law, radius):
    """Adversarial risk of a margin loss on labels drawn from a teacher's score, by panels between its kinks."""
    points, lengths = np.polynomial.legendre.leggauss(16)
    loss, shift, total = PROFILES[name][0], radius * np.linalg.norm(x), 0.0
    for share, mean, variances, teacher in zip(*law[:3], [law[3]] * len(law[0]), strict=True):
        a, sd, own = mean @ x, np.sqrt(variances @ x**2), mean @ teacher
        if sd < 1e-13:
            r, weights = np.array([a]), np.ones(1)
            chance = CHANCES[labels](np.array([own]), np.sqrt(variances @ teacher**2))
        else:
            pull = (variances * x) @ teacher / sd
            left = np.sqrt(max(variances @ teacher**2 - pull**2, 0.0))
            kinks = np.array([side * (kink + shift) for kink in (0.0, 1.0) for side in (1, -1)])
            step = (-own + left * np.linspace(-9, 9, 19)) / (pull or np.inf)  # from where on the label is certain
            edges = np.concatenate([np.linspace(-9, 9, 31), (kinks - a) / sd, step])
            edges = np.unique(np.clip(edges, -9, 9))
            half = np.diff(edges)[:, None] / 2
            u = (edges[:-1, None] + half + half * points).ravel()
            weights = (half * lengths).ravel() * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
            r, chance = a + sd * u, CHANCES[labels](own + pull * u, left)
        total += share * (weights @ (chance * loss(r - shift) + (1 - chance) * loss(-r - shift)))
    return float(total)


QUICK_LABELS = [("logistic", "logistic", 0.0), ("sign", "hinge", 0.1)]


@pytest.mark.parametrize(
    ("labels", "name", "radius"),
    [
        pytest.param(labels, name, radius, marks=() if (labels, name, radius) in QUICK_LABELS else pytest.mark.slow)
        for labels in LABEL_LAWS
        for name in MARGIN_LOSSES
        for radius in (0.0, 0.1)
    ],
)
def test_random_labels_of_a_class_that_does_not_vary_against_scipy(labels, name, radius):
    weights, means, variances, teacher = law = A_POINT_AND_A_PLANE
    data = jm.GaussianMixture(weights, list(means), list(variances), teacher=teacher, label_law=LABEL_LAWS[labels])
    found = jm.optimum(jm.Problem(data, MARGIN_LOSSES[name], radius))
    if labels == "sign" and not radius:
        assert found.regime == "separable"
        return
    x, asked = np.array([0.7, -0.6, 0.1]), (labels, name, law, radius)
    for _ in range(4):
        best = minimize(random_label_risk, x, asked, "Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11})
        x = best.x
    zero = random_label_risk(np.zeros(3), *asked)
    assert found.adversarial_risk <= best.fun + 1e-6 * zero
    assert found.adversarial_risk == pytest.approx(random_label_risk(found.vector, *asked), rel=1e-6)


def test_a_class_told_with_certainty_beside_one_that_cannot_be_told():
    # The mean of the point is 1e22 long, so a tiny student tells it; the other class can only lose by that, half the
    # attack's shift: weights[1] log(1 + exp(-mean s)) + weights[0] (log 2 + radius s / 2) has its minimum at s below,
    # up to the other class's mean, whose square counts relative to the radius's.
    weights, mean, radius = np.array([0.225, 0.775]), 1.28e22, 2000.0
    means = [np.array([-0.08, -0.5, 0.7, 0.0]), np.array([-0.3, 0.07, -120.0, -mean])]
    data = jm.GaussianMixture(weights, means, [np.array([0.5, 0.9, 1.4, 1.8]), np.zeros(4)], labels=[1, -1])
    problem = jm.Problem(data, jm.LogisticLoss(), radius)
    found = jm.optimum(problem)
    wrong = weights[0] * radius / (2 * weights[1] * mean)
    assert found.norm == pytest.approx(np.log(1 / wrong - 1) / mean, rel=1e-6)
    assert found.adversarial_risk == pytest.approx(weights[0] * np.log(2), rel=1e-13)


@pytest.mark.slow
def test_classes_apart_but_for_tails_with_a_mean_many_lengths_away():
    # The vector keeps its score for the long mean by a cancellation to the twelfth digit.
    share, radius = 0.7590079727900793, 0.2828509622300596
    weights = np.array([share, 1 - share])
    means = np.array(
        [
            [0.2865, 0.508, 7.1570244411512805e11, -0.3125, -1.1707, 0.0],
            [-2.1371, -2.4642, 0.2041, 8.0, -0.467, -0.1686],
        ]
    )
    spectrum = [1.5574783929652315e-4, 4.758216841289992e-3, 0.023331369422121613, 0.06649030398401365]
    variances = np.array([[*spectrum, 0.14536720131077366, 0.2714676710195339], np.zeros(6)])
    law = (weights, means, variances, np.array([1.0, -1.0]))
    data = jm.GaussianMixture(weights, list(means), list(variances), labels=[1, -1])
    found = jm.optimum(jm.Problem(data, jm.SquaredHingeLoss(), radius))
    assert found.adversarial_risk < 1e-20
    assert margin_risk(found.vector, "squared hinge", law, radius)[0] < 1e-20


def test_where_newton_is_led_astray_no_finer_quadrature_follows():
    # The descent finds classes that are told with certainty, at logits of order one; from there Newton's method goes
    # where logits are 1e4, and a search with 27,649 nodes took minutes.
    means = [np.array([0.0, -9.1e21]), np.array([-4.9e16, 0.0])]
    variances = [np.array([1e-11, 6e-12]), np.array([1.25e28, 6.3e28])]
    data = jm.GaussianMixture([0.52, 0.48], means, variances, labels=[1, -1])
    problem = jm.Problem(data, jm.ProbitLoss(), 2.8e-15)
    geometry = representations(problem.law)[-1].geometry
    begun = double_precision(from_zero)(geometry, risk_spec(problem.law, problem))
    assert begun.solved.descent.risk < 1e-9
    setting, _ = double_precision(_resolved)(geometry, risk_spec(problem.law, problem), begun)
    assert setting.rule.logit_scale <= 16


@pytest.mark.parametrize("loss", [jm.HingeLoss(), jm.SquaredHingeLoss(), jm.LogisticLoss()])
def test_one_huge_variance_hides_no_other(loss):
    """A coordinate that only disturbs, of variance 1e28: beside it no other varies, and yet they decide the risk."""
    means = [[0.9, 0.4], [-0.7, 0.1]]

    def best(rows, spectra):
        mixture = jm.GaussianMixture([0.6, 0.4], rows, [jm.spectrum(one) for one in spectra], labels=[1, -1])
        return jm.optimum(jm.Problem(mixture, loss, 0.1))

    small = best(means, [[0.1, 0.3], [0.2, 0.05]])
    large = best([[*one, 0.0] for one in means], [[0.1, 0.3, 1e28], [0.2, 0.05, 1e28]])
    np.testing.assert_allclose(large.adversarial_risk, small.adversarial_risk, rtol=1e-5)
