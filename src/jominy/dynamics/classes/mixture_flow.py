"""The deterministic equivalent of SGD on a Gaussian mixture with several labels: means and covariances of the weights.

The weights W (K, d) have in each eigen-coordinate a mean m (K,) and, times d, a covariance v (K, K) that all
coordinates of equal eigenvalues share. Scores of component c are N(M mu_c, sum lambda F), with F the Gram matrices of
the groups of coordinates; averages over scores are sums over antithetic Sobol' points, the same for every component.

Source: theory `multiclass.md` sections 1, 2 and 5.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.classes.moves import GramMoves
from jominy.dynamics.classes.readout import right_under
from jominy.losses.classes import margins
from jominy.losses.softmax import SoftmaxLoss, ascent, slopes
from jominy.numerics.arrays import Array
from jominy.numerics.precision import as_precise_as
from jominy.schedules import UNKNOWN_DESCENT, RadiusSchedule, Schedule

FEW_CLASSES = 4
"""Up to so many classes averages take more points: of many classes errors average out (`multiclass.md` section 5)."""
EXACT_STEPS = 10
"""Of the attack in training where it is the exact one: more change nothing (`multiclass.md` section 1)."""
JITTER = 1e-9
SMALLEST_ROOT = 1e-4
"""Scores that attacks of radius one move by less have no direction: at zero weights there is none."""


class FlowState(NamedTuple):
    """What evolves: `mean` (K, Q) of the weights by eigen-coordinate, `variance` (G, K, K) by group, times d."""

    mean: Array
    variance: Array


class FlowSeen(NamedTuple):
    """What is reported at R radii, of which those of training and zero are the first two.

    Attributes:
        risk, accuracy: (R,).
        class_accuracy: (2, K) at the training radius and at zero.
        norm, rate: ().
    """

    risk: Array
    accuracy: Array
    class_accuracy: Array
    norm: Array
    rate: Array


class ClassFlow(eqx.Module):
    """dW/dt of the deterministic equivalent.

    Attributes:
        means: (C, Q) coordinates of the components' means.
        eigenvalues: (C, G) of each group of coordinates.
        places: (Q,) the group of each coordinate.
        shares: (G,) share of the coordinates of each group.
        weights: (C,) of the components.
        own: (K, C) ones at their labels.
        points, read_points: (S, K) standard normals.
        radii: at which risk and accuracy are reported beside that of training, zero first.
    """

    means: Array
    eigenvalues: Array
    places: Array
    shares: Array
    weights: Array
    own: Array
    points: Array
    read_points: Array
    loss: SoftmaxLoss
    schedule: Schedule
    radius: RadiusSchedule
    radii: Array

    def velocity(self, time: Array, state: FlowState) -> FlowState:
        """Time derivative of the state."""
        scores, gram = self._scores(state, self.points)
        moves, radius = GramMoves.of_gram(gram), self.radius.at(time)
        rate = self.schedule.rate(time, UNKNOWN_DESCENT)

        def averages(scores: Array, own: Array) -> tuple[Array, Array, Array, Array]:
            return self._averages(scores, jnp.broadcast_to(own[:, None], scores.shape), moves, gram, radius)

        pull, slope, square, attack = jax.vmap(averages)(scores, self.own.T)
        along = jnp.einsum("c,ckl->kl", self.weights, attack)
        hessian = jnp.einsum("c,cg,ckl->gkl", self.weights, self.eigenvalues, slope) + along
        drift = jnp.einsum("c,ck,cq->kq", self.weights, pull, self.means)
        mean = -rate * (jnp.einsum("qkl,lq->kq", hessian[self.places], state.mean) + drift)
        noise = rate**2 * jnp.einsum("c,cg,ckl->gkl", self.weights, self.eigenvalues, square)
        shrunk = hessian @ state.variance
        return FlowState(mean, noise - rate * (shrunk + jnp.swapaxes(shrunk, 1, 2)))

    def observe(self, time: Array, state: FlowState) -> FlowSeen:
        """What the weights do; those of one run are a state without variance."""
        scores, gram = self._scores(state, self.read_points)
        radii = jnp.concatenate([jnp.reshape(self.radius.at(time), (1,)), self.radii])
        norm = jnp.sqrt(jnp.trace(gram))
        # In single precision, in which the ascent to the largest loss ends sooner: good to 1e-5, the points to 1e-3.
        scores, gram, radii, own_classes = as_precise_as(np.float32(0), (scores, gram, radii, self.own))
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
        shares = self.own @ self.weights
        by_class = (self.own * self.weights) @ right[:, :2] / shares[:, None]
        rate = self.schedule.rate(time, UNKNOWN_DESCENT)
        return FlowSeen(self.weights @ risk, self.weights @ right, by_class.T, norm, jnp.asarray(rate, float))

    def _scores(self, state: FlowState, points: Array) -> tuple[Array, Array]:
        """Points (C, K, S) of the components' scores, and the Gram matrix (K, K) of the weights."""
        groups = len(self.shares)
        squares = state.mean.T[:, :, None] * state.mean.T[:, None, :]
        grams = jax.ops.segment_sum(squares, self.places, groups) + self.shares[:, None, None] * state.variance
        covariances = jnp.einsum("cg,gkl->ckl", self.eigenvalues, grams)
        size = jnp.trace(covariances, axis1=1, axis2=2)[:, None, None]
        eye = jnp.eye(covariances.shape[-1])
        roots = jnp.linalg.cholesky(covariances + (JITTER * size + jnp.finfo(float).tiny ** 0.5) * eye)
        centres = state.mean @ self.means.T
        return centres.T[:, :, None] + roots @ points.T, jnp.sum(grams, axis=0)

    def _averages(
        self, scores: Array, own: Array, moves: GramMoves, gram: Array, radius: Array
    ) -> tuple[Array, Array, Array, Array]:
        """E u (K,), E J, E u u' and radius E u v'/rho (K, K), over points (K, S) of one component."""
        steps = EXACT_STEPS if self.loss.attack_steps is None else self.loss.attack_steps
        clean = slopes(scores, own)
        count = scores.shape[1]
        if steps == 0:
            return jnp.mean(clean, axis=1), _mean(_curvature(clean, own)), clean @ clean.T / count, jnp.zeros_like(gram)
        # Before the last step the direction is that of the attack itself, up to what the ascent has left.
        direction = ascent(scores, own, moves, radius, steps)
        attacked = scores + radius * moves.shift(direction)
        u = slopes(attacked, own)
        v = clean if steps == 1 else u
        moved = gram @ v
        square = jnp.sum(v * moved, axis=0)
        root = jnp.sqrt(square + SMALLEST_ROOT**2)
        bend = radius * (
            gram[:, :, None] / root - moved[:, None] * moved / root**3
        )  # (K, K, S), by how much the shift follows v
        here = _curvature(u, own)
        if steps == 1:
            slope = here + _product(_product(here, bend), _curvature(clean, own))
        else:
            stay = jnp.eye(len(u))[:, :, None] - _product(here, bend)
            slope = jnp.moveaxis(jnp.linalg.solve(jnp.moveaxis(stay, 2, 0), jnp.moveaxis(here, 2, 0)), 0, 2)
        return jnp.mean(u, axis=1), _mean(slope), u @ u.T / count, radius * (u / root) @ v.T / count


def _curvature(slope: Array, own: Array) -> Array:
    """(K, K, S) diag p - p p' of the probabilities p = slope + own."""
    likely = slope + own
    return jnp.eye(len(likely))[:, :, None] * likely - likely[:, None] * likely


def _product(one: Array, other: Array) -> Array:
    return jnp.einsum("kls,lms->kms", one, other)


def _mean(values: Array) -> Array:
    return jnp.mean(values, axis=-1)


def trained_points(classes: int) -> int:
    """Points of the averages that move the weights."""
    return 256 if classes <= FEW_CLASSES else 64


def read_points(classes: int) -> int:
    """Points of the averages that are reported."""
    return 1024 if classes <= FEW_CLASSES else 512


def antithetic_points(count: int, dimension: int) -> np.ndarray:
    """(count, K) standard normals by a scrambled Sobol' sequence, each with its mirror image."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    half = qmc.Sobol(dimension, seed=0).random(count // 2)
    normals = ndtri(np.clip(half, 1e-12, 1 - 1e-12))
    return np.concatenate([normals, -normals])
