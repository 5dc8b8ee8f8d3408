"""The squared loss with links: brute force from the definition, finite differences, the squared loss itself."""

import math

import jax
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, erfinv, expit, logit

import jominy as jm
from jominy.losses import FixedTargets, LinkSquaredLoss, OrderParameters, SquaredLoss
from jominy.losses.link_targets import LinkTargets
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision
from l2_moments import by_norm

RADIUS, NORM = 0.6, 0.8
PLAIN = {jm.Erf: erf, jm.Logistic: expit, jm.Tanh: np.tanh, jm.Identity: lambda r: r}
INVERSE = {jm.Erf: erfinv, jm.Logistic: logit, jm.Tanh: np.arctanh}
Q = np.array([0.5, 1.0, 2.2, 0.3, 1.0, 1e-8])
TQ = np.array([1.0, 4.0, 2.0, 3.0, 4.0, 3.0])
COSINE = np.array([0.0, 0.4, -0.8, 0.99999, 1.0, 0.5])
A = np.array([0.0, 0.4, -1.3, 0.2, 0.0, 0.0])
TA = np.array([0.3, -0.5, 1.0, 0.0, 0.0, 0.7])


def order(a, q, ta, tq, tc, rho, noise=0.0):
    return OrderParameters(a, q, a - ta, noise + q + tq - 2 * tc, np.asarray(rho), np.asarray(rho)[None], ta, tq, tc)


@jax.jit
def _compiled(targets, loss, order, radius, rule):
    return by_norm(targets.moments(loss, order, radius * order.norm, rule), radius)


@double_precision
def moments(targets, loss, order, radius=RADIUS):
    found = _compiled(targets, loss, order, np.asarray(radius), gaussian_rule(2.0))
    return {name: np.asarray(value) for name, value in found.items()}


@pytest.mark.parametrize("noise", [0.0, 1e-6, 0.25])
def test_identities_are_the_squared_loss(noise):
    """Every moment in closed form, from no correlation to the teacher's own ray, and with noise of every size."""
    o = order(A, Q, TA, TQ, COSINE * np.sqrt(Q * TQ), NORM, noise)
    found = moments(LinkTargets(jm.Identity(), np.zeros(6), np.asarray(noise)), LinkSquaredLoss(jm.Identity()), o)
    with jax.enable_x64(True):
        expected = by_norm(SquaredLoss().moments(o, np.zeros(6), RADIUS * o.norm, gaussian_rule()), RADIUS)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-6, atol=1e-7, err_msg=name)


