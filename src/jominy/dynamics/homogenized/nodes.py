"""Homogenized SGD on nodes: exact in law over groups of equal eigenvalues, or coordinate by coordinate.

Source: theory `dynamics.md` section 1.1. Within a step drift and noise are linear in X with coefficients that depend on
a few scalars of X, so what is outside the basis of a group enters through its square norm, as in `node_sgd`.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.nodes import Nodes
from jominy.dynamics.simulation.node_sgd import NodeState, student_of
from jominy.dynamics.simulation.noise import PATH_PURPOSE, Normals
from jominy.dynamics.students import Observation, Student, observe, order_parameters, slopes
from jominy.losses import Loss, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.chi_square import ChiSquare
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.module import Module
from jominy.schedules import RadiusSchedule, Schedule


class PathNoise(NamedTuple):
    """The randomness of one step of one path, a leading axis for its two halves.

    Attributes:
        along: (2, A, G) normals along the basis.
        rest_along: (2, G) normals along the path's part outside the basis (0 columns: none).
        rest_beyond: (2, G) chi-square: square norm of what remains (0 columns: none).
    """

    along: Array
    rest_along: Array
    rest_beyond: Array


class Frozen(NamedTuple):
    """dX/dt at one student: `drift` (A, Q), `pull` (Q,) on what is outside the basis, `power` (Q,) of the noise.

    And the `growth` () of the schedule's memory.
    """

    drift: Array
    pull: Array
    power: Array
    growth: Array


class NodeSDE(Module):
    """Steps of dX = -g grad R dt + g sqrt((1/d) sum_i p_i E_i[Psi_r^2] K_i) dB on nodes with orthonormal bases.

    One step of length h from X, with B1 and B2 the noises of its halves and b^2 the variance per time:
    Y = X + (h/2) a(X) + b(X) B1, then X <- X + h a(Y) + b(X) B1 + sqrt(2 b(Y)^2 - b(X)^2) B2.
    For noise of variance 1/d its weak error is O(h^2 + h / d^2): second order at every d that matters.
    """

    nodes: Nodes
    present: Array
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Student
    dimension: Array
    edges: Array

    def _frozen(self, state: NodeState, time: Array) -> tuple[Frozen, Array]:
        """Drift and noise at a student, and the learning rate."""
        nodes = self.nodes
        _, moments, coefficients, alpha, pushed = slopes(self, time, student_of(nodes, state), state.memory)
        rate = self.schedule.rate(time, pushed)
        power = (nodes.weights * moments.slope_squared) @ nodes.eigenvalues
        return Frozen(rate * coefficients, rate * alpha, rate**2 * power / self.dimension, pushed.noise), rate

    def step(self, state: NodeState, noise: PathNoise, step: Array) -> NodeState:
        """The state at the end of step number `step` of the clock."""
        index = step.astype(int)
        begin, length = self.edges[index], self.edges[index + 1] - self.edges[index]
        half = length / 2
        now, _ = self._frozen(state, begin)
        first = jnp.sqrt(half * now.power)
        shaken = state.coordinates + first * noise.along[0] * self.present
        middle = NodeState(shaken - half * now.drift, state.rest, state.memory + half * now.growth)
        size, keep = jnp.sqrt(state.rest), 1 - half * now.pull
        if state.rest.size:
            middle = middle._replace(rest=_square(keep * size, first, noise, 0))
        there, _ = self._frozen(middle, begin + half)
        second = jnp.sqrt(half * jnp.maximum(2 * there.power - now.power, 0.0))
        moved = NodeState(
            shaken - length * there.drift + second * noise.along[1] * self.present,
            state.rest,
            state.memory + length * there.growth,
        )
        if state.rest.size:
            # The rest is Z - h pull (keep Z + first noise) + first noise + second noise.
            shrink = length * there.pull
            rest = _square((1 - shrink * keep) * size, (1 - shrink) * first, noise, 0)
            moved = moved._replace(rest=_square(jnp.sqrt(rest), second, noise, 1))
        lost = ~(jnp.sum(state.coordinates**2) + jnp.sum(state.rest) < 1e14)  # divergence is recorded, not overflown
        return jax.tree.map(lambda old, new: jnp.where(lost, old, new), state, moved)

    def observe(self, state: NodeState, step: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        student = student_of(self.nodes, state)
        _, rate = self._frozen(state, self.edges[jnp.asarray(step).astype(int)])
        return observe(self.nodes, student, self.optimum, order_parameters(self.nodes, student), rate)


def _square(size: Array, scale: Array, noise: PathNoise, half: int) -> Array:
    """Square norm of a vector of norm `size` plus `scale` times a normal vector."""
    return (size + scale * noise.rest_along[half]) ** 2 + scale**2 * noise.rest_beyond[half]


class PathDeal(Module):
    """What `NodeSDE` makes of the normals of one step, see `NodeDeal`."""

    present: Array
    beyond: ChiSquare
    shape: tuple[int, int] = eqx.field(static=True)

    def sizes(self) -> tuple[int, int, int]:
        """How many normals go to `along`, and to the rest along and beyond."""
        return 2 * self.shape[0] * self.shape[1], 2 * self.present.size, 2 * self.present.size

    def __call__(self, normals: Array) -> PathNoise:
        along, rest_along, beyond, _ = jnp.split(normals.astype(float), np.cumsum(self.sizes()))
        return PathNoise(
            along.reshape(2, *self.shape),
            rest_along.reshape(2, -1) * self.present,
            self.beyond(beyond.reshape(2, -1)),
        )


def path_noise(seeds: list[int], nodes: Nodes, rest_dimensions: np.ndarray | None) -> Normals:
    """The noise of many paths; `rest_dimensions` (G,) counts the dimensions outside the basis, or None."""
    rest = np.zeros(0) if rest_dimensions is None else rest_dimensions
    # The direction of the path's own rest takes one.
    deal = PathDeal(np.asarray(rest > 0, dtype=float), ChiSquare(np.maximum(rest - 1, 0)), nodes.teacher.shape)
    return Normals(seeds, PATH_PURPOSE, sum(deal.sizes()), deal)
