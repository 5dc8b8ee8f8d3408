"""Where the adversarial optimum is sought: on nodes, or in dense coordinates; either way it is made of a few scalars.

Source: theory `dynamics.md` section 4.2: X0 = -(sum_i p_i E_i[Psi_rr] K_i + B)^{-1} beta.
"""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import DenseLaw
from jominy.data.nodes import Nodes
from jominy.dynamics.students import Student, order_parameters
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array, root


class Scalars(NamedTuple):
    """What determines the optimum on any set of nodes; n components.

    Attributes:
        slope, curvature, teacher_curvature: (n,) E_i Psi_r, E_i Psi_rr, E_i Psi_{r r*}.
        ridge: () B = E Psi_rho / rho.
    """

    slope: Array
    curvature: Array
    teacher_curvature: Array
    ridge: Array


class Landscape(Protocol):
    """Where the optimum is sought: on nodes, or in dense coordinates."""

    def minimiser(self, scalars: Scalars) -> Any: ...

    def order(self, student: Any) -> OrderParameters: ...

    def zero(self) -> Any:
        """The zero vector, as a student."""

    def scaled(self, student: Any, factor: float) -> Any:
        """`factor` times a student without spread."""


class NodeLandscape(NamedTuple):
    """Students on the nodes of commuting covariances."""

    nodes: Nodes

    def minimiser(self, scalars: Scalars) -> Student:
        """The minimiser of the quadratic model in which the scalars are frozen."""
        nodes = self.nodes
        curvature = (nodes.weights * scalars.curvature) @ nodes.eigenvalues
        teacher_pull = (nodes.weights * scalars.teacher_curvature) @ nodes.eigenvalues
        class_pull = jnp.einsum("n,naq->aq", nodes.weights * scalars.slope, nodes.means)
        alpha = jnp.maximum(curvature + scalars.ridge, 1e-200)
        surplus = curvature + teacher_pull + scalars.ridge
        return Student(
            -(class_pull + teacher_pull * nodes.teacher) / alpha,
            -(class_pull + surplus * nodes.teacher) / alpha,
            jnp.zeros_like(nodes.shares),
        )

    def order(self, student: Student) -> OrderParameters:
        return order_parameters(self.nodes, student)

    def zero(self) -> Student:
        nodes = self.nodes
        return Student(np.zeros_like(nodes.teacher), -nodes.teacher, np.zeros_like(nodes.shares))

    def scaled(self, student: Student, factor: float) -> Student:
        coefficients = factor * np.asarray(student.coefficients)
        return Student(coefficients, coefficients - self.nodes.teacher, np.zeros_like(self.nodes.shares))


FEW_NODES = 64
"""Up to so many nodes every number of them has programs of its own."""


def padded(landscape: Any) -> Any:
    """The landscape with empty nodes up to a power of two: long spectra of all lengths then share a few programs.

    For what is read off as scalars; students have the empty nodes as well.
    """
    if not isinstance(landscape, NodeLandscape):
        return landscape
    nodes = landscape.nodes
    count = nodes.shares.size
    more = (1 << (count - 1).bit_length()) - count
    if count <= FEW_NODES or not more:
        return landscape
    per_node = ("eigenvalues", "shares", "gram", "means", "mean_overlaps", "teacher")
    longer = {name: getattr(nodes, name) for name in per_node}
    for name, part in longer.items():
        longer[name] = np.pad(part, [(0, 0)] * (np.ndim(part) - 1) + [(0, more)])
    return NodeLandscape(nodes._replace(**longer))


class DenseLandscape(NamedTuple):
    """Students as vectors (d,) for covariances that do not commute."""

    weights: Array
    means: Array
    covariances: Array
    teacher: Array
    labels: Array
    noise_variance: Array

    def minimiser(self, scalars: Scalars) -> Array:
        """The minimiser of the quadratic model in which the scalars are frozen."""
        curvature = jnp.einsum("n,nij->ij", self.weights * scalars.curvature, self.covariances)
        pull = jnp.einsum("n,nij,j->i", self.weights * scalars.teacher_curvature, self.covariances, self.teacher)
        pull = pull + (self.weights * scalars.slope) @ self.means
        return -jnp.linalg.solve(curvature + scalars.ridge * jnp.eye(len(pull)), pull)

    def order(self, student: Array) -> OrderParameters:
        return dense_order_parameters(self, student, None)

    def zero(self) -> Array:
        return np.zeros(self.means.shape[1])

    def scaled(self, student: Array, factor: float) -> Array:
        return factor * np.asarray(student)


def dense_landscape(law: DenseLaw) -> DenseLandscape:
    """The landscape of a dense law."""
    teacher = np.zeros(law.dimension) if law.teacher is None else law.teacher
    labels = np.zeros(len(law.weights)) if law.labels is None else law.labels
    return DenseLandscape(law.weights, law.means, law.covariances, teacher, labels, np.asarray(law.noise_variance))


def dense_order_parameters(law: DenseLandscape, mean: Array, covariance: Array | None) -> OrderParameters:
    """Order parameters of X ~ N(mean (d,), covariance (d, d)); None is no spread."""
    residual = mean - law.teacher
    spread = 0.0 if covariance is None else jnp.einsum("nij,ij->n", law.covariances, covariance)
    size = mean @ mean + (0.0 if covariance is None else jnp.trace(covariance))
    return OrderParameters(
        margin_mean=law.means @ mean,
        margin_variance=jnp.einsum("i,nij,j->n", mean, law.covariances, mean) + spread,
        residual_mean=law.means @ residual - law.labels,
        residual_variance=law.noise_variance + jnp.einsum("i,nij,j->n", residual, law.covariances, residual) + spread,
        norm=root(size),
        teacher_mean=law.means @ law.teacher,
        teacher_variance=jnp.einsum("i,nij,j->n", law.teacher, law.covariances, law.teacher),
        teacher_covariance=jnp.einsum("i,nij,j->n", mean, law.covariances, law.teacher),
    )


@jax.jit
def minimiser(landscape: Landscape, scalars: Scalars) -> Any:
    """`landscape.minimiser(scalars)`, compiled."""
    return landscape.minimiser(scalars)
