"""Optima whose risk is a tail or below the smallest number, against closed forms, mpmath and extended precision."""

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize

import jominy as jm
import user_losses

D = 6
SPREADS = np.array([0.5, 0.8, 1.0, 1.2, 1.5, 2.0])
DIRECTION = np.array([1.0, -0.5, 0.8, 0.3, -1.2, 0.6])


def two_classes(mean, loss, radius, share=0.3):
    """Means +-mean, one covariance: every margin has one law, so that the weights do not matter."""
    data = jm.GaussianMixture([share, 1 - share], [mean, -mean], [SPREADS, SPREADS], labels=[1, -1])
    return jm.Problem(data, loss, radius)


def calibrated(mean, radius, factor):
    """X = factor (K + factor radius / ||X||)^{-1} mean, by bisection on the norm."""
    low, high = 1e-6, 1e6
    for _ in range(200):
        norm = np.sqrt(low * high)
        size = np.linalg.norm(factor * mean / (SPREADS + factor * radius / norm))
        low, high = (norm, high) if size > norm else (low, norm)
    return factor * mean / (SPREADS + factor * radius / low)


def at_distance(sds):
    """Half the difference of the means, for classes so many standard deviations apart along it."""
    return DIRECTION * sds / 2 / np.sqrt(DIRECTION @ (DIRECTION / SPREADS))


SEVERAL = [(6, 0.7), (20, 0.0)]
MORE = [pytest.param(*one, marks=pytest.mark.slow) for one in ((12, 0.7), (20, 0.7), (40, 0.7), (100, 0.0), (300, 0.7))]


@pytest.mark.parametrize(("sds", "radius"), [*SEVERAL, *MORE])
def test_logistic_classes_any_distance_apart(sds, radius):
    # The gradient vanishes where the margin's mean is half its variance: then p(z) sigma(-z) is an even function of z.
    mean = at_distance(sds)
    found = jm.optimum(two_classes(mean, jm.LogisticLoss(), radius))
    np.testing.assert_allclose(found.vector, calibrated(mean, radius, 2.0), rtol=1e-7)
    a, s = found.vector @ mean - radius * found.norm, np.sqrt(found.vector**2 @ SPREADS)
    with mpmath.workdps(20):
        peak = mpmath.quad(
            lambda z: mpmath.log1p(mpmath.exp(-z)) * mpmath.npdf(z, a, s),
            mpmath.linspace(-120, 120, 31),
        )
    assert found.regime == "interior" and found.adversarial_risk == pytest.approx(float(peak), rel=1e-8)


@pytest.mark.parametrize("sds", [pytest.param(6.0, marks=pytest.mark.slow), 20.0, 400.0])
def test_exponential_loss(sds):
    # The risk is exp(-a + s^2 / 2) in closed form.
    mean, radius = at_distance(sds), 0.4
    found, told = jm.optimum(two_classes(mean, jm.ExponentialLoss(), radius)), calibrated(mean, radius, 1.0)
    np.testing.assert_allclose(found.vector, told, rtol=1e-6)
    a, square = told @ mean - radius * np.linalg.norm(told), told**2 @ SPREADS
    assert found.adversarial_risk == pytest.approx(np.exp(-a + square / 2), rel=1e-7)


PROFILES = {
    "probit": (jm.ProbitLoss(), lambda z: -mpmath.log(mpmath.ncdf(z))),
    "hinge": (jm.HingeLoss(), lambda z: max(1 - z, 0)),
    "squared hinge": (jm.SquaredHingeLoss(), lambda z: max(1 - z, 0) ** 2 / 2),
    "smoothed hinge": (jm.SmoothedHingeLoss(), lambda z: max(1 - z, 0) ** 2 / 2 if z > 0 else mpmath.mpf(1) / 2 - z),
    "a user's hinge": (user_losses.Hinge(), lambda z: max(1 - z, 0)),
}


QUICK = ("probit",)
FAR = [pytest.param(name, 100.0, marks=() if name in QUICK else pytest.mark.slow) for name in PROFILES]


