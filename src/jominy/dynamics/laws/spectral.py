"""The deterministic equivalent in the spectral state: coefficients of the fixed vectors and variance per node.

Source: theory `dynamics.md` sections 0.2, 1.1 and 7 (derived there from the abstract of arXiv 2607.00207).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from jominy.data.nodes import Nodes
from jominy.dynamics.laws.flow import Diagonal, Flow, GaussianState, LocalModel
from jominy.dynamics.students import Observation, Student, observe, order_parameters, slopes
from jominy.losses import Loss, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import RadiusSchedule


class NodeMean(NamedTuple):
    """The mean of the weights on nodes: `coefficients` (A, Q) of fixed vectors, the teacher's `complement` (0|1, Q).

    The complement is 1 - (the teacher's coefficient), integrated on its own: near the teacher it is what is small.
    """

    coefficients: Array
    complement: Array


class SpectralFlow(Flow):
    """The flow on the nodes of a law: all that is structured is diagonal there."""

    loss: Loss
    targets: Targets
    radius: RadiusSchedule
    rule: GaussianRule
    nodes: Nodes
    optimum: Student

    def student(self, state: GaussianState) -> Student:
        """The state as a student; the last basis vector is the teacher, if there is one."""
        coefficients, complement = state.mean
        residual = jnp.concatenate([coefficients[: len(coefficients) - complement.shape[0]], -complement])
        return Student(coefficients, residual, state.covariance * self.nodes.shares)

    def order(self, state: GaussianState) -> OrderParameters:
        return order_parameters(self.nodes, self.student(state))

    def local_model(self, time: Array, state: GaussianState) -> LocalModel:
        order, moments, coefficients, alpha, descent = slopes(self, time, self.student(state), state.memory)
        teacher = coefficients[len(coefficients) - state.mean.complement.shape[0] :]
        noise = (self.nodes.weights * moments.slope_squared) @ self.nodes.eigenvalues
        return LocalModel(order, moments, NodeMean(coefficients, -teacher), Diagonal(alpha), noise, descent)

    def norm_gradient(self, state: GaussianState) -> NodeMean:
        coefficients, complement = state.mean
        return NodeMean(coefficients, complement - 1.0)  # minus the teacher's coefficient

    def seen(self, state: GaussianState, order: OrderParameters, rate: Array) -> Observation:
        return observe(self.nodes, self.student(state), self.optimum, order, rate)


def initial_state(nodes: Nodes, start: np.ndarray, has_teacher: bool, variance: float) -> GaussianState:
    """The state of the start: its coefficients (A,), and the total `variance` of a random start."""
    size = nodes.shares.shape[0]
    coefficients = np.repeat(start[:, None], size, axis=1)
    complement = 1.0 - coefficients[-1:] if has_teacher else np.zeros((0, size))
    return GaussianState(NodeMean(coefficients, complement), np.full(size, variance))
