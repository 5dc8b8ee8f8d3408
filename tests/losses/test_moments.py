"""The six (eight) Gaussian expectations: closed forms, quadrature, finite differences and Monte Carlo must agree.

Each array element is a configuration of its own (a "component" to the loss), so that one compiled call does them all.
"""

import math

import jax
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, ndtr

from jominy.losses import LogisticLoss, OrderParameters, ResidualLoss, SquaredLoss
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision
from l2_moments import by_norm
from user_losses import PLAIN, Exponential, Hinge, Huber, LogCosh, PlainSquare, SmoothedHinge, SquaredHinge

LABELS = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
MEAN = np.array([0.0, 0.4, -1.3, 2.0, 0.7, -0.2])
VARIANCE = np.array([0.04, 0.5, 1.0, 2.2, 0.3, 3.0])
NORM, RADIUS = 0.8, 0.6
PLAIN_OF = PLAIN | {
    SquaredLoss: PLAIN[PlainSquare],
    LogisticLoss: (lambda z: np.logaddexp(0.0, -z), lambda z: -expit(-z)),
}
MARGIN = [LogisticLoss, Hinge, SquaredHinge, SmoothedHinge, Exponential]
RESIDUAL = [SquaredLoss, PlainSquare, Huber, LogCosh]


def order(mean=MEAN, variance=VARIANCE, norm=NORM):
    """The same law for the margin and for the residual, whichever the loss reads."""
    nothing, size = np.zeros_like(mean), np.asarray(norm)
    return OrderParameters(mean, variance, mean, variance, size, size[None], nothing, nothing, nothing)


@jax.jit
def _compiled(loss, order, labels, radius, rule):
    return by_norm(loss.moments(order, labels, radius * order.norm, rule), radius)


@double_precision
def moments(loss, *, mean=MEAN, variance=VARIANCE, norm=NORM, radius=RADIUS, rule=None):
    rule = gaussian_rule(2.0) if rule is None else rule
    found = _compiled(loss, order(mean, variance, norm), LABELS, np.asarray(radius), rule)
    return {name: np.asarray(value) for name, value in found.items()}


def psi(kind, score, target, shift):
    """The adversarial loss and its slope in the score, by looking at both ends of the attack; plain NumPy."""
    value, slope = PLAIN_OF[kind]
    ends = np.array([score + shift, score - shift])
    z = target * ends if kind in MARGIN else ends - target
    values, slopes = value(z), (target if kind in MARGIN else 1.0) * slope(z)
    worst = np.argmax(values, axis=0)
    return np.max(values, axis=0), np.take_along_axis(slopes, worst[None], 0)[0], np.where(worst == 0, 1.0, -1.0)


def adaptive(kind, name, i, radius=RADIUS):
    """One moment of configuration i by SciPy's adaptive quadrature over the definition."""
    sd, target = math.sqrt(VARIANCE[i]), LABELS[i] if kind in MARGIN else 0.0

    def integrand(u):
        value, slope, sign = psi(kind, np.array([MEAN[i] + sd * u]), target, radius * NORM)
        slope_rho = sign * radius * slope
        pick = {
            "value": value,
            "slope": slope,
            "norm_slope": slope_rho,
            "slope_squared": slope**2,
            "slope_norm_slope": slope * slope_rho,
            "norm_slope_squared": slope_rho**2,
        }
        return float(pick[name][0]) * math.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)

    shift = radius * NORM
    corners = [target * (c + shift) if kind in MARGIN else c for c in (0.0, 1.0)]
    corners += [] if kind in MARGIN else [1 - shift, shift - 1]
    edges = sorted({-11.0, 0.0, 11.0, *(min(max((c - MEAN[i]) / sd, -11.0), 11.0) for c in corners)})
    pairs = zip(edges[:-1], edges[1:], strict=True)
    return sum(quad(integrand, low, high, epsabs=1e-14, epsrel=1e-12, limit=200)[0] for low, high in pairs)


DIRECT = ["value", "slope", "norm_slope", "slope_squared", "slope_norm_slope", "norm_slope_squared"]