@pytest.mark.parametrize(("name", "sds"), [*FAR, ("hinge", 24.0)])
def test_other_losses_on_a_sphere(name, sds):
    # White classes: the direction is that of the means, and the norm minimises a function of one variable.
    loss, profile = PROFILES[name]
    mean, radius = np.eye(D)[0] * sds / 2, 0.5
    data = jm.GaussianMixture([0.5, 0.5], [mean, -mean], 2 * [jm.identity(D)], labels=[1, -1])
    found = jm.optimum(jm.Problem(data, loss, radius))
    gap = sds / 2 - radius
    with mpmath.workdps(20):

        def risk(norm):
            places = [-60, -10, -3, -1, -0.3, 0, 0.3, 1, 1.5, 2.5, 4, 8, 20, 60]
            return mpmath.quad(lambda z: profile(z) * mpmath.npdf(z, norm * gap, norm), places)

        norm = mpmath.mpf(found.norm)
        steps = [norm * (1 + k * mpmath.mpf("1e-3")) for k in (-1, 0, 1)]
        below, at, above = (mpmath.log(risk(step)) for step in steps)
        # The parabola through three points: how far its lowest point is from the middle one.
        off = (below - above) / (2 * (below - 2 * at + above)) * mpmath.mpf("1e-3")
    assert abs(float(off)) < 1e-5 and found.adversarial_risk == pytest.approx(float(mpmath.exp(at)), rel=1e-7)
    assert abs(found.vector[0]) == pytest.approx(found.norm, rel=1e-12)


def test_classes_of_different_shape_are_told_apart_by_both_tails():
    # Logarithm of the risk in extended precision (numbers down to 1e-4932) on a fine grid of margins, minimised in 2-D.
    means, radius, share = np.array([[14.0, 5.0], [-20.0, 9.0]]), 0.6, 0.2
    spreads = np.array([[1.0, 0.5], [2.5, 1.5]])
    data = jm.GaussianMixture([share, 1 - share], means, spreads, labels=[1, -1])
    found = jm.optimum(jm.Problem(data, jm.LogisticLoss(), radius))
    z = np.linspace(-300, 300, 6_001).astype(np.longdouble)

    def log_risk(x):
        total = np.longdouble(0)
        for weight, mean, spread, label in zip((share, 1 - share), means, spreads, (1, -1), strict=True):
            a, s = label * (mean @ x) - radius * np.linalg.norm(x), np.sqrt(x**2 @ spread)
            density = np.exp(-(((z - a) / s) ** 2) / 2) / (s * np.sqrt(2 * np.longdouble(np.pi)))
            total += weight * np.sum(np.logaddexp(np.longdouble(0), -z) * density) * (z[1] - z[0])
        return np.log(total)

    brute = minimize(
        lambda x: float(log_risk(x)), 1.1 * found.vector, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13}
    )
    assert found.adversarial_risk == pytest.approx(float(np.exp(log_risk(found.vector))), rel=1e-8)
    assert np.log(found.adversarial_risk) <= brute.fun + 1e-11
    np.testing.assert_allclose(found.vector, brute.x, rtol=1e-5)


def test_covariances_that_do_not_commute():
    mean = at_distance(40.0)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((D, D)))[0]
    covariance = turn @ np.diag(SPREADS) @ turn.T
    slightly = covariance.copy()
    slightly[0, 1] = slightly[1, 0] = covariance[0, 1] + 1e-9  # no shared eigenbasis: the dense path
    data = jm.GaussianMixture([0.3, 0.7], [turn @ mean, -turn @ mean], [covariance, slightly], labels=[1, -1])
    found = jm.optimum(jm.Problem(data, jm.LogisticLoss(), 0.7))
    np.testing.assert_allclose(turn.T @ found.vector, calibrated(mean, 0.7, 2.0), rtol=1e-6)


@pytest.mark.slow
def test_a_risk_below_the_smallest_number_is_zero_and_the_forecast_knows_the_way_there():
    mean = at_distance(100.0)
    problem = two_classes(mean, jm.LogisticLoss(), 0.5)
    found = jm.optimum(problem)
    assert found.adversarial_risk == 0.0 and found.norm == pytest.approx(np.linalg.norm(found.vector), rel=1e-12)
    told = jm.forecast(problem, jm.Constant(0.5), time=2)
    assert told.distance_to_optimum[0] == pytest.approx(found.norm, rel=1e-9)
    assert np.all(np.diff(told.distance_to_optimum) < 0)
    assert "below the smallest number" in told.attrs["notes"]
