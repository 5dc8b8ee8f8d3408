"""The recursion's coefficients: gradient and Hessian by finite differences, the noise against the rows themselves."""

import jax
import numpy as np
import pytest

import samples_oracle as oracle
from jominy.dynamics.samples.law import Spread, as_rows, sample_descent, slope_at
from jominy.numerics.gaussian import gaussian_rule
from samples_zoo import LOSSES, small

X, Y = small()
N, D = X.shape
RADIUS = 0.4
rng = np.random.default_rng(3)
MEAN = 0.4 * rng.standard_normal(D)
ROOT = 0.2 * rng.standard_normal((D, D))
V = ROOT @ ROOT.T


def library(loss, m, covariance):
    """Coefficients and descent (optimum at zero) of the code under test, in double precision."""
    with jax.enable_x64(True):
        rule = gaussian_rule(4.0)  # logits here have standard deviations up to 3
        spread = Spread(np.asarray(m), np.asarray(covariance))
        slope = jax.jit(slope_at)(as_rows(X, Y), spread, LOSSES[loss], np.asarray(RADIUS), rule)
        return jax.tree.map(np.asarray, slope), jax.tree.map(float, sample_descent(spread, slope, np.zeros(D)))


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_and_hessian_are_derivatives_of_the_risk(loss):
    """With X ~ N(m, V) of norm sqrt(|m|^2 + tr V): gradient = dR/dm and, by the heat equation, Hessian = 2 dR/dV."""
    slope, _ = library(loss, MEAN, V)

    def risk(m, covariance):
        return oracle.State(m, covariance).risk(loss, X, Y, RADIUS)

    h = 1e-4
    gradient = [(risk(MEAN + h * e, V) - risk(MEAN - h * e, V)) / (2 * h) for e in np.eye(D)]
    np.testing.assert_allclose(slope.gradient, gradient, rtol=1e-5, atol=1e-7)
    for i in range(D):
        for j in range(i + 1):
            bump = np.zeros((D, D))
            bump[i, j] = bump[j, i] = h
            change = (risk(MEAN, V + bump) - risk(MEAN, V - bump)) / (2 * h)
            # off the diagonal two entries move at once
            assert slope.hessian[i, j] == pytest.approx(change * (2 if i == j else 1), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_without_spread_gradient_and_noise_are_those_of_the_rows(loss):
    slope, _ = library(loss, MEAN, np.zeros((D, D)))
    rows = oracle.row_gradients(loss, X, Y, MEAN, RADIUS)
    np.testing.assert_allclose(slope.gradient, rows.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(slope.noise, np.cov(rows, rowvar=False, bias=True), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_with_spread_they_are_those_of_the_dense_recursion(loss):
    slope, _ = library(loss, MEAN, V)
    expected = oracle.coefficients(oracle.State(MEAN, V), loss, X, Y, RADIUS)
    np.testing.assert_allclose(slope.gradient, expected.g, rtol=1e-9)
    np.testing.assert_allclose(slope.hessian, expected.H, rtol=1e-8)
    np.testing.assert_allclose(slope.noise, expected.N, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_diagonal_covariance_gives_the_diagonals(loss):
    diagonal = np.diag(V)
    dense, _ = library(loss, MEAN, np.diag(diagonal))
    light, _ = library(loss, MEAN, diagonal)
    np.testing.assert_allclose(light.gradient, dense.gradient, rtol=1e-12)
    np.testing.assert_allclose(light.hessian, np.diag(dense.hessian), rtol=1e-12)
    np.testing.assert_allclose(light.noise, np.diag(dense.noise), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_adaptive_schedules_read_is_an_average_over_students_and_rows(loss):
    """20,000 students X ~ N(m, V), seed 4, V small; every average within 3.5 of its standard errors + 1 %."""
    covariance = V / 25
    slope, told = library(loss, MEAN, covariance)
    draws = np.random.default_rng(4).multivariate_normal(MEAN, covariance, size=20_000)
    seen = {"gradient_dot_error": [], "gradient_squared": [], "noise": [], "curved_noise": []}
    for student in draws:
        rows = oracle.row_gradients(loss, X, Y, student, RADIUS)
        mean = rows.mean(axis=0)
        seen["gradient_dot_error"].append(mean @ student)
        seen["gradient_squared"].append(mean @ mean)
        seen["noise"].append(np.mean(np.sum(rows**2, axis=1)) / D)
        seen["curved_noise"].append(np.einsum("ni,ij,nj->n", rows, slope.hessian, rows).mean() / D)
    for name, values in seen.items():
        error = np.std(values) / np.sqrt(len(values))
        assert abs(getattr(told, name) - np.mean(values)) < 3.5 * error + 0.01 * abs(np.mean(values)), name