@pytest.mark.parametrize("kind", [*MARGIN, *RESIDUAL], ids=lambda kind: kind.__name__)
def test_moments_are_the_integrals_that_define_them(kind):
    found = moments(kind())
    # The panels of kinked losses are made for polynomials between kinks, and LogCosh is only analytic in a strip; the
    # square of the exponential's slope has a tail that still counts at the rule's reach of 8.6 standard deviations.
    rtol = {LogCosh: 1e-8, Exponential: 1e-7}.get(kind, 1e-10)
    for i in (1, 3):
        expected = [adaptive(kind, name, i) for name in DIRECT]
        np.testing.assert_allclose([found[name][i] for name in DIRECT], expected, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("kind", [*MARGIN, *RESIDUAL], ids=lambda kind: kind.__name__)
def test_slopes_and_curvatures_are_derivatives_of_the_value(kind):
    # d/d mean E f = E f', 2 d/d variance E f = E f'' (distributional: kinks included), by central differences.
    found, loss, h = moments(kind()), kind(), 1e-4

    def difference(name, **shifts):
        (key, base), *_ = shifts.items()
        up, down = (moments(loss, **{key: base + s})[name] for s in (h, -h))
        return (up - down) / (2 * h)

    def close(name, expected):
        np.testing.assert_allclose(found[name], expected, rtol=2e-6, atol=2e-7, err_msg=name)

    close("slope", difference("value", mean=MEAN))
    close("curvature", 2 * difference("value", variance=VARIANCE))
    close("norm_slope", difference("value", norm=NORM))
    close("teacher_curvature", -found["curvature"] if kind in RESIDUAL else np.zeros(6))


@pytest.mark.parametrize("kind", [LogisticLoss, SquaredLoss, Hinge, Huber], ids=lambda kind: kind.__name__)
def test_moments_are_the_averages_of_what_sgd_steps_use(kind):
    # 200,000 scores per configuration (seed 0), through the loss's own slopes; standard error s / sqrt(200,000).
    scores = MEAN + np.sqrt(VARIANCE) * np.random.default_rng(0).standard_normal((200_000, 6))
    target, shift = LABELS if kind in MARGIN else np.zeros(6), RADIUS * NORM
    run = double_precision(
        jax.jit(lambda s: (kind().adversarial(s, shift, target), *kind().adversarial_slopes(s, shift, target)))
    )
    value, slope, shift_slope = (np.asarray(part) for part in run(scores))
    norm_slope = RADIUS * shift_slope
    samples = {
        "value": value,
        "slope": slope,
        "norm_slope": norm_slope,
        "slope_squared": slope**2,
        "slope_norm_slope": slope * norm_slope,
        "norm_slope_squared": norm_slope**2,
    }
    found = moments(kind())
    for name, sample in samples.items():
        error = np.maximum(sample.std(axis=0) / math.sqrt(len(sample)), 1 / len(sample))  # events too rare to be seen
        assert np.all(np.abs(sample.mean(axis=0) - found[name]) < 4 * error), name


def test_the_closed_form_of_the_squared_loss_is_the_generic_quadrature():
    @double_precision
    def generic():
        rule = gaussian_rule(2.0)
        shift = RADIUS * NORM
        return by_norm(jax.jit(lambda: ResidualLoss.moments(SquaredLoss(), order(), LABELS, shift, rule))(), RADIUS)

    closed = moments(SquaredLoss())
    for name, value in generic().items():
        np.testing.assert_allclose(value, closed[name], rtol=1e-12, atol=1e-13, err_msg=name)
        np.testing.assert_allclose(moments(PlainSquare())[name], closed[name], rtol=1e-12, atol=1e-13, err_msg=name)


def test_the_centred_squared_loss_is_one_line():
    # Theory 2.1: R = (sigma^2 + 2 c eps sigma rho + (eps rho)^2) / 2, A = 1 + c eps rho / sigma.
    c, sigma, shift = math.sqrt(2 / math.pi), np.sqrt(VARIANCE), RADIUS * NORM
    found = moments(SquaredLoss(), mean=np.zeros(6))
    np.testing.assert_allclose(found["value"], (VARIANCE + 2 * c * shift * sigma + shift**2) / 2, rtol=1e-14)
    np.testing.assert_allclose(found["curvature"], 1 + c * shift / sigma, rtol=1e-14)
    np.testing.assert_allclose(found["norm_slope"], RADIUS * (c * sigma + shift), rtol=1e-14)
    np.testing.assert_allclose(found["slope"], 0.0, atol=1e-15)


def test_kinked_margin_losses_have_the_closed_forms_of_theory_2_2():
    a, s = LABELS * MEAN - RADIUS * NORM, np.sqrt(VARIANCE)
    u = (1 - a) / s
    phi, cdf = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi), ndtr(u)
    m1 = (1 - a) * cdf + s * phi
    m2 = ((1 - a) ** 2 + VARIANCE) * cdf + (1 - a) * s * phi
    expected = {
        Hinge: {
            "value": m1,
            "slope": -LABELS * cdf,
            "curvature": phi / s,
            "slope_squared": cdf,
            "norm_slope": RADIUS * cdf,
        },
        SquaredHinge: {
            "value": m2 / 2,
            "slope": -LABELS * m1,
            "curvature": cdf,
            "slope_squared": m2,
            "norm_slope": RADIUS * m1,
        },
        Exponential: {
            "value": np.exp(-a + VARIANCE / 2),
            "slope": -LABELS * np.exp(-a + VARIANCE / 2),
            "curvature": np.exp(-a + VARIANCE / 2),
        },
    }
    for kind, table in expected.items():
        found = moments(kind(), rule=gaussian_rule(4.0))
        for name, value in table.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-13, err_msg=f"{kind.__name__} {name}")


