"""The standard least squares problem to which an adversarial one amounts: mean, noise, SGD."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jominy as jm
from jominy.errors import InputError

D, C = 400, np.sqrt(2 / np.pi)
TIMES = np.array([0.5, 2.0, 6.0])


def a_problem(radius=0.6):
    j = np.arange(D)
    teacher, start = np.where(j % 2 == 0, 1.2, 0.8), np.where(j % 3 == 0, -1.0, 0.5)
    data = jm.LinearTeacher(jm.two_level(D, 1.6, 0.4), teacher / np.linalg.norm(teacher), 0.25)
    return jm.Problem(data, jm.SquaredLoss(), radius), 0.7 * start / np.linalg.norm(start)


def by_scipy(problem, start, rate):
    """Mean and both variances at TIMES: adversarial, and with chi = 1 (the standard problem's), in one system."""
    k, teacher, eps = problem.data.law.eigenvalues[0], problem.data.law.teacher, problem.radius

    def sizes(m, v):
        sigma = np.sqrt(0.25 + k @ (m - teacher) ** 2 + k @ v / D)
        return sigma, np.sqrt(m @ m + v.sum() / D)

    def velocity(t, y):
        m, v, plain = y.reshape(3, -1)
        sigma, rho = sizes(m, v)
        a, b = 1 + C * eps * rho / sigma, eps**2 + C * eps * sigma / rho
        noise = (sigma**2 + 2 * C * eps * rho * sigma + (eps * rho) ** 2, (a * sizes(m, plain)[0]) ** 2)
        return np.concatenate([
            -rate * (a * k * (m - teacher) + b * m),
            *(-2 * rate * (a * k + b) * w + rate**2 * size * k for w, size in zip((v, plain), noise, strict=True)),
        ])  # fmt: skip

    begin = np.concatenate([start, np.zeros(2 * D)])
    path = solve_ivp(velocity, (0, TIMES[-1]), begin, t_eval=TIMES, rtol=1e-10, atol=1e-13, method="LSODA")
    return path.y.T.reshape(len(TIMES), 3, D), sizes


def test_mean_is_the_same_and_noise_is_not_inflated():
    problem, start = a_problem()
    standard, rate = jm.least_squares_equivalent(problem, jm.Constant(0.5), time=6, start=start)
    ours = jm.forecast(problem, jm.Constant(0.5), times=TIMES, start=start)
    theirs = jm.forecast(standard, rate, times=TIMES, start=start)
    states, sizes = by_scipy(problem, start, 0.5)
    overlap = states[:, 0] @ problem.data.law.teacher
    np.testing.assert_allclose(ours.alignment * ours.norm, overlap, rtol=1e-7)
    np.testing.assert_allclose(theirs.alignment * theirs.norm, overlap, rtol=1e-7)  # the spline's error included
    expected = [sizes(m, plain)[0] ** 2 / 2 for m, _, plain in states]
    np.testing.assert_allclose(theirs.clean_risk, expected, rtol=1e-7)
    assert np.all(ours.clean_risk > theirs.clean_risk)


def test_standard_sgd_follows_its_forecast():
    problem, start = a_problem()
    standard, rate = jm.least_squares_equivalent(problem, jm.Constant(0.5), time=6, start=start)
    told = jm.forecast(standard, rate, times=TIMES, start=start)
    runs = jm.simulate(standard, rate, times=TIMES, seeds=200, start=start)
    for name in ("clean_risk", "norm", "alignment"):
        error = runs[name].std("seed", ddof=1) / np.sqrt(200)
        assert np.all(np.abs(runs[name].mean("seed") - told[name]) < 3.5 * error + 2 / D * np.abs(told[name])), name


@pytest.mark.slow
def test_rate_schedules_that_jump_and_that_adapt():
    problem, start = a_problem()
    for schedule in (jm.Piecewise([1.0], [0.8, 0.2]), jm.Polyak()):
        standard, rate = jm.least_squares_equivalent(problem, schedule, time=6, start=start)
        ours = jm.forecast(problem, schedule, times=TIMES, start=start)
        theirs = jm.forecast(standard, rate, times=TIMES, start=start)
        np.testing.assert_allclose(theirs.alignment * theirs.norm, ours.alignment * ours.norm, rtol=2e-3)


def test_a_fixed_ridge_is_ridge_regression():
    problem, _ = a_problem()
    fixed = jm.Problem(problem.data, jm.RidgeSquaredLoss(), radius=0.7)
    law, ridge = problem.data.law, 0.49
    k = law.eigenvalues[0]
    best = k / (k + ridge) * law.teacher
    found = jm.optimum(fixed)
    np.testing.assert_allclose(found.vector, best, rtol=1e-9)
    risk = (0.25 + k @ (best - law.teacher) ** 2 + ridge * best @ best) / 2
    assert found.adversarial_risk == pytest.approx(risk, rel=1e-12) and np.isinf(found.collapse_radius)


def test_what_has_no_equivalent_is_refused():
    problem, start = a_problem()
    with pytest.raises(InputError, match="finite ridge"):
        jm.least_squares_equivalent(problem, jm.Constant(0.5), time=2, start=None)
    classes = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.identity(D)] * 2, labels=[1, -1])
    with pytest.raises(InputError, match="one centred class"):
        jm.least_squares_equivalent(jm.Problem(classes, jm.SquaredLoss(), 0.5), jm.Constant(0.5), time=2, start=start)
