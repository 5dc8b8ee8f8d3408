"""Closed forms against SciPy's integration of the equations as they stand on the theory page."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.special import exp1

from jominy.errors import InputError
from jominy.meanfield import Architecture, LayerVariances, ReLULike
from jominy.meanfield.decay import residual_time
from jominy.meanfield.geometry import InputGeometry
from jominy.meanfield.horizon import gradient_step, population_horizon, sample_horizon
from jominy.meanfield.operator_norm import beta
from jominy.meanfield.variance_law import best_initial_variance, longest_time, needed_width
from jominy.meanfield.weight_variance import initial_rate, layer_variances_at, variance_slopes, weight_variance_at
from meanfield_oracles import draw_weights, weight_gradients

TIMES = np.array([0.0, 10.0, 100.0, 700.0, 3000.0])


def solved(slope, start, times):
    """exp of the solution of y' = slope(y), y = ln of what is wanted."""
    return np.exp(solve_ivp(lambda t, y: slope(y), (0, times[-1]), np.log(np.atleast_1d(start)), method="DOP853",
                            t_eval=times, rtol=1e-11, atol=1e-12).y)  # fmt: skip


@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 7, 12, 40])
def test_equal_layers_against_scipy(depth, shortcut):
    activation = ReLULike(1.0, 0.2)
    start = 0.6 / depth if shortcut else 1.9
    network = Architecture(depth, 300, 100, 5, activation, weight_variance=start, shortcut=shortcut)
    alpha, strength = activation.gain, 0.7 * 1.3
    times = TIMES if depth > 1 or shortcut else np.array([0.0, 10.0, 100.0, 200.0])

    def slope(y):  # d ln sw2 / dt
        return -2 * alpha / 300 * strength * (alpha * np.exp(y) + shortcut) ** (depth / 2 - 1)

    expected = solved(slope, start, times)[0]
    found = weight_variance_at(network, 0.7, times, 2, 2, 1.3)
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    early = 1e-6 / initial_rate(network, 0.7, 2, 2, 1.3)
    moved = weight_variance_at(network, 0.7, early, 2, 2, 1.3) / start
    assert 1 - moved == pytest.approx(1e-6, rel=1e-4)


def test_one_layer_vanishes_and_stays():
    network = Architecture(1, 100, 50, 3, weight_variance=2.0)
    end = 2 / initial_rate(network, 1.0, 2, 2)
    assert weight_variance_at(network, 1.0, 0.999 * end, 2, 2) > 0
    assert weight_variance_at(network, 1.0, 2 * end, 2, 2) == 0


@pytest.mark.parametrize("shortcut", [False, True])
def test_own_layers_against_scipy_and_conservation(shortcut):
    start = np.array([1.2, 0.7, 1.9, 0.7])
    network = Architecture(4, 200, 60, 4, weight_variance=LayerVariances(tuple(start)), shortcut=shortcut)
    times = np.array([0.0, 20.0, 150.0])

    def slope(y):
        gains = 0.5 * np.exp(y) + shortcut
        return -2 / 200 * 0.8 * 1.1 * np.sqrt(np.prod(gains)) * (0.5 / gains if shortcut else np.exp(-y))

    found = layer_variances_at(network, 0.8, times, 2, 2, 1.1)
    np.testing.assert_allclose(found, solved(slope, start, times), rtol=1e-8)
    conserved = found + np.log(found) / 0.5 if shortcut else found
    np.testing.assert_allclose(np.ptp(conserved - conserved[0], axis=1), 0, atol=1e-8)


def test_own_layers_equal_or_vanishing():
    equal = Architecture(3, 200, 60, 4, weight_variance=LayerVariances((1.5,) * 3))
    same = Architecture(3, 200, 60, 4, weight_variance=1.5)
    times = np.array([0.0, 30.0, 400.0])
    layers = layer_variances_at(equal, 1.0, times, 2, 2)
    np.testing.assert_allclose(layers, np.tile(weight_variance_at(same, 1.0, times, 2, 2), (3, 1)), rtol=1e-8)
    uneven = Architecture(2, 200, 60, 4, weight_variance=LayerVariances((2.0, 0.5)))
    ended = layer_variances_at(uneven, 1.0, [0.0, 5000.0, 6000.0], 2, 2)
    np.testing.assert_allclose(ended[:, 1:], [[1.5, 1.5], [0.0, 0.0]], atol=1e-12)


