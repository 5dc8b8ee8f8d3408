"""What may not change a forecast: rotating features, permuting or doubling rows, exchanging the classes."""

import numpy as np
import pytest

import jominy as jm
from samples_zoo import LOSSES, TIMES, rate, small

X, Y = small()
D = X.shape[1]
START = 0.3 * np.cos(np.arange(D))
ROTATION = np.linalg.qr(np.random.default_rng(2).standard_normal((D, D)))[0]


def curve(loss, x, y, start, **more):
    mine = jm.Problem(jm.Samples(x, y, preprocessing=None), LOSSES[loss], 0.4)
    return jm.forecast(mine, rate(0.8, decay=0.5), times=TIMES, start=start, largest_block=1, **more)


@pytest.fixture(scope="module", params=["logistic", "squared"])
def reference(request):
    return request.param, curve(request.param, X, Y, START)


def same(found, expected, rtol=1e-9):
    """Distance and excess carry the optimiser's error."""
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        loose = 1e-6 if name in ("distance_to_optimum", "excess_risk") else rtol
        np.testing.assert_allclose(found[name], expected[name], rtol=loose, atol=1e-10, err_msg=name)


def test_rotated_features(reference):
    loss, expected = reference
    same(curve(loss, X @ ROTATION, Y, START @ ROTATION), expected)


def test_rotated_held_out_rows(reference):
    loss, _ = reference
    other, labels = small(seed=5, n=30)
    straight = curve(loss, X, Y, START, held_out=(other, labels))
    turned = curve(loss, X @ ROTATION, Y, START @ ROTATION, held_out=(other @ ROTATION, labels))
    same(turned, straight)


def test_permuted_rows(reference):
    loss, expected = reference
    order = np.random.default_rng(6).permutation(len(Y))
    same(curve(loss, X[order], Y[order], START), expected)


def test_doubled_rows(reference):
    loss, expected = reference
    same(curve(loss, np.vstack([X, X]), np.concatenate([Y, Y]), START), expected)


def test_exchanged_classes(reference):
    """Other labels and a start mirrored at zero: the same risks."""
    loss, expected = reference
    same(curve(loss, X, -Y, -START), expected)


def test_mirrored_features(reference):
    loss, expected = reference
    same(curve(loss, -X, Y, -START), expected)
