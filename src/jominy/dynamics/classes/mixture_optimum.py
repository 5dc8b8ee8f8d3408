"""The adversarial optimum of several classes on a Gaussian mixture, and the radius from which on it is zero.

The risk of given weights (K, Q) is an average over points, whatever attack training meets. It is convex in the weights,
up to what the points leave out; L-BFGS (from SciPy) descends, with gradients by Danskin's theorem.

Source: theory `multiclass.md` sections 1 and 5; `attacks.md` section 2 for the collapse, `dynamics.md` section 4.2 for
what an optimum is.
"""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.classes.collapse import common_point
from jominy.dynamics.classes.mixture_law import FlowState, ScoreLaw, antithetic_points, score_law
from jominy.dynamics.classes.moves import GramMoves
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses.classes import ClassLoss
from jominy.losses.softmax import cross_entropy, worst_direction
from jominy.numerics.arrays import Array

EXACT = 1e-7
"""How exactly the attack is found, relative to its reach."""
POINTS = (256, 1024)
"""Of the averages, first and last: a descent makes use of what few points leave out (.2 % of the risk, K = 10)."""
MOST_STEPS = 500
MEMORY = 20
"""Steps that L-BFGS remembers."""
FLAT = 1e-6
"""Of gradients, in units in which coordinates have size one: so small a gradient ends a descent."""
FAR = (1e1, 1e2, 1e3)
"""Lengths, in units of the weights found, at which it is looked whether the risk still falls."""
SINGULAR = 1e-12
"""Eigenvalues below this share of the largest are none."""


def mixture_class_collapse(problem: Problem) -> float:
    """The radius from which on the optimum of a mixture with several labels uses nothing that can be attacked."""
    law, told = score_law(problem)
    reach = np.asarray(told.reach)[told.places]
    reached = reach > 0
    if np.count_nonzero(~reached) > law.intercept:
        raise InputError(
            "Of several classes the collapse radius is known where all features can be attacked",
            f"{np.count_nonzero(~reached) - law.intercept} features out of reach",
            "Leave them out of reach and try radii with `forecast(...)`",
        )
    shares = np.asarray(told.own @ told.weights)
    sums = np.asarray((told.own * told.weights) @ told.means)[:, reached] / np.sqrt(reach[reached])
    # With an intercept rows of weights sum to zero when they are weighted by the shares.
    return common_point(sums / shares[:, None], np.ones_like(shares)) if law.intercept else common_point(sums, shares)


@lru_cache(maxsize=16)
def mixture_class_optimum(problem: Problem) -> tuple[Optimum, np.ndarray | None]:
    """The minimiser of the adversarial risk, and its coordinates (K, Q) in the eigenbasis; None at infinity.

    It is the one whose rows sum to zero.
    """
    law, told = score_law(problem)
    risk = _Risk(told, problem)
    try:
        threshold = mixture_class_collapse(problem)
    except InputError:
        threshold = float("nan")
    reached = (np.asarray(told.reach)[told.places] > 0).astype(float)
    zero = np.zeros((len(told.own), told.means.shape[1]))
    alone = zero if np.all(reached) else risk.descended(zero, 0.0, 1 - reached)
    weights, radius = alone, problem.final_radius
    least = risk.at(alone, radius)
    if not radius >= threshold:
        found = risk.descended(alone, radius, np.ones_like(reached))
        lower = risk.at(found, radius)
        if lower < least:
            weights, least = found, lower
        norm = float(np.linalg.norm(weights))
        if norm and risk.falls_for_ever(weights, radius, least):
            return Optimum(0.0, float("inf"), "separable", radius, threshold, None, None), None
    regime = "interior" if np.any(weights) else "collapse"
    slope = None if radius >= threshold or not np.any(weights) else risk.slope(weights, radius)
    vector = np.asarray(law.from_eigenbasis(weights)) if law.listed else None
    norm = float(np.linalg.norm(weights))
    return Optimum(least, norm, regime, radius, threshold, None, vector, slope=slope), weights


