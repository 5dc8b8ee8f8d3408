"""The deterministic equivalent in the spectral state: coefficients of the fixed vectors and variance per node.

Source: theory `dynamics.md` sections 0.2, 1.1 and 7 (derived there from the abstract of arXiv 2607.00207).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.nodes import Nodes
from jominy.dynamics.students import (
    Observation,
    Slopes,
    Student,
    batch_memory,
    blown_up,
    blowup_limiter,
    diverged,
    gone,
    observe,
    order_parameters,
    slopes,
)
from jominy.losses import Loss, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import RadiusSchedule, Schedule


class SpectralState(NamedTuple):
    """What evolves: `coefficients` (A, Q) of the fixed vectors, the teacher's `complement` (0|1, Q), `variance` (Q,).

    The complement is 1 - (the teacher's coefficient), integrated on its own: near the teacher it is what is small.
    `variance` is the per-coordinate variance times d, of order one; `memory` () is that of the schedule.
    """

    coefficients: Array
    complement: Array
    variance: Array
    memory: Array = np.zeros(())

    @property
    def spread(self) -> Array:
        """(Q,) the variance."""
        return self.variance


class SpectralFlow(eqx.Module):
    """dX/dt of the deterministic equivalent on the nodes of a law."""

    nodes: Nodes
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Student

    def student(self, state: SpectralState) -> Student:
        """The state as a student; the last basis vector is the teacher, if there is one."""
        count = state.complement.shape[0]
        residual = jnp.concatenate([state.coefficients[: len(state.coefficients) - count], -state.complement])
        return Student(state.coefficients, residual, state.variance * self.nodes.shares)

    def order(self, student: Student) -> OrderParameters:
        """The order parameters of a student on these nodes."""
        return order_parameters(self.nodes, student)

    def _evaluate(self, time: Array, state: SpectralState) -> tuple[Slopes, Array]:
        """Slopes at the state, and the learning rate."""
        found = slopes(self, time, self.student(state), state.memory)
        return found, self.schedule.rate(time, found.descent)

    def velocity(self, time: Array, state: SpectralState) -> SpectralState:
        """Time derivative of the state."""
        return self.pulled(time, state, jnp.zeros_like(state.variance))[0]

    def pulled(self, time: Array, state: SpectralState, cross: Array) -> tuple[SpectralState, Array]:
        """Time derivative of the state, and how fast a covariance (Q,) of the student with its past falls."""
        (order, moments, coefficients, alpha, pushed), rate = self._evaluate(time, state)
        braked = blowup_limiter(order, moments)
        slowed = braked * rate
        count = state.complement.shape[0]
        noise = (self.nodes.weights * moments.slope_squared) @ self.nodes.eigenvalues
        moving = SpectralState(
            coefficients=-slowed * coefficients,
            complement=slowed * coefficients[len(coefficients) - count :],
            variance=slowed * (rate * noise - 2 * alpha * state.variance),
            memory=braked * pushed.noise if self.schedule.remembers else jnp.zeros(()),
        )
        return moving, slowed * alpha * cross

    def integrand(self, state: SpectralState, cross: Array) -> SpectralState:
        """What the integral of the student grows by: that of its mean, and the variance of that integral."""
        return SpectralState(state.coefficients, state.complement, 2 * cross, jnp.zeros(()))

    def over(self, total: SpectralState, length: Array) -> SpectralState:
        """The mean student of an integral over a time."""
        return SpectralState(
            total.coefficients / length, total.complement / length, total.variance / length**2, total.memory
        )

    def batch(self, time: Array, state: SpectralState, length: Array) -> SpectralState:
        """The state after one batch of `length` d samples: a finite step, exact as d grows. Section 8.2."""
        (order, moments, coefficients, alpha, pushed), _ = self._evaluate(time, state)
        memory = state.memory + batch_memory(self.schedule, pushed, length)
        rate = self.schedule.rate(time, pushed._replace(memory=memory))
        step, count = rate * length, state.complement.shape[0]
        noise = (self.nodes.weights * moments.slope_squared) @ self.nodes.eigenvalues
        moved = SpectralState(
            coefficients=state.coefficients - step * coefficients,
            complement=state.complement + step * coefficients[len(coefficients) - count :],
            variance=(1 - step * alpha) ** 2 * state.variance + rate * step * noise,
            memory=memory,
        )
        lost = diverged(order) | blown_up(order, moments)
        return jax.tree.map(lambda old, new: jnp.where(lost, old, new), state, moved)

    def rate(self, time: Array, state: SpectralState) -> Array:
        """The learning rate."""
        return self._evaluate(time, state)[-1]

    def ended(self, state: SpectralState) -> Array:
        """Whether the student has met the blowup_limiter."""
        return gone(self.order(self.student(state)))

    def observe(self, time: Array, state: SpectralState) -> Observation:
        """Order parameters, distance, overlap and rate."""
        found, rate = self._evaluate(time, state)
        return observe(self.nodes, self.student(state), self.optimum, found.order, rate)


def initial_state(nodes: Nodes, start: np.ndarray, has_teacher: bool, variance: float) -> SpectralState:
    """The state of the start: its coefficients (A,), and the total `variance` of a random start."""
    size = nodes.shares.shape[0]
    coefficients = np.repeat(start[:, None], size, axis=1)
    complement = 1.0 - coefficients[-1:] if has_teacher else np.zeros((0, size))
    return SpectralState(coefficients, complement, np.full(size, variance))
