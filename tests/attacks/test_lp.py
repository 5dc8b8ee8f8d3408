"""l_p attacks on samples: brute force, SciPy, their neighbours l2 and l_inf, SGD."""

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.stats

import jominy as jm
from jominy.numerics.precision import double_precision
from jominy.numerics.signs import power_averages

G = np.random.default_rng(8)
X = G.standard_normal((200, 5)) * [1.0, 1.5, 0.7, 1.0, 1.2]
Y = np.where(X @ [0.9, 0.3, -0.5, 0.0, 0.2] + G.standard_normal(200) > 0.2, 1, -1)
BUDGET = np.array([1.0, 0.5, 2.0, 0.0, 1.0, 0.0])
SAMPLES = jm.Samples(X, Y, preprocessing=None, intercept=True)


@pytest.mark.parametrize("q", [1.2, 1.5, 3.0])
@double_precision
def test_averages_over_normal_weights(q):
    """Against SciPy's adaptive quadrature."""
    for mean, sd in ((0.0, 1.0), (0.3, 0.5), (-2.0, 0.4), (5.0, 0.01)):
        found = power_averages(np.array([mean]), np.array([sd**2]), np.asarray(q), 1e-150)

        def expect(f, mean=mean, sd=sd):
            low, high = mean - 12 * sd, mean + 12 * sd
            points = [0.0] if low < 0 < high else None
            return scipy.integrate.quad(
                lambda u: f(u) * scipy.stats.norm.pdf(u, mean, sd), low, high, points=points, epsabs=1e-12, limit=300
            )[0]

        assert float(found.size[0]) == pytest.approx(expect(lambda u: abs(u) ** q), rel=1e-6)
        slope = expect(lambda u: abs(u) ** (q - 1) * np.sign(u))
        assert float(found.slope[0]) == pytest.approx(slope, rel=1e-6, abs=1e-7)
        assert float(found.square[0]) == pytest.approx(expect(lambda u: abs(u) ** (2 * q - 2)), rel=1e-5)
        bend = expect(lambda u, m=mean, s=sd: abs(u) ** (q - 1) * np.sign(u) * (u - m) / s**2)
        assert float(found.bend[0]) == pytest.approx(bend, rel=1e-5)


@pytest.mark.parametrize("p", [1.5, 3.0])
def test_the_size_is_the_most_that_a_perturbation_can_do(p):
    """SciPy's largest <x, delta> over the set; no random perturbation of it does more."""
    problem = jm.Problem(SAMPLES, jm.LogisticLoss(), 0.4, jm.Lp(p, BUDGET))
    x = np.array([0.5, -1.0, 0.2, 3.0, -0.1, 2.0])
    size, within = float(problem.form.size(x)), BUDGET > 0
    reach = 6 ** (1 / p - 0.5)
    found = scipy.optimize.minimize(
        lambda z: -x[within] @ (BUDGET[within] * z), np.sign(x[within]) * 0.2, method="SLSQP", tol=1e-12,
        constraints={"type": "ineq", "fun": lambda z: reach**p - np.sum(np.abs(z) ** p)},
    )  # fmt: skip
    assert size == pytest.approx(-found.fun, rel=1e-6)
    drawn = G.standard_normal((2000, 4))
    drawn *= reach / np.sum(np.abs(drawn) ** p, axis=1, keepdims=True) ** (1 / p)
    assert np.max(drawn @ (BUDGET * x)[within]) <= size


@pytest.mark.parametrize("p", [1.5, 3.0])
@pytest.mark.parametrize("budget", [None, BUDGET])
def test_the_optimum_is_scipys_and_collapses_where_it_says(p, budget):
    attack = jm.Lp(p, budget)
    problem = jm.Problem(SAMPLES, jm.LogisticLoss(), 0.3, attack)
    rows, q = np.asarray(SAMPLES.features), p / (p - 1)
    reach = np.append((np.ones(5) if budget is None else budget[:5]) * 6 ** (0.5 - 1 / q), 0.0)

    def risk(x, radius=0.3):
        return np.mean(np.logaddexp(0, radius * np.sum((reach * np.abs(x)) ** q) ** (1 / q) - Y * (rows @ x)))

    found = jm.optimum(problem)
    best = min(
        scipy.optimize.minimize(risk, found.vector + off, method="Nelder-Mead", options=OPTIONS).fun
        for off in (1e-3, 0.1)
    )
    assert found.adversarial_risk == pytest.approx(risk(found.vector), rel=1e-9)
    assert best - 1e-6 < found.adversarial_risk < best + 1e-10
    radius = jm.collapse_radius(problem)
    below, above = (jm.optimum(jm.Problem(SAMPLES, jm.LogisticLoss(), f * radius, attack)).vector for f in (0.97, 1.03))
    assert np.max(np.abs(reach * above)) < 1e-9 < 1e-3 < np.max(np.abs(reach * below))