def test_logistic_moments_keep_their_accuracy_as_the_logit_grows():
    # The rule follows the scale: 1e-10 relative from 1 to 20, against a trapezoid of 24,001 nodes on [-12, 12].
    u = np.linspace(-12.0, 12.0, 24001)
    weights = np.exp(-(u**2) / 2)
    weights /= weights.sum()
    for scale in (1.0, 4.5, 20.0):
        found = moments(LogisticLoss(), variance=np.full(6, scale**2), rule=gaussian_rule(scale))
        z = (LABELS * MEAN - RADIUS * NORM)[:, None] + scale * u
        expected = {
            "value": np.logaddexp(0.0, -z) @ weights,
            "curvature": (expit(z) * expit(-z)) @ weights,
            "slope_squared": expit(-z) ** 2 @ weights,
        }
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-10, err_msg=f"{name} at scale {scale}")
    # And a rule made for a smaller scale would not do.
    poor = moments(LogisticLoss(), variance=np.full(6, 400.0), rule=gaussian_rule(2.0))["curvature"]
    assert np.max(np.abs(poor / found["curvature"] - 1)) > 1e-3


@pytest.mark.parametrize("kind", [LogisticLoss, SquaredLoss, Hinge, Huber], ids=lambda kind: kind.__name__)
def test_without_an_attack_the_radius_has_no_effect(kind):
    for name, value in moments(kind(), radius=0.0).items():
        np.testing.assert_array_equal(value, moments(kind(), radius=0.0, norm=5.0)[name])
    assert np.all(moments(kind(), radius=0.0)["norm_slope"] == 0)
    assert np.all(moments(kind())["value"] > moments(kind(), radius=0.0)["value"])


@pytest.mark.parametrize("kind", [*MARGIN, *RESIDUAL], ids=lambda kind: kind.__name__)
def test_the_zero_student_and_a_vanishing_variance_give_finite_moments(kind):
    for settings in ({"norm": 0.0}, {"variance": np.zeros(6)}, {"variance": np.zeros(6), "norm": 0.0}):
        for name, value in moments(kind(), **settings).items():
            if name not in ("curvature", "teacher_curvature"):  # a kink at zero variance is a true delta function
                assert np.all(np.isfinite(value)), name
            assert not np.any(np.isnan(value)), name
