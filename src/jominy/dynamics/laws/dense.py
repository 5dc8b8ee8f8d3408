"""The deterministic equivalent for covariances that do not commute: mean and covariance of X, dense.

Source: theory `dynamics.md` section 1.2. A right-hand side costs O(d^3).
"""

import jax.numpy as jnp
import numpy as np

from jominy.dynamics.laws.flow import Dense, Flow, GaussianState, LocalModel
from jominy.dynamics.laws.geometry import DenseGeometry, dense_order_parameters
from jominy.dynamics.students import Observation, attack_pull, attack_ridges
from jominy.losses import Loss, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import Descent, RadiusSchedule


class DenseFlow(Flow):
    """The flow in mean (d,) and covariance (d, d)."""

    loss: Loss
    targets: Targets
    radius: RadiusSchedule
    rule: GaussianRule
    law: DenseGeometry
    optimum: Array

    def order(self, state: GaussianState) -> OrderParameters:
        return dense_order_parameters(self.law, state.mean, state.covariance / state.mean.shape[0])

    def local_model(self, time: Array, state: GaussianState) -> LocalModel:
        law, mean = self.law, state.mean
        dimension = mean.shape[0]
        covariance = state.covariance / dimension
        order = self.order(state)
        radius = self.radius.at(time)
        moments = self.targets.moments(self.loss, order, radius * order.size, self.rule)
        pull = attack_pull(attack_ridges(moments, law.weights, radius, order.sizes), law.attack)
        curvature = jnp.einsum("n,nij->ij", law.weights * moments.curvature, law.covariances)
        surplus = law.weights * (moments.curvature + moments.teacher_curvature)
        # Written with the error of the teacher, so that at a vanishing norm the divergent ridge meets only the student.
        gradient = (
            curvature @ (mean - law.teacher)
            + pull @ mean
            + (law.weights * moments.slope) @ law.means
            + jnp.einsum("n,nij,j->i", surplus, law.covariances, law.teacher)
        )
        noise = jnp.einsum("n,nij->ij", law.weights * moments.slope_squared, law.covariances)
        hessian = curvature + pull
        spread = hessian @ covariance
        descent = Descent(
            gradient_dot_error=gradient @ (mean - self.optimum) + jnp.trace(spread),
            gradient_squared=gradient @ gradient + jnp.sum(spread * hessian),
            noise=jnp.trace(noise) / dimension,
            curved_noise=jnp.sum(noise * hessian) / dimension,
            memory=state.memory,
        )
        return LocalModel(order, moments, gradient, Dense(hessian), noise, descent)

    def norm_gradient(self, state: GaussianState) -> Array:
        return state.mean

    def seen(self, state: GaussianState, order: OrderParameters, rate: Array) -> Observation:
        error = state.mean - self.optimum
        spread = jnp.trace(state.covariance) / state.mean.shape[0]
        return Observation(order, error @ error + spread, state.mean @ self.law.teacher, rate)


def initial_dense_state(start: np.ndarray, variance: float) -> GaussianState:
    """The state of the start (d,), with the total `variance` of a random one."""
    return GaussianState(start, variance * np.eye(len(start)))
