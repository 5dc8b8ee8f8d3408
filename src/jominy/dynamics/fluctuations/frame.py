"""The state whose fluctuations are followed: square norm and overlaps of the student in each node.

Source: theory `fluctuations.md` section 1. Order parameters, distance to the optimum and overlap with the teacher are
affine in it, with constant coefficients; everything nonlinear goes through them.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.data.nodes import FixedVectors, Nodes
from jominy.dynamics.students import Student, inner
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module


class Frame(Module):
    """How a state y (1 + A, Q) is made and read: row 0 holds S_q = ||X_q||^2, row 1 + a holds M_aq = <X_q, v_aq>.

    The v_a are the fixed vectors that span the class means and the teacher. A start outside their span is left out:
    no expectation depends on the overlap with it.

    Attributes:
        nodes: written in the basis v_1 .. v_A.
        everything: written in all fixed vectors, as the forecast's students are.
        kept: which of all fixed vectors the v_a are.
        optimum: (A, Q) coefficients of the adversarial optimum.
        teacher_mean, teacher_variance: (n,) order parameters that do not move.
        matrix: (K + 2, n) gradient of the K order parameters (norm and sizes squared), of the squared distance to the
            optimum and of the overlap with the teacher; n = (1 + A) Q.
    """

    nodes: Nodes
    everything: Nodes
    kept: tuple[int, ...] = eqx.field(static=True)
    optimum: Array
    teacher_mean: Array
    teacher_variance: Array
    matrix: Array

    def state(self, student: Student) -> Array:
        """(n,) of a student whose coefficients belong to all fixed vectors."""
        gram, coefficients = self.everything.gram, student.coefficients
        size = inner(gram, coefficients, coefficients) + student.variance
        along = [jnp.sum(gram[index] * coefficients, axis=0) for index in self.kept]
        return jnp.concatenate([size, *along])

    def rows(self, state: Array) -> tuple[Array, Array]:
        """S (..., Q) and M (..., A, Q) of states (..., n)."""
        table = state.reshape(*state.shape[:-1], 1 + len(self.kept), -1)
        return table[..., 0, :], table[..., 1:, :]

    def flat(self, size: Array, along: Array) -> Array:
        """(..., n) from rows (..., Q) and (..., A, Q)."""
        table = jnp.concatenate([size[..., None, :], along], axis=-2)
        return table.reshape(*table.shape[:-2], -1)

    def order(self, theta: Array) -> OrderParameters:
        """The inverse of `as_vector`."""
        count = self.nodes.weights.size
        margin_mean, margin_variance, residual_mean, residual_variance, covariance = jnp.split(theta[: 5 * count], 5)
        return OrderParameters(
            margin_mean=margin_mean,
            margin_variance=margin_variance,
            residual_mean=residual_mean,
            residual_variance=residual_variance,
            norm=jnp.sqrt(theta[5 * count]),
            sizes=jnp.sqrt(theta[5 * count + 1 :]),
            teacher_mean=self.teacher_mean,
            teacher_variance=self.teacher_variance,
            teacher_covariance=covariance,
        )


def make_frame(nodes: Nodes, fixed: FixedVectors, optimum: Student) -> Frame:
    """The frame on the nodes of a forecast."""
    kept = np.flatnonzero(np.any(fixed.means != 0, axis=0) | (fixed.teacher != 0))
    own = nodes._replace(
        gram=nodes.gram[np.ix_(kept, kept)],
        means=nodes.means[:, kept],
        mean_overlaps=nodes.mean_overlaps[:, kept],
        teacher=nodes.teacher[kept],
    )
    target = _on_kept(nodes.gram, np.asarray(optimum.coefficients), kept)
    teacher_mean = np.sum(own.mean_overlaps * own.teacher, axis=(1, 2))
    size = np.einsum("abq,aq,bq->q", own.gram, own.teacher, own.teacher)
    return Frame(
        nodes=own,
        everything=nodes,
        kept=tuple(int(index) for index in kept),
        optimum=target,
        teacher_mean=teacher_mean,
        teacher_variance=own.eigenvalues @ size,
        matrix=_matrix(own, target),
    )


def _on_kept(gram: np.ndarray, coefficients: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(A, Q) coefficients of a vector in some of the fixed vectors, with the same overlaps with these."""
    others = np.setdiff1d(np.arange(len(gram)), kept)
    if not np.any(coefficients[others]):
        return coefficients[kept]
    inverse = np.linalg.pinv(np.moveaxis(gram[np.ix_(kept, kept)], 2, 0), rcond=1e-12, hermitian=True)
    overlaps = np.einsum("abq,bq->qa", gram[np.ix_(kept, others)], coefficients[others])
    return coefficients[kept] + np.einsum("qab,qb->aq", inverse, overlaps)


def _matrix(nodes: Nodes, optimum: np.ndarray) -> np.ndarray:
    spread, means, teacher = nodes.eigenvalues[:, None], nodes.means, nodes.teacher[None]
    nothing, ones = np.zeros_like(spread), np.ones((1, 1, nodes.shares.size))
    rows = [
        (nothing, means),
        (spread, 0 * means),
        (nothing, means),
        (spread, -2 * spread * teacher),
        (nothing, spread * teacher),
        (ones, 0 * teacher),
        (nodes.attack[:, None], np.repeat(0 * teacher, len(nodes.attack), axis=0)),
        (ones, -2 * optimum[None]),
        (0 * ones, teacher),
    ]
    blocks = [np.concatenate(row, axis=1) for row in rows]
    return np.concatenate(blocks).reshape(-1, blocks[0][0].size)


def as_vector(order: OrderParameters) -> Array:
    """(..., K) the order parameters that are affine in the state; norm and sizes are squared."""
    return jnp.concatenate(
        [
            order.margin_mean,
            order.margin_variance,
            order.residual_mean,
            order.residual_variance,
            order.teacher_covariance,
            order.norm[..., None] ** 2,
            order.sizes**2,
        ],
        axis=-1,
    )
