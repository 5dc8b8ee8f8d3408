"""A student on the nodes of a law: its order parameters, its gradient, and what one step would do.

Source: theory `dynamics.md` sections 0, 1.1, 5 and 7. The forecast and both simulators share these functions.
"""

from functools import partial
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jominy.data.nodes import Nodes
from jominy.losses import Loss, Moments, OrderParameters, Targets
from jominy.losses.base import FLOOR
from jominy.numerics.arrays import Array, root
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import Descent, RadiusSchedule, Schedule


class Student(NamedTuple):
    """X in node q is sum_a coefficients[a, q] v_aq, plus an independent part.

    Attributes:
        coefficients: (A, Q) of X.
        residual: (A, Q) of X - X*; kept apart from `coefficients`, so that neither norm cancels.
        variance: (Q,) square norm of the part orthogonal to the basis (in the theory: d-fold variance times share).
    """

    coefficients: Array
    residual: Array
    variance: Array


class Observation(NamedTuple):
    """What is read off along a trajectory; the reported variables are functions of it."""

    order: OrderParameters
    distance_squared: Array
    teacher_overlap: Array
    rate: Array


FEW_VECTORS = 4


def inner(gram: Array, a: Array, b: Array) -> Array:
    """(Q,) inner products per node of vectors with coefficients a and b (A, Q)."""
    # Not an einsum, which XLA turns into many small matrix products; and written out while that is short, because its
    # sums over short leading axes take several times longer.
    if len(a) <= FEW_VECTORS:
        total, count = jnp.zeros(gram.shape[-1]), len(b)
        others = [_row(b, j) for j in range(count)]
        rows = gram.reshape(len(a) * count, gram.shape[-1])
        for i in range(len(a)):
            products = [_row(rows, i * count + j) * others[j] for j in range(count)]
            total += _row(a, i) * sum(products[1:], products[0])
        return total
    return jnp.sum(gram * a[:, None, :] * b[None, :, :], axis=(0, 1))


def order_parameters(nodes: Nodes, student: Student) -> OrderParameters:
    """The scalars of the student that enter every expectation."""
    size = inner(nodes.gram, student.coefficients, student.coefficients) + student.variance
    residual_size = inner(nodes.gram, student.residual, student.residual) + student.variance
    return OrderParameters(
        margin_mean=jnp.sum(nodes.mean_overlaps * student.coefficients, axis=(1, 2)),
        margin_variance=jnp.maximum(nodes.eigenvalues @ size, 0.0),
        residual_mean=jnp.sum(nodes.mean_overlaps * student.residual, axis=(1, 2)) - nodes.labels,
        residual_variance=nodes.noise_variance + jnp.maximum(nodes.eigenvalues @ residual_size, 0.0),
        norm=root(jnp.sum(size)),
        sizes=root(jnp.sum(nodes.attack * size, axis=-1)),
        teacher_mean=jnp.sum(nodes.mean_overlaps * nodes.teacher, axis=(1, 2)),
        teacher_variance=nodes.eigenvalues @ inner(nodes.gram, nodes.teacher, nodes.teacher),
        teacher_covariance=nodes.eigenvalues @ inner(nodes.gram, student.coefficients, nodes.teacher),
    )


def attack_ridges(moments: Moments, weights: Array, radius: Array, sizes: Array) -> Array:
    """(G,) eps E Psi_s / rho_g: what the attack's form M_g is multiplied by in the gradient.

    The shift of scores is s = eps sum_g rho_g. Source: theory `attacks.md` section 2; for l2, where M is the identity,
    an ordinary ridge.
    """
    return radius * (weights @ moments.shift_slope) / jnp.maximum(sizes, FLOOR)


def whole_ridge(ridges: Array) -> float:
    """eps E Psi_s / rho of the whole size, from those of its parts."""
    return float(ridges[0]) if len(ridges) == 1 else float(1 / np.sum(1 / np.asarray(ridges)))


def attack_pull(ridges: Array, forms: Array) -> Array:
    """(Q,) or (d, d) sum_g ridge_g M_g, of forms (G, ...); by NumPy where all are its arrays."""
    return (ridges.reshape(-1, *(1,) * (forms.ndim - 1)) * forms).sum(axis=0)


def gradient(nodes: Nodes, student: Student, moments: Moments, ridges: Array) -> tuple[Array, Array]:
    """(A, Q) coefficients of grad R at the student's mean, and (Q,) the diagonal `alpha` of the bulk Hessian."""
    weights, pull = nodes.weights, attack_pull(ridges, nodes.attack)
    curvature = (weights * moments.curvature) @ nodes.eigenvalues
    # Written with the residual, so that at a vanishing norm the divergent ridge meets only the vanishing student.
    surplus = (weights * (moments.curvature + moments.teacher_curvature)) @ nodes.eigenvalues
    coefficients = (
        curvature * student.residual
        + pull * student.coefficients
        + jnp.sum((weights * moments.slope)[:, None, None] * nodes.means, axis=0)
        + surplus * nodes.teacher
    )
    return coefficients, curvature + pull


