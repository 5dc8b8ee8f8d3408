"""Adversarial least squares is standard least squares with a moving rate and ridge, up to a factor in the noise."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jominy as jm
import zoo

C = math.sqrt(2 / math.pi)
TIMES = np.array([0.0, 0.5, 2.0, 8.0])


def problem(radius=0.5, noise=0.25, d=400, spectrum=zoo.two):
    return zoo.one_class(spectrum(d), noise).problem(jm.SquaredLoss(), radius)


@pytest.mark.parametrize(("radius", "noise"), [(0.5, 0.25), (1.5, 0.25), (0.4, 0.0), (0.0, 0.25)])
def test_with_its_noise_inflated_it_is_adversarial_training(radius, noise):
    one, schedule = problem(radius, noise), jm.InverseTime(0.8, 0.1)
    settings = {"times": TIMES, "start": zoo.start(400), "rtol": 1e-11}
    adversarial = jm.forecast(one, schedule, compress=False, **settings)
    standard = jm.forecast_equivalent(one, schedule, inflate_noise=True, **settings)
    assert set(standard.data_vars) == set(adversarial.data_vars)
    for name in adversarial.data_vars:
        np.testing.assert_allclose(standard[name], adversarial[name], rtol=1e-9, atol=1e-12, err_msg=str(name))


def test_without_it_is_the_ridge_regression_that_scipy_integrates():
    # Both systems in coordinates, written out; the second with the first one's rate and ridge and noise of its own.
    k, x, start, radius, rate = zoo.two(400), zoo.teacher(400), zoo.start(400), 0.5, 0.7

    def parts(m, v):
        w = v / 400
        return math.sqrt(0.25 + k @ ((m - x) ** 2 + w)), math.sqrt(np.sum(m**2 + w))

    def velocity(t, state):
        m, v, n, u = state.reshape(4, 400)
        sigma, rho = parts(m, v)
        slope, pull = 1 + C * radius * rho / sigma, radius**2 + C * radius * sigma / rho
        power = sigma**2 + 2 * C * radius * sigma * rho + (radius * rho) ** 2
        own, step, ridge = parts(n, u)[0], rate * slope, pull / slope
        return np.concatenate(
            [
                -rate * (slope * k * (m - x) + pull * m),
                rate**2 * power * k - 2 * rate * (slope * k + pull) * v,
                -step * (k * (n - x) + ridge * n),
                step**2 * own**2 * k - 2 * step * (k + ridge) * u,
            ]
        )

    first = np.concatenate([start, np.zeros(400), start, np.zeros(400)])
    solved = solve_ivp(velocity, (0, 8), first, t_eval=TIMES, rtol=1e-10, atol=1e-12)
    found = jm.forecast_equivalent(problem(), jm.Constant(rate), times=TIMES, start=start)
    for i, state in enumerate(solved.y.T):
        _, _, n, u = state.reshape(4, 400)
        sigma, rho = parts(n, u)
        risk = (sigma**2 + 2 * C * radius * sigma * rho + (radius * rho) ** 2) / 2
        assert float(found.adversarial_risk[i]) == pytest.approx(risk, rel=1e-7)
        assert float(found.norm[i]) == pytest.approx(rho, rel=1e-7)
    # It has less noise than adversarial training, whose chi exceeds one.
    adversarial = jm.forecast(problem(), jm.Constant(rate), times=TIMES, start=start)
    assert np.all(found.adversarial_risk[1:].values < adversarial.adversarial_risk[1:].values)
    np.testing.assert_allclose(found.effective_ridge, adversarial.effective_ridge)
    assert np.all(found.noise_inflation == 1)


@pytest.mark.parametrize("start", [None, 0.7])
def test_sgd_on_ridge_regression_follows_it(start):
    # 300 seeds (0, 1, ...) at d = 800: mean within 3.5 standard errors plus C/d of the equivalent's forecast.
    one, schedule = problem(d=800), jm.Constant(0.7)
    runs = jm.simulate_equivalent(one, schedule, times=TIMES, start=start, seeds=300, progress=False)
    curve = jm.forecast_equivalent(one, schedule, times=TIMES, start=start)
    attacked = jm.forecast(one, schedule, times=TIMES, start=start)
    assert runs.status == curve.status == "completed"
    for name, bias in {"adversarial_risk": 0.6, "clean_risk": 0.5, "norm": 1.0, "distance_to_optimum": 0.6}.items():
        mean, error = runs[name].mean("seed"), runs[name].std("seed", ddof=1) / math.sqrt(300)
        assert np.all(abs(mean - curve[name]) <= 3.5 * error + bias / 800), name
    # The noise's factor chi is seen: adversarial training itself ends elsewhere.
    gap = (attacked.adversarial_risk - runs.adversarial_risk.mean("seed"))[-1]
    assert gap > 3 * runs.adversarial_risk.std("seed")[-1] / math.sqrt(300)


def test_other_problems_have_no_equivalent():
    for other in (zoo.two_classes(20).problem(jm.SquaredLoss(), 0.3), zoo.two_classes(20).problem(jm.HingeLoss(), 0.3)):
        with pytest.raises(jm.InputError, match="one centred class"):
            jm.forecast_equivalent(other, jm.Constant(0.5), time=1)
