"""The deterministic equivalent of SGD on a Gaussian mixture with several labels: means and covariances of the weights.

The weights W (K, d) have in each eigen-coordinate a mean m (K,) and, times d, a covariance v (K, K) that all
coordinates of equal eigenvalues share.

Source: theory `multiclass.md` sections 1, 2, 4 and 5.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.classes.mixture_law import FEW_CLASSES, FlowState, ScoreLaw
from jominy.dynamics.classes.moves import GramMoves
from jominy.dynamics.classes.readout import right_under
from jominy.losses.classes import margins
from jominy.losses.softmax import SoftmaxLoss
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.precision import as_precise_as
from jominy.schedules import UNKNOWN_DESCENT, RadiusSchedule, Schedule


class FlowSeen(NamedTuple):
    """What is reported at R radii, of which those of training and zero are the first two.

    Attributes:
        risk, accuracy: (R,).
        class_accuracy: (2, K) at the training radius and at zero.
        norm, distance, rate: (); the distance is that to the nearest optimum.
    """

    risk: Array
    accuracy: Array
    class_accuracy: Array
    norm: Array
    distance: Array
    rate: Array


class LocalFlow(NamedTuple):
    """What single samples pull with.

    Attributes:
        gradient: (K, Q) on average, at the mean weights.
        hessian, noise: (G, K, K) its derivative, and its second moment, by group of coordinates.
        ridge: () what attacks add to the Hessian, at most.
    """

    gradient: Array
    hessian: Array
    noise: Array
    ridge: Array


class ClassFlow(Module):
    """dW/dt of the deterministic equivalent.

    Attributes:
        law: of the scores.
        best: (K, Q) the optimum, or zeros; only differences of its rows count.
        points, read_points: (S, K - 1) standard normals.
        radii: at which risk and accuracy are reported beside that of training, zero first.
        gain: () what the optimizer makes of a rate: steps along means of batches go 1 / batch_size as far in time, with
            momentum 1 / (1 - momentum).
        decay: () of the weights, in units of the rate.
    """

    law: ScoreLaw
    best: Array
    points: Array
    read_points: Array
    loss: SoftmaxLoss
    schedule: Schedule
    radius: RadiusSchedule
    radii: Array
    gain: Array
    decay: Array

    def local(self, time: Array, state: FlowState) -> LocalFlow:
        """What single samples pull with at a state."""
        law = self.law
        scores, gram, _ = law.scores(state, self.points)
        moves, radius = GramMoves.of_gram(gram), self.radius.at(time)

        def averages(scores: Array, own: Array) -> tuple[Array, Array, Array, Array]:
            own = jnp.broadcast_to(own[:, None], scores.shape)
            seen = self.loss.response(scores, own, moves, gram, radius)
            square = seen.scores @ seen.scores.T / scores.shape[1]
            return jnp.mean(seen.scores, axis=1), jnp.mean(seen.slope, axis=2), square, jnp.mean(seen.attack, axis=2)

        pull, slope, square, attack = jax.vmap(averages)(scores, law.own.T)
        along = jnp.einsum("c,ckl->kl", law.weights, attack)
        curvature = jnp.einsum("c,cg,ckl->gkl", law.weights, law.eigenvalues, slope)
        hessian = curvature + law.reach[:, None, None] * along
        drift = jnp.einsum("c,ck,cq->kq", law.weights, pull, law.means)
        return LocalFlow(
            jnp.einsum("qkl,lq->kq", hessian[law.places], state.mean) + drift,
            hessian,
            jnp.einsum("c,cg,ckl->gkl", law.weights, law.eigenvalues, square),
            jnp.linalg.norm(along) * jnp.max(law.reach),
        )

    def velocity(self, time: Array, state: FlowState) -> FlowState:
        """Time derivative of the state."""
        local = self.local(time, state)
        rate = self.schedule.rate(time, UNKNOWN_DESCENT)
        step, decay = rate * self.gain, rate * self.decay
        shrunk = step * (local.hessian @ state.variance) + decay * state.variance
        noise = step**2 * local.noise
        return FlowState(-(step * local.gradient + decay * state.mean), noise - (shrunk + jnp.swapaxes(shrunk, 1, 2)))

    def observe(self, time: Array, state: FlowState) -> FlowSeen:
        """What the weights do; those of one run are a state without variance."""
        law = self.law
        scores, gram, whole = law.scores(state, self.read_points)
        radii = jnp.concatenate([jnp.reshape(self.radius.at(time), (1,)), self.radii])
        away = law.differences.T @ (state.mean - self.best)
        spread = jnp.einsum("g,gkl->kl", law.shares, state.variance)
        distance = jnp.sqrt(jnp.sum(away**2) + jnp.trace(law.differences.T @ spread @ law.differences))
        # In single precision, in which the ascent to the largest loss ends sooner: good to 1e-5, the points to 1e-3.
        scores, gram, radii, own_classes = as_precise_as(np.float32(0), (scores, gram, radii, law.own))
        moves = GramMoves.of_gram(gram)

        def read(scores: Array, own: Array) -> tuple[Array, Array]:
            own = jnp.broadcast_to(own[:, None], scores.shape)
            gaps, pairs = margins(scores, own), moves.pairs(own)

            def at(radius: Array) -> tuple[Array, Array]:
                risk = self.loss.adversarial_value(scores, own, moves, radius)
                right = right_under(gaps - radius * pairs, own == 0)
                return jnp.mean(risk.astype(float)), jnp.mean(right.astype(float))

            return jax.lax.map(at, radii)

        risk, right = jax.vmap(read)(scores, own_classes.T)  # (C, R)
        shares = law.own @ law.weights
        by_class = (law.own * law.weights) @ right[:, :2] / shares[:, None]
        rate = self.schedule.rate(time, UNKNOWN_DESCENT)
        return FlowSeen(
            law.weights @ risk, law.weights @ right, by_class.T, jnp.sqrt(jnp.trace(whole)), distance,
            jnp.asarray(rate, float),
        )  # fmt: skip


def trained_points(classes: int) -> int:
    """Points of the averages that move the weights."""
    return 256 if classes <= FEW_CLASSES else 64
