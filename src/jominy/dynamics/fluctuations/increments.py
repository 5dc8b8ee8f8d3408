"""One step of SGD on the state y: mean drift F, its 1/d correction F1, and the covariance Sigma of the increments.

Source: theory `fluctuations.md` sections 1 and 2 (derived there). With xi = d (y+ - y), E xi = F + F1 / d holds exactly
for every d, and Cov xi = Sigma up to O(1/d).
"""

import jax.numpy as jnp
import numpy as np

from jominy.dynamics.fluctuations.frame import Frame
from jominy.dynamics.students import attack_pull, attack_ridges, inner
from jominy.losses import Loss, OrderParameters, Targets
from jominy.losses.base import FLOOR
from jominy.losses.steps import SLOPE, StepMoments
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.module import Module
from jominy.schedules import Descent


class Increments(Module):
    """The law of one step at order parameters theta (K,) and state y (n,), which are kept apart: see `linear_noise`.

    theta enters the drift through a few expectations, its `scalars`, and the drift is a polynomial in them, the rate
    and the state. It is affine in the state.
    """

    frame: Frame
    loss: Loss
    targets: Targets
    radius: Array
    rule: GaussianRule

    @property
    def used(self) -> np.ndarray:
        """Which entries of theta the loss reads; the others cost time and change nothing."""
        count = self.frame.nodes.weights.size
        fields = np.arange(5 * count).reshape(5, count)[list(self.targets.step_fields)]
        return np.append(fields.ravel(), 5 * count + 1 + np.arange(len(self.frame.nodes.attack)))

    def scalars(self, theta: Array) -> Array:
        """(4 n + G,) through which theta enters the drift: E_i Psi_r, Psi_rr, Psi_{r r*}, Psi_r^2, and the ridges."""
        nodes, order = self.frame.nodes, self.frame.order(theta)
        found = self.targets.moments(self.loss, order, self.radius * order.size, self.rule)
        ridges = attack_ridges(found, nodes.weights, self.radius, order.sizes)
        per_class = (found.slope, found.curvature, found.teacher_curvature, found.slope_squared)
        return jnp.concatenate([*per_class, ridges])

    def _gradient(self, scalars: Array) -> tuple[Array, Array, Array]:
        """alpha (Q,), beta (A, Q), noise (Q,): grad R = alpha X + sum_a beta_a v_a, noise = sum p E[Psi_r^2] lambda.

        The attack's ridges count on each node by its forms there, M_gq.
        """
        nodes = self.frame.nodes
        count = 4 * nodes.weights.size
        slope, curvature, pull, power = nodes.weights * scalars[:count].reshape(4, -1)
        alpha = curvature @ nodes.eigenvalues + attack_pull(scalars[count:], nodes.attack)
        beta = jnp.sum(slope[:, None, None] * nodes.means, axis=0) + (pull @ nodes.eigenvalues) * nodes.teacher
        return alpha, beta, power @ nodes.eigenvalues

    def drift(self, scalars: Array, rate: Array, state: Array) -> Array:
        """F (n,)."""
        nodes = self.frame.nodes
        _, beta, noise = self._gradient(scalars)
        pulled = self.frame.flat(rate**2 * nodes.shares * noise, -rate * jnp.sum(nodes.gram * beta[None], axis=1))
        return pulled + self.relaxation(scalars, rate, state)

    def relaxation(self, scalars: Array, rate: Array, states: Array) -> Array:
        """dF/dy at fixed scalars and rate, applied to states (..., n): every node on its own."""
        alpha, beta, _ = self._gradient(scalars)
        size, along = self.frame.rows(states)
        return self.frame.flat(-2 * rate * (alpha * size + jnp.sum(beta * along, axis=-2)), -rate * alpha * along)

    def descent(self, scalars: Array, state: Array) -> Array:
        """(4,) what a `Descent` holds, but for the memory."""
        by_state, rest = self.descent_rows(scalars)
        return by_state @ state + rest

    def descent_rows(self, scalars: Array) -> tuple[Array, Array]:
        """(4, n) and (4,): what a `Descent` holds is affine in the state at fixed scalars."""
        frame, nodes = self.frame, self.frame.nodes
        alpha, beta, noise = self._gradient(scalars)
        power = noise * nodes.shares
        towards_error = frame.flat(alpha, beta - alpha * frame.optimum)
        squared = frame.flat(alpha**2, 2 * alpha * beta)
        rest = Descent(
            gradient_dot_error=-jnp.sum(inner(nodes.gram, beta, frame.optimum)),
            gradient_squared=jnp.sum(inner(nodes.gram, beta, beta)),
            noise=jnp.sum(power),
            curved_noise=jnp.sum(power * alpha),
        )
        nothing = jnp.zeros_like(squared)
        return jnp.stack([towards_error, squared, nothing, nothing]), jnp.stack(rest[:4])  # no memory

    def spread(self, theta: Array, rate: Array, state: Array, mean: Array) -> tuple[Array, Array]:
        """Sigma (n, n) and F1 (n,); `mean` is F."""
        order = self.frame.order(theta)
        moments = self.targets.step_moments(self.loss, order, self.radius, self.rule)
        form = self._form(order)
        columns = self._columns(state, rate, moments, form)
        weights, second = self.frame.nodes.weights, moments.second
        told = jnp.einsum("i,ipm,ipk,ikn->mn", weights, columns, second, columns)
        covariance = told + self._beside_the_score(state, rate, second) - mean[:, None] * mean
        return covariance, self._correction(state, rate, moments, form)

    def _form(self, order: OrderParameters) -> Array:
        """(Q,) sum_g (rho / rho_g) M_g: the form of a single attack of the same pull, whose size is rho."""
        sizes = jnp.maximum(order.sizes, FLOOR)
        return attack_pull(jnp.maximum(order.size, FLOOR) / sizes, self.frame.nodes.attack)

    def _score_overlaps(self, state: Array, moments: StepMoments) -> tuple[Array, Array]:
        """Covariance of the score's directions with <x, X> (i, c, Q) and with <x, v_a> (i, c, A, Q)."""
        nodes = self.frame.nodes
        size, along = self.frame.rows(state)
        with_student = jnp.stack([size, jnp.sum(nodes.teacher * along, axis=0)])
        with_basis = jnp.stack([along, jnp.sum(nodes.gram * nodes.teacher[None], axis=1)])
        eigenvalues = nodes.eigenvalues[:, None]
        return (
            eigenvalues * jnp.einsum("ick,kq->icq", moments.directions, with_student),
            eigenvalues[:, None] * jnp.einsum("ick,kaq->icaq", moments.directions, with_basis),
        )

    def _columns(self, state: Array, rate: Array, moments: StepMoments, form: Array) -> Array:
        """(i, p, n) the increment of each class as a linear function of the features."""
        frame, nodes = self.frame, self.frame.nodes
        size, along = frame.rows(state)
        with_student, with_basis = self._score_overlaps(state, moments)
        on_means = frame.flat(2 * jnp.sum(nodes.means * along, axis=1), nodes.mean_overlaps)[:, None]
        on_score = frame.flat(2 * with_student, with_basis)
        on_self = jnp.broadcast_to(frame.flat(2 * form * size, form * along), on_means.shape)
        square = frame.flat(nodes.eigenvalues * nodes.shares, jnp.zeros_like(nodes.mean_overlaps))[:, None]
        return jnp.concatenate([-rate * on_means, -rate * on_score, -rate * on_self, rate**2 * square], axis=1)

    def _beside_the_score(self, state: Array, rate: Array, second: Array) -> Array:
        """(n, n) from the sample's parts that the score does not tell: blocks of single nodes."""
        frame, nodes = self.frame, self.frame.nodes
        size, along = frame.rows(state)
        top = jnp.concatenate([4 * size[None], 2 * along])
        below = jnp.concatenate([2 * along[:, None], nodes.gram], axis=1)
        blocks = jnp.concatenate([top[None], below])
        power = rate**2 * (nodes.weights * second[:, SLOPE, SLOPE]) @ nodes.eigenvalues
        count = blocks.shape[0] * blocks.shape[2]
        return jnp.einsum("abq,qr->aqbr", power * blocks, jnp.eye(blocks.shape[2])).reshape(count, count)

    def _correction(self, state: Array, rate: Array, moments: StepMoments, form: Array) -> Array:
        """F1 (n,): nothing on the overlaps."""
        frame, nodes = self.frame, self.frame.nodes
        size, along = frame.rows(state)
        with_student, with_basis = self._score_overlaps(state, moments)
        second = moments.second[..., None]
        first, last = SLOPE + 1, moments.second.shape[1] - 2  # the score's directions, and the shrinkage
        towards = jnp.sum(nodes.teacher * along, axis=0)
        teacher = inner(nodes.gram, nodes.teacher, nodes.teacher)
        gram = jnp.stack([jnp.stack([size, towards]), jnp.stack([towards, teacher])])
        pairs = jnp.einsum("ick,klq,iel->iceq", moments.directions, gram, moments.directions)
        mean_score = jnp.einsum("iaq,icaq->icq", nodes.means, with_basis)
        per_class = (
            second[:, SLOPE, SLOPE] * jnp.sum(nodes.means * nodes.mean_overlaps, axis=1)
            + 2 * jnp.sum(mean_score * second[:, SLOPE, first:last], axis=1)
            + nodes.eigenvalues**2 * jnp.sum(pairs * second[:, first:last, first:last], axis=(1, 2))
            + 2 * second[:, SLOPE, last] * form * jnp.sum(nodes.means * along, axis=1)
            + 2 * form * jnp.sum(second[:, first:last, last] * with_student, axis=1)
            + second[:, last, last] * form**2 * size
        )
        return frame.flat(rate**2 * (nodes.weights @ per_class), 0 * along)
