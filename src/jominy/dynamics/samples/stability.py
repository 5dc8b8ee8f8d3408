"""How large a step least squares stands on samples: the largest samples decide, not the mean.

Source: theory `realdata.md` sections 5 and 6 (flag 4).
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data import Samples
from jominy.dynamics.laws.stability import RateLimits, limits_of
from jominy.dynamics.problem import Problem
from jominy.dynamics.samples.frame import rotation, turned
from jominy.numerics.precision import double_precision


class SampleStability(NamedTuple):
    """Limits on the rate in least squares.

    Attributes:
        mean_square: the rate from which on the mean of the square error over runs grows without bound.
        largest_sample: 2 d / max ||x||^2: below it no single step overshoots.
    """

    mean_square: float
    largest_sample: float

    def safe(self, rate: float) -> bool:
        """Whether a mean forecast at this rate describes a typical run."""
        return rate < 0.6 * self.mean_square or rate < self.largest_sample

    @property
    def largest_safe(self) -> float:
        """The largest rate that is `safe`."""
        return max(0.6 * self.mean_square, self.largest_sample)


def sample_rate_limits(problem: Problem) -> RateLimits:
    """Largest stable rate of SGD on samples, where the mean square error over runs diverges, with the reason."""
    samples = problem.samples
    mean_square = float(np.sum(samples.features**2) / samples.features.size)

    def at_curvature(curvature: float) -> RateLimits:
        limit = float(sample_stability(samples).mean_square / curvature)
        return RateLimits(limit, limit, mean_square, "the mean square error over runs, from the samples")

    return limits_of(problem.loss, mean_square, at_curvature)


@lru_cache(maxsize=16)
@double_precision
def sample_stability(samples: Samples) -> SampleStability:
    """The limits for these samples.

    V -> V - eta (S V + V S) + eta^2 mean(x x' V x x'), S = E[x x'], has spectral radius one at eta = 1 / lambda_max of
    L^{-1} M with L V = S V + V S and M V = mean(x x' V x x'); power iteration in the eigenbasis of S.
    """
    if samples.sample_weights is None:
        sizes = np.sum(samples.features**2, axis=1)
        x = rotation(samples)[0].columns.T
    else:  # a weight in the loss does what a row longer by its root does
        rows = np.sqrt(samples.sample_weights)[:, None] * samples.features
        sizes, x = np.sum(rows**2, axis=1), turned(rows)[0]
    values = np.mean(x**2, axis=0)
    seen = values > 1e-12 * values.max()
    x, values = x[:, seen], values[seen]
    return SampleStability(
        mean_square=samples.dimension / float(_growth(x, values)), largest_sample=2 * samples.dimension / sizes.max()
    )


@jax.jit
def _growth(x: jax.Array, values: jax.Array) -> jax.Array:
    """Largest eigenvalue of L^{-1} M by power iteration from a positive start."""

    def once(carry, _):
        v, _ = carry
        pushed = x.T @ (jnp.einsum("ni,ni->n", x @ v, x)[:, None] * x) / x.shape[0]
        pulled = pushed / (values[:, None] + values[None, :])
        size = jnp.sqrt(jnp.sum(pulled**2))
        return (pulled / size, size), None

    start = jnp.eye(x.shape[1]) / jnp.sqrt(x.shape[1])
    (_, size), _ = jax.lax.scan(once, (start, jnp.ones(())), None, length=100)
    return size
