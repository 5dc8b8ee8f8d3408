"""Mean and covariance of the weights of several classes through finite steps of SGD on a user's own rows.

Rows are components without spread of their own: the scores of each are Gaussian, and so are the weights W (K, d), by
assumption. In principal coordinates the covariance is whole among the first r, and among the classes of each of the
others. A step is an affine map of the weights, and steps with the same coefficients are taken together by doubling.

Source: theory `multiclass.md` sections 2 and 4.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.classes.moves import GramMoves
from jominy.dynamics.simulation.steps import LARGEST_SQUARE
from jominy.losses.classes import ClassLoss
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.optimizers import LinearStep, Optimizer
from jominy.schedules import UNKNOWN_DESCENT, RadiusSchedule, Schedule

BRISK = 0.3
"""Rate times the attack's ridge times steps that are not exceeded at once: the ridge itself would change too much."""
JITTER = 1e-9
"""Of a covariance's trace: its root is then known."""


class Block(NamedTuple):
    """Gaussian laws of B vectors by themselves, of P parts with m entries each (weights, buffer).

    Attributes:
        mean: (B, P m).
        covariance: (B, P m, P m).
    """

    mean: Array
    covariance: Array

    def weights(self, size: int) -> Block:
        """The law of the first part alone, of m = `size` entries."""
        return Block(self.mean[:, :size], self.covariance[:, :size, :size])


class WeightLaw(NamedTuple):
    """The law of weights in principal coordinates, and of what an optimizer keeps beside them.

    Attributes:
        front: one vector, of the first r coordinates, each with its K classes.
        rest: a vector of K classes for each of the others.
    """

    front: Block
    rest: Block

    @property
    def square(self) -> Array:
        """() E |W|^2, and what is kept beside them."""
        front, rest = self
        spread = jnp.trace(front.covariance[0]) + jnp.sum(jnp.trace(rest.covariance, axis1=1, axis2=2))
        return jnp.sum(front.mean**2) + jnp.sum(rest.mean**2) + spread

    def beyond(self, size: float) -> WeightLaw:
        """One whose weights are of this size, each."""
        nothing = jax.tree.map(jnp.zeros_like, self)
        return nothing._replace(front=nothing.front._replace(mean=nothing.front.mean + size))


class Local(NamedTuple):
    """What a step meets at a law of the weights.

    Attributes:
        gradient: (d, K) mean gradient.
        hessians: ((1, rK, rK), (d - r, K, K)).
        noises: the same, covariance of one row's gradient over rows and weights.
        ridge: () what attacks add to the Hessian, at most.
    """

    gradient: Array
    hessians: tuple[Array, Array]
    noises: tuple[Array, Array]
    ridge: Array


