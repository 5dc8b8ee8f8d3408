"""Derivatives through the solver against differences of forecasts, and against closed forms."""

import numpy as np
import pytest

import jominy as jm
from jominy.errors import InputError

D = 50
TIMES = [1.0, 4.0]
COMPARED = ("adversarial_risk", "clean_risk", "norm", "distance_to_optimum", "excess_risk", "alignment")


def least_squares(radius=0.4, rate=0.6, noise=0.25, exponent=1.2):
    data = jm.LinearTeacher(jm.power_law(D, exponent), noise_variance=noise)
    return jm.Problem(data, jm.SquaredLoss(), radius), jm.Constant(rate), 0.5


def logistic(radius=0.3, rate=1.0, separation=1.5, start=0.4):
    mean = np.full(D, separation / np.sqrt(D))
    data = jm.GaussianMixture([0.5, 0.5], [mean, -mean], [1.0, 0.5], labels=[1, -1])
    return jm.Problem(data, jm.LogisticLoss(), radius), jm.InverseTime(rate, decay=0.2), start


def differences(make, values, name, shift=2e-3):
    """Fourth-order differences of forecasts at a tight tolerance."""

    def at(step):
        problem, schedule, start = make(**(values | {name: values[name] + step * shift}))
        return jm.forecast(problem, schedule, times=TIMES, start=start, rtol=1e-12)

    far, near = (at(2), at(-2)), (at(1), at(-1))
    return {
        one: (8 * (near[0][one] - near[1][one]) - (far[0][one] - far[1][one])).values / (12 * shift)
        for one in COMPARED
        if one in near[0]
    }


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (least_squares, {"radius": 0.4, "rate": 0.6, "noise": 0.25, "exponent": 1.2}),
        pytest.param(logistic, {"radius": 0.3, "rate": 1.0, "separation": 1.5, "start": 0.4}, marks=pytest.mark.slow),
    ],
)
def test_against_differences_of_forecasts(make, values):
    found = jm.sensitivity(make, values, times=TIMES)
    problem, schedule, start = make(**values)
    curve = jm.forecast(problem, schedule, times=TIMES, start=start)
    np.testing.assert_allclose(found.adversarial_risk, curve.adversarial_risk, rtol=1e-7)
    for name in values:
        for variable, expected in differences(make, values, name).items():
            got = found[f"{variable}_slope"].sel(parameter=name).values
            np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6, err_msg=f"{variable} by {name}")


def test_closed_form_of_clean_least_squares():
    # Radius zero, no noise, identity covariance: R = s^2 exp(-(2 g - g^2) t) / 2, so dR/dg = -(2 - 2 g) t R.
    def make(rate):
        return jm.Problem(jm.LinearTeacher(jm.identity(D)), jm.SquaredLoss(), 0.0), jm.Constant(rate)

    found = jm.sensitivity(make, {"rate": 0.3}, times=TIMES)
    expected = -(2 - 2 * 0.3) * np.array(TIMES) * found.adversarial_risk.values
    np.testing.assert_allclose(found.adversarial_risk_slope[0], expected, rtol=1e-6)


def test_at_the_edge_of_what_is_allowed_differences_are_one_sided():
    def make(radius):
        return least_squares(radius=radius)

    at_zero = jm.sensitivity(make, {"radius": 0.0}, times=TIMES).adversarial_risk_slope.values
    nearby = jm.sensitivity(make, {"radius": 1e-3}, times=TIMES).adversarial_risk_slope.values
    np.testing.assert_allclose(at_zero, nearby, rtol=0.02)


@pytest.mark.parametrize(
    ("make", "values", "rule"),
    [
        (least_squares, {}, "needs numbers"),
        (least_squares, {"radius": "wide"}, "finite number"),
        (lambda radius: radius, {"radius": 0.3}, "make must return"),
    ],
)
def test_bad_input_says_what_is_wrong(make, values, rule):
    with pytest.raises(InputError, match=rule):
        jm.sensitivity(make, values, times=TIMES)