def brute_force(link, teacher_link, noise, scores, er):
    """E of Psi, Psi_r, the signed Psi_r and Psi_r^2, from the definition at every node.

    200 Gauss-Legendre nodes for r, 50 on each side of the kink in r* given r, 160 for the noise. `scores` is
    (a, q, ta, tq, tc).
    """
    a, q, ta, tq, tc = scores
    points, weights = np.polynomial.legendre.leggauss(200)
    u, w = 8.5 * points, 8.5 * weights * density(8.5 * points)
    half_points, half_weights = np.polynomial.legendre.leggauss(50)
    nodes, noise_weights = np.zeros(1), np.ones(1)
    if noise:  # dense, because the kink leaves the range of the teacher's link at some of them
        nodes, noise_weights = np.polynomial.legendre.leggauss(160)
        nodes, noise_weights = 8 * nodes, noise_weights * density(8 * nodes)
    r, rest = a + math.sqrt(q) * u, math.sqrt(tq - tc**2 / q)
    mean = ta + tc / math.sqrt(q) * u
    f, g, inverse = PLAIN[type(link)], PLAIN[type(teacher_link)], INVERSE[type(teacher_link)]
    upper, lower = f(r + er), f(r - er)
    h = 1e-5
    slopes = [(f(r + s * er + h) - f(r + s * er - h)) / (2 * h) for s in (1, -1)]
    total = np.zeros(4)
    for xi, weight in zip(math.sqrt(noise) * nodes, noise_weights / noise_weights.sum(), strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            kink = (inverse((upper + lower) / 2 - xi) - mean) / rest
        beyond = (upper + lower) / 2 - xi
        kink = np.where(beyond >= g(50.0), 8.5, np.where(beyond <= g(-50.0), -8.5, np.clip(kink, -8.5, 8.5)))
        for low, high, end, slope, sign in (
            (-8.5 + 0 * u, kink, upper, slopes[0], 1.0),
            (kink, 8.5 + 0 * u, lower, slopes[1], -1.0),
        ):
            s = ((low + high) / 2)[:, None] + ((high - low) / 2)[:, None] * half_points
            ws = ((high - low) / 2)[:, None] * half_weights * density(s) * (weight * w)[:, None]
            error = end[:, None] - g(mean[:, None] + rest * s) - xi
            pull = slope[:, None] * error
            total += [np.sum(ws * part) for part in (error**2 / 2, pull, sign * pull, pull**2)]
    return total


def density(u):
    return np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(
    ("student", "teacher", "noise"), [(jm.Erf, jm.Erf, 0.0), (jm.Tanh, jm.Logistic, 0.09), (jm.Logistic, jm.Tanh, 0.0)]
)
def test_moments_and_gradient_are_those_of_the_risk(student, teacher, noise):
    """P, P1, Pr, PP; and P1 mu + P2 K X + P2s K X* + Pr X/rho by differences of the risk, in three dimensions."""
    k, mu = np.array([0.5, 1.0, 1.7]), np.array([0.3, -0.2, 0.4])
    star, x = np.array([1.0, -1.2, 0.7]), np.array([0.4, 0.5, -0.3])

    def scores(x):
        return mu @ x, k @ x**2, mu @ star, k @ star**2, (k * x) @ star

    def at(x):
        return brute_force(student(), teacher(), noise, scores(x), RADIUS * np.linalg.norm(x))

    targets, one = LinkTargets(teacher(), np.zeros(1), np.asarray(noise)), [np.array([v]) for v in scores(x)]
    found = {n: v[0] for n, v in moments(targets, LinkSquaredLoss(student()), order(*one, np.linalg.norm(x))).items()}
    expected = at(x) * [1, 1, RADIUS, 1]
    for name, value in zip(("value", "slope", "norm_slope", "slope_squared"), expected, strict=True):
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-8), name
    gradient = found["slope"] * mu + found["curvature"] * k * x + found["teacher_curvature"] * k * star
    gradient = gradient + found["norm_slope"] * x / np.linalg.norm(x)
    h = 5e-3
    for j, step in enumerate(h * np.eye(3)):
        values = [at(x + c * step)[0] for c in (-2, -1, 1, 2)]
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        assert gradient[j] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("label", [1.0, -1.0, 0.3])
def test_fixed_targets(label):
    """A label beyond the range of the link has no kink, one inside has; quad, and differences for the curvature."""
    a, sd = 0.4, 1.2
    one = [np.array([v]) for v in (a, sd**2, 0.0, 0.0, 0.0)]
    found = moments(FixedTargets(np.array([label])), LinkSquaredLoss(jm.Tanh()), order(*one, NORM))
    er = RADIUS * NORM

    def value(mean, sd, power):
        def integrand(u):
            ends = np.tanh(np.array([mean + sd * u + er, mean + sd * u - er]))
            end = ends[0] if label < ends.mean() else ends[1]
            psi = (end - label) ** 2 / 2 if power == 0 else ((1 - end**2) * (end - label)) ** power
            return psi * math.exp(-u * u / 2) / math.sqrt(2 * math.pi)

        inside = [(math.atanh(label) - mean) / sd] if abs(label) < 1 else None
        return quad(integrand, -8.5, 8.5, points=inside, epsabs=1e-11, limit=400)[0]

    assert found["value"][0] == pytest.approx(value(a, sd, 0), abs=1e-8)
    assert found["slope"][0] == pytest.approx(value(a, sd, 1), abs=1e-8)
    assert found["slope_squared"][0] == pytest.approx(value(a, sd, 2), abs=1e-8)
    h = 1e-3  # E Psi_rr is the derivative of E Psi_r in the mean
    assert found["curvature"][0] == pytest.approx((value(a + h, sd, 1) - value(a - h, sd, 1)) / (2 * h), abs=1e-5)


@pytest.mark.parametrize("link", [jm.Erf(0.7), jm.Logistic(2.0), jm.Tanh(1.5), jm.Identity(3.0)])
def test_links(link):
    x = np.linspace(-1.2, 1.3, 7)
    with jax.enable_x64(True):
        value, first, second = (np.asarray(part) for part in link.derivatives(x))
        np.testing.assert_allclose(link.inverse(value), x, rtol=1e-9)
    f, h = PLAIN[type(link)], 1e-4
    np.testing.assert_allclose(value, f(link.gain * x), rtol=1e-12)
    np.testing.assert_allclose(first, (f(link.gain * (x + h)) - f(link.gain * (x - h))) / (2 * h), rtol=1e-6)
    bend = (f(link.gain * (x + h)) - 2 * f(link.gain * x) + f(link.gain * (x - h))) / h**2
    np.testing.assert_allclose(second, bend, atol=1e-5)
    assert link.describe()["gain"] == link.gain
    with pytest.raises(jm.InputError, match="gain of a link must be > 0"):
        type(link)(0.0)


@pytest.mark.parametrize("link", [None, jm.Erf(), jm.Erf(gain=1e6)])
def test_teachers_that_are_steps_are_refused_before_memory_ends(link):
    gain = 1.0 if link is None else link.gain
    for scale, told in ((15.0, True), (1e9, False)):
        data = jm.LinearTeacher(jm.identity(6), np.full(6, scale / gain / np.sqrt(6)), teacher_link=link)
        if told:
            jm.Problem(data, LinkSquaredLoss(jm.Erf()), RADIUS)
            continue
        with pytest.raises(jm.InputError, match="standard deviation of at most 16"):
            jm.Problem(data, LinkSquaredLoss(jm.Erf()), RADIUS)
