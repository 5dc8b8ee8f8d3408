"""The adversarial optimum against SciPy's general minimiser on the population risk, and its thresholds."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm as normal

import jominy as jm
import oracle_ode
import zoo
from jominy.dynamics.laws import geometry
from jominy.dynamics.optima import search
from user_losses import Hinge

D, C = 6, math.sqrt(2 / math.pi)


def random_law(seed: int, labels=(1.0, -1.0), with_teacher=False, noise_variance=0.0, turned=False) -> zoo.Law:
    """Two classes in six dimensions: one shape of arrays, so that one compiled program serves them all."""
    g = np.random.default_rng(seed)
    share = g.uniform(0.2, 0.8)
    covariances = g.uniform(0.1, 2.0, (2, D))
    if turned:
        turns = [zoo.rotation(D, seed + k) for k in (100, 200)]
        covariances = np.array([q @ np.diag(k) @ q.T for q, k in zip(turns, covariances, strict=True)])
    means = g.standard_normal((2, D)) / math.sqrt(D)
    teacher = g.standard_normal(D) / math.sqrt(D) if with_teacher else None
    return zoo.Law(np.array([share, 1 - share]), means, covariances, np.array(labels), teacher, noise_variance)


def gradient_norm(law, loss, radius, vector):
    return np.linalg.norm(oracle_ode.risk_and_gradient(law, loss, radius, vector)[1])


KINDS = {
    "logistic": ("logistic", {}),
    "offsets": ("squared", {"labels": (1.0, -0.4)}),
    "teacher, labels and noise": ("squared", {"with_teacher": True, "noise_variance": 0.3}),
    "non-commuting logistic": ("logistic", {"turned": True}),
    "non-commuting": ("squared", {"with_teacher": True, "noise_variance": 0.3, "turned": True}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum_is_the_minimum_of_the_population_risk(kind):
    loss, settings = KINDS[kind]
    for seed in range(6):
        law = random_law(seed, **settings)
        collapse = jm.collapse_radius(law.problem(zoo.LOSSES[loss], 0.0))
        # The risk has a corner at zero and is flat near the collapse, where the brute force loses digits: hence 0.9.
        for share in (0.0, 0.2, 0.6, 0.9):
            radius = share * collapse
            if loss == "logistic" and radius == 0:
                radius = 0.02  # away from classes that are almost separable
            found = jm.optimum(law.problem(zoo.LOSSES[loss], radius))
            brute, risk = oracle_ode.minimum(law, loss, radius)
            assert found.adversarial_risk == pytest.approx(risk, rel=1e-9)
            assert found.vector == pytest.approx(brute, rel=1e-5, abs=1e-6)
            assert gradient_norm(law, loss, radius, found.vector) < 1e-9
            assert found.norm == pytest.approx(np.linalg.norm(found.vector), rel=1e-12)
            assert found.regime == ("interior" if loss == "logistic" else "shrink")
            assert found.radius == radius and found.collapse_radius == pytest.approx(collapse, rel=1e-12)
            assert found.ridge is None  # not one centred class


def collapse_by_definition(law, loss):
    """||E[l'(0, y) x]|| / E|l'(0, y)|, written out (theory section 4.2)."""
    x_star = np.zeros(law.dimension) if law.teacher is None else law.teacher
    h = law.labels
    matrices = law.covariances if law.covariances.ndim == 3 else np.array([np.diag(k) for k in law.covariances])
    if loss == "logistic":  # l'(0) = -y/2 of constant size, so both halves cancel
        return np.linalg.norm((law.weights * h) @ law.means)
    mean = law.means @ x_star + h
    sd = np.sqrt(law.noise_variance + np.array([x_star @ k @ x_star for k in matrices]))
    u = mean / np.maximum(sd, 1e-3)  # without a spread, E|mean| is |mean| for any large u
    size = 2 * sd * normal.pdf(u) + mean * (2 * normal.cdf(u) - 1)
    pull = sum(p * (k @ x_star + b * mu) for p, k, b, mu in zip(law.weights, matrices, mean, law.means, strict=True))
    return np.linalg.norm(pull) / (law.weights @ size)


@pytest.mark.parametrize("kind", KINDS)
def test_the_collapse_radius_and_one_step_on_either_side_of_it(kind):
    loss, settings = KINDS[kind]
    law = random_law(11, **settings)
    collapse = jm.collapse_radius(law.problem(zoo.LOSSES[loss], 0.7))
    assert collapse == pytest.approx(collapse_by_definition(law, loss), rel=1e-12)
    inside, at, outside = (jm.optimum(law.problem(zoo.LOSSES[loss], f * collapse)) for f in (0.999, 1.0 + 1e-12, 1.001))
    at_zero = oracle_ode.risk_and_gradient(law, loss, 0.0, np.zeros(D))[0]
    assert inside.regime != "collapse" and 0 < inside.norm < 0.05
    assert gradient_norm(law, loss, 0.999 * collapse, inside.vector) < 1e-8
    assert inside.adversarial_risk < at_zero
    for collapsed in (at, outside):
        assert collapsed.regime == "collapse"
        assert collapsed.norm == pytest.approx(0.0, abs=1e-100)
        assert collapsed.adversarial_risk == pytest.approx(at_zero, rel=1e-12)
    # And zero really is the minimum outside: no direction descends.
    for x in 1e-4 * np.random.default_rng(0).standard_normal((50, D)):
        assert oracle_ode.risk_and_gradient(law, loss, 1.001 * collapse, x)[0] > at_zero


def test_the_collapse_radius_of_margin_losses_knows_only_the_means():
    law = random_law(3)
    wide = zoo.Law(law.weights, law.means, 5 * law.covariances, law.labels)
    radii = [jm.collapse_radius(p.problem(loss, 0.1)) for p in (law, wide) for loss in (jm.LogisticLoss(), Hinge())]
    assert radii == pytest.approx(4 * [np.linalg.norm((law.weights * law.labels) @ law.means)], rel=1e-10)


class TestOneCentredClass:
    """Least squares, where the optimum is a ridge regression with three regimes."""

    eigenvalues = np.array([0.3, 0.5, 0.9, 1.1, 1.5, 1.7])

    def problem(self, radius, noise_variance):
        return zoo.one_class(self.eigenvalues, noise_variance).problem(jm.SquaredLoss(), radius)

    def thresholds(self, noise_variance):
        k, x = self.eigenvalues, zoo.teacher(D)
        interpolating = C * np.linalg.norm(x) / math.sqrt(np.sum(x**2 / k))
        return interpolating, np.linalg.norm(k * x) / (C * math.sqrt(noise_variance + np.sum(k * x**2)))

    def test_noiseless_regimes(self):
        inside, outside = self.thresholds(0.0)
        x = zoo.teacher(D)
        for radius, regime in (
            (0.0, "interpolating"),
            (0.999 * inside, "interpolating"),
            (1.001 * inside, "shrink"),
            (0.999 * outside, "shrink"),
            (1.001 * outside, "collapse"),
        ):
            found = jm.optimum(self.problem(radius, 0.0))
            assert found.regime == regime
            assert found.collapse_radius == pytest.approx(outside, rel=1e-12)
            if regime == "interpolating":
                assert found.adversarial_risk == pytest.approx(radius**2 / 2, rel=1e-12)
                assert found.ridge == 0.0
                np.testing.assert_allclose(found.vector, x, rtol=1e-12)
            elif regime == "shrink":
                ridge_solution = self.eigenvalues * x / (self.eigenvalues + found.ridge)
                np.testing.assert_allclose(found.vector, ridge_solution, rtol=1e-9)
                assert gradient_norm(zoo.one_class(self.eigenvalues, 0.0), "squared", radius, found.vector) < 1e-8
            else:
                assert found.ridge == math.inf and not np.any(np.abs(found.vector) > 1e-100)

    def test_risk_and_norm_are_continuous_across_the_regimes(self):
        for threshold in self.thresholds(0.0):
            below, above = (jm.optimum(self.problem(f * threshold, 0.0)) for f in (1 - 1e-6, 1 + 1e-6))
            assert above.adversarial_risk == pytest.approx(below.adversarial_risk, rel=1e-5)
            assert above.norm == pytest.approx(below.norm, abs=1e-4)

    def test_with_noise_nothing_interpolates(self):
        _, outside = self.thresholds(0.2)
        risks = []
        for radius in (0.0, 1e-3, 0.1, 0.5, 0.99 * outside, 1.01 * outside):
            found = jm.optimum(self.problem(radius, 0.2))
            assert found.regime == ("collapse" if radius > outside else "shrink")
            risks.append(found.adversarial_risk)
        assert risks[0] == pytest.approx(0.1, rel=1e-10)  # half of the noise variance
        assert np.all(np.diff(risks) > 0)  # a stronger adversary never helps
        assert risks[-1] == pytest.approx((0.2 + np.sum(self.eigenvalues * zoo.teacher(D) ** 2)) / 2, rel=1e-12)

    def test_the_ridge_solves_its_scalar_equation(self):
        # lam = eps^2 (kappa + c) / (kappa (1 + c kappa)), kappa = eps rho / sigma, at the optimum itself.
        k, x = self.eigenvalues, zoo.teacher(D)
        for radius in (0.05, 0.4, 0.8):
            found = jm.optimum(self.problem(radius, 0.2))
            sigma = math.sqrt(0.2 + np.sum(k * (found.vector - x) ** 2))
            kappa = radius * found.norm / sigma
            assert found.ridge == pytest.approx(radius**2 * (kappa + C) / (kappa * (1 + C * kappa)), rel=1e-9)

    def test_isotropic_thresholds_are_c_and_one_over_c(self):
        law = zoo.one_class(np.ones(D), 0.0)
        assert jm.collapse_radius(law.problem(jm.SquaredLoss(), 0.0)) == pytest.approx(1 / C, rel=1e-12)
        regimes = [jm.optimum(law.problem(jm.SquaredLoss(), r)).regime for r in (0.797, 0.799, 1.252, 1.254)]
        assert regimes == ["interpolating", "shrink", "shrink", "collapse"]

    def test_singular_covariances_interpolate_on_their_range(self):
        # The teacher outside the range of K cannot be seen; the minimum-norm solution is its projection.
        eigenvalues = np.array([0.0, 0.0, 0.9, 1.1, 1.5, 1.7])
        x = np.where(eigenvalues > 0, zoo.teacher(D), 0.0)
        law = zoo.Law(np.ones(1), np.zeros((1, D)), eigenvalues[None], None, x, 0.0)
        threshold = C * np.linalg.norm(x) / math.sqrt(np.sum(x[2:] ** 2 / eigenvalues[2:]))
        inside, outside = (jm.optimum(law.problem(jm.SquaredLoss(), f * threshold)) for f in (0.99, 1.01))
        assert (inside.regime, outside.regime) == ("interpolating", "shrink")
        np.testing.assert_allclose(inside.vector, x, atol=1e-12)


def test_a_user_loss_has_its_optimum_too():
    # Hinge, with the closed-form risk of theory 2.2, minimised without gradients.
    law, radius = random_law(5), 0.15

    def risk(x):
        o = oracle_ode.orders(law, x, (0.0, 0.0))
        a, s = law.labels * o["a"] - radius * o["rho"], np.sqrt(o["q"])
        return law.weights @ ((1 - a) * normal.cdf((1 - a) / s) + s * normal.pdf((1 - a) / s))

    found = jm.optimum(law.problem(Hinge(), radius))
    brute = minimize(
        risk, found.vector + 0.1, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-13, "maxfev": 20_000}
    )
    assert found.regime == "interior"
    assert found.adversarial_risk == pytest.approx(risk(found.vector), rel=1e-10)
    assert found.adversarial_risk <= brute.fun + 1e-12
    assert found.adversarial_risk == pytest.approx(brute.fun, rel=1e-8)


def test_full_matrices_give_the_vector_in_the_users_coordinates():
    q, eigenvalues = zoo.rotation(D, 3), np.array([0.3, 0.5, 0.9, 1.1, 1.5, 1.7])
    law = zoo.one_class(eigenvalues, 0.2)
    turned = zoo.Law(law.weights, law.means, np.array([q @ np.diag(eigenvalues) @ q.T]), None, q @ law.teacher, 0.2)
    plain, rotated = (jm.optimum(one.problem(jm.SquaredLoss(), 0.4)) for one in (law, turned))
    np.testing.assert_allclose(rotated.vector, q @ plain.vector, atol=1e-12)
    assert rotated.ridge == pytest.approx(plain.ridge, rel=1e-10)


def test_in_infinite_dimension_there_is_no_vector():
    found = jm.optimum(jm.Problem(jm.LinearTeacher(jm.identity(math.inf), noise_variance=0.25), jm.SquaredLoss(), 0.5))
    assert found.vector is None
    assert found.ridge == pytest.approx(0.3710780148, rel=1e-9)


def test_description_is_a_record_of_numbers_and_words():
    record = jm.optimum(random_law(0).problem(jm.SquaredLoss(), 0.1)).describe()
    assert set(record) == {"adversarial_risk", "norm", "regime", "radius", "collapse_radius", "ridge"}


def test_long_spectra_of_any_length_share_programs_and_empty_nodes_change_nothing(monkeypatch):
    def found(dimension):
        data = jm.LinearTeacher(jm.power_law(dimension, 1.0), noise_variance=0.25)
        problem = jm.Problem(data, jm.SquaredLoss(), radius=0.5)
        optimum = jm.optimum(problem)
        return jm.collapse_radius(problem), optimum.adversarial_risk, optimum.norm

    first = found(901)
    compiled = search.search._cache_size()
    others = [found(902), found(1003)]
    assert search.search._cache_size() == compiled
    monkeypatch.setattr(geometry, "FEW_NODES", 8192)  # a size that no other test has
    for dimension, values in ((901, first), (902, others[0])):
        np.testing.assert_allclose(values, found(dimension), rtol=1e-12)
    assert search.search._cache_size() > compiled
