"""Streaming SGD on full vectors when the covariances do not commute."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.dense import DenseFlow, DenseState
from jominy.dynamics.sgd import VectorState
from jominy.dynamics.students import Observation
from jominy.numerics.arrays import Array
from jominy.numerics.streams import stream
from jominy.schedules import UNKNOWN_DESCENT


class DenseNoise(NamedTuple):
    """The randomness of one step, b samples.

    Attributes:
        component: (b, 1) uniform, chooses the class.
        label: (b, 1) normal, for the randomness of the target.
        input: (b, d) normals of the input.
    """

    component: Array
    label: Array
    input: Array


class DenseSGD(eqx.Module):
    """SGD steps on vectors (d,); `roots` (n, d, d) are square roots of the covariances, K = root root'."""

    flow: DenseFlow
    roots: Array

    def rate(self, state: VectorState, time: Array) -> Array:
        """The learning rate; adaptive schedules see the population's quantities at the current student."""
        if not self.flow.schedule.adaptive:
            return self.flow.schedule.rate(time, UNKNOWN_DESCENT._replace(memory=state.memory))
        return self.observe(state, time).rate

    def step(self, state: VectorState, noise: DenseNoise, time: Array) -> VectorState:
        """X <- X - (g/d) sum (Psi_r x + Psi_rho X / ||X||) over a batch of fresh samples x (usually one)."""
        law, loss, vector = self.flow.law, self.flow.loss, state.vector
        component = jnp.searchsorted(jnp.cumsum(law.weights)[:-1], noise.component[:, 0])
        # Every class's root meets the noise of all seeds in one matrix product; gathering roots per seed would not fit.
        noises = jnp.einsum("nij,bj->bni", self.roots, noise.input)
        sample = law.means[component] + noises[jnp.arange(component.size), component]
        target = jax.vmap(self.flow.targets.draw)(component, sample @ law.teacher, noise.label[:, 0])
        norm = jnp.sqrt(vector @ vector)
        slope, norm_slope = loss.adversarial_slopes(sample @ vector, norm, target, self.flow.radius.at(time))
        pull = jnp.where(norm > 0, jnp.sum(norm_slope) / jnp.where(norm > 0, norm, 1.0), 0.0)
        push = slope @ sample + pull * vector
        if self.flow.schedule.remembers:
            state = state._replace(memory=state.memory + push @ push / vector.size**2)
        moved = vector - self.rate(state, time) / vector.size * push
        return state._replace(vector=jnp.where(norm**2 < 1e14, moved, vector))

    def observe(self, state: VectorState, time: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        size = state.vector.size
        return self.flow.observe(time, DenseState(state.vector, jnp.zeros((size, size)), state.memory))


class DenseNoiseSource:
    """Draws `DenseNoise` for many seeds."""

    def __init__(self, seeds: list[int], dimension: int, batch_size: int = 1):
        self.dimension, self.batch_size = dimension, batch_size
        self.generators = [[stream(seed, purpose) for seed in seeds] for purpose in range(3)]

    def floats_per_step(self) -> int:
        """Numbers needed for one step of one seed."""
        return self.batch_size * (self.dimension + 2)

    def draw(self, steps: int) -> DenseNoise:
        """Noise of the next `steps` steps of all seeds."""
        component, label, inputs = self.generators
        batch = (steps, self.batch_size)
        return DenseNoise(
            np.stack([g.random((*batch, 1)) for g in component]),
            np.stack([g.standard_normal((*batch, 1)) for g in label]),
            np.stack([g.standard_normal((*batch, self.dimension)) for g in inputs]),
        )


def covariance_roots(covariances: np.ndarray) -> np.ndarray:
    """(n, d, d) symmetric square roots; also for singular covariances."""
    values, vectors = np.linalg.eigh(covariances)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
