"""The catalogue's averages: closed forms, generic quadrature, an oracle's quadrature and Monte Carlo must agree."""

import jax
import numpy as np
import pytest
from scipy.special import log_ndtr

import jominy as jm
import margin_oracle
from jominy.losses import MarginLoss
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision
from zoo import MARGIN_LOSSES as LOSSES

CLOSED = ["hinge", "squared hinge", "smoothed hinge", "exponential"]
# Centres and standard deviations of the margin z: an attacked one lies far to the left, a start at zero has no spread.
MEAN = np.array([0.0, 0.9, -1.3, -9.0, 2.4, 1.0, 0.3, -0.4, 3.0])
SD = np.array([0.2, 0.7, 1.5, 2.0, 0.4, 1e-3, 1e-6, 1e-9, 1.9])


@double_precision
def averages(loss, generic=False, mean=MEAN, sd=SD):
    kind = MarginLoss if generic else type(loss)
    rule = gaussian_rule(2.0)
    return [np.asarray(part) for part in jax.jit(lambda m, s: kind.averages(loss, m, s, rule))(mean, sd)]


def pointwise(loss):
    """Value, slope and curvature at margins, as NumPy arrays."""
    run = double_precision(jax.jit(lambda z: (loss.profile(z), loss.slope(z), loss.curvature(z))))
    return lambda z: [np.asarray(part) for part in run(z)]


@pytest.mark.parametrize("name", LOSSES)
def test_averages_are_those_of_the_oracle(name):
    expected = np.array([margin_oracle.averages(name, a, s**2) for a, s in zip(MEAN, SD, strict=True)]).T
    for found, right in zip(averages(LOSSES[name]), expected, strict=True):
        # The oracle's Stein form of E l'' loses digits as 1/sd.
        np.testing.assert_allclose(found[:6], right[:6], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found[8], right[8], rtol=1e-10)
    for index in (0, 1, 3):
        found, right = averages(LOSSES[name])[index], expected[index]
        np.testing.assert_allclose(found[6:8], right[6:8], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_are_the_generic_quadrature(name):
    loss = LOSSES[name]
    assert loss.closed_form
    for closed, generic in zip(averages(loss), averages(loss, generic=True), strict=True):
        # At a spread of 1e-9 the generic E l'' is a difference of slopes over 1e-9.
        np.testing.assert_allclose(generic[[*range(7), 8]], closed[[*range(7), 8]], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(generic[7], closed[7], atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_averages_are_those_of_400_000_draws(name):
    # Seed 3; within 4.5 standard errors, elementwise, for value, slope and its square.
    value, slope, _ = margin_oracle.PROFILES[name]
    usual = SD < 1.6 if name == "exponential" else SD > 0  # the square of exp(-z) at sd 2 has no use for an average
    z = MEAN + SD * np.random.default_rng(3).standard_normal((400_000, MEAN.size))
    found = averages(LOSSES[name])
    for sample, average in ((value(z), found[0]), (slope(z), found[1]), (slope(z) ** 2, found[3])):
        error = sample.std(axis=0) / np.sqrt(len(z)) + 1e-5 * np.abs(average) + 3e-6
        assert np.all((np.abs(sample.mean(axis=0) - average) < 4.5 * error)[usual])


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_and_curvatures_are_derivatives(name):
    loss, z, h = LOSSES[name], np.array([-7.3, -3.2, -2.9, -0.4, 0.6, 1.3, 5.0]), 1e-5
    run = pointwise(loss)
    (up, up_slope, _), (down, down_slope, _) = run(z + h), run(z - h)
    _, slope, curvature = run(z)
    np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(curvature, (up_slope - down_slope) / (2 * h), rtol=1e-8, atol=1e-9)


def test_the_probit_loss_is_accurate_in_both_tails():
    z = np.array([-1e4, -40.0, -38.1, -12.0, -3.0001, -3.0, -2.9999, -0.5, 0.0, 0.5, 8.0, 20.0])
    loss = jm.ProbitLoss()
    value, slope, curvature = pointwise(loss)(z)
    np.testing.assert_allclose(value, -log_ndtr(z), rtol=1e-13)
    ratio = np.exp(-(z**2) / 2 - np.log(np.sqrt(2 * np.pi)) - log_ndtr(z))
    np.testing.assert_allclose(slope[1:], -ratio[1:], rtol=1e-11)
    # For t = -z large: h = t + 1/t - 2/t^3 + 10/t^5 and h (h - t) = 1 - 1/t^2 + 6/t^4 - ...
    t = -z[:3]
    np.testing.assert_allclose(-slope[:3], t + 1 / t - 2 / t**3 + 10 / t**5, rtol=1e-10)
    np.testing.assert_allclose(curvature[:3], 1 - 1 / t**2 + 6 / t**4, rtol=2e-8)
    np.testing.assert_allclose(curvature[4:], ratio[4:] * (ratio[4:] + z[4:]), rtol=1e-10)


def test_the_exponential_loss_does_not_overflow():
    for part in averages(LOSSES["exponential"], mean=np.array([-1e6, 0.0]), sd=np.array([1.0, 1e4])):
        assert np.all(np.isfinite(part)) and np.all(np.isfinite(part**2))
