"""The deterministic equivalent for covariances that do not commute: mean and covariance of X, dense.

Source: theory `dynamics.md` section 1.2. A right-hand side costs O(d^3).
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.landscapes import DenseLandscape, dense_order_parameters
from jominy.dynamics.students import Observation, attack_ridge, brake
from jominy.losses import Loss, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import Descent, Schedule


class DenseState(NamedTuple):
    """`mean` (d,) of X, and `covariance` (d, d) times d, of order one."""

    mean: Array
    covariance: Array


class DenseFlow(eqx.Module):
    """dX/dt of the deterministic equivalent in mean and covariance."""

    law: DenseLandscape
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: Array
    rule: GaussianRule
    optimum: Array

    def _evaluate(self, time: Array, state: DenseState):
        law, mean = self.law, state.mean
        dimension = mean.shape[0]
        covariance = state.covariance / dimension
        order = dense_order_parameters(law, mean, covariance)
        moments = self.targets.moments(self.loss, order, self.radius, self.rule)
        ridge = attack_ridge(moments, law.weights, order.norm)
        curvature = jnp.einsum("n,nij->ij", law.weights * moments.curvature, law.covariances)
        surplus = law.weights * (moments.curvature + moments.teacher_curvature)
        gradient = (
            curvature @ (mean - law.teacher)
            + ridge * mean
            + (law.weights * moments.slope) @ law.means
            + jnp.einsum("n,nij,j->i", surplus, law.covariances, law.teacher)
        )
        noise = jnp.einsum("n,nij->ij", law.weights * moments.slope_squared, law.covariances)
        hessian = curvature + ridge * jnp.eye(dimension)
        spread = hessian @ covariance
        descent = Descent(
            gradient_dot_error=gradient @ (mean - self.optimum) + jnp.trace(spread),
            gradient_squared=gradient @ gradient + jnp.sum(spread * hessian),
            noise=jnp.trace(noise) / dimension,
            curved_noise=jnp.sum(noise * hessian) / dimension,
        )
        return order, moments, gradient, hessian, noise, self.schedule.rate(time, descent)

    def frozen(self, time: Array, state: DenseState) -> tuple[Array, Array, Array]:
        """The mean's velocity (d,) with its sign turned, the pull (d, d) on the spread, and its growth (d, d)."""
        _, gradient, hessian, noise, rate = self._evaluate(time, state)
        return rate * gradient, rate * hessian, rate**2 * noise

    def velocity(self, time: Array, state: DenseState) -> DenseState:
        """Time derivative of the state."""
        order, moments, gradient, hessian, noise, rate = self._evaluate(time, state)
        slowed = brake(order, moments) * rate
        shrink = hessian @ state.covariance
        return DenseState(-slowed * gradient, slowed * (rate * noise - shrink - shrink.T))

    def observe(self, time: Array, state: DenseState) -> Observation:
        """Order parameters, distance, overlap and rate."""
        order, _, _, _, _, rate = self._evaluate(time, state)
        error = state.mean - self.optimum
        spread = jnp.trace(state.covariance) / state.mean.shape[0]
        return Observation(order, error @ error + spread, state.mean @ self.law.teacher, rate)


def initial_dense_state(start: np.ndarray, variance: float) -> DenseState:
    """The state of the start (d,), with the total `variance` of a random one."""
    return DenseState(start, variance * np.eye(len(start)))
