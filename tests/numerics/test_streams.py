"""Random streams: reproducible, independent of each other, and drawn in order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jominy.numerics.precision import double_precision
from jominy.numerics.streams import stream


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
