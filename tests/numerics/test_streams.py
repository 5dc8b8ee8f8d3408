"""Random streams: reproducible, independent of each other, and drawn in order."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jominy.numerics.precision import double_precision
from jominy.numerics.streams import prefetched, stream


def test_a_stream_depends_on_seed_and_purpose_alone():
    first = stream(3, 1).standard_normal(1000)
    np.testing.assert_array_equal(first, stream(3, 1).standard_normal(1000))
    for other in (stream(3, 2), stream(4, 1), stream(1, 3)):
        # Correlation of independent normals: standard error 1/sqrt(1000) = 0.032.
        assert abs(np.corrcoef(first, other.standard_normal(1000))[0, 1]) < 0.13


def test_a_long_draw_is_two_short_ones():
    # So that chunking does not change a run.
    whole, parts = stream(0, 0), stream(0, 0)
    joined = np.concatenate([parts.standard_normal((2, 3)), parts.standard_normal((4, 3))])
    np.testing.assert_array_equal(whole.standard_normal((6, 3)), joined)


def test_prefetched_keeps_the_order():
    assert list(prefetched(lambda size: size**2, [1, 2, 3, 4])) == [1, 4, 9, 16]
    assert list(prefetched(lambda size: size, [])) == []


def test_prefetched_draws_one_ahead():
    started = threading.Event()

    def draw(size):
        if size == 2:
            started.set()
        return size

    draws = prefetched(draw, [1, 2, 3])
    assert next(draws) == 1
    assert started.wait(10)  # the second is under way before it is asked for


def test_prefetched_passes_errors_on():
    def draw(size):
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        list(prefetched(draw, [1, 2]))


def test_double_precision_ends_with_the_call_even_after_an_error():
    @double_precision
    def failing():
        assert jnp.ones(1).dtype == jnp.float64
        raise RuntimeError

    before = jax.config.jax_enable_x64
    with pytest.raises(RuntimeError):
        failing()
    assert jax.config.jax_enable_x64 == before
    assert jnp.ones(1).dtype == jnp.float32
