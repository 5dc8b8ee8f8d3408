"""Effective rate, ridge and noise inflation of adversarial least squares: reference table and definitions."""

import numpy as np
import pytest

import jominy as jm

D = 400
C = np.sqrt(2 / np.pi)


def reference_problem(radius):
    j = np.arange(D)
    teacher, start = np.where(j % 2 == 0, 1.2, 0.8), np.where(j % 3 == 0, -1.0, 0.5)
    data = jm.LinearTeacher(jm.identity(D), teacher / np.linalg.norm(teacher), 0.25)
    return jm.Problem(data, jm.SquaredLoss(), radius), 0.7 * start / np.linalg.norm(start)


def test_reference_table_a1():
    problem, start = reference_problem(0.5)
    told = jm.forecast(problem, jm.Constant(0.5), times=[1, 2, 5, 10], start=start)
    np.testing.assert_allclose(told.effective_ridge, [0.68277747, 0.53615056, 0.41542575, 0.40089623], rtol=2e-8)
    slope = [1.26060521, 1.33982286, 1.45109240, 1.46938528]
    np.testing.assert_allclose(told.effective_learning_rate, 0.5 * np.array(slope), rtol=2e-8)
    np.testing.assert_allclose(told.noise_inflation, [1.02439434, 1.03671906, 1.05515972, 1.05824635], rtol=2e-8)


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.8, 3.0])
def test_definitions_by_monte_carlo(radius):
    """A = E Psi_rr and B = E Psi_rho / rho by finite differences of a sampled risk; chi = E Psi_r^2 / (A sigma)^2."""
    problem, start = reference_problem(radius)
    told = jm.forecast(problem, jm.Constant(0.5), times=[2.0], start=start)
    sigma, rho = np.sqrt(2 * float(told.clean_risk[0])), float(told.norm[0])
    e = sigma * np.random.default_rng(3).standard_normal(1_000_000)
    slope = np.mean((np.abs(e) + radius * rho) * np.abs(e)) / sigma**2  # Stein: E Psi_rr = E[Psi_r e] / sigma^2
    ridge = radius * np.mean(np.abs(e) + radius * rho) / rho
    noise = np.mean((np.abs(e) + radius * rho) ** 2)
    # Standard errors are below 2e-3 of each.
    assert float(told.effective_learning_rate[0]) == pytest.approx(0.5 * slope, rel=6e-3)
    assert float(told.effective_ridge[0]) == pytest.approx(ridge / slope, rel=1e-2, abs=1e-12)
    assert float(told.noise_inflation[0]) == pytest.approx(noise / (slope * sigma) ** 2, rel=1e-2)


def test_inflation_stays_between_one_and_half_pi():
    seen = []
    for radius in (0.0, 0.3, 1.0, 5.0, 50.0):
        problem, start = reference_problem(radius)
        told = jm.forecast(problem, jm.Constant(0.3), times=np.linspace(0, 5, 21), start=start)
        seen.append(told.noise_inflation.values)
    assert np.min(seen) == 1.0 and 1.5 < np.max(seen) <= np.pi / 2


def test_simulations_carry_them_and_other_problems_do_not():
    problem, start = reference_problem(0.5)
    runs = jm.simulate(problem, jm.Constant(0.5), times=[1.0], seeds=30, start=start)
    told = jm.forecast(problem, jm.Constant(0.5), times=[1.0], start=start)
    spread = runs.effective_ridge.std("seed", ddof=1) / np.sqrt(30)
    np.testing.assert_allclose(
        runs.effective_ridge.mean("seed"), told.effective_ridge, atol=4 * float(spread[0]) + 0.01
    )
    classes = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.identity(50)] * 2, labels=[1, -1])
    assert "effective_ridge" not in jm.forecast(
        jm.Problem(classes, jm.SquaredLoss(), 0.5), jm.Constant(0.5), times=[1.0]
    )


def test_a_start_at_zero_has_an_infinite_ridge_and_no_nan():
    problem, _ = reference_problem(0.5)
    told = jm.forecast(problem, jm.Constant(0.5), times=[0.0, 1.0])
    assert np.isinf(told.effective_ridge[0]) and np.isfinite(told.effective_ridge[1])
    assert not np.any(np.isnan(told.effective_learning_rate)) and float(told.noise_inflation[0]) == 1.0
