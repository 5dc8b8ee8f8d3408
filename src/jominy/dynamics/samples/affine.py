"""Steps of an optimizer with batches, momentum and decay on samples, as one affine map of weights and buffer.

A step takes (W, buffer) to own (W, buffer) + gradient g, where g is the mean gradient of a batch: g(W) = g + H (W - m)
around a mean m, plus noise. Of its covariance over samples only C = N - H V H' is divided by the batch: all samples of
a batch meet the same W.

Source: theory `multiclass.md` section 4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jominy.dynamics.samples.law import Slope, Spread
from jominy.numerics.arrays import Array
from jominy.optimizers import LinearStep, Optimizer


class Law(NamedTuple):
    """The law of weights and buffer, P parts: `mean` (P, d), `covariance` (P, P, d, d), or (P, P, d) of a diagonal."""

    mean: Array
    covariance: Array

    @classmethod
    def of(cls, spread: Spread, parts: int = 1) -> Law:
        """That of weights with this law, beside buffers of zero."""
        mean = jnp.zeros((parts, *spread.mean.shape)).at[0].set(spread.mean)
        return cls(mean, jnp.zeros((parts, parts, *spread.covariance.shape)).at[0, 0].set(spread.covariance))

    @property
    def weights(self) -> Spread:
        """The law of the weights alone."""
        return Spread(self.mean[0], self.covariance[0, 0])


def parts_of(optimizer: Optimizer) -> int:
    """Weights, and a buffer where the optimizer remembers."""
    return len(jax.eval_shape(optimizer.linear, 1.0, True).gradient)


def noise_share(optimizer: Optimizer, count: int) -> float:
    """What of the covariance of one sample's gradient is left in that of a batch of `count` rows."""
    batch = optimizer.batch_size
    return (1.0 if optimizer.replacement or count == 1 else (count - batch) / (count - 1)) / batch


def batch_noise(slope: Slope, weights: Spread, share: float) -> Array:
    """(d, d) or (d,) covariance of a batch's mean gradient, over weights and samples."""
    seen = _times(_times(slope.hessian, weights.covariance), slope.hessian)
    return seen + share * (slope.noise - seen)


def launched(spread: Spread, linear: LinearStep, share: float) -> Law:
    """After the first step from zero; `spread` is that after one of size one on a single sample."""
    pulls = linear.gradient
    square = pulls[:, None] * pulls
    mean = -pulls[:, None] * spread.mean
    return Law(mean, square.reshape(square.shape + (1,) * spread.covariance.ndim) * (share * spread.covariance))


def one_step(law: Law, slope: Slope, linear: LinearStep, share: float) -> Law:
    """A step with the coefficients at the law itself."""
    own, pulls = linear
    parts = len(pulls)
    mean = own @ law.mean + pulls[:, None] * slope.gradient
    pushed = [_times(slope.hessian, law.covariance[0, c]) for c in range(parts)]
    noise = batch_noise(slope, law.weights, share)

    def block(a: int, b: int) -> Array:
        kept = sum(own[a, c] * own[b, e] * law.covariance[c, e] for c in range(parts) for e in range(parts))
        mixed = sum(pulls[a] * own[b, e] * pushed[e] + pulls[b] * own[a, e] * pushed[e].T for e in range(parts))
        return kept + mixed + pulls[a] * pulls[b] * noise

    return Law(mean, jnp.stack([jnp.stack([block(a, b) for b in range(parts)]) for a in range(parts)]))


def many_steps(law: Law, slope: Slope, seen: Spread, linear: LinearStep, share: float, count: Array) -> Law:
    """`count` steps with frozen coefficients, whose gradient is that at the law's own mean; noise as at `seen`.

    In the eigenbasis of the Hessian each pair of directions goes its own way; powers of the map are by doubling.
    """
    dense = slope.hessian.ndim == 2
    single = slope.noise - _times(_times(slope.hessian, seen.covariance), slope.hessian)
    if dense:
        values, vectors = jnp.linalg.eigh(slope.hessian)
        mean, covariance = law.mean @ vectors, vectors.T @ law.covariance @ vectors
        gradient, single = slope.gradient @ vectors, vectors.T @ single @ vectors
    else:
        values, (mean, covariance), gradient = slope.hessian, law, slope.gradient
    own, pulls = linear
    felt = jnp.concatenate(
        [pulls[:, None, None] * values, jnp.zeros((len(pulls), len(pulls) - 1, values.size))], axis=1
    )
    step = own[:, :, None] + felt
    offset = pulls[:, None] * (gradient - values * mean[0])
    square = pulls[:, None] * pulls
    noise = square.reshape(square.shape + (1,) * single.ndim) * (share * single)

    def going(state: Any) -> Array:
        return state[0] > 0

    def doubled(state: Any) -> Any:
        left, mean, covariance, step, offset, noise = state
        odd = left % 2 == 1
        mean = jnp.where(odd, _turned(step, mean) + offset, mean)
        covariance = jnp.where(odd, _congruence(step, covariance) + noise, covariance)
        twice = jnp.stack([_turned(step, step[:, c]) for c in range(len(pulls))], axis=1)
        return (
            left // 2, mean, covariance, twice, _turned(step, offset) + offset, _congruence(step, noise) + noise,
        )  # fmt: skip

    begin = (count.astype(int), mean, covariance, step, offset, noise)
    _, mean, covariance, *_ = jax.lax.while_loop(going, doubled, begin)
    return Law(mean @ vectors.T, vectors @ covariance @ vectors.T) if dense else Law(mean, covariance)


def _times(one: Array, other: Array) -> Array:
    """The product of two matrices, or of two diagonals."""
    return one @ other if one.ndim == 2 else one * other


def _turned(step: Array, mean: Array) -> Array:
    """(P, d) a map (P, P, d) applied to (P, d)."""
    return jnp.sum(step * mean, axis=1)


def _congruence(step: Array, covariance: Array) -> Array:
    """A V A' of a map (P, P, d) and a covariance (P, P, d, d) or (P, P, d)."""
    parts, dense = len(step), covariance.ndim == 4

    def block(a: int, b: int) -> Array:
        total: Array = jnp.zeros(())
        for c in range(parts):
            for e in range(parts):
                left = step[a, c][:, None] if dense else step[a, c]
                total = total + left * covariance[c, e] * step[b, e]
        return total

    return jnp.stack([jnp.stack([block(a, b) for b in range(parts)]) for a in range(parts)])
