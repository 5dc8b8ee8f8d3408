"""Streaming SGD on full vectors when the covariances do not commute."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.dense import DenseFlow, DenseState
from jominy.dynamics.students import Observation
from jominy.numerics.arrays import Array
from jominy.numerics.streams import stream
from jominy.schedules import UNKNOWN_DESCENT


class DenseNoise(NamedTuple):
    """The randomness of one step: (1,) uniform for the class, (1,) normal for the target, (d,) normals of the input."""

    component: Array
    label: Array
    input: Array


class DenseSGD(eqx.Module):
    """SGD steps on vectors (d,); `roots` (n, d, d) are square roots of the covariances, K = root root'."""

    flow: DenseFlow
    roots: Array

    def rate(self, state: Array, time: Array) -> Array:
        """The learning rate; adaptive schedules see the population's quantities at the current student."""
        if not self.flow.schedule.adaptive:
            return self.flow.schedule.rate(time, UNKNOWN_DESCENT)
        return self.flow.observe(time, DenseState(state, jnp.zeros((state.size, state.size)))).rate

    def step(self, state: Array, noise: DenseNoise, time: Array) -> Array:
        """X <- X - (g/d) (Psi_r x + Psi_rho X / ||X||) for one fresh sample x."""
        law, loss = self.flow.law, self.flow.loss
        component = jnp.searchsorted(jnp.cumsum(law.weights)[:-1], noise.component[0])
        # Every class's root meets the noise of all seeds in one matrix product; gathering roots per seed would not fit.
        sample = law.means[component] + jnp.einsum("nij,j->ni", self.roots, noise.input)[component]
        target = self.flow.targets.draw(component, law.teacher @ sample, noise.label[0])
        norm = jnp.sqrt(state @ state)
        slope, norm_slope = loss.adversarial_slopes(state @ sample, norm, target, self.flow.radius)
        step = self.rate(state, time) / state.size
        pull = jnp.where(norm > 0, norm_slope / jnp.where(norm > 0, norm, 1.0), 0.0)
        return jnp.where(norm**2 < 1e14, state - step * (slope * sample + pull * state), state)

    def observe(self, state: Array, time: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        return self.flow.observe(time, DenseState(state, jnp.zeros((state.size, state.size))))


class DenseNoiseSource:
    """Draws `DenseNoise` for many seeds."""

    def __init__(self, seeds: list[int], dimension: int):
        self.dimension = dimension
        self.generators = [[stream(seed, purpose) for seed in seeds] for purpose in range(3)]

    def floats_per_step(self) -> int:
        """Numbers needed for one step of one seed."""
        return self.dimension + 2

    def draw(self, steps: int) -> DenseNoise:
        """Noise of the next `steps` steps of all seeds."""
        component, label, inputs = self.generators
        return DenseNoise(
            np.stack([g.random((steps, 1)) for g in component]),
            np.stack([g.standard_normal((steps, 1)) for g in label]),
            np.stack([g.standard_normal((steps, self.dimension)) for g in inputs]),
        )


def covariance_roots(covariances: np.ndarray) -> np.ndarray:
    """(n, d, d) symmetric square roots; also for singular covariances."""
    values, vectors = np.linalg.eigh(covariances)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
