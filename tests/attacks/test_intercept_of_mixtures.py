"""An intercept of Gaussian mixtures: SciPy, SGD, the same law written out, rare classes."""

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from numpy.polynomial.hermite_e import hermegauss

import jominy as jm

NODES, WEIGHTS = hermegauss(120)
P, Y = np.array([0.2, 0.8]), np.array([1.0, -1.0])
K = np.array([np.linspace(0.5, 1.5, 4), np.linspace(1.8, 0.5, 4)])
MU = np.array([[0.6, 0.3, -0.1, 0.2], [-0.3, 0.2, 0.1, 0.0]])
FORM = np.array([1.0, 0.0, 2.0, 0.5, 7.0])
SIZES = {
    "l2": (jm.L2(), lambda w: np.sqrt(w @ w + 1e-30)),
    "linf": (jm.LInf(), lambda w: np.sum(np.abs(w)) / np.sqrt(5)),
    "weights": (jm.Mahalanobis(FORM), lambda w: np.sqrt(FORM[:4] @ w**2 + 1e-30)),
}
C = np.sqrt(2 / np.pi)


def risk(x, loss, radius, size):
    w, total = x[:4], 0.0
    for p, mean, k, y in zip(P, MU, K, Y, strict=True):
        centre, sd, shift = w @ mean + x[4], np.sqrt(w**2 @ k), radius * size(w)
        if loss == "logistic":
            margins = y * (centre + sd * NODES) - shift
            total += p * WEIGHTS @ np.logaddexp(0, -margins) / WEIGHTS.sum()
        else:
            off = centre - y
            t = off / np.sqrt(2) / max(sd, 1e-100)
            total += (
                p
                * (sd**2 + off**2 + 2 * shift * (sd * C * np.exp(-(t**2)) + off * scipy.special.erf(t)) + shift**2)
                / 2
            )
    return total


@pytest.mark.parametrize("loss", ["logistic", "squared"])
@pytest.mark.parametrize("name", list(SIZES))
def test_the_optimum_is_that_of_scipy_and_beyond_the_collapse_the_base_rate_is_left(loss, name):
    attack, size = SIZES[name]
    kind = {"logistic": jm.LogisticLoss(), "squared": jm.SquaredLoss()}[loss]
    data = jm.GaussianMixture(P, list(MU), list(K), labels=Y, intercept=True)
    options = {"maxiter": 40_000, "maxfev": 40_000, "xatol": 1e-9, "fatol": 1e-14}
    for radius in (0.2, 3.0):
        found = jm.optimum(jm.Problem(data, kind, radius, attack))
        starts = found.vector + 1e-4, found.vector * 1.01
        best = min(
            scipy.optimize.minimize(risk, x, (loss, radius, size), method="Nelder-Mead", options=options).fun
            for x in starts
        )
        assert best - 2e-6 < found.adversarial_risk < best + 1e-10  # where weights end at zero SciPy does not arrive
        assert found.adversarial_risk == pytest.approx(risk(found.vector, loss, radius, size), abs=1e-9)
    if name != "weights":
        assert radius > found.collapse_radius and np.all(np.abs(found.vector[:4]) < 1e-9)
        assert found.vector[4] == pytest.approx(np.log(0.2 / 0.8) if loss == "logistic" else -0.6, abs=1e-6)


def test_it_is_one_more_coordinate_without_variance_and_weight():
    """The same law written out by hand, in its eigenbasis and dense; and the end of training of all three."""
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    dense = [turn @ np.diag(K[0]) @ turn.T, np.diag(K[1])]
    how = {"times": [0.5, 4.0], "start": jm.RandomStart(0.5)}
    for covariances, full in ((list(K), [np.append(k, 0) for k in K]), (dense, [np.pad(k, (0, 1)) for k in dense])):
        ours = jm.GaussianMixture(P, list(MU), covariances, labels=Y, intercept=True)
        theirs = jm.GaussianMixture(P, [np.append(m, 1.0) for m in MU], full, labels=Y)
        one = jm.Problem(ours, jm.LogisticLoss(), 0.3)
        other = jm.Problem(theirs, jm.LogisticLoss(), 0.3, jm.Mahalanobis([1.0, 1, 1, 1, 0]))
        told, known = (jm.forecast(problem, jm.Constant(0.5), **how) for problem in (one, other))
        np.testing.assert_allclose(told.adversarial_risk, known.adversarial_risk, rtol=1e-9)
        assert jm.optimum(one).adversarial_risk == pytest.approx(jm.optimum(other).adversarial_risk, rel=1e-10)
        end = jm.stationary(one, 0.5)
        late = jm.forecast(one, jm.Constant(0.5), time=400).adversarial_risk.values[-1]
        assert end.status == "completed" and end.adversarial_risk == pytest.approx(late, rel=1e-7)


@pytest.mark.parametrize(("attack", "full"), [(jm.L2(), True), (jm.L2(), False), (jm.LInf(), None)])
def test_sgd_learns_it_as_the_forecast_says(attack, full):
    """100 runs at d = 60; standard errors .3 to .5 %. Without the intercept the last risk would be .62."""
    spectra = [jm.two_level(60), jm.identity(60)]
    data = jm.GaussianMixture([0.15, 0.85], [0.6, -0.6], spectra, labels=[1, -1], intercept=True)
    problem, how = jm.Problem(data, jm.LogisticLoss(), 0.3, attack), {"times": [1.0, 3.0, 10.0], "start": 0.2}
    told = jm.forecast(problem, jm.Constant(0.5), **how)
    runs = jm.simulate(problem, jm.Constant(0.5), seeds=100, full_vectors=full, progress=False, **how)
    values = runs.adversarial_risk.values
    error = values.std(axis=0) / 10
    assert np.all(np.abs(values.mean(axis=0) - told.adversarial_risk.values) < 3.5 * error + 0.1 / 60)
    assert told.clean_accuracy.values[-1] > 0.85


