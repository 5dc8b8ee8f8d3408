"""Streaming SGD on nodes: exact in law over groups of equal eigenvalues, or coordinate by coordinate.

Source: theory `dynamics.md` sections 1 (the step) and 8.3 (groups). In a group only the coordinates along the class
means and the teacher matter, and the square norm of the rest: a sample's part orthogonal to both the basis and the
student enters through its square norm, a chi-square variable. The law is that of full vectors for every group size.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.data.nodes import Nodes
from jominy.dynamics.students import (
    Observation,
    Student,
    attack_ridge,
    descent,
    gradient,
    observe,
    order_parameters,
)
from jominy.losses import Loss, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.streams import stream
from jominy.schedules import UNKNOWN_DESCENT, Schedule


class NodeState(NamedTuple):
    """One student: `coordinates` (A, G) in the basis, `rest` (G,) square norm orthogonal to it (0 columns: none)."""

    coordinates: Array
    rest: Array


class NodeNoise(NamedTuple):
    """The randomness of one step of one seed.

    Attributes:
        component: (1,) uniform, chooses the class.
        label: (1,) normal, for the randomness of the target.
        along: (A, G) normals along the basis.
        rest_along: (G,) normals along the student's part orthogonal to the basis (0 columns: none).
        rest_beyond: (G,) chi-square: square norm of what remains (0 columns: none).
    """

    component: Array
    label: Array
    along: Array
    rest_along: Array
    rest_beyond: Array


class NodeSGD(eqx.Module):
    """SGD steps on nodes with an orthonormal basis each."""

    nodes: Nodes
    present: Array
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: Array
    rule: GaussianRule
    optimum: Student
    step_time: Array

    def _student(self, state: NodeState) -> Student:
        rest = jnp.zeros_like(self.nodes.shares) if state.rest.size == 0 else state.rest
        return Student(state.coordinates, state.coordinates - self.nodes.teacher, rest)

    def _rate(self, state: NodeState, time: Array) -> Array:
        """The learning rate; adaptive schedules see the population's quantities at the current student."""
        if not self.schedule.adaptive:
            return self.schedule.rate(time, UNKNOWN_DESCENT)
        student = self._student(state)
        order = order_parameters(self.nodes, student)
        moments = self.targets.moments(self.loss, order, self.radius, self.rule)
        ridge = attack_ridge(moments, self.nodes.weights, order.norm)
        coefficients, alpha = gradient(self.nodes, student, moments, ridge)
        return self.schedule.rate(time, descent(self.nodes, student, self.optimum, moments, coefficients, alpha))

    def step(self, state: NodeState, noise: NodeNoise, time: Array) -> NodeState:
        """X <- X - (g/d) (Psi_r x + Psi_rho X / ||X||) for one fresh sample x."""
        nodes, coordinates = self.nodes, state.coordinates
        component = jnp.searchsorted(jnp.cumsum(nodes.weights)[:-1], noise.component[0])
        spread = jnp.sqrt(nodes.eigenvalues[component])
        sample = nodes.means[component] + spread * noise.along * self.present
        rest_size = jnp.sqrt(state.rest)
        rest_sample = spread * noise.rest_along if state.rest.size else noise.rest_along
        score = jnp.sum(coordinates * sample) + jnp.sum(rest_size * rest_sample)
        target = self.targets.draw(component, jnp.sum(nodes.teacher * sample), noise.label[0])
        norm = jnp.sqrt(jnp.sum(coordinates**2) + jnp.sum(state.rest))
        slope, norm_slope = self.loss.adversarial_slopes(score, norm, target, self.radius)
        step = self._rate(state, time) * self.step_time
        keep = 1 - step * jnp.where(norm > 0, norm_slope / jnp.where(norm > 0, norm, 1.0), 0.0)
        kick = step * slope
        rest = state.rest
        if rest.size:
            rest = (keep * rest_size - kick * rest_sample) ** 2 + (kick * spread) ** 2 * noise.rest_beyond
        moved = NodeState(keep * coordinates - kick * sample, rest)
        # A student beyond every meaningful size stays where it is, so that divergence is recorded and not overflown.
        lost = ~(norm**2 < 1e14)
        return NodeState(*(jnp.where(lost, old, new) for old, new in zip(state, moved, strict=True)))

    def observe(self, state: NodeState, time: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        student = self._student(state)
        order = order_parameters(self.nodes, student)
        return observe(self.nodes, student, self.optimum, order, self._rate(state, time))


class NodeNoiseSource:
    """Draws `NodeNoise` for many seeds; `rest_dimensions` (G,) counts the dimensions outside the basis, or None."""

    def __init__(self, seeds: list[int], nodes: Nodes, rest_dimensions: np.ndarray | None, used: tuple[bool, bool]):
        self.shape = nodes.teacher.shape
        self.rest_dimensions = np.zeros(0) if rest_dimensions is None else rest_dimensions
        self.classes, self.label_noise = used
        self.generators = [[stream(seed, purpose) for seed in seeds] for purpose in range(5)]

    def floats_per_step(self) -> int:
        """Numbers needed for one step of one seed."""
        return self.shape[0] * self.shape[1] + 2 * self.rest_dimensions.size + 2

    def draw(self, steps: int) -> NodeNoise:
        """Noise of the next `steps` steps of all seeds."""
        component, label, along, rest_along, rest_beyond = self.generators
        unused = np.zeros((len(component), steps, 1))
        rest = (steps, self.rest_dimensions.size)
        freedom = np.maximum(self.rest_dimensions - 1, 0)  # the direction of the student's own rest takes one
        shape = np.where(freedom > 0, freedom, 1) / 2
        return NodeNoise(
            np.stack([g.random((steps, 1)) for g in component]) if self.classes else unused,
            np.stack([g.standard_normal((steps, 1)) for g in label]) if self.label_noise else unused,
            np.stack([g.standard_normal((steps, *self.shape)) for g in along]),
            np.stack([g.standard_normal(rest) for g in rest_along]) * (self.rest_dimensions > 0),
            np.stack([2 * g.standard_gamma(shape, rest) for g in rest_beyond]) * (freedom > 0),
        )