class ClassRecursion(Module):
    """Steps of SGD on rows, as maps of a law of the weights.

    Attributes:
        rows: (n, d) in principal coordinates.
        own: (K, n) ones at their classes.
        counts: (n,) their weights in the loss.
        form: (d, d) of the attack in these coordinates: its size is the root of X' form X.
        normals: (n, S, K - 1) points of the average over scores.
        differences: (K, K - 1) orthonormal columns whose sum over classes is zero.
        noise_share: () of a row's noise that is left in the mean over a batch.
    """

    rows: Array
    own: Array
    counts: Array
    form: Array
    normals: Array
    differences: Array
    noise_share: Array
    loss: ClassLoss
    schedule: Schedule
    optimizer: Optimizer
    radius: RadiusSchedule

    @property
    def dimension(self) -> int:
        """Of the rows."""
        return self.rows.shape[1]

    def means(self, law: WeightLaw) -> Array:
        """(d, K) of the weights."""
        classes, front = len(self.own), self._front(law)
        first = law.front.mean[0, : front * classes].reshape(front, classes)
        return jnp.concatenate([first, law.rest.mean[:, :classes]])

    def local(self, law: WeightLaw, time: Array) -> Local:
        """Gradient, Hessian and noise at a law of the weights."""
        (classes, count), front, x = self.own.shape, self._front(law), self.rows
        ahead, behind = x[:, :front], x[:, front:]
        means = self.means(law)
        joint = law.front.weights(front * classes).covariance.reshape(front, classes, front, classes)
        joint = jnp.swapaxes(joint, 1, 2)  # (r, r, K, K)
        single = law.rest.weights(classes).covariance
        squares = (ahead[:, :, None] * ahead[:, None]).reshape(count, front**2)
        spread = squares @ joint.reshape(front**2, classes**2) + behind**2 @ single.reshape(len(single), classes**2)
        reach = jnp.diag(self.form)[front:]
        gram = means.T @ self.form @ means + jnp.einsum("jk,jkab->ab", self.form[:front, :front], joint)
        gram = gram + jnp.einsum("j,jab->ab", reach, single)
        scores = self._scores(x @ means, spread.reshape(count, classes, classes))
        points = scores.shape[2]
        own = jnp.repeat(self.own[:, :, None], points, axis=2).reshape(classes, -1)
        radius = self.radius.at(time)
        seen = self.loss.response(scores.reshape(classes, -1), own, GramMoves.of_gram(gram), gram, radius)

        def averaged(values: Array) -> Array:
            return jnp.mean(values.reshape(*values.shape[:-1], count, points), axis=-1)

        pull, slope = averaged(seen.scores), averaged(seen.slope).reshape(classes**2, count)
        power = averaged(seen.scores[:, None] * seen.scores).reshape(classes**2, count)
        attack = averaged(seen.attack) @ self.counts / count
        pushed = self.form @ means  # (d, K)
        attacked = x + averaged(seen.reached).T @ pushed.T
        gradient = x.T @ (self.counts * pull).T / count + pushed @ attack.T

        def sums(values: Array) -> tuple[Array, Array]:
            """Sums over rows of attacked x x' times (K, K)."""
            ahead, behind = attacked[:, :front], attacked[:, front:]
            pairs = (ahead[:, :, None] * ahead[:, None]).reshape(count, front**2)
            joint = (pairs.T @ values.T).reshape(front, front, classes, classes)
            return _matrix(joint)[None], (behind.T**2 @ values.T).reshape(behind.shape[1], classes, classes)

        hessians = sums(self.counts * slope / count)
        on_front = _matrix(self.form[:front, :front, None, None] * attack)
        hessians = (hessians[0] + on_front, hessians[1] + reach[:, None, None] * attack)
        noises = sums(self.counts**2 * power / count)
        along = gradient[:front].reshape(-1)
        behind = gradient[front:]
        noises = (noises[0] - along[:, None] * along, noises[1] - behind[:, :, None] * behind[:, None])
        return Local(gradient, hessians, noises, jnp.linalg.norm(attack) * jnp.max(jnp.diag(self.form)))

    def steps(self, law: WeightLaw, seen: WeightLaw, local: Local, linear: LinearStep, count: Array) -> WeightLaw:
        """The law after `count` steps with the coefficients met at a law that was `seen`."""
        classes, front = len(self.own), self._front(law)
        gradients = local.gradient[:front].reshape(1, -1), local.gradient[front:]
        sizes = front * classes, classes
        met = zip(law, seen, sizes, gradients, local.hessians, local.noises, strict=True)

        def moved(block: Block, there: Block, size: int, gradient: Array, hessian: Array, noise: Array) -> Block:
            there = there.weights(size)
            # Only what the weights do not tell is divided by the batch.
            single = self.noise_share * (noise - congruence(hessian, there.covariance))
            return many_steps(block, there, gradient, hessian, single, linear, count)

        return WeightLaw(*(moved(*one) for one in met))

    def _front(self, law: WeightLaw) -> int:
        return self.rows.shape[1] - len(law.rest.mean)

    def _scores(self, centres: Array, spread: Array) -> Array:
        """(K, n, S) points of Gaussian scores with centres (n, K) and covariances (n, K, K), without their mean."""
        told = self.differences.T @ spread @ self.differences
        size = jnp.trace(told, axis1=1, axis2=2)[:, None, None]
        roots = jnp.linalg.cholesky(told + (JITTER * size + jnp.finfo(float).tiny ** 0.5) * jnp.eye(told.shape[-1]))
        points = (centres @ self.differences)[:, None] + jnp.einsum("nij,nsj->nsi", roots, self.normals)
        return jnp.moveaxis(points @ self.differences.T, 2, 0)


def start_law(mean: np.ndarray, variance: float, front: int, parts: int) -> WeightLaw:
    """That of weights (d, K) with independent entries of this variance, beside buffers of zero."""
    dimension, classes = mean.shape

    def block(mean: np.ndarray) -> Block:
        number, size = mean.shape
        covariance = np.zeros((number, parts * size, parts * size))
        covariance[:, :size, :size] = variance * np.eye(size)
        return Block(np.pad(mean, ((0, 0), (0, (parts - 1) * size))), covariance)

    return WeightLaw(block(mean[:front].reshape(1, front * classes)), block(mean[front:]))


