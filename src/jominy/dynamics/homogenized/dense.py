"""Homogenized SGD on full vectors when the covariances do not commute. Source: theory `dynamics.md` section 1.2."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.laws.geometry import dense_order_parameters
from jominy.dynamics.simulation.dense_sgd import DenseSGD
from jominy.dynamics.simulation.noise import PATH_PURPOSE, Normals
from jominy.dynamics.simulation.steps import WeightState
from jominy.dynamics.students import Observation, attack_pull, attack_ridges
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module


class DenseSDE(Module):
    """The scheme of `NodeSDE` on vectors (d,); one normal vector per class makes the noise."""

    sgd: DenseSGD
    edges: Array

    def _frozen(self, state: WeightState, time: Array) -> tuple[Array, Array, Array]:
        """Drift (d,), variance per time of each class's noise (n,), and the growth () of the schedule's memory."""
        vector = state.weights
        flow = self.sgd.flow
        law = flow.law
        order = dense_order_parameters(law, vector, None)
        radius = flow.radius.at(time)
        moments = flow.targets.moments(flow.loss, order, radius * order.size, flow.rule)
        curvature = law.weights * moments.curvature
        surplus = curvature + law.weights * moments.teacher_curvature
        pulls = jnp.einsum("nij,jk->nik", law.covariances, jnp.stack([vector - law.teacher, law.teacher], axis=1))
        attacked = attack_pull(attack_ridges(moments, law.weights, radius, order.sizes), law.attack)
        gradient = (
            curvature @ pulls[..., 0]
            + surplus @ pulls[..., 1]
            + (law.weights * moments.slope) @ law.means
            + attacked @ vector
        )
        rate = self.sgd.rate(state, time)
        power = law.weights * moments.slope_squared / vector.size
        return rate * gradient, rate**2 * power, power @ jnp.einsum("nii->n", law.covariances)

    def step(self, state: WeightState, noise: Array, step: Array) -> WeightState:
        """The state at the end of step number `step` of the clock; `noise` (2, n, d) is normal."""
        index = step.astype(int)
        begin, length = self.edges[index], self.edges[index + 1] - self.edges[index]
        half = length / 2
        # Every class's root meets the noise of all paths in one matrix product.
        kicks = jnp.sqrt(half) * jnp.einsum("nij,hnj->hni", self.sgd.roots, noise)
        vector = state.weights
        drift, power, growth = self._frozen(state, begin)
        shaken = vector + jnp.sqrt(power) @ kicks[0]
        middle = state._replace(weights=shaken - half * drift, memory=state.memory + half * growth)
        later_drift, later_power, growth = self._frozen(middle, begin + half)
        moved = shaken - length * later_drift + jnp.sqrt(jnp.maximum(2 * later_power - power, 0.0)) @ kicks[1]
        vector = jnp.where(vector @ vector < 1e14, moved, vector)
        return state._replace(weights=vector, memory=state.memory + length * growth)

    def observe(self, state: WeightState, step: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        return self.sgd.observe(state, self.edges[jnp.asarray(step).astype(int)])


class DensePathDeal(Module):
    """Normals (2, n, d) from those of one step: two halves, n classes."""

    shape: tuple[int, int, int] = eqx.field(static=True)

    def __call__(self, normals: Array) -> Array:
        return normals[: int(np.prod(self.shape))].astype(float).reshape(self.shape)


def dense_path_noise(seeds: list[int], classes: int, dimension: int) -> Normals:
    """The noise of many paths, all in one team: they share the products with the covariances' roots."""
    shape = (2, classes, dimension)
    return Normals(seeds, PATH_PURPOSE, int(np.prod(shape)), DensePathDeal(shape), team=len(seeds))