@jax.jit
def _risk(law: ScoreLaw, loss: ClassLoss, points: Array, radius: Array, weights: Array) -> Array:
    """The adversarial risk of weights (K, Q)."""
    classes, groups = len(law.own), len(law.shares)
    none: Array = jnp.zeros((groups, classes, classes))
    scores, gram, _ = law.scores(FlowState(weights, none), points)
    own = jnp.repeat(law.own, len(points), axis=1)
    scores = jnp.moveaxis(scores, 1, 0).reshape(classes, -1)
    moves = GramMoves.of_gram(gram)
    # The best attack is held fixed: by Danskin's theorem its change changes nothing.
    held, held_moves = jax.lax.stop_gradient((scores, moves))
    direction = worst_direction(held, own, held_moves, radius, EXACT)[0]
    value = cross_entropy(scores + radius * moves.shift(jax.lax.stop_gradient(direction)), own)
    return jnp.repeat(law.weights, len(points)) @ value / len(points)


_risk_and_gradient = jax.jit(jax.value_and_grad(_risk, argnums=4))


class _Risk:
    """The adversarial risk of weights in the eigenbasis, and descents of it."""

    def __init__(self, law: ScoreLaw, problem: Problem) -> None:
        classes = len(law.own)
        self.law, self.loss = law, problem.loss.plain
        self.points = [antithetic_points(count, classes - 1) for count in POINTS]
        sizes = np.sqrt(law.weights @ (law.eigenvalues[:, law.places] + law.means**2))
        self.units = 1 / np.where(sizes > 0, sizes, 1.0)
        # Without an attack the risk falls along this from zero weights.
        self.begin = ((law.own - 1 / classes) * law.weights) @ law.means

    def at(self, weights: np.ndarray, radius: float) -> float:
        return float(_risk(self.law, self.loss, self.points[-1], radius, weights))

    def gradient(self, weights: np.ndarray, radius: float, stage: int = -1) -> tuple[float, np.ndarray]:
        value, gradient = _risk_and_gradient(self.law, self.loss, self.points[stage], radius, weights)
        gradient = np.asarray(gradient) * self.units
        return float(value), gradient - gradient.mean(axis=0)

    def descended(self, weights: np.ndarray, radius: float, within: np.ndarray) -> np.ndarray:
        """(K, Q) the minimiser among weights that differ from these in coordinates `within` (Q,) alone."""
        import scipy.optimize  # here, because it takes a third of a second that other commands need not pay

        def moved(point: np.ndarray) -> np.ndarray:
            return weights + point.reshape(weights.shape) * self.units * within

        def slope(point: np.ndarray, stage: int) -> tuple[float, np.ndarray]:
            value, gradient = self.gradient(moved(point), radius, stage)
            return value, (gradient * within).ravel()

        # At zero weights the size of an attack has a corner, so that the descent begins beside them.
        size = np.sqrt(np.sum((self.begin * within) ** 2))
        point = (self.begin * within / self.units / max(size, 1e-300) / 2).ravel()
        for stage in range(len(POINTS)):
            point = scipy.optimize.minimize(
                slope, point, args=(stage,), jac=True, method="L-BFGS-B",
                options={"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "maxcor": MEMORY, "gtol": FLAT, "ftol": 0.0},
            ).x  # fmt: skip
        return moved(point)

    def slope(self, weights: np.ndarray, radius: float) -> float:
        """The largest component of the risk's gradient, relative to that at zero weights without attack."""
        here = self.gradient(weights, radius)[1]
        return float(np.max(np.abs(here)) / np.max(np.abs(self.begin * self.units)))

    def falls_for_ever(self, weights: np.ndarray, radius: float, least: float) -> bool:
        """Whether the risk falls on and on along weights, as it does where classes differ without variance."""
        sizes = self.law.weights @ self.law.eigenvalues
        if np.all(sizes > SINGULAR * np.max(sizes, initial=0.0)):
            return False
        return all(self.at(length * weights, radius) <= least for length in FAR)
