"""Fisher-Rao norms against drawn networks: fdot = sum_l <W_l, df/dW_l> by backpropagation."""

import numpy as np
import pytest

from jominy.meanfield import Architecture, LayerVariances, ReLULike
from jominy.meanfield.capacity import (
    fisher_rao,
    fisher_rao_adversarial,
    fisher_rao_squared_error,
    radial_moments,
    standard_slope,
)
from meanfield_oracles import affine_at, draw_weights, weight_gradients


@pytest.mark.parametrize(
    ("depth", "shortcut", "activation", "variance", "bias"),
    [
        (3, False, ReLULike(), 1.8, 0.2),
        # The cross terms make it 6.5 times the paths' own weight.
        pytest.param(9, True, ReLULike(), 0.12, 0.0, marks=pytest.mark.slow),
        (3, True, ReLULike(1.0, 0.3), LayerVariances((0.2, 0.6, 0.4)), 0.2),
    ],
)
def test_moments_against_drawn_networks(depth, shortcut, activation, variance, bias):
    d = 50
    network = Architecture(
        depth, 250, d, 10, activation, weight_variance=variance, bias_variance=bias, shortcut=shortcut
    )
    rng = np.random.default_rng(12)
    rows, errors = [], []
    for _ in range(80):
        weights = draw_weights(network, rng)
        x = rng.standard_normal(d)
        x *= np.sqrt(d) / np.linalg.norm(x)
        jacobian, offset = affine_at(network, weights, x)
        f = jacobian @ x + offset
        gradients = weight_gradients(network, weights, x)
        fdot = sum(np.sum(w * g, axis=(1, 2)) for (w, _), g in zip(weights[1], gradients, strict=True))
        rows.append([np.mean(f**2), np.mean(f * fdot), np.mean(fdot**2)])
        errors.append((f @ fdot) ** 2)
    mean, error = np.mean(rows, axis=0), np.std(rows, axis=0) / np.sqrt(80)
    moments = radial_moments(network)
    assert np.all(error < 0.08 * mean)
    assert np.all(np.abs(mean - [moments.output, moments.cross, moments.radial]) < 3.5 * error)
    squared, spread = np.mean(errors), np.std(errors) / np.sqrt(80)
    assert abs(squared - fisher_rao_squared_error(network)) < 3.5 * spread


def test_closed_forms_of_the_page():
    r, depth, q0, k = 0.3, 7, 0.8, 10
    linear = Architecture(depth, 100, 50, k, ReLULike(1.0, 1.0), weight_variance=r, shortcut=True)
    expected = q0 * depth * r * (1 + depth * r) * (1 + r) ** (depth - 2)
    assert radial_moments(linear, q0).radial == pytest.approx(expected, rel=1e-12)
    plain = Architecture(depth, 100, 50, k, weight_variance=2.4)
    assert radial_moments(plain, q0).radial == pytest.approx(depth**2 * 1.2**depth * q0)
    assert fisher_rao(plain, q0) == pytest.approx(0.9 * depth**2 * 1.2**depth * q0)
    assert fisher_rao_adversarial(plain, 0.2, 2, 2, 1.1) == pytest.approx((depth * 0.2 * 1.1) ** 2 * 1.2**depth)
    residual = (depth * r / (1 + r) * 0.2 * 1.1) ** 2 * (1 + r) ** depth
    assert fisher_rao_adversarial(linear, 0.2, 2, 2, 1.1) == pytest.approx(residual)
    # 5.7: -(2/N) K q_L without shortcuts, -(2/N) K q_L r/omega with them and u = v.
    assert standard_slope(plain, q0) == pytest.approx(-2 / 100 * k * q0 * 1.2**depth)
    assert standard_slope(linear, q0) == pytest.approx(-2 / 100 * k * q0 * (1 + r) ** depth * r / (1 + r))


def test_decay_along_the_curve():
    # d ln FR / dt of the page, with the weight variance moved by hand.
    for shortcut, activation in ((False, ReLULike()), (True, ReLULike(1.0, 1.0))):
        depth, strength, n, s = 6, 0.9, 200, 0.4
        alpha = activation.gain
        omega, r = alpha * s + shortcut, alpha * s
        slope = -2 * alpha / n * strength * omega ** (depth / 2 - 1) * s

        def norm(variance, activation=activation, shortcut=shortcut):
            return fisher_rao(Architecture(6, 200, 50, 10, activation, weight_variance=variance, shortcut=shortcut))

        step = 1e-5 * s
        change = (np.log(norm(s + step)) - np.log(norm(s - step))) / (2 * step) * slope
        rate = -2 * alpha * strength / n * omega ** (depth / 2 - 1)
        share = 1 + depth * r / (1 + depth * r) + (depth - 2) * r / omega if shortcut else depth
        assert change == pytest.approx(rate * share, rel=1e-6)
