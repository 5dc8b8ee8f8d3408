"""Streaming SGD on a user's own rows."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.samples.sampling import Sampling
from jominy.losses import Loss
from jominy.numerics.arrays import Array
from jominy.numerics.streams import stream
from jominy.schedules import UNKNOWN_DESCENT, Schedule

ROW_PURPOSE = 0


class RowsSeen(NamedTuple):
    """Exact averages over a set of rows at one student: (K,) risks and accuracies at K radii."""

    risk: Array
    accuracy: Array


class SampleObservation(NamedTuple):
    """What is recorded of one student."""

    train: RowsSeen
    test: RowsSeen
    norm: Array
    distance_squared: Array
    rate: Array


class SampleSGD(eqx.Module):
    """SGD steps on rows (n, d); a state is the student's vector (d,), a step's noise its row number (1,)."""

    features: Array
    targets: Array
    test_features: Array
    test_targets: Array
    loss: Loss
    schedule: Schedule
    radius: Array
    radii: Array
    optimum: Array

    def step(self, state: Array, noise: Array, time: Array) -> Array:
        """X <- X - (g/d) (Psi_r x + Psi_rho X / ||X||) for the row chosen."""
        x, y = self.features[noise[0]], self.targets[noise[0]]
        norm = jnp.sqrt(state @ state)
        slope, norm_slope = self.loss.adversarial_slopes(state @ x, norm, y, self.radius)
        pull = jnp.where(norm > 0, norm_slope / jnp.where(norm > 0, norm, 1.0), 0.0)
        step = self.schedule.rate(time, UNKNOWN_DESCENT) / state.size
        return jnp.where(norm**2 < 1e14, state - step * (slope * x + pull * state), state)

    def observe(self, state: Array, time: Array) -> SampleObservation:
        """Averages over the rows at this student."""
        norm = jnp.sqrt(state @ state)
        error = state - self.optimum
        return SampleObservation(
            self._seen(self.features, self.targets, state, norm),
            self._seen(self.test_features, self.test_targets, state, norm),
            norm,
            error @ error,
            self.schedule.rate(time, UNKNOWN_DESCENT),
        )

    def _seen(self, features: Array, targets: Array, state: Array, norm: Array) -> RowsSeen:
        score = features @ state

        def at_radius(radius: Array) -> tuple[Array, Array]:
            gap = targets * score - radius * norm
            right = jnp.where(gap == 0, 0.5, jnp.where(gap > 0, 1.0, 0.0))
            return jnp.mean(self.loss.adversarial(score, norm, targets, radius)), jnp.mean(right)

        risks, accuracies = zip(*(at_radius(radius) for radius in self.radii), strict=True)
        return RowsSeen(jnp.stack(risks), jnp.stack(accuracies))


class RowSource:
    """Row numbers for many seeds, all drawn beforehand (a step needs one integer)."""

    def __init__(self, seeds: list[int], sampling: Sampling, steps: int, count: int):
        rows = [sampling.rows(stream(seed, ROW_PURPOSE), steps, count) for seed in seeds]
        self.rows = np.stack(rows).astype(np.int32)[:, :, None] if steps else np.zeros((len(seeds), 0, 1), np.int32)
        self.position = 0

    def floats_per_step(self) -> int:
        """Numbers needed for one step of one seed."""
        return 1

    def draw(self, steps: int) -> np.ndarray:
        """Rows of the next `steps` steps of all seeds."""
        self.position += steps
        return self.rows[:, self.position - steps : self.position]
