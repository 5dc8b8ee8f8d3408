"""Oracles: closed forms, SciPy integration and samples of the variables themselves."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, erfc

from jominy.meanfield.extremes import (
    _sum_survival,
    mean_largest_norm,
    mean_largest_normal,
    mean_largest_sum,
    mean_norm,
)


@pytest.mark.parametrize("n", [1, 3, 40, 784, 30_720, 10**9])
def test_largest_normal_against_integration(n):
    def integrand(x):
        return -np.expm1(n * np.log1p(-erfc(x / np.sqrt(2))))

    expected = quad(integrand, 0, 12, points=[2, 4, 6], epsabs=1e-13, limit=500)[0]
    assert mean_largest_normal(n) == pytest.approx(expected, rel=1e-10)
    assert mean_largest_norm(n, 1) == pytest.approx(expected, rel=1e-10)
    assert mean_largest_sum(n, 1) == pytest.approx(expected, rel=1e-10)


def test_two_normals_and_means():
    assert mean_largest_normal(2) == pytest.approx(2 / np.sqrt(np.pi), rel=1e-12)
    for k in (2, 3, 10, 784, 10**6):
        assert mean_largest_sum(1, k) == pytest.approx(np.sqrt(2 / np.pi) * k, rel=1e-10)
        assert mean_largest_norm(1, k) == pytest.approx(mean_norm(k), rel=1e-10)
    assert mean_norm(2) == pytest.approx(np.sqrt(np.pi / 2), rel=1e-12)
    # c_n c_{n+1} = n, on both sides of the switch to the series and across it
    for n in (5, 150, 299, 300, 301, 4000):
        assert mean_norm(n) * mean_norm(n + 1) == pytest.approx(n, rel=1e-12)


def test_law_of_a_sum_against_convolution():
    def below(x):
        return quad(lambda z: np.sqrt(2 / np.pi) * np.exp(-z * z / 2) * erf((x - z) / 2) ** 2, 0, x, epsabs=1e-13)[0]

    x = np.array([0.2, 1.0, 2.0, 3.0, 6.0])
    expected = [1 - below(value) for value in x]
    np.testing.assert_allclose(_sum_survival(np.array([3.0]), x[None])[0], expected, atol=1e-11)


@pytest.mark.parametrize(("n", "terms"), [(784, 10), (10, 784), (50, 2)])
def test_maxima_against_samples(n, terms):
    rng = np.random.default_rng(3)
    draws = np.abs(rng.standard_normal((1500, n, terms), dtype=np.float32))
    for sizes, formula in ((draws.sum(-1), mean_largest_sum), (np.sqrt((draws**2).sum(-1)), mean_largest_norm)):
        largest = sizes.max(-1).astype(float)
        error = largest.std() / np.sqrt(largest.size)  # about 0.1 % of the mean
        assert abs(largest.mean() - formula(n, terms)) < 4 * error


def test_arrays_give_what_numbers_give():
    n, terms = np.array([[3], [40]]), np.array([2, 5, 60])
    for formula in (mean_largest_sum, mean_largest_norm):
        table = formula(n, terms)
        assert table.shape == (2, 3)
        assert table[1, 2] == pytest.approx(formula(40, 60), rel=1e-12)


@pytest.mark.parametrize("formula", [mean_largest_norm, mean_largest_sum])
@pytest.mark.parametrize("terms", [3, 10, 784])
def test_quadrature_is_fine_enough(formula, terms, monkeypatch):
    from jominy.meanfield import extremes

    n = np.array([1, 2, 7, 36, 41, 150, 784, 30_000])
    usual = formula(n, terms)
    points, weights = np.polynomial.legendre.leggauss(400)
    monkeypatch.setattr(extremes, "_POINTS", (1 + points) / 2)
    monkeypatch.setattr(extremes, "_WEIGHTS", weights / 2)
    np.testing.assert_allclose(usual, formula(n, terms), rtol=2e-8)
