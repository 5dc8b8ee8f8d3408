"""Gaussian expectations against SciPy's adaptive quadrature and closed forms."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, ndtr

from jominy.numerics.gaussian import REACH, coarse_rule, gaussian_expectation, gaussian_rule, node_count, rows_rule
from jominy.numerics.precision import double_precision

MEANS = np.array([-3.0, 0.5, 4.0])


@double_precision
def expectation(function, mean, sd, rule=None, kinks=()):
    mean, sd = np.broadcast_arrays(np.atleast_1d(np.asarray(mean, float)), np.asarray(sd, float))
    rule = gaussian_rule(float(sd.max())) if rule is None else rule
    return np.asarray(jax.jit(lambda m, s: gaussian_expectation(function, m, s, rule, kinks))(mean, sd))


def adaptive(function, mean, sd, points=()):
    """E function(mean + sd u) by SciPy, split where the integrand is sharp."""

    def integrand(u):
        return function(mean + sd * u) * math.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)

    edges = sorted({-12.0, 12.0, *(min(max((point - mean) / sd, -12.0), 12.0) for point in (*points, -5.0, 0.0, 5.0))})
    pairs = zip(edges[:-1], edges[1:], strict=True)
    return sum(quad(integrand, low, high, epsabs=1e-15, epsrel=1e-13, limit=400)[0] for low, high in pairs)


LOGISTIC = {
    "value": (lambda z, u: jax.nn.softplus(-z), lambda z: math.log1p(math.exp(-abs(z))) + max(-z, 0.0)),
    "slope": (lambda z, u: jax.nn.sigmoid(-z), lambda z: 1 / (1 + math.exp(z)) if z < 700 else 0.0),
    "curvature": (
        lambda z, u: jax.nn.sigmoid(z) * jax.nn.sigmoid(-z),
        lambda z: 0.25 / math.cosh(min(abs(z), 700) / 2) ** 2,
    ),
}


@pytest.mark.parametrize("name", LOGISTIC)
def test_logistic_integrands_are_good_to_1e_11_at_every_logit_scale(name):
    ours, plain = LOGISTIC[name]
    for sd in (0.01, 1.0, 4.5, 20.0):
        expected = [adaptive(plain, mean, sd) for mean in MEANS]
        np.testing.assert_allclose(expectation(ours, MEANS, sd), expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", LOGISTIC)
def test_a_loose_rule_is_as_good_as_single_precision(name):
    # 1.2e-7 at most as measured; with half the nodes 3e-7 to 2e-3.
    ours, plain = LOGISTIC[name]
    for sd in (2.0, 4.0, 16.0):  # as sharp as these rules are made for
        rule = gaussian_rule(sd, 1e-9)
        assert rule.nodes.dtype == np.float32 and rule.logit_scale == sd
        got = expectation(ours, MEANS, sd, rule)
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, [adaptive(plain, mean, sd) for mean in MEANS], rtol=2e-7)


def test_the_coarse_rule_is_good_to_1e_5():
    for sd in (0.3, 1.0, 8.0):
        got = expectation(LOGISTIC["value"][0], 0.5, sd, coarse_rule(sd))[0]
        assert got == pytest.approx(adaptive(LOGISTIC["value"][1], 0.5, sd), rel=1e-5)


@pytest.mark.parametrize("sd", [0.01, 2.0, 20.0])
def test_kinked_integrands_have_their_closed_forms(sd):
    # |z - 1|, sign(z - 1) and max(1 - z, 0), whose plain Gauss-Hermite errors are of order 1/n and 1/sqrt(n).
    u = (MEANS - 1) / sd
    density = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    expected = [
        2 * sd * density + (MEANS - 1) * erf(u / math.sqrt(2)),
        erf(u / math.sqrt(2)),
        (1 - MEANS) * ndtr(-u) + sd * density,
    ]
    functions = (lambda z, u: jnp.abs(z - 1), lambda z, u: jnp.sign(z - 1), lambda z, u: jnp.maximum(1 - z, 0.0))
    got = [expectation(function, MEANS, sd, kinks=(1.0,)) for function in functions]
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14 + 1e-13 * sd)


def test_kinks_outside_the_reach_and_several_kinks():
    # Two kinks, one of them a hundred standard deviations away: the integrand is smooth where the mass is.
    def clipped(z, u):
        return jnp.clip(z, -1.0, 100.0)

    got = expectation(clipped, [0.2, 0.2], [0.5, 1.0], kinks=(-1.0, 100.0))
    expected = [adaptive(lambda z: max(z, -1.0), 0.2, sd, points=(-1.0,)) for sd in (0.5, 1.0)]
    np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_the_second_argument_is_the_standard_normal_itself():
    for kinks in ((), (1.0,)):
        np.testing.assert_allclose(
            expectation(lambda z, u: u * z, MEANS, 2.0, kinks=kinks), 2.0, rtol=1e-13
        )  # Stein: sd


def test_rules_come_in_powers_of_two_and_grow_with_the_scale():
    assert [gaussian_rule(scale).logit_scale for scale in (0.0, 2.0, 2.1, 4.0, 300.0)] == [2.0, 2.0, 4.0, 4.0, 512.0]
    assert gaussian_rule(2.1) is gaussian_rule(3.9)  # one object, one compiled program
    for scale in (2.0, 64.0):
        rule = gaussian_rule(scale)
        assert rule.nodes.size == node_count(scale) == 27 * scale + 1
        assert rule.nodes[0] == -REACH and rule.nodes[-1] == REACH
        assert rule.weights.sum() == pytest.approx(1.0, abs=1e-15)
        assert rule.panel_weights.sum() == pytest.approx(2.0, abs=1e-13)
        assert np.all(np.diff(rule.panel) > 0) and np.all(np.abs(rule.panel) < 1)


def test_a_diverging_logit_does_not_ask_for_unlimited_memory():
    rule = gaussian_rule(1e7)
    assert rule.nodes.size < 50_000 and rule.panel.size < 50_000
    # Seen from that far, log(1 + exp(-z)) is max(-z, 0): E = sd / sqrt(2 pi).
    got = expectation(LOGISTIC["value"][0], 0.0, 1e7, rule)[0]
    assert got == pytest.approx(1e7 / math.sqrt(2 * math.pi), rel=1e-6)


def test_gauss_hermite_would_not_do():
    # Why the trapezoid: at a logit scale of 5, 121 Hermite nodes leave 3e-6 (theory section 3), the trapezoid 1e-11.
    nodes, weights = np.polynomial.hermite_e.hermegauss(121)
    hermite = float(weights @ LOGISTIC["curvature"][0](0.5 + 5 * nodes, nodes)) / math.sqrt(2 * math.pi)
    exact = adaptive(LOGISTIC["curvature"][1], 0.5, 5.0)
    assert abs(hermite - exact) > 1e-7
    assert expectation(LOGISTIC["curvature"][0], 0.5, 5.0)[0] == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("sd", [0.02, 1.0, 1.3, 1.45, 2.9, 11.0, 180.0])
@pytest.mark.parametrize("name", LOGISTIC)
def test_the_rule_for_rows_follows_the_logits(name, sd):
    """One rule for all scales: 1e-6 of the loss's own size, where 12 fixed nodes are off by up to 1e-5 from 1.3 on."""
    function, plain = LOGISTIC[name]
    sds = np.array([0.3 * sd, 0.7 * sd, sd])
    found = expectation(function, MEANS, sds, rows_rule())
    expected = [adaptive(plain, mean, own) for mean, own in zip(MEANS, sds, strict=True)]
    np.testing.assert_allclose(found, expected, atol=2e-6 * max(1.0, sd))


def test_the_rule_for_rows_survives_logits_without_end():
    endless = jnp.array([np.inf, np.nan, 1e30])
    parts, spacing = double_precision(lambda: [float(one) for one in rows_rule().grid(endless)])()
    assert parts * 12 < 8000 and spacing > 0
    assert np.isfinite(expectation(lambda z, u: jax.nn.softplus(-z), 0.0, 1e12, rows_rule())).all()