def test_residual_time_for_deep_networks():
    # Large L: t A = E1(w/2) - E1(w0/2) with w = L alpha sw2.
    depth = 20_000
    found = residual_time(1.4 / depth, 0.5 / depth, depth)
    assert found == pytest.approx(exp1(0.25) - exp1(0.7), rel=2e-4)
    # And any depth against the integral itself.
    for depth in (1, 5, 8, 33, 300):
        expected = quad(lambda r, m=depth / 2 - 1: 1 / ((1 + r) ** m * r), 0.2, 0.9, epsrel=1e-12)[0]
        assert residual_time(0.9, 0.2, depth) == pytest.approx(expected, rel=1e-10)


def test_variance_law_is_when_the_curve_gets_there():
    for depth, shortcut, m, big in (
        (2, False, 0.1, 1.0),
        (12, False, 0.1, 2.0),
        (1, False, 0.2, 1.5),
        (12, True, 1.5, 3.0),
    ):
        variance = float(
            best_initial_variance(Architecture(depth, 300, 50, 3, weight_variance=1.0, shortcut=shortcut), big)
        )
        network = Architecture(depth, 300, 50, 3, weight_variance=variance, shortcut=shortcut)
        assert network.total_gain == pytest.approx(big)
        time = longest_time(network, 0.5, 2, 2, smallest=m)
        later = weight_variance_at(network, 0.5, time, 2, 2)
        end = Architecture(depth, 300, 50, 3, weight_variance=later, shortcut=shortcut)
        assert end.total_gain == pytest.approx(m, rel=1e-8)
        assert needed_width(network, 0.5, 2, 2, time=time, smallest=m) == pytest.approx(300)
    safe = Architecture(12, 300, 50, 3, weight_variance=0.1, shortcut=True)
    assert longest_time(safe, 0.5, 2, 2) == np.inf and needed_width(safe, 0.5, 2, 2, time=9.0) == 0


@pytest.mark.filterwarnings("error")
def test_the_law_at_radius_zero_and_below_its_bound():
    network = Architecture(8, 100, 64, 10, weight_variance=2.0)
    assert longest_time(network, 0.0, 2, 2) == np.inf and needed_width(network, 0.0, 2, 2, time=9.0) == 0
    lost = Architecture(8, 100, 64, 10, weight_variance=0.1)  # omega^L far below m = 0.1 at the start
    both = np.array([0.0, 1.0])
    assert longest_time(lost, both, 2, 2).tolist() == [0.0, 0.0]
    assert needed_width(lost, both, 2, 2, time=9.0).tolist() == [np.inf, np.inf]
    assert needed_width(lost, 1.0, 2, 2, time=0.0) == 0


def test_variance_law_formulas_of_the_page():
    depth, n, m, big = np.array([3, 8, 50]), 400, 0.1, 1.5
    network = Architecture(depth, n, 50, 3, weight_variance=2.0)
    power = (depth - 2) / (2 * depth)
    strength = 0.5 * 0.7 * beta(network, 2, 2)
    expected = n / (strength * (depth - 2)) * (m**-power - big**-power)
    np.testing.assert_allclose(longest_time(network, 0.7, 2, 2, smallest=m, largest=big), expected, rtol=1e-12)
    two = Architecture(2, n, 50, 3, weight_variance=2.0)
    expected = n / (4 * 0.5 * 0.7 * beta(two, 2, 2)) * np.log(big / m)
    assert longest_time(two, 0.7, 2, 2, smallest=m, largest=big) == pytest.approx(expected)


