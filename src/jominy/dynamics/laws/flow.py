"""The deterministic equivalent of streaming SGD, written once: how a Gaussian law of the weights moves.

A law of the data says what the averages of a student are (`local_model`); all that moves is made of them. With gradient
g, Hessian H and noise N at the state, learning rate gamma, mean m and covariance V / d of the weights,

    m' = -gamma g,    V' = gamma (gamma N - H V - V H).

Source: theory `dynamics.md` sections 0.2, 1.1 and 1.2; finite batches: section 8.2.
"""

import abc
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.students import Observation, batch_memory, blown_up, blowup_limiter, diverged, gone
from jominy.losses import Moments, OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.schedules import Descent, Schedule


class Operator(Protocol):
    """A symmetric matrix, as much of it as its law has: acting on covariances that are as structured."""

    def on(self, block: Array) -> Array:
        """H C."""

    def both_sides(self, covariance: Array) -> Array:
        """H V + V H."""

    def contracted(self, step: Array, covariance: Array) -> Array:
        """(1 - step H) V (1 - step H)."""

    def shifted(self, ridge: Array) -> "Operator":
        """H + ridge."""


class Diagonal(NamedTuple):
    """A diagonal matrix by its `values` (Q,), and covariances alike.

    >>> Diagonal(np.array([1.0, 2.0])).contracted(0.5, np.array([4.0, 4.0])).tolist()
    [1.0, 0.0]
    """

    values: Array

    def on(self, block: Array) -> Array:
        return self.values * block

    def both_sides(self, covariance: Array) -> Array:
        return 2 * self.values * covariance

    def contracted(self, step: Array, covariance: Array) -> Array:
        return (1 - step * self.values) ** 2 * covariance

    def shifted(self, ridge: Array) -> "Diagonal":
        return Diagonal(self.values + ridge)


class Dense(NamedTuple):
    """A symmetric `matrix` (d, d).

    >>> Dense(np.diag([1.0, 2.0])).contracted(0.5, np.diag([4.0, 4.0])).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """

    matrix: Array

    def on(self, block: Array) -> Array:
        return self.matrix @ block

    def both_sides(self, covariance: Array) -> Array:
        return symmetrised(self.matrix @ covariance)

    def contracted(self, step: Array, covariance: Array) -> Array:
        keep = np.eye(len(self.matrix)) - step * self.matrix
        return keep @ covariance @ keep.T

    def shifted(self, ridge: Array) -> "Dense":
        return Dense(self.matrix + ridge * np.eye(len(self.matrix)))


def transposed(block: Array) -> Array:
    """C' of a block (d, d), or of a diagonal one (Q,)."""
    return block.T


def symmetrised(block: Array) -> Array:
    """C + C'."""
    return block + block.T if block.ndim == 2 else 2 * block


class GaussianState(NamedTuple):
    """The law of the weights.

    Attributes:
        mean: in the law's own terms, a tree of arrays that moves against the gradient.
        covariance: times d, of order one: (Q,) on nodes, (d, d) dense.
        memory: () of the schedule.
    """

    mean: Any
    covariance: Array
    memory: Array = np.zeros(())


class LocalModel(NamedTuple):
    """What a law says of a state: all that SGD does next follows from it.

    Attributes:
        order, moments: of the scores, and the expectations of the loss over them.
        gradient: of the adversarial risk, a tree like the state's mean.
        hessian: its derivative.
        noise: (Q,) or (d, d), like the state's covariance: the second moment of the gradients' random part.
        descent: what a step would do to distance and risk.
    """

    order: OrderParameters
    moments: Moments
    gradient: Any
    hessian: Operator
    noise: Array
    descent: Descent


class Flow(Module):
    """dX/dt of the deterministic equivalent.

    A law gives `local_model`, `order`, `seen` and `norm_gradient`; the rest is here.
    """

    schedule: Schedule

    @abc.abstractmethod
    def local_model(self, time: Array, state: GaussianState) -> LocalModel:
        """Gradient, Hessian and noise at a state."""

    @abc.abstractmethod
    def order(self, state: GaussianState) -> OrderParameters:
        """The order parameters of a state."""

    @abc.abstractmethod
    def seen(self, state: GaussianState, order: OrderParameters, rate: Array) -> Observation:
        """What is read off a state at which the schedule asks for `rate`."""

    @abc.abstractmethod
    def norm_gradient(self, state: GaussianState) -> Any:
        """The gradient of half the square norm of the weights, a tree like the state's mean."""

    def pace(self, rate: Array) -> Array:
        """How fast the state moves against the gradient where the schedule asks for `rate`."""
        return rate

    def moving(self, time: Array, state: GaussianState) -> tuple[LocalModel, Array]:
        """The local model at a state, and the learning rate there."""
        model = self.local_model(time, state)
        return model, self.schedule.rate(time, model.descent)

    def velocity(self, time: Array, state: GaussianState) -> GaussianState:
        """Time derivative of the state."""
        return self.pulled(time, state, jnp.zeros_like(state.covariance))[0]

    def pulled(self, time: Array, state: GaussianState, cross: Array) -> tuple[GaussianState, Array]:
        """Time derivative of the state, and how fast a covariance of the student with its past, `cross`, falls."""
        model, asked = self.moving(time, state)
        rate = self.pace(asked)
        braked = blowup_limiter(model.order, model.moments)
        slowed = braked * rate
        velocity = GaussianState(
            jax.tree.map(lambda leaf: -slowed * leaf, model.gradient),
            slowed * (rate * model.noise - model.hessian.both_sides(state.covariance)),
            braked * model.descent.noise if self.schedule.remembers else jnp.zeros(()),
        )
        return velocity, slowed * model.hessian.on(cross)

    def integrand(self, state: GaussianState, cross: Array) -> GaussianState:
        """What the integral of the student grows by: that of its mean, and the covariance of that integral."""
        return GaussianState(state.mean, symmetrised(cross), jnp.zeros(()))

    def over(self, total: GaussianState, length: Array) -> GaussianState:
        """The mean student of an integral over a time."""
        mean = jax.tree.map(lambda leaf: leaf / length, total.mean)
        return GaussianState(mean, total.covariance / length**2, total.memory)

    def batch(self, time: Array, state: GaussianState, length: Array) -> GaussianState:
        """The state after one batch of `length` d samples: a finite step, exact as d grows. Section 8.2."""
        model = self.local_model(time, state)
        memory = state.memory + batch_memory(self.schedule, model.descent, length)
        rate = self.pace(self.schedule.rate(time, model.descent._replace(memory=memory)))
        step = rate * length
        moved = GaussianState(
            jax.tree.map(lambda old, leaf: old - step * leaf, state.mean, model.gradient),
            model.hessian.contracted(step, state.covariance) + rate * step * model.noise,
            memory,
        )
        lost = diverged(model.order) | blown_up(model.order, model.moments)
        return jax.tree.map(lambda old, new: jnp.where(lost, old, new), state, moved)

    def rate(self, time: Array, state: GaussianState) -> Array:
        """The learning rate."""
        return self.moving(time, state)[1]

    def ended(self, state: GaussianState) -> Array:
        """Whether the student has met the blowup_limiter."""
        return gone(self.order(state))

    def observe(self, time: Array, state: GaussianState) -> Observation:
        """Order parameters, distance, overlap and rate."""
        model, rate = self.moving(time, state)
        return self.seen(state, model.order, rate)
