"""Spectra against their definitions, quadrature of the density, and random matrices."""

import json
import math

import numpy as np
import pytest
from scipy.integrate import quad

from jominy.data import Spectrum, identity, marchenko_pastur, power_law, spectrum, two_level, uniform
from jominy.errors import InputError


def marchenko_pastur_density(x, ratio):
    low, high = (1 - math.sqrt(ratio)) ** 2, (1 + math.sqrt(ratio)) ** 2
    return math.sqrt(max((high - x) * (x - low), 0.0)) / (2 * math.pi * ratio * x)


@pytest.mark.parametrize("dimension", [1, 4, 7, 400])
def test_finite_families_follow_their_formulas(dimension):
    s = [(j + 0.5) / dimension for j in range(dimension)]
    powers = [value**1.5 for value in s]
    mean = sum(powers) / dimension
    assert identity(dimension, scale=3.0).eigenvalues.tolist() == [3.0] * dimension
    np.testing.assert_allclose(power_law(dimension, 1.5).eigenvalues, [p / mean for p in powers], rtol=1e-14)
    np.testing.assert_allclose(uniform(dimension, 0.2, 1.8).eigenvalues, [0.2 + 1.6 * v for v in s], rtol=1e-14)
    assert two_level(dimension).eigenvalues.tolist() == [1.6 if j < dimension / 2 else 0.4 for j in range(dimension)]


@pytest.mark.parametrize(("dimension", "share"), [(30, 0.1), (10, 0.7), (1000, 0.001)])
def test_two_level_counts_are_not_upset_by_rounding(dimension, share):
    assert np.sum(two_level(dimension, share=share).eigenvalues == 1.6) == round(share * dimension)


@pytest.mark.parametrize("dimension", [5, 100, math.inf])
def test_means(dimension):
    assert identity(dimension, 0.3).mean == pytest.approx(0.3, rel=1e-14)
    assert power_law(dimension, 2.0, mean=0.7).mean == pytest.approx(0.7, rel=1e-13)
    assert uniform(dimension, 1.8, 0.2).mean == pytest.approx(1.0, rel=1e-13)
    assert marchenko_pastur(dimension, 0.5).mean == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize("make", [lambda d: power_law(d, 1.5), lambda d: uniform(d, 0.2, 1.8), two_level, identity])
def test_shares_sum_to_one_and_arrays_are_read_only(make):
    for dimension in (6, math.inf):
        made = make(dimension)
        assert made.shares.sum() == pytest.approx(1.0, abs=1e-14)
        assert made.dimension == dimension
        with pytest.raises(ValueError, match="read-only"):
            made.eigenvalues[0] = 2.0


@pytest.mark.parametrize("ratio", [0.01, 0.3, 0.9])
def test_marchenko_pastur_finite_values_are_the_quantiles(ratio):
    dimension = 21
    values = marchenko_pastur(dimension, ratio).eigenvalues
    low = (1 - math.sqrt(ratio)) ** 2
    below = [quad(marchenko_pastur_density, low, x, args=(ratio,), limit=200)[0] for x in values]
    # the values were scaled to the mean one, a change of order d^(-5/3), so the levels agree to that only
    np.testing.assert_allclose(below, (np.arange(dimension) + 0.5) / dimension, atol=3e-3)
    assert np.all(np.diff(values) > 0)


def test_marchenko_pastur_is_the_spectrum_of_a_sample_covariance():
    data = np.random.default_rng(0).normal(size=(1600, 400))
    sample = np.linalg.eigvalsh(data.T @ data / 1600)
    assert np.abs(sample - marchenko_pastur(400, ratio=0.25).eigenvalues).max() < 0.05


