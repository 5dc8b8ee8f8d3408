"""Streaming SGD on nodes: exact in law over groups of equal eigenvalues, or coordinate by coordinate.

Source: theory `dynamics.md` sections 1 (the step) and 8.3 (groups). In a group only the coordinates along the class
means and the teacher matter, and the square norm of the rest: a sample's part orthogonal to both the basis and the
student enters through its square norm, a chi-square variable. The law is that of full vectors for every group size.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from jominy.data.nodes import Nodes
from jominy.dynamics.simulation.noise import SGD_PURPOSE, Normals, class_cuts
from jominy.dynamics.simulation.steps import LARGEST_SQUARE, StreamingSGD, divisor
from jominy.dynamics.students import Observation, Student, attack_pull, observe, order_parameters, slopes
from jominy.losses import Loss, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.chi_square import ChiSquare
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.module import Module
from jominy.numerics.sums import inner
from jominy.optimizers import SGD, Optimizer
from jominy.schedules import RadiusSchedule, Schedule


class NodeState(NamedTuple):
    """One student: `coordinates` (A, G) in the basis, `rest` (G,) square norm orthogonal to it (0 columns: none).

    And the schedule's `memory` (), and what an optimizer keeps (0 columns: nothing).
    """

    coordinates: Array
    rest: Array
    memory: Array
    buffer: Any = np.zeros(0)

    @property
    def weights(self) -> Array:
        """(A, G) the weights, where no part is known by its square norm alone."""
        return self.coordinates

    def with_weights(self, weights: Array) -> "NodeState":
        """The same with other coordinates (A, G)."""
        return self._replace(coordinates=weights)


def node_states(coordinates: np.ndarray, rest: np.ndarray, optimizer: Optimizer = SGD()) -> NodeState:  # noqa: B008
    """States of many students at the start, a leading axis for them."""
    buffer = np.zeros((len(coordinates), 0)) if optimizer.plain else optimizer.buffer(coordinates)
    return NodeState(coordinates, rest, np.zeros(len(coordinates)), buffer)


def student_of(nodes: Nodes, state: NodeState) -> Student:
    """The student that a state stands for."""
    rest = jnp.zeros_like(nodes.shares) if state.rest.size == 0 else state.rest
    return Student(state.coordinates, state.coordinates - nodes.teacher, rest)


class NodeNoise(NamedTuple):
    """The randomness of one step of one seed, b samples.

    Attributes:
        component: (b,) the class.
        label: (b,) normal, for the randomness of the target.
        along: (b, A, G) normals along the basis.
        rest_along: (b, G) normals along the student's part orthogonal to the basis (0 columns: none).
        rest_beyond: (G,) chi-square: square norm of what remains of the batch together (0 columns: none).
        chance: (b,) uniform, for the randomness of the loss.
    """

    component: Array
    label: Array
    along: Array
    rest_along: Array
    rest_beyond: Array
    chance: Array


class Pushes(NamedTuple):
    """The sum of a batch's gradients: `along` (A, G) the basis, along the student's `rest` (G,), and the square norm of
    what is `beyond` both (G,); the last two of no size where nothing is outside the basis.
    """

    along: Array
    rest: Array
    beyond: Array


class NodeSGD(StreamingSGD):
    """SGD steps on nodes with an orthonormal basis each."""

    nodes: Nodes
    present: Array
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Student
    step_time: Array
    optimizer: Optimizer = SGD()

    def rate(self, state: NodeState, time: Array) -> Array:
        """The learning rate; adaptive schedules see the population's quantities at the current student."""
        if not self.schedule.adaptive:
            return super().rate(state, time)
        return self.schedule.rate(time, slopes(self, time, student_of(self.nodes, state), state.memory).descent)

    def gradient(self, state: NodeState, noise: NodeNoise, time: Array) -> Array:
        """(A, G) Psi_r x + Psi_rho sum_g M_g X / rho_g of a batch of fresh samples x (usually one), see `divisor`."""
        return self._pushes(state, noise, time).along / divisor(self.optimizer, noise.component.size)

    def step(self, state: NodeState, noise: NodeNoise, time: Array) -> NodeState:
        """The state after one step; plain SGD where a part of it is known by its square norm alone."""
        if not state.rest.size:
            return super().step(state, noise, time)
        push, seen = self._pushes(state, noise, time), state
        if self.schedule.remembers:
            square = jnp.sum(push.along**2) + jnp.sum(push.rest**2) + jnp.sum(push.beyond)
            seen = state._replace(memory=state.memory + square * self.step_time**2)
        size = self.rate(seen, time) * self.step_time
        rest = (jnp.sqrt(state.rest) - size * push.rest) ** 2 + size**2 * push.beyond
        moved = seen._replace(coordinates=state.coordinates - size * push.along, rest=rest)
        going = jnp.sum(state.coordinates**2) + jnp.sum(state.rest) < LARGEST_SQUARE
        return jax.tree.map(lambda new, old: jnp.where(going, new, old), moved, state)

    def _pushes(self, state: NodeState, noise: NodeNoise, time: Array) -> Pushes:
        nodes, coordinates = self.nodes, state.coordinates
        component = noise.component
        spread = jnp.sqrt(nodes.eigenvalues[component])
        sample = nodes.means[component] + spread[:, None, :] * noise.along * self.present
        rest_size = jnp.sqrt(state.rest)
        rest_sample = spread * noise.rest_along if state.rest.size else noise.rest_along
        score = inner(coordinates, sample) + rest_sample @ rest_size
        teacher_score = inner(nodes.teacher, sample)
        target = jax.vmap(self.targets.draw)(component, teacher_score, noise.label)
        squares = jnp.sum(coordinates**2, axis=0) + (state.rest if state.rest.size else 0.0)
        sizes = jnp.sqrt(nodes.attack @ squares)
        radius = self.radius.at(time)
        slope, shift_slope = self.loss.sample_slopes(score, radius * jnp.sum(sizes), target, noise.chance)
        # Where the attack reaches nothing of X yet, any pull in its set is a slope, zero among them.
        ridges = jnp.where(sizes > 0, radius * jnp.sum(shift_slope) / jnp.where(sizes > 0, sizes, 1.0), 0.0)
        pull = attack_pull(ridges, nodes.attack)
        along = jnp.tensordot(slope, sample, 1) + pull * coordinates
        if not state.rest.size:
            return Pushes(along, state.rest, state.rest)
        return Pushes(along, slope @ rest_sample + pull * rest_size, (slope**2 @ spread**2) * noise.rest_beyond)

    def observe(self, state: NodeState, time: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        student = student_of(self.nodes, state)
        order = order_parameters(self.nodes, student)
        return observe(self.nodes, student, self.optimum, order, self.rate(state, time))


class NodeDeal(Module):
    """What `NodeSGD` makes of the normals of one step.

    Attributes:
        cuts: (n - 1,) normals between which the classes lie.
        present: (G,) one where a group has dimensions outside the basis (0 columns: no rest).
        beyond: square norms in the dimensions outside both the basis and the student.
    """

    cuts: Array
    present: Array
    beyond: ChiSquare
    shape: tuple[int, int] = eqx.field(static=True)
    batch_size: int = eqx.field(static=True)
    random_labels: bool = eqx.field(static=True)
    random_loss: bool = eqx.field(static=True)

    def sizes(self) -> tuple[int, ...]:
        """How many normals go to `along`, the rest along and beyond, the class, the label, and the loss."""
        b, rest = self.batch_size, self.present.size
        classes = b if self.cuts.size else 0
        labels, chances = b if self.random_labels else 0, b if self.random_loss else 0
        return b * self.shape[0] * self.shape[1], b * rest, rest, classes, labels, chances

    def __call__(self, normals: Array) -> NodeNoise:
        b, none = self.batch_size, jnp.zeros(self.batch_size)
        ends = np.cumsum(self.sizes())
        along, rest_along, beyond, classes, labels, chances, _ = jnp.split(normals.astype(float), ends)
        return NodeNoise(
            jnp.sum(classes[:, None] > self.cuts, axis=1) if classes.size else none.astype(int),
            labels if labels.size else none,
            along.reshape(b, *self.shape),
            rest_along.reshape(b, -1) * self.present,
            self.beyond(beyond),
            ndtr(chances) if chances.size else none,
        )


class RandomParts(NamedTuple):
    """Whether labels and losses of samples have randomness of their own."""

    labels: bool
    loss: bool


def node_noise(
    seeds: list[int],
    nodes: Nodes,
    rest_dimensions: np.ndarray | None,
    training: RandomParts,
    batch_size: int,
) -> Normals:
    """The noise of many seeds; `rest_dimensions` (G,) counts the dimensions outside the basis, or None."""
    rest = np.zeros(0) if rest_dimensions is None else rest_dimensions
    deal = NodeDeal(
        class_cuts(nodes.weights),
        np.asarray(rest > 0, dtype=float),
        ChiSquare(np.maximum(rest - 1, 0)),  # the direction of the student's own rest takes one
        nodes.teacher.shape,
        batch_size,
        training.labels,
        training.loss,
    )
    return Normals(seeds, SGD_PURPOSE, sum(deal.sizes()), deal)
