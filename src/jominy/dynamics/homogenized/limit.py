"""The integrator in infinite dimension, where its paths no longer stray: what its time step does to the mean."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import Nodes, group_nodes
from jominy.dynamics.homogenized.dense import DenseSDE
from jominy.dynamics.homogenized.nodes import NodeSDE, PathNoise
from jominy.dynamics.laws.dense import DenseFlow, initial_dense_state
from jominy.dynamics.laws.flow import Dense, GaussianState
from jominy.dynamics.simulation.node_sgd import node_states
from jominy.dynamics.simulation.noise import Source
from jominy.dynamics.simulation.sgd import Engine
from jominy.dynamics.simulation.starts import few_groups, fixed_in_groups
from jominy.dynamics.start import random_variance, start_dense, start_in_eigenbasis
from jominy.dynamics.students import Observation
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module


def infinite_dimension(law: EigenLaw | DenseLaw, scheme: NodeSDE | DenseSDE, start: Any) -> tuple[Engine, Source, Any]:
    """One path of the scheme with all noise replaced by its mean square."""
    if isinstance(scheme, DenseSDE):
        state = initial_dense_state(start_dense(start, law.dense), random_variance(start))
        alone = GaussianState(state.mean[None], state.covariance[None], np.zeros(1))
        return DenseLimit(scheme.sgd.flow, scheme.edges), _Constant(np.zeros((2, 0))), alone
    law, nodes = law.in_eigenbasis, scheme.nodes
    groups = group_nodes(law)
    if few_groups(law, groups[0]):
        coordinates, rest = fixed_in_groups(law, groups, start)
    else:
        coordinates, rest = start_in_eigenbasis(start, law)[None], np.zeros(nodes.shares.size)
    rest = rest + random_variance(start) * nodes.shares
    mean_noise = _mean_noise(nodes, float(law.dimension))
    return scheme, _Constant(mean_noise), node_states(coordinates[None], rest[None])


def _mean_noise(nodes: Nodes, dimension: float) -> PathNoise:
    """No noise in any direction, and the mean square norm of all of it in the rest."""
    along, rest = np.zeros((2, *nodes.teacher.shape)), np.zeros((2, nodes.shares.size))
    return PathNoise(along, rest, rest + np.rint(nodes.shares * dimension))


class _Constant:
    """The same noise at every step of one path."""

    width, team = 1, 1

    def __init__(self, noise: Any):
        self.deal = _Always(noise)

    def block(self, lanes: np.ndarray, first: int, steps: int) -> np.ndarray:
        """Numbers that nobody looks at."""
        return np.zeros((steps, len(lanes), 1))


class _Always(Module):
    """`noise`, whatever the numbers are."""

    noise: Any

    def __call__(self, numbers: Array) -> Any:
        return jax.tree.map(jnp.asarray, self.noise)


class DenseLimit(Module):
    """The scheme of `NodeSDE` in mean and covariance."""

    flow: DenseFlow
    edges: Array

    def step(self, state: GaussianState, noise: Array, step: Array) -> GaussianState:
        """The state at the end of step number `step` of the clock."""
        index = step.astype(int)
        begin, length = self.edges[index], self.edges[index + 1] - self.edges[index]
        half, one = length / 2, jnp.eye(state.mean.size)

        drift, pull, power, growth = self._frozen(begin, state)
        keep = one - half * pull
        middle = GaussianState(
            state.mean - half * drift, _spread(keep, state.covariance) + half * power, state.memory + half * growth
        )
        drift, pull, later, growth = self._frozen(begin + half, middle)
        left = one - length * pull
        covariance = _spread(one - length * pull @ keep, state.covariance) + half * (
            _spread(left, power) + 2 * later - power
        )
        return GaussianState(state.mean - length * drift, covariance, state.memory + length * growth)

    def _frozen(self, time: Array, state: GaussianState) -> tuple[Array, Array, Array, Array]:
        """The mean's velocity (d,) with its sign turned, the spread's pull and growth (d, d), the memory's growth."""
        model, rate = self.flow.moving(time, state)
        assert isinstance(model.hessian, Dense)
        return rate * model.gradient, rate * model.hessian.matrix, rate**2 * model.noise, model.descent.noise

    def observe(self, state: GaussianState, step: Array) -> Observation:
        """Order parameters, distance, overlap and rate."""
        return self.flow.observe(self.edges[jnp.asarray(step).astype(int)], state)


def _spread(map: Array, covariance: Array) -> Array:
    return map @ covariance @ map.T