class FiniteSteps(Protocol):
    """Steps of SGD as maps of a law of the weights; `noise_share` of a sample's noise is left in a batch's mean."""

    schedule: Schedule
    optimizer: Optimizer

    @property
    def dimension(self) -> int:
        """By which rates are divided."""

    def local(self, law: Any, time: Array) -> Any:
        """What a step meets at a law: it has a `ridge`."""

    def steps(self, law: Any, seen: Any, local: Any, linear: LinearStep, count: Array) -> Any:
        """The law after `count` steps with the coefficients met at a law that was `seen`."""


@jax.jit
def advance(problem: FiniteSteps, law: Any, first: Array, length: Array) -> Any:
    """The law after `length` steps from step `first` on, in pieces with the coefficients of their middle.

    A law tells its `square`, and is one `beyond` a size where it has left all scales.
    """
    step_time = problem.optimizer.batch_size / problem.dimension

    def rate_at(step: Array) -> Array:
        return jnp.asarray(problem.schedule.rate(step * step_time, UNKNOWN_DESCENT), float)

    def linear(step: Array) -> LinearStep:
        return problem.optimizer.linear(rate_at(step) / problem.dimension, step == 0)

    def body(state: Any) -> Any:
        done, law = state
        step = first + done
        here = problem.local(law, step * step_time)
        gone = rate_at(step) * problem.optimizer.gain * problem.optimizer.batch_size
        most = jnp.floor(BRISK * problem.dimension / jnp.maximum(gone * here.ridge, 1e-9))
        bearable = jnp.clip(jnp.where(jnp.isfinite(most), most, 1.0), 1, length - done).astype(length.dtype)
        span = bearable - 1 + bearable % 2  # of an odd number of steps one is in the middle

        def alone() -> Any:
            return problem.steps(law, law, here, linear(step), jnp.ones_like(span))

        def together() -> Any:
            half = (span - 1) // 2
            middle = problem.steps(law, law, here, linear(step), half)
            there = problem.local(middle, (step + half) * step_time)
            return problem.steps(law, middle, there, linear(step + half), span)

        moved = jax.lax.cond(span > 1, together, alone)
        lost = ~(moved.square < LARGEST_SQUARE)
        beyond = moved.beyond(LARGEST_SQUARE**0.5)
        return done + span, jax.tree.map(lambda new, far: jnp.where(lost, far, new), moved, beyond)

    return jax.lax.while_loop(lambda state: state[0] < length, body, (jnp.zeros_like(length), law))[1]


def many_steps(
    block: Block, seen: Block, gradient: Array, hessian: Array, noise: Array, linear: LinearStep, count: Array,
    places: Array | None = None,
) -> Block:  # fmt: skip
    """`count` steps of vectors (B, P m) whose weights have a gradient (B, m), Hessian and noise (B, m, m).

    Gradient and Hessian are those where the weights were `seen`; the noise is the covariance of the gradient's part
    that the weights do not tell. Of means (Q, P m) many may share a covariance: that at their `places` (Q,).
    """
    own, pulls = linear
    parts, size = len(pulls), gradient.shape[1]

    def joined(outer: Array, inner: Array) -> Array:
        """(B, P m, P m) of (P, P) times (B, m, m)."""
        blocks = jnp.einsum("pq,bij->bpiqj", outer, inner)
        return blocks.reshape(len(inner), parts * size, parts * size)

    def applied(step: Array, vectors: Array) -> Array:
        return jnp.einsum("bij,bj->bi", step if places is None else step[places], vectors)

    felt = jnp.zeros((parts, parts)).at[:, 0].set(pulls)
    keep = jnp.broadcast_to(jnp.eye(size), hessian.shape)
    there = gradient - applied(hessian, seen.mean)
    begin = (
        count,
        block,
        joined(own, keep) + joined(felt, hessian),
        jnp.einsum("p,bi->bpi", pulls, there).reshape(len(there), parts * size),
        joined(pulls[:, None] * pulls, noise),
    )

    def doubled(state: Any) -> Any:
        left, law, step, offset, noise = state
        moved = Block(applied(step, law.mean) + offset, congruence(step, law.covariance) + noise)
        law = jax.tree.map(lambda new, old: jnp.where(left % 2 == 1, new, old), moved, law)
        return left // 2, law, step @ step, applied(step, offset) + offset, congruence(step, noise) + noise

    return jax.lax.while_loop(lambda state: state[0] > 0, doubled, begin)[1]


def congruence(step: Array, covariance: Array) -> Array:
    """A V A' of matrices (B, m, m)."""
    return step @ covariance @ jnp.swapaxes(step, 1, 2)


def _matrix(blocks: Array) -> Array:
    """(r K, r K) of blocks (r, r, K, K)."""
    front, _, classes, _ = blocks.shape
    return jnp.swapaxes(blocks, 1, 2).reshape(front * classes, front * classes)