@pytest.mark.parametrize("shortcut", [False, True])
def test_step_against_drawn_networks(shortcut):
    """The change of ||W_l||^2/N by one step on <f(x + eta) - f(x), y> with a random eta and the y of the attack."""
    n, d, eps = 300, 60, 0.6
    network = Architecture(3, n, d, 4, weight_variance=1.8 if not shortcut else 0.3, shortcut=shortcut)
    rng = np.random.default_rng(6)
    powers = []
    for _ in range(40):
        weights = draw_weights(network, rng)
        x, eta = rng.standard_normal(d), rng.standard_normal(d)
        eta -= x * (eta @ x) / (x @ x)
        x, eta = x * np.sqrt(d) / np.linalg.norm(x), eta * eps / np.linalg.norm(eta)
        y = rng.standard_normal(4)
        y /= np.linalg.norm(y)
        change = [a - b for a, b in zip(*(weight_gradients(network, weights, z) for z in (x + eta, x)), strict=True)]
        powers.append([np.sum(np.tensordot(y, layer, 1) ** 2) for layer in change])
    mean, error = np.mean(powers, axis=0), np.std(powers, axis=0) / np.sqrt(40)
    step = gradient_step(network, eps, 0.01, 2, 2)
    assert np.all(error < 0.15 * mean)
    assert np.all(np.abs(mean - step.gradient_power) < 3.5 * error + 0.02 * mean)
    # The step itself: at the critical size nothing changes, far below it the first order holds.
    at = gradient_step(network, eps, step.critical_step[0], 2, 2)
    assert at.variance_after[0] == pytest.approx(network.weight_variance, rel=1e-12)
    assert np.all(
        gradient_step(network, eps, 10 * step.critical_step.max(), 2, 2).variance_after > network.weight_variance
    )


def test_identity_of_euler():
    # Without shortcuts and bias <W_l, grad_l f> = f for every layer: the slope follows from the loss alone.
    network = Architecture(4, 60, 20, 5, weight_variance=2.0)
    rng = np.random.default_rng(9)
    weights = draw_weights(network, rng)
    x = rng.standard_normal(20)
    inner = [
        np.sum(w * g, axis=(1, 2)) for (w, _), g in zip(weights[1], weight_gradients(network, weights, x), strict=True)
    ]
    np.testing.assert_allclose(inner, np.tile(inner[0], (4, 1)), rtol=1e-10)
    np.testing.assert_allclose(variance_slopes(network, 0.3), -2 / 60 * 0.3)


def test_page_value_of_the_critical_step_and_horizons():
    # "About .02 at N = 1000, d = 200, eps = .3"; the depth is not said.
    network = Architecture(3, 1000, 200, 5, weight_variance=2.0)
    assert 0.01 < gradient_step(network, 0.3, 0.0, 2, 2).critical_step.min() < 0.06
    one, many = sample_horizon(network, 0.3, 2, 2), population_horizon(network, 0.3, InputGeometry(1.0, 0.5, 0.0))
    assert one < many
    shrinkage = 2 * 0.3 * beta(network, 2, 2) * one / 1000  # of sw2 until then: the page has 2e-4 to 6e-4 at N = 300
    assert shrinkage < 1e-4
    assert sample_horizon(network, 0.0, 2, 2) == np.inf


def test_bad_input():
    network = Architecture(3, 100, 50, 3, weight_variance=2.0)
    with pytest.raises(InputError, match="time must be zero or positive"):
        weight_variance_at(network, 1.0, -1.0, 2, 2)
    with pytest.raises(InputError, match="layer_variances_at"):
        own = Architecture(2, 100, 50, 3, weight_variance=LayerVariances((1.0, 2.0)))
        weight_variance_at(own, 1.0, 1.0, 2, 2)
    with pytest.raises(InputError, match="must not decrease"):
        layer_variances_at(network, 1.0, [1.0, 0.5], 2, 2)
    with pytest.raises(InputError, match="at least the smallest"):
        longest_time(network, 1.0, 2, 2, smallest=5.0, largest=1.0)
    with pytest.raises(InputError, match="total gain must be positive"):
        best_initial_variance(network, 0.0)


def test_no_time_passes_from_a_gain_to_the_same_gain():
    # Powers of arrays and of numbers round differently: this was -6e-17, and the needed width had a sign.
    network = Architecture(3, 3, np.array([9, 2147483648, 7795]), 9, weight_variance=0.2957456718711633)
    assert np.all(longest_time(network, 1.27, np.inf, 1) == 0)
    assert np.all(np.isinf(needed_width(network, 1.27, np.inf, 1, time=1.0)))
