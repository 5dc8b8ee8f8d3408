"""Inner products against exactly rounded sums."""

import math

import numpy as np
import pytest

from jominy.numerics.precision import double_precision
from jominy.numerics.sums import LONG, PIECES, inner


@pytest.mark.parametrize("length", [0, 7, LONG - 1, LONG, LONG + PIECES - 1, 5003])
def test_every_product_counts_once(length):
    rng = np.random.default_rng(length)
    one, other = rng.standard_normal((2, length)), rng.standard_normal((3, 2, length))
    exact = [math.fsum((one * row).ravel()) for row in other]
    # Rounding of a sum of n products of order one; a lost or doubled product would change it by order one.
    np.testing.assert_allclose(double_precision(inner)(one, other), exact, rtol=0, atol=1e-14 * (1 + 2 * length))
