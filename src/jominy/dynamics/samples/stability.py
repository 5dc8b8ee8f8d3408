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
    samples, noise = problem.samples, problem.feature_noise
    mean_square = float(np.sum(samples.features**2) / samples.features.size)
    mean_square += 0.0 if noise is None else float(np.mean(noise))

    def at_curvature(curvature: float) -> RateLimits:
        limit = float(stability_of(problem).mean_square / curvature)
        return RateLimits(limit, limit, mean_square, "the mean square error over runs, from the samples")

    return limits_of(problem.loss, mean_square, at_curvature)


def stability_of(problem: Problem) -> SampleStability:
    """The limits for a problem's samples, with the noise that training adds to them."""
    return sample_stability(problem.samples, problem.objective.input_noise)


@lru_cache(maxsize=16)
@double_precision
def sample_stability(samples: Samples, noise: float = 0.0) -> SampleStability:
    """The limits for these samples, with `noise` of this variance on every feature but the intercept.

    V -> V - eta (S V + V S) + eta^2 mean(x x' V x x'), S = E[x x'], has spectral radius one at eta = 1 / lambda_max of
    L^{-1} M with L V = S V + V S and M V = mean(x x' V x x'); power iteration in the eigenbasis of S.
    """
    if noise:
        return _noisy_stability(samples, noise)
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


MOST_FEATURES = 2000
"""Of more, and fewer rows than that, only the space of the rows is looked at, and one direction beside it."""


def _noisy_stability(samples: Samples, variance: float) -> SampleStability:
    """Rows x + xi, xi ~ N(0, N): the mean over xi of x x' V x x' in closed form."""
    weights = np.ones(samples.count) if samples.sample_weights is None else samples.sample_weights
    rows = np.sqrt(weights)[:, None] * samples.features
    noise = np.full(samples.dimension, variance)
    noise[samples.dimension - samples.intercept :] = 0.0
    sizes = np.sum(rows**2, axis=1) + weights * np.sum(noise)
    basis, rest = np.eye(samples.dimension), 0
    if samples.dimension > MOST_FEATURES and samples.count < samples.dimension:
        basis = turned(rows)[1]
        rest = samples.dimension - basis.shape[1]  # all alike; that one may be an intercept is nothing among them
    spread = (basis.T * noise) @ basis
    values, turn = np.linalg.eigh(basis.T @ (rows.T @ rows) @ basis / samples.count + np.mean(weights) * spread)
    seen = values > 1e-12 * values[-1]
    x, spread = rows @ (basis @ turn[:, seen]), turn[:, seen].T @ spread @ turn[:, seen]
    growth = _noisy_growth(x, weights, values[seen], spread, np.asarray(float(rest)), np.asarray(variance))
    return SampleStability(
        mean_square=samples.dimension / float(growth), largest_sample=2 * samples.dimension / sizes.max()
    )


@jax.jit
def _noisy_growth(
    x: jax.Array, weights: jax.Array, values: jax.Array, noise: jax.Array, rest: jax.Array, variance: jax.Array
) -> jax.Array:
    """Largest eigenvalue of L^{-1} M with noise of covariance c N (c, the weights (n,)) on rows x (n, r).

    `rest` further dimensions, in which rows vary by the noise of this `variance` alone, have the same variance each.
    """
    count, mean = x.shape[0], jnp.mean(weights)

    def once(carry, _):
        (v, outside), _ = carry
        seen = jnp.einsum("ni,ni->n", x @ v, x)
        trace = jnp.sum(v * noise) + rest * variance * outside
        longer = seen + weights * trace
        mixed = 2 * (x.T @ (weights[:, None] * x) / count) @ v @ noise
        twice = jnp.mean(weights**2)
        pushed = x.T @ (longer[:, None] * x) / count + jnp.mean(weights * longer) * noise
        pushed = pushed + mixed + mixed.T + 2 * twice * noise @ v @ noise
        beyond = variance * (jnp.mean(weights * longer) + 2 * twice * variance * outside)
        pulled = pushed / (values[:, None] + values[None, :])
        alone = jnp.where(rest > 0, beyond / jnp.where(rest > 0, 2 * mean * variance, 1.0), 0.0)
        size = jnp.sqrt(jnp.sum(pulled**2) + rest * alone**2)
        return ((pulled / size, alone / size), size), None

    start = jnp.eye(x.shape[1]) / jnp.sqrt(x.shape[1]), jnp.zeros(())
    (_, size), _ = jax.lax.scan(once, (start, jnp.ones(())), None, length=100)
    return size


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
