"""The laws of J and a against networks drawn with NumPy."""

import numpy as np
import pytest

from jominy.errors import InputError
from jominy.meanfield import Architecture, LayerVariances, ReLULike
from jominy.meanfield.affine import affine_law, effective_dimension, width_dimension
from jominy.meanfield.large_radius import large_radius_factor
from meanfield_oracles import draw_affine


def test_example_of_the_theory_page():
    # Section 3: both variances are too small by 1.6 in the theorem, and the correlation is 0.39.
    law = affine_law(Architecture(5, 700, 784, 10, weight_variance=0.4, bias_variance=0.2, shortcut=True), 1.0)
    assert law.signal_variance / (784 * law.jacobian_variance) == pytest.approx(1.6, rel=0.07)
    assert law.exact_offset_variance / law.offset_variance == pytest.approx(1.6, rel=0.02)
    correlation = law.covariance / np.sqrt(law.signal_variance * law.exact_offset_variance)
    assert correlation == pytest.approx(0.39, abs=5e-3)


@pytest.mark.parametrize(
    ("shortcut", "activation", "variance"),
    [(False, ReLULike(), 1.6), (True, ReLULike(), 0.4), (True, ReLULike(1.0, 0.3), LayerVariances((0.1, 0.6, 0.3)))],
)
def test_variances_against_drawn_networks(shortcut, activation, variance):
    network = Architecture(3, 300, 40, 40, activation, weight_variance=variance, bias_variance=0.2, shortcut=shortcut)
    rng = np.random.default_rng(11)
    rows = []
    for _ in range(60):
        x = rng.standard_normal(40)
        x *= np.sqrt(40) / np.linalg.norm(x)
        jacobian, offset = draw_affine(network, x, rng)
        signal = jacobian @ x
        rows.append([np.mean(jacobian**2), np.mean(signal**2), np.mean(offset**2), np.mean(signal * offset)])
    mean, error = np.mean(rows, axis=0), np.std(rows, axis=0) / np.sqrt(len(rows))
    law = affine_law(network, 1.0)
    # The entries of J have the correction in the direction of x only: O(1/d) of their mean square.
    entries = law.jacobian_variance + (law.signal_variance / 40 - law.jacobian_variance) / 40
    expected = [entries, law.signal_variance, law.exact_offset_variance, law.covariance]
    assert np.all(error[:3] < 0.06 * mean[:3])
    assert np.all(np.abs(mean - expected) < 3.5 * error)


def test_effective_dimension_against_drawn_networks():
    for shortcut, variance in ((False, 2.0), (True, 0.5)):
        network = Architecture(4, 100, 200, 20, weight_variance=variance, shortcut=shortcut)
        rng = np.random.default_rng(2)
        cosines = []
        for _ in range(40):
            jacobian, _ = draw_affine(network, rng.standard_normal(200), rng)
            gram = (jacobian @ jacobian.T) * (network.input_dim / 200)
            away = gram[~np.eye(20, dtype=bool)]
            cosines.append(np.mean(away**2) / network.total_gain**2)
        mean, error = np.mean(cosines), np.std(cosines) / np.sqrt(40)
        assert error < 0.08 * mean
        assert abs(mean - 1 / effective_dimension(network)) < 3.5 * error


def test_page_values():
    network = Architecture(5, 1000, 784, 10, weight_variance=2.0)
    assert effective_dimension(network) == pytest.approx(81, abs=1)
    assert width_dimension(network) == pytest.approx(1000 / 11)
    own = Architecture(2, 1000, 784, 10, weight_variance=LayerVariances((0.3, 0.3)), shortcut=True)
    same = Architecture(2, 1000, 784, 10, weight_variance=0.3, shortcut=True)
    assert width_dimension(own) == pytest.approx(width_dimension(same))
    table = [0.991, 0.966, 0.932, 0.894, 0.820, 0.755, 0.651, 0.512, 0.291]
    np.testing.assert_allclose(large_radius_factor([1, 2, 3, 4, 6, 8, 12, 20, 50]), table, atol=6e-4)
    assert large_radius_factor(7, ReLULike(2.0, 2.0)) == 1.0


def test_large_radius_factor_against_integration():
    # One layer: xi' = 1/2 + asin(q)/pi and xi'' = 1/(pi sqrt(1 - q^2)), integrated by SciPy.
    from scipy.integrate import quad
    from scipy.optimize import brentq

    def second(q):
        return 1 / (np.pi * np.sqrt(1 - q * q))

    q0 = brentq(lambda q: q * second(q) - 0.5 - np.arcsin(q) / np.pi, 0.1, 1 - 1e-12)
    rest = quad(lambda q: np.sqrt(second(q)), q0, 1, epsabs=1e-10, limit=500)[0]
    assert large_radius_factor(1) == pytest.approx(q0 * np.sqrt(second(q0)) + rest, rel=1e-7)


def test_arrays_give_what_numbers_give():
    depths = np.array([1, 3, 6])
    both = np.array([[False], [True]])
    sweep = Architecture(depths, 500, 60, 5, weight_variance=0.5, bias_variance=0.1, shortcut=both)
    law = affine_law(sweep, 0.7)
    for i, shortcut in enumerate((False, True)):
        for j, depth in enumerate((1, 3, 6)):
            one = Architecture(depth, 500, 60, 5, weight_variance=0.5, bias_variance=0.1, shortcut=shortcut)
            single = affine_law(one, 0.7)
            for name in vars(single):
                assert getattr(law, name)[i, j] == pytest.approx(getattr(single, name), rel=1e-12, abs=1e-15)
            assert effective_dimension(sweep)[i, j] == pytest.approx(effective_dimension(one))


def test_bad_input_power():
    with pytest.raises(InputError, match="input power"):
        affine_law(Architecture(2, 10, 10, 1, weight_variance=2.0), -1.0)
