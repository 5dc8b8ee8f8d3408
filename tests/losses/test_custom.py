"""A user's own loss as one scalar function: what is checked when it is given, and how accurate its averages are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import jominy as jm
from jominy.losses import OrderParameters
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision
from l2_moments import by_norm


def order(mean, variance, norm=1.0):
    return OrderParameters(
        mean, variance, mean, variance, np.asarray(norm), np.asarray(norm)[None], mean, variance, mean
    )


@double_precision
def moments(loss, mean, variance, radius):
    mean, variance = np.asarray(mean), np.asarray(variance)
    rule = gaussian_rule(float(np.max(loss.logit_sd(order(mean, variance)))))
    run = jax.jit(lambda m, v: loss.moments(order(m, v), np.ones(m.size), np.asarray(radius), rule))
    found = by_norm(run(mean, variance), radius)
    return {name: np.asarray(value) for name, value in found.items()}


def huber(e):
    return jnp.where(jnp.abs(e) < 1, e**2 / 2, jnp.abs(e) - 0.5)


def capped_exponential(z):
    return jnp.where(z > -1, jnp.exp(-jnp.maximum(z, -1.0)), jnp.e * -z)


MARGIN = {
    "capped exponential": (
        jm.CustomMarginLoss(capped_exponential, kinks=[-1.0]),
        lambda z: np.exp(-z) if z > -1 else -np.e * z,
        lambda z: -np.exp(-z) if z > -1 else -np.e,
        (-1.0,),
    ),
    "exponential": (jm.CustomMarginLoss(lambda z: jnp.exp(-z)), lambda z: np.exp(-z), lambda z: -np.exp(-z), ()),
    "hinge": (
        jm.CustomMarginLoss(lambda z: jnp.maximum(1 - z, 0.0), kinks=(1.0,)),
        lambda z: max(1 - z, 0.0),
        lambda z: -1.0 * (z < 1),
        (1.0,),
    ),
    "sharp": (
        jm.CustomMarginLoss(lambda z: jnp.logaddexp(0.0, -10 * z) / 10),
        lambda z: np.logaddexp(0.0, -10 * z) / 10,
        lambda z: -np.exp(-np.logaddexp(0.0, 10 * z)),
        (),
    ),
}


def expectation(function, a, s, corners=()):
    edges = sorted({-25.0, -8.0, 0.0, 8.0, 25.0, *(min(max((c - a) / s, -25.0), 25.0) for c in corners)})
    return sum(
        quad(lambda u: function(a + s * u) * np.exp(-(u**2) / 2), x, y, epsabs=1e-15, epsrel=1e-12, limit=400)[0]
        for x, y in zip(edges[:-1], edges[1:], strict=True)
    ) / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("name", MARGIN)
def test_margin_averages_are_good_to_1e_9(name):
    loss, value, slope, kinks = MARGIN[name]
    radius, mean, sd = 0.7, np.array([0.3, -1.1, 1.9, 0.5]), np.array([0.8, 2.0, 0.05, 1e-4])
    found = moments(loss, mean, sd**2, radius)
    for i, (a, s) in enumerate(zip(mean - radius, sd, strict=True)):
        corners = (*kinks, -0.2, 0.0, 0.2)
        first = expectation(slope, a, s, corners)
        squared = expectation(lambda z: slope(z) ** 2, a, s, corners)
        assert found["value"][i] == pytest.approx(expectation(value, a, s, corners), rel=1e-9)
        assert found["slope"][i] == pytest.approx(first, rel=1e-9, abs=1e-12)
        assert found["slope_squared"][i] == pytest.approx(squared, rel=1e-9, abs=1e-12)
        assert found["norm_slope"][i] == pytest.approx(-radius * first, rel=1e-9, abs=1e-12)
        if s > 0.01:
            curvature = expectation(lambda z, a=a, s=s: slope(z) * (z - a) / s**2, a, s, corners)
            assert found["curvature"][i] == pytest.approx(curvature, rel=1e-8, abs=1e-9)


def test_huber_averages_are_good_to_1e_9():
    loss = jm.CustomResidualLoss(huber, kinks=[1.0], name="Huber")
    for radius in (0.0, 0.4, 1.7):
        mean, sd = np.array([0.3, -1.1, 0.0, 0.5]), np.array([0.8, 2.0, 0.05, 1e-4])
        found = moments(loss, mean, sd**2, radius)
        corners = (0.0, 1 - radius, radius - 1)

        def size(e, radius=radius):
            return abs(e) + radius

        for i, (a, s) in enumerate(zip(mean, sd, strict=True)):
            value = expectation(lambda e: size(e) ** 2 / 2 if size(e) < 1 else size(e) - 0.5, a, s, corners)
            assert found["value"][i] == pytest.approx(value, rel=1e-9)
            slope = expectation(lambda e: np.sign(e) * min(size(e), 1.0), a, s, corners)
            assert found["slope"][i] == pytest.approx(slope, rel=1e-9, abs=1e-10)
            squared = expectation(lambda e: min(size(e), 1.0) ** 2, a, s, corners)
            assert found["slope_squared"][i] == pytest.approx(squared, rel=1e-9)


def test_what_the_quadrature_needs_is_measured():
    assert MARGIN["sharp"][0].sharpness >= 4 and MARGIN["hinge"][0].sharpness == 1
    assert MARGIN["exponential"][0].growth == pytest.approx(1.0, rel=1e-12) and MARGIN["hinge"][0].growth == 0
    assert jm.CustomMarginLoss(lambda z: jnp.exp(-2 * z)).growth == pytest.approx(2.0, rel=1e-12)


def test_a_custom_loss_is_described_by_its_name():
    loss = jm.CustomResidualLoss(huber, kinks=[1.0])
    assert loss.describe() == {"kind": "CustomResidualLoss", "name": "huber", "kinks": [1.0]}
    assert jm.CustomResidualLoss(huber, kinks=[1.0]) == loss and hash(loss) is not None
    assert jm.CustomMarginLoss(lambda z: -z, name="line").describe()["name"] == "line"


BAD = {
    "must be a function": lambda: jm.CustomMarginLoss(3.0),
    "must decrease": lambda: jm.CustomMarginLoss(lambda z: z),
    "A constant has no gradient": lambda: jm.CustomMarginLoss(lambda z: 0 * z),
    "jax.numpy, as it is traced .*TracerArray": lambda: jm.CustomMarginLoss(lambda z: np.exp(-z)),
    "neither float": lambda: jm.CustomMarginLoss(lambda z: -z if z < 0 else 0.0),
    "one number for one number": lambda: jm.CustomMarginLoss(lambda z: jnp.stack([-z, -z])),
    "finite on": lambda: jm.CustomMarginLoss(lambda z: jnp.exp(z**2 - z)),
    "must be finite .*-40": lambda: jm.CustomMarginLoss(lambda z: -jnp.log(z)),
    "as kinks=": lambda: jm.CustomMarginLoss(lambda z: jnp.maximum(1 - z, 0.0)),
    "increasing finite numbers": lambda: jm.CustomMarginLoss(lambda z: -z, kinks=[1.0, 0.0]),
    "even": lambda: jm.CustomResidualLoss(lambda e: e**3),
    "must not decrease": lambda: jm.CustomResidualLoss(lambda e: -(e**2)),
    "> 0 .they count on both sides": lambda: jm.CustomResidualLoss(huber, kinks=[-1.0, 1.0]),
    "derivatives jumps": lambda: jm.CustomResidualLoss(huber),
}


@pytest.mark.parametrize("message", BAD)
def test_what_is_wrong_with_a_function_is_said(message):
    with pytest.raises(jm.InputError, match=message):
        BAD[message]()