def descent(
    nodes: Nodes, student: Student, optimum: Student, moments: Moments, coefficients: Array, alpha: Array
) -> Descent:
    """What a step would do to distance and risk, from the gradient's coefficients (A, Q) and alpha (Q,)."""
    error = error_coefficients(student, optimum)
    power = nodes.weights * moments.slope_squared
    return Descent(
        gradient_dot_error=jnp.sum(inner(nodes.gram, coefficients, error) + alpha * student.variance),
        gradient_squared=jnp.sum(inner(nodes.gram, coefficients, coefficients) + alpha**2 * student.variance),
        noise=power @ (nodes.eigenvalues @ nodes.shares),
        curved_noise=power @ (nodes.eigenvalues @ (nodes.shares * alpha)),
    )


def _row(table: Array, index: int) -> Array:
    """table[index], traced ten times faster."""
    return lax.index_in_dim(table, index, keepdims=False)


class Slopes(NamedTuple):
    """What every system needs to know of a student before it moves."""

    order: OrderParameters
    moments: Moments
    coefficients: Array
    alpha: Array
    descent: Descent


class OnNodes(Protocol):
    """A system on nodes: the forecast, SGD and homogenized SGD."""

    nodes: Nodes
    loss: Loss
    targets: Targets
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Student


@partial(jax.jit, inline=True)  # remembered: a program asks for it in several places
def slopes(system: OnNodes, time: Array, student: Student, memory: Array) -> Slopes:
    """Gradient and descent of a student at `time`, when the schedule's memory is `memory`."""
    nodes = system.nodes
    order = order_parameters(nodes, student)
    radius = system.radius.at(time)
    moments = system.targets.moments(system.loss, order, radius * order.size, system.rule)
    ridges = attack_ridges(moments, nodes.weights, radius, order.sizes)
    coefficients, alpha = gradient(nodes, student, moments, ridges)
    pushed = descent(nodes, student, system.optimum, moments, coefficients, alpha)
    return Slopes(order, moments, coefficients, alpha, pushed._replace(memory=memory))


def batch_memory(schedule: Schedule, pushed: Descent, length: Array) -> Array:
    """What one batch of `length` d samples adds to the memory: (1/d^2) E ||sum of its gradients||^2."""
    if not schedule.remembers:
        return jnp.zeros(())
    return length * pushed.noise + length**2 * pushed.gradient_squared


def error_coefficients(student: Student, optimum: Student) -> Array:
    """(A, Q) of X - X0, from whichever of the two representations cancels less."""
    direct = student.coefficients - optimum.coefficients
    through_teacher = student.residual - optimum.residual
    return jnp.where(jnp.abs(student.residual) < jnp.abs(student.coefficients), through_teacher, direct)


def observe(nodes: Nodes, student: Student, optimum: Student, order: OrderParameters, rate: Array) -> Observation:
    """The observation of a student at which the schedule asks for `rate`."""
    error = error_coefficients(student, optimum)
    return Observation(
        order=order,
        distance_squared=jnp.maximum(
            jnp.sum(inner(nodes.gram, error, error) + student.variance) + jnp.sum(optimum.variance), 0.0
        ),
        teacher_overlap=jnp.sum(inner(nodes.gram, student.coefficients, nodes.teacher)),
        rate=rate,
    )


def zero_optimum(nodes: Nodes) -> Student:
    """A placeholder where no schedule and no variable needs the optimum."""
    nothing = jnp.zeros_like(nodes.teacher)
    return Student(nothing, nothing - nodes.teacher, jnp.zeros_like(nodes.shares))


OUT_OF_SCALE = 1e13
"""Square size of a student from which on it counts as diverged."""


STEEPEST = 1e8
"""Mean square slope, in units of 1 + square size, from which on a student counts as diverged: only losses that grow
faster than a square get there, and they do so in finite time."""


def blowup_limiter(order: OrderParameters, moments: Moments) -> Array:
    """A factor on all velocities: one at every size that means something, smoothly zero far beyond.

    It lets a divergence end as huge finite numbers instead of overflow; see `diverged` and `blown_up`.
    """
    size = size_squared(order)
    steep = jnp.max(moments.slope_squared) / (STEEPEST * (1 + size))
    return 1 / (1 + (size / (100 * OUT_OF_SCALE)) ** 2 + steep**2)


def blown_up(order: OrderParameters, moments: Moments) -> Array:
    """Whether students (leading dimensions allowed) have met the blowup_limiter on slopes."""
    return ~(jnp.max(moments.slope_squared, axis=-1) < 0.1 * STEEPEST * (1 + size_squared(order)))


def diverged(order: OrderParameters) -> Array:
    """Whether students (leading dimensions allowed) have left every scale that means something."""
    return ~(size_squared(order) < OUT_OF_SCALE)


def sizes_of(order: OrderParameters) -> OrderParameters:
    """With what `diverged` looks at as NumPy arrays."""
    return order._replace(norm=np.asarray(order.norm), residual_variance=np.asarray(order.residual_variance))


def gone(order: OrderParameters) -> Array:
    """Whether students (leading dimensions allowed) are so far out that they may as well stay there."""
    return ~(size_squared(order) < 10 * OUT_OF_SCALE)


def size_squared(order: OrderParameters) -> Array:
    """Square norm plus residual variances."""
    return order.norm**2 + order.residual_variance.sum(axis=-1)
