"""Normals by counting: the bits are Threefry's, the numbers standard normal and independent, any part drawn alone."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jax.extend.random import threefry_2x32

from jominy.numerics.chi_square import ChiSquare, quantile
from jominy.numerics.normals import LARGEST, NormalStreams, threefry
from jominy.numerics.precision import double_precision


def test_the_bits_are_those_of_jax():
    rng = np.random.default_rng(0)
    key, counter = rng.integers(0, 2**32, 2, dtype=np.uint32), rng.integers(0, 2**32, 200, dtype=np.uint32)
    theirs = threefry_2x32(jnp.asarray(key), jnp.asarray(counter))  # the first half counts with the second
    ours = threefry(*(jnp.asarray(part) for part in (key[0], key[1], counter[:100], counter[100:])))
    np.testing.assert_array_equal(np.concatenate(ours), theirs)


def test_a_normal_depends_on_seed_purpose_and_place_alone():
    together = NormalStreams([7, 1, 4], purpose=2, width=5).block(np.arange(3), 0, 40)
    alone = NormalStreams([4], purpose=2, width=5)
    np.testing.assert_array_equal(alone.block(np.array([0]), 13, 9)[:, 0], together[13:22, 2])
    # Past 2^32 numbers the counter's second word takes over, without a jump: the last pairs there come out alike.
    pairs = 2**32 // 3
    far = alone.block(np.array([0]), pairs - 2, 6)
    np.testing.assert_array_equal(far[3:], alone.block(np.array([0]), pairs + 1, 3))
    assert len(np.unique(np.concatenate([far, alone.block(np.array([0]), 0, 4)]))) == 60
    other = NormalStreams([4], purpose=3, width=5).block(np.array([0]), 0, 40)
    assert not np.any(np.isin(other, together))


@pytest.mark.slow
def test_the_numbers_are_standard_normal_and_independent():
    # Twelve million numbers of 1000 seeds; each check below has a z of its own, |z| < 4 for all of them (seeds fixed).
    block = NormalStreams(list(range(1000)), purpose=0, width=100).block(np.arange(1000), 0, 120).astype(float)
    assert np.abs(block).max() < LARGEST
    scale = np.sqrt(block.size)
    moments = [block.mean(), np.mean(block**2) - 1, np.mean(block**3), np.mean(block**4) - 3]
    assert np.all(np.abs(scale * np.array(moments) / np.sqrt([1, 2, 15, 96])) < 4)
    edges = np.array([-4.0, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 4])
    share = scipy.stats.norm.cdf(edges)
    found = np.mean(block.reshape(-1, 1)[::7] < edges, axis=0)
    assert np.all(np.abs(found - share) < 4 * np.sqrt(share * (1 - share) / (block.size / 7)))
    for axis in range(3):  # between steps, seeds and places: correlations of neighbours, and of the means over the rest
        pairs = np.mean(np.take(block, range(1, 100), axis) * np.take(block, range(99), axis))
        assert abs(pairs) * np.sqrt(block.size / block.shape[axis] * 99) < 4
        means = block.mean(axis=tuple({0, 1, 2} - {axis})) * np.sqrt(block.size / block.shape[axis])
        assert abs(np.sum(means**2) / len(means) - 1) * np.sqrt(len(means) / 2) < 4


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 40, 999, 9_999, 30_000])
def test_chi_square_is_the_quantile_of_scipy(freedom):
    z = np.linspace(-6.6, 6.6, 301)
    ours = np.asarray(double_precision(ChiSquare(np.array([float(freedom)])))(z[:, None]))[:, 0]
    law = scipy.stats.chi2(freedom)
    theirs = np.where(z < 0, law.ppf(scipy.stats.norm.cdf(z)), law.isf(scipy.stats.norm.sf(z)))
    assert np.max(np.abs(ours - theirs)) < 1e-7 * np.sqrt(2 * freedom)


def test_chi_square_in_many_dimensions_and_in_none():
    # Beyond SciPy's reach: mean k, variance 2k, third cumulant 8k, by Gauss-Hermite over the normal.
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    for freedom in (1e5, 1e9):
        inside = np.abs(nodes) < LARGEST
        values = np.asarray(double_precision(ChiSquare(np.array([freedom])))(nodes[inside, None]))[:, 0]
        standard = (values - freedom) / np.sqrt(2 * freedom)
        np.testing.assert_allclose(weights[inside] @ standard, 0, atol=1e-8)
        np.testing.assert_allclose(weights[inside] @ standard**2, 1, atol=1e-8)
        np.testing.assert_allclose(weights[inside] @ standard**3, np.sqrt(8 / freedom), rtol=1e-4)
    both = double_precision(ChiSquare(np.array([0.0, 2.0])))(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(both[0], [0.0, 2 * np.log(2)], rtol=1e-8)
    # The expansion takes over from SciPy at 10^4 without a jump: there dF^-1/dk = 1 + z/sqrt(2k) is 1.0141.
    few, many = quantile(np.array(2.0), np.array([1e4, 1e4 + 1e-3]))
    assert many - few == pytest.approx(1.0141e-3, abs=1e-6)