OPTIONS = {"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-9, "fatol": 1e-14}


def test_its_neighbours_are_l2_and_l_inf():
    how = {"times": [1.0, 6.0], "evaluate_at": [(jm.Lp(2), 0.2), (jm.L2(), 0.2)]}
    for one, other, near in ((jm.Lp(2), jm.L2(), 2e-3), (jm.Lp(50), jm.LInf(), 0.03)):
        posed = [jm.Problem(SAMPLES, jm.LogisticLoss(), 0.4, attack) for attack in (one, other)]
        told = [jm.forecast(problem, jm.Constant(0.5), **how) for problem in posed]
        np.testing.assert_allclose(told[0].adversarial_risk, told[1].adversarial_risk, rtol=near)
        np.testing.assert_allclose(told[0].risk_at_attack[:, 0], told[0].risk_at_attack[:, 1], rtol=1e-5)
        assert jm.optimum(posed[0]).adversarial_risk == pytest.approx(jm.optimum(posed[1]).adversarial_risk, rel=near)
    exact = [jm.optimum(jm.Problem(SAMPLES, jm.LogisticLoss(), 0.4, attack)) for attack in (jm.Lp(2), jm.L2())]
    assert exact[0].adversarial_risk == pytest.approx(exact[1].adversarial_risk, rel=1e-9)


@pytest.mark.parametrize("p", [1.5, 3.0])
def test_sgd_does_what_the_forecast_says(p):
    """200 runs on rows of 12 features, standard error .4 %; l2 in its place would be 2 % off."""
    wide = np.c_[X, G.standard_normal((200, 7))]
    problem = jm.Problem(jm.Samples(wide, Y), jm.LogisticLoss(), 0.5, jm.Lp(p))
    how = {"times": [0.5, 2.0, 10.0], "start": 0.5}
    told = jm.forecast(problem, jm.Constant(0.5), **how)
    values = jm.simulate(problem, jm.Constant(0.5), seeds=200, progress=False, **how).adversarial_risk.values
    error = values.std(axis=0) / np.sqrt(200)
    assert np.all(np.abs(told.adversarial_risk.values - values.mean(axis=0)) < 3.5 * error + 0.005)


def test_a_scenario_has_it():
    attack = jm.Scenario.from_mapping(
        {
            "data": {"kind": "scikit-learn", "name": "breast_cancer"}, "loss": {"kind": "logistic"}, "radius": 0.2,
            "attack": {"kind": "lp", "p": 3}, "schedule": {"kind": "constant", "rate": 0.5}, "time": 1,
        }
    ).problem().attack  # fmt: skip
    assert attack.describe() == {"kind": "Lp", "p": 3.0}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: jm.Lp(1), "largest weight alone"),
        (lambda: jm.Lp(np.inf), "LInf"),
        (lambda: jm.Problem(SAMPLES, jm.LogisticLoss(), 0.1, jm.Lp(3, [1.0])), "one budget for each feature"),
        (
            lambda: jm.Problem(jm.LinearTeacher([[1, 0.5], [0.5, 1]]), jm.SquaredLoss(), 0.1, jm.Lp(3)),
            "rotation invariant",
        ),
        (lambda: jm.Problem(jm.LinearTeacher(jm.identity(4)), jm.SquaredLoss(), 0.1, jm.Lp(1.2)), "p from 1.5"),
        (
            lambda: jm.Problem(jm.Samples(X, Y % 3 + (X[:, 0] > 1)), jm.SoftmaxLoss(), 0.1, jm.Lp(3)),
            "one score per row",
        ),
    ],
)
def test_what_is_not_known_is_refused(make, words):
    with pytest.raises(jm.InputError, match=words):
        make()