def test_the_end_of_training_under_l_inf():
    data = jm.GaussianMixture(P, list(MU), list(K), labels=Y, intercept=True)
    problem = jm.Problem(data, jm.LogisticLoss(), 0.1, jm.LInf())
    end = jm.stationary(problem, 0.4)
    late = jm.forecast(problem, jm.Constant(0.4), time=200).adversarial_risk.values[-1]
    assert end.adversarial_risk == pytest.approx(late, rel=2e-5)


def test_rare_classes_in_infinite_dimension_and_in_a_scenario():
    spectra = [jm.power_law(np.inf, exponent=1.0), jm.identity(np.inf)]
    limit = jm.GaussianMixture([0.06, 0.94], [0.5, -0.5], spectra, labels=[1, -1], intercept=True)
    finite = jm.Scenario.from_mapping(
        {
            "data": {
                "kind": "mixture",
                "dimension": 300,
                "intercept": True,
                "components": [
                    {"weight": w, "mean": m, "label": y, "covariance": {"kind": kind} | more}
                    for w, m, y, kind, more in (
                        (0.06, 0.5, 1, "power-law", {"exponent": 1.0}),
                        (0.94, -0.5, -1, "identity", {}),
                    )
                ],
            },
            "loss": {"kind": "logistic"},
            "radius": 0.2,
            "schedule": {"kind": "constant", "rate": 0.5},
            "times": [1.0, 20.0],
        }
    )
    curve = finite.forecast(progress=False)
    told = jm.forecast(jm.Problem(limit, jm.LogisticLoss(), 0.2), jm.Constant(0.5), times=[1.0, 20.0])
    np.testing.assert_allclose(curve.adversarial_risk, told.adversarial_risk, rtol=2e-2)
    assert told.clean_accuracy.values[-1] == pytest.approx(0.94, abs=0.01)
    assert finite.problem().data.dimension == 301 and finite.problem().data.describe()["intercept"]


def test_class_means_that_can_be_attacked_still_have_to_vary():
    data = jm.GaussianMixture(P, [[0.5, 1.0], [-0.5, 0.7]], [[1.0, 0.0], [0.7, 0.0]], labels=Y)
    with pytest.raises(jm.InputError, match="that the attack can touch"):
        jm.optimum(jm.Problem(data, jm.LogisticLoss(), 1e-9, jm.Mahalanobis([1.0, 2.0])))


def test_trades_has_an_optimum_too_and_one_class_alone_is_separable():
    """TRADES is not convex in its slopes' eyes; SciPy from the same place and from elsewhere finds nothing lower."""
    data = jm.GaussianMixture(P, list(MU), list(K), labels=Y, intercept=True)
    found = jm.optimum(jm.Problem(data, jm.LogisticLoss(), 0.3, objective=jm.TRADES(2.0)))

    def risk(x):
        w, total = x[:4], 0.0
        for p, mean, k, y in zip(P, MU, K, Y, strict=True):
            r = w @ mean + x[4] + np.sqrt(w**2 @ k) * np.linspace(-8, 8, 4001)
            a, shift = np.abs(r), 0.3 * np.linalg.norm(w)
            apart = np.logaddexp(0, a - shift) - np.logaddexp(0, a) + shift / (1 + np.exp(-a))
            density = np.exp(-(np.linspace(-8, 8, 4001) ** 2) / 2)
            total += p * (np.logaddexp(0, -y * r) + 2 * apart) @ density / density.sum()
        return total

    assert found.adversarial_risk == pytest.approx(risk(found.vector), abs=1e-6)
    best = min(scipy.optimize.minimize(risk, x, method="BFGS").fun for x in (found.vector, np.full(5, 0.1)))
    assert found.adversarial_risk < best + 1e-6
    alone = jm.GaussianMixture([1.0], [0.0], [jm.identity(20)], labels=[1], intercept=True)
    assert jm.optimum(jm.Problem(alone, jm.LogisticLoss(), 0.2)).regime == "separable"
    assert jm.optimum(jm.Problem(alone, jm.HingeLoss(), 0.2)).adversarial_risk == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(jm.InputError, match="True or False"):
        jm.GaussianMixture(P, list(MU), list(K), labels=Y, intercept="yes")


def test_an_intercept_that_has_nothing_to_do_is_zero():
    """One centred class: nothing that is out of reach has a slope at the zero vector. Once an empty minimum."""
    spread, teacher = jm.spectrum([0.4, 1.0, 1.6, 2.0] * 3), np.tile([1.0, -0.5, 0.3, 0.8], 3) / np.sqrt(12)
    data = jm.GaussianMixture([1.0], [np.zeros(12)], [spread], teacher=teacher, noise_variance=0.25, intercept=True)
    plain = jm.LinearTeacher(spread, teacher, noise_variance=0.25)
    told, same = (jm.optimum(jm.Problem(one, jm.SquaredLoss(), 0.4)) for one in (data, plain))
    np.testing.assert_allclose(told.vector, np.append(same.vector, 0.0), atol=1e-7)
    assert told.adversarial_risk == pytest.approx(same.adversarial_risk, rel=1e-9)
