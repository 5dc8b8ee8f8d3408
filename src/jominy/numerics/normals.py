"""Normal numbers by counting: number `k` of a seed is a function of seed and `k` alone, so any part can be drawn alone.

Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, SC 2011) turns a counter into 64 random bits, Box and Muller's
transform those into two normals. In single precision: a normal is rounded to 24 bits and none is beyond 6.7, which
happens to one in 10^11; sums over them are double. XLA makes one pass of it, faster than NumPy and PyTorch draw.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jominy.numerics.arrays import Array

LARGEST = 6.7
"""No normal of these is larger: the smallest uniform number is 2^-32."""
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = np.uint32(0x1BD11BDA)


class NormalStreams:
    """Streams of standard normals, one per seed; a step takes `width` numbers of each.

    >>> streams = NormalStreams([0, 1], purpose=0, width=3)
    >>> block = streams.block(np.array([0, 1]), first=0, steps=5)
    >>> block.shape
    (5, 2, 4)
    >>> bool((streams.block(np.array([1]), first=3, steps=2)[:, 0] == block[3:, 1]).all())
    True
    """

    def __init__(self, seeds: list[int], purpose: int, width: int):
        self.keys = np.array(
            [np.random.SeedSequence(seed, spawn_key=(purpose,)).generate_state(2, np.uint32) for seed in seeds]
        )
        self.pairs = max(1, -(-width // 2))

    def block(self, lanes: np.ndarray, first: int, steps: int) -> np.ndarray:
        """Normals (steps, lanes, width made even), single precision, of the seeds numbered `lanes` from a step on."""
        keys = self.keys[lanes]
        begin = np.arange(first, first + steps, dtype=np.uint64) * np.uint64(self.pairs)
        # Seeds and pairs in one long row: the compiler fills its registers from the last dimension.
        pair = np.tile(np.arange(self.pairs, dtype=np.uint32), len(keys))
        key = np.repeat(keys.T, self.pairs, axis=1)
        drawn = _normal_pairs((begin >> np.uint64(32)).astype(np.uint32), begin.astype(np.uint32), pair, *key)
        return np.asarray(drawn).view(np.float32).reshape(steps, len(keys), 2 * self.pairs)


@jax.jit
def _normal_pairs(high: Array, low: Array, pair: Array, key: Array, other_key: Array) -> Array:
    """(T, C) pairs of normals, as complex numbers, for counters begin + pair with begin (T,) in two words."""
    counter = low[:, None] + pair
    carry = jnp.where(counter < pair, jnp.uint32(1), jnp.uint32(0))
    first, second = threefry(key, other_key, high[:, None] + carry, counter)
    # Signed integers, as processors turn these into floats at once.
    uniform = (jax.lax.shift_right_logical(first, jnp.uint32(1)).astype(jnp.int32).astype(jnp.float32) + 0.5) * 2.0**-31
    radius = jnp.sqrt(-2 * jnp.log(uniform.astype(jnp.float32)))
    cosine, sine = _on_circle(second)
    # One output for both, or XLA would go through the rounds once for each.
    return jax.lax.complex(radius * cosine, radius * sine)


def threefry(key: Array, other_key: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """Two words of 32 random bits for the counter (first, second); uint32, shapes that broadcast."""
    keys = (key, other_key, key ^ other_key ^ PARITY)
    first, second = first + key, second + other_key
    for group in range(5):
        for by in ROTATIONS[group % 2]:
            first = first + second
            rotated = jax.lax.shift_left(second, jnp.uint32(by)) | jax.lax.shift_right_logical(
                second, jnp.uint32(32 - by)
            )
            second = first ^ rotated
        first = first + keys[(group + 1) % 3]
        second = second + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return first, second


def _on_circle(bits: Array) -> tuple[Array, Array]:
    """Cosine and sine of a uniform angle: two bits choose the quarter, thirty the place in it; good to 2e-7.

    Their Taylor series on the eighth of a turn to each side, as XLA's own functions take several times as long.
    """
    quarter = jax.lax.shift_right_logical(bits, jnp.uint32(30))
    place = jax.lax.shift_left(bits, jnp.uint32(2)).astype(jnp.int32).astype(jnp.float32)
    angle = place * np.float32(2.0**-31 * np.pi / 4)
    square = angle * angle
    sine = angle * _polynomial(square, (1.0, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880))
    cosine = _polynomial(square, (1.0, -1 / 2, 1 / 24, -1 / 720, 1 / 40320))
    odd = (quarter & jnp.uint32(1)) == 1
    along, across = jnp.where(odd, sine, cosine), jnp.where(odd, cosine, sine)
    return (
        jnp.where((quarter & jnp.uint32(2)) == 2, -along, along),
        jnp.where(((quarter + jnp.uint32(1)) & jnp.uint32(2)) == 2, -across, across),
    )


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + np.float32(coefficient)
    return value