@pytest.mark.parametrize("ratio", [1e-4, 0.2, 0.8, 0.99])
def test_marchenko_pastur_gauss_nodes_have_the_moments_of_the_law(ratio):
    law = marchenko_pastur(math.inf, ratio)
    assert law.shares @ law.eigenvalues**2 == pytest.approx(1 + ratio, rel=1e-13)
    assert law.shares @ law.eigenvalues**3 == pytest.approx(1 + 3 * ratio + ratio**2, rel=1e-13)
    low, high = (1 - math.sqrt(ratio)) ** 2, (1 + math.sqrt(ratio)) ** 2
    resolvent = quad(lambda x: marchenko_pastur_density(x, ratio) / (1 + x), low, high, limit=200)[0]
    assert law.shares @ (1 / (1 + law.eigenvalues)) == pytest.approx(resolvent, rel=1e-7)


def test_gauss_nodes_integrate_what_the_theory_integrates():
    def response(eigenvalue):
        return np.exp(-5 * eigenvalue) / (0.3 + eigenvalue)

    for law, eigenvalue in (
        (uniform(math.inf, 0.2, 1.8), lambda s: 0.2 + 1.6 * s),
        (power_law(math.inf, 3.0), lambda s: 4.0 * s**3),
    ):
        exact = quad(lambda s, f=eigenvalue: response(f(s)), 0, 1, epsabs=1e-13)[0]
        assert law.shares @ response(law.eigenvalues) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("make", [lambda d: power_law(d, 1.5), lambda d: marchenko_pastur(d, 0.4), two_level])
def test_finite_dimension_approaches_the_limiting_law(make):
    def response(law):
        return law.shares @ (law.eigenvalues / (0.5 + law.eigenvalues))

    assert response(make(4000)) == pytest.approx(response(make(math.inf)), abs=2e-6)


def test_your_own_eigenvalues_keep_their_order():
    assert spectrum([3, 1, 2]).eigenvalues.tolist() == [3.0, 1.0, 2.0]


def test_description_is_json_and_tells_spectra_apart():
    first, second = spectrum(np.arange(1, 20)).describe(), spectrum(np.arange(2, 21)).describe()
    assert json.loads(json.dumps(first)) == first
    assert first["eigenvalues"]["sha256"] != second["eigenvalues"]["sha256"]
    assert power_law(math.inf, 1.5).describe()["dimension"] == "inf"
    assert repr(power_law(10, 1.5)) == "power_law(dimension=10, exponent=1.5, mean=1)"
    assert repr(spectrum([1.0, 2.0])) == "Spectrum([1.0, 2.0], dimension=2)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: identity(0), "dimension must be an integer >= 1 or math.inf (received: 0)"),
        (lambda: identity(2.5), "dimension must be an integer >= 1"),
        (lambda: identity(True), "dimension must be an integer >= 1"),
        (lambda: identity(3, scale=-1.0), "scale must be >= 0 (received: -1.0)"),
        (lambda: identity(3, scale=math.nan), "scale must be finite"),
        (lambda: identity(3, scale=[1.0]), "scale must be one number"),
        (lambda: power_law(3, exponent=-1.0), "exponent must be >= 0"),
        (lambda: power_law(3, exponent="steep"), "exponent must be real numbers (received: \"'steep'\")"),
        (lambda: two_level(3, share=1.0), "share must be between 0 and 1"),
        (lambda: marchenko_pastur(3, ratio=1.5), "ratio must be between 0 and 1"),
        (lambda: spectrum([1.0, -0.5]), "eigenvalues must be >= 0 (received: -0.5)"),
        (lambda: spectrum([]), "eigenvalues must be a non-empty 1-D array"),
        (lambda: spectrum([[1.0]]), "eigenvalues must be a non-empty 1-D array"),
        (lambda: spectrum([1.0, math.inf]), "eigenvalues must be finite"),
        (lambda: Spectrum([1.0, 2.0], [0.5], 2), "shares must be one per eigenvalue"),
        (lambda: Spectrum([1.0, 2.0], [0.5, 0.4], math.inf), "shares must be > 0 and sum to one"),
        (lambda: Spectrum([1.0, 2.0], [0.5, 0.5], 1), "there is one eigenvalue per coordinate"),
    ],
)
def test_bad_input_is_refused_with_the_rule(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)
