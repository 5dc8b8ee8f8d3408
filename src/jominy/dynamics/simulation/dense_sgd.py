"""Streaming SGD on full vectors when the covariances do not commute."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from jominy.dynamics.laws.dense import DenseFlow
from jominy.dynamics.laws.flow import GaussianState
from jominy.dynamics.simulation.noise import SGD_PURPOSE, Normals, class_cuts
from jominy.dynamics.simulation.steps import StreamingSGD, WeightState, divisor
from jominy.dynamics.students import Observation
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.optimizers import SGD, Optimizer
from jominy.schedules import Schedule


class DenseNoise(NamedTuple):
    """The randomness of one step, b samples.

    Attributes:
        component: (b,) the class.
        label: (b,) normal, for the randomness of the target.
        input: (b, d) normals of the input.
    """

    component: Array
    label: Array
    input: Array
    chance: Array


class DenseSGD(StreamingSGD):
    """SGD steps on vectors (d,); `roots` (n, d, d) are square roots of the covariances, K = root root'."""

    flow: DenseFlow
    roots: Array
    optimizer: Optimizer = SGD()

    @property
    def schedule(self) -> Schedule:
        """That of the flow."""
        return self.flow.schedule

    def rate(self, state: WeightState, time: Array) -> Array:
        """The learning rate; adaptive schedules see the population's quantities at the current student."""
        return self.observe(state, time).rate if self.schedule.adaptive else super().rate(state, time)

    def gradient(self, state: WeightState, noise: DenseNoise, time: Array) -> Array:
        """(d,) Psi_r x + Psi_rho sum_g M_g X / rho_g of a batch of fresh samples x (usually one), see `divisor`."""
        law, loss, vector = self.flow.law, self.flow.loss, state.weights
        component = noise.component
        # Every class's root meets the noise of all seeds in one matrix product; gathering roots per seed would not fit.
        noises = jnp.einsum("nij,bj->bni", self.roots, noise.input)
        sample = law.means[component] + noises[jnp.arange(component.size), component]
        target = jax.vmap(self.flow.targets.draw)(component, sample @ law.teacher, noise.label)
        along = law.attack @ vector  # (G, d)
        sizes = jnp.sqrt(jnp.maximum(along @ vector, 0.0))
        radius = self.flow.radius.at(time)
        slope, shift_slope = loss.sample_slopes(sample @ vector, radius * jnp.sum(sizes), target, noise.chance)
        pull = jnp.where(sizes > 0, radius * jnp.sum(shift_slope) / jnp.where(sizes > 0, sizes, 1.0), 0.0)
        return (slope @ sample + pull @ along) / divisor(self.optimizer, component.size)

    def observe(self, state: WeightState, time: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        size = state.weights.size
        return self.flow.observe(time, GaussianState(state.weights, jnp.zeros((size, size)), state.memory))


class DenseDeal(Module):
    """What `DenseSGD` makes of the normals of one step; `cuts` (n - 1,) are those between which the classes lie."""

    cuts: Array
    dimension: int = eqx.field(static=True)
    batch_size: int = eqx.field(static=True)
    random_loss: bool = eqx.field(static=True)

    def __call__(self, normals: Array) -> DenseNoise:
        b = self.batch_size
        ends = np.cumsum([b * self.dimension, b, b, b if self.random_loss else 0])
        inputs, classes, labels, chances, _ = jnp.split(normals.astype(float), ends)
        chance = ndtr(chances) if chances.size else jnp.zeros(b)
        return DenseNoise(jnp.sum(classes[:, None] > self.cuts, axis=1), labels, inputs.reshape(b, -1), chance)


def dense_noise(seeds: list[int], weights: np.ndarray, dimension: int, batch_size: int, random_loss: bool) -> Normals:
    """The noise of many seeds, all in one team: they share the products with the covariances' roots."""
    deal = DenseDeal(class_cuts(weights), dimension, batch_size, random_loss)
    width = batch_size * (dimension + 2 + random_loss)
    return Normals(seeds, SGD_PURPOSE, width, deal, team=len(seeds))


def covariance_roots(covariances: np.ndarray) -> np.ndarray:
    """(n, d, d) symmetric square roots; also for singular covariances."""
    values, vectors = np.linalg.eigh(covariances)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
