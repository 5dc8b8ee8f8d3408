"""Inner products and sums over an axis against exactly rounded sums."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from jominy.numerics.precision import double_precision
from jominy.numerics.sums import LONG, PIECES, WRITTEN_OUT, added, inner


@pytest.mark.parametrize("length", [0, 7, LONG - 1, LONG, LONG + PIECES - 1, 5003])
def test_every_product_counts_once(length):
    rng = np.random.default_rng(length)
    one, other = rng.standard_normal((2, length)), rng.standard_normal((3, 2, length))
    exact = [math.fsum((one * row).ravel()) for row in other]
    # Rounding of a sum of n products of order one; a lost or doubled product would change it by order one.
    np.testing.assert_allclose(double_precision(inner)(one, other), exact, rtol=0, atol=1e-14 * (1 + 2 * length))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    "count", [1, WRITTEN_OUT - 1, WRITTEN_OUT, WRITTEN_OUT + 1, 2 * WRITTEN_OUT, 3 * WRITTEN_OUT + 5]
)
def test_every_row_counts_once(axis, count):
    rng = np.random.default_rng(count)
    shape = (3, count, 2) if axis else (count, 3, 2)
    one, other = rng.standard_normal(shape), rng.standard_normal(shape[1:] if axis else (count, 1, 2))
    other = other[None] if axis else other
    told = double_precision(added)(lambda a, b: jnp.abs(a - b), axis, one, other)
    terms = np.moveaxis(np.abs(one - other), axis, 0).reshape(count, -1)
    exact = np.array([math.fsum(column) for column in terms.T]).reshape(3, 2)
    np.testing.assert_allclose(told, exact, rtol=1e-13)
