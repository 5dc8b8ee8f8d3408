"""The deterministic equivalent for covariances that do not commute: mean and covariance of X, dense.

Source: theory `dynamics.md` section 1.2. A right-hand side costs O(d^3).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.laws.geometry import DenseGeometry, dense_order_parameters
from jominy.dynamics.students import Observation, attack_ridge, batch_memory, blown_up, blowup_limiter, diverged, gone
from jominy.losses import Loss, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import Descent, RadiusSchedule, Schedule


class DenseState(NamedTuple):
    """`mean` (d,) of X, `covariance` (d, d) times d, of order one, and the schedule's `memory` ()."""

    mean: Array
    covariance: Array
    memory: Array = np.zeros(())

    @property
    def spread(self) -> Array:
        """(d, d) the covariance."""
        return self.covariance


class DenseFlow(eqx.Module):
    """dX/dt of the deterministic equivalent in mean and covariance."""

    law: DenseGeometry
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Array

    def _evaluate(self, time: Array, state: DenseState):
        law, mean = self.law, state.mean
        dimension = mean.shape[0]
        covariance = state.covariance / dimension
        order = dense_order_parameters(law, mean, covariance)
        radius = self.radius.at(time)
        moments = self.targets.moments(self.loss, order, radius * order.size, self.rule)
        ridge = attack_ridge(moments, law.weights, radius, order.size)
        curvature = jnp.einsum("n,nij->ij", law.weights * moments.curvature, law.covariances)
        surplus = law.weights * (moments.curvature + moments.teacher_curvature)
        gradient = (
            curvature @ (mean - law.teacher)
            + ridge * (law.attack @ mean)
            + (law.weights * moments.slope) @ law.means
            + jnp.einsum("n,nij,j->i", surplus, law.covariances, law.teacher)
        )
        noise = jnp.einsum("n,nij->ij", law.weights * moments.slope_squared, law.covariances)
        hessian = curvature + ridge * law.attack
        spread = hessian @ covariance
        descent = Descent(
            gradient_dot_error=gradient @ (mean - self.optimum) + jnp.trace(spread),
            gradient_squared=gradient @ gradient + jnp.sum(spread * hessian),
            noise=jnp.trace(noise) / dimension,
            curved_noise=jnp.sum(noise * hessian) / dimension,
            memory=state.memory,
        )
        return order, moments, gradient, hessian, noise, descent, self.schedule.rate(time, descent)

    def frozen(self, time: Array, state: DenseState) -> tuple[Array, Array, Array, Array]:
        """The mean's velocity (d,) with its sign turned, the spread's pull and growth (d, d), the memory's growth."""
        _, _, gradient, hessian, noise, descent, rate = self._evaluate(time, state)
        return rate * gradient, rate * hessian, rate**2 * noise, descent.noise

    def velocity(self, time: Array, state: DenseState) -> DenseState:
        """Time derivative of the state."""
        return self.pulled(time, state, jnp.zeros_like(state.covariance))[0]

    def pulled(self, time: Array, state: DenseState, cross: Array) -> tuple[DenseState, Array]:
        """Time derivative of the state, and how fast a covariance (d, d) of the student with its past falls."""
        order, moments, gradient, hessian, noise, descent, rate = self._evaluate(time, state)
        braked = blowup_limiter(order, moments)
        slowed = braked * rate
        shrink = hessian @ state.covariance
        memory = braked * descent.noise if self.schedule.remembers else jnp.zeros(())
        moving = DenseState(-slowed * gradient, slowed * (rate * noise - shrink - shrink.T), memory)
        return moving, slowed * hessian @ cross

    def integrand(self, state: DenseState, cross: Array) -> DenseState:
        """What the integral of the student grows by: that of its mean, and the covariance of that integral."""
        return DenseState(state.mean, cross + cross.T, jnp.zeros(()))

    def over(self, total: DenseState, length: Array) -> DenseState:
        """The mean student of an integral over a time."""
        return DenseState(total.mean / length, total.covariance / length**2, total.memory)

    def batch(self, time: Array, state: DenseState, length: Array) -> DenseState:
        """The state after one batch of `length` d samples: a finite step, exact as d grows. Section 8.2."""
        order, moments, gradient, hessian, noise, descent, _ = self._evaluate(time, state)
        memory = state.memory + batch_memory(self.schedule, descent, length)
        rate = self.schedule.rate(time, descent._replace(memory=memory))
        step = rate * length
        keep = jnp.eye(state.mean.size) - step * hessian
        moved = DenseState(
            state.mean - step * gradient,
            keep @ state.covariance @ keep.T + rate * step * noise,
            memory,
        )
        lost = diverged(order) | blown_up(order, moments)
        return jax.tree.map(lambda old, new: jnp.where(lost, old, new), state, moved)

    def ended(self, state: DenseState) -> Array:
        """Whether the student has met the blowup_limiter."""
        return gone(dense_order_parameters(self.law, state.mean, state.covariance / state.mean.shape[0]))

    def observe(self, time: Array, state: DenseState) -> Observation:
        """Order parameters, distance, overlap and rate."""
        order, *_, rate = self._evaluate(time, state)
        error = state.mean - self.optimum
        spread = jnp.trace(state.covariance) / state.mean.shape[0]
        return Observation(order, error @ error + spread, state.mean @ self.law.teacher, rate)


def initial_dense_state(start: np.ndarray, variance: float) -> DenseState:
    """The state of the start (d,), with the total `variance` of a random one."""
    return DenseState(start, variance * np.eye(len(start)))
