"""The tangent kernel against gradients of drawn networks and against Gaussian integrals."""

import numpy as np
import pytest

from jominy.meanfield import Architecture, LayerVariances, ReLULike
from jominy.meanfield.kernels import layer_tangent_kernels, tangent_kernel
from meanfield_oracles import draw_weights, weight_gradients


@pytest.mark.parametrize(
    ("shortcut", "activation", "variance"),
    [
        (False, ReLULike(), 1.8),
        (True, ReLULike(), 0.4),
        (True, ReLULike(1.0, 0.3), LayerVariances((0.1, 0.6, 0.3))),
        (False, ReLULike(1.0, -0.4), LayerVariances((2.5, 1.0, 1.5))),
    ],
)
def test_layers_against_drawn_networks(shortcut, activation, variance):
    d, width = 60, 400
    network = Architecture(3, width, d, 10, activation, weight_variance=variance, bias_variance=0.1, shortcut=shortcut)
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, d))
    x[1] = 0.8 * x[0] + 0.5 * x[1]
    gram = x @ x.T / d
    rows = []
    for _ in range(12):
        weights = draw_weights(network, rng)
        first, second = (weight_gradients(network, weights, point) for point in x)
        rows.append([np.mean(np.sum(a * b, axis=(1, 2))) / width for a, b in zip(first, second, strict=True)])
    mean, error = np.mean(rows, axis=0), np.std(rows, axis=0) / np.sqrt(len(rows))
    predicted = layer_tangent_kernels(network, gram[0, 0], gram[1, 1], gram[0, 1])
    assert np.all(error < 0.08 * mean)
    # Width 400 leaves a bias of order 1/N per layer.
    assert np.all(np.abs(mean - predicted) < 3.5 * error + 0.02 * mean)
    assert tangent_kernel(network, gram[0, 0], gram[1, 1], gram[0, 1]) == pytest.approx(predicted.sum(), rel=1e-12)


def test_equal_inputs_have_no_angle():
    for shortcut in (False, True):
        network = Architecture(20, 100, 64, 10, weight_variance=0.3, shortcut=shortcut)
        values = [tangent_kernel(network, q, q, q) for q in (1.0, 0.37)]
        assert values[1] == pytest.approx(0.37 * values[0], rel=1e-14)  # rounding opens an angle of 1e-8 otherwise


def test_depths_of_a_sweep_are_their_own():
    depths = np.array([1, 4, 2])
    sweep = Architecture(depths, 100, 64, 10, weight_variance=0.7, bias_variance=0.2, shortcut=True)
    layers = layer_tangent_kernels(sweep, 1.0, 1.3, 0.4)
    assert layers.shape == (4, 3)
    for column, depth in zip(layers.T, depths.tolist(), strict=True):
        one = Architecture(depth, 100, 64, 10, weight_variance=0.7, bias_variance=0.2, shortcut=True)
        np.testing.assert_allclose(column[:depth], layer_tangent_kernels(one, 1.0, 1.3, 0.4), rtol=1e-12)
        assert np.all(column[depth:] == 0)
    np.testing.assert_allclose(tangent_kernel(sweep, 1.0, 1.3, 0.4), layers.sum(axis=0), rtol=1e-12)
