"""The adversarial optimum of several classes on samples: the weights of the least adversarial risk on the rows.

The risk is convex in the weights (K, d). Its corners, where attacks can move nothing and where a loss has some, are
rounded, and the rounding is taken back step by step; L-BFGS (from SciPy) descends at each. Gradients are those of the
largest loss, by Danskin's theorem.

Source: theory `multiclass.md` section 1 for losses and attacks; `dynamics.md` section 4.2 for what an optimum is.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import Reach
from jominy.data import Samples
from jominy.dynamics.classes.collapse import class_collapse_radius, reached_features
from jominy.dynamics.classes.moves import Form, moves_of_rows
from jominy.dynamics.classes.soft_moves import soft_moves
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import ClassLoss, SoftmaxLoss
from jominy.losses.classes import Pull
from jominy.numerics.arrays import Array

ROUNDINGS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Of corners, in units of scores and of weights that make scores of order one."""
MOST_STEPS = 250
"""At each rounding."""
MEMORY = 30
"""Steps that L-BFGS remembers."""
FLAT = 1e-9
"""Of gradients, in units in which features have size one: so small a gradient ends a descent."""
ROUGH = 1e-4
"""Times the rounding: where it is still coarse, a larger gradient does."""
SLOW = 1e-9
"""Relative to the risk: where a rounding is still coarse, a step that gains less is the last."""
LAST_SLOW = 1e-10
"""The same at the last rounding, of three classes or more, whose rows may have several worst attacks."""
LAST_STEPS = 100
"""At the last rounding: beside corners a descent would go on for long and gain nothing."""
FAINT = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
"""Shares of rows that take one class for another below which the two may be apart for good."""
FAR = (1e1, 1e3, 1e6)
"""Lengths, in units of the weights found, at which it is looked whether the risk still falls."""
SAME = 1e-12
"""Relative to the risk: rounding."""


@jax.jit
def _rounded_risk(
    loss: ClassLoss,
    features: Array,
    own: Array,
    counts: Array,
    radius: Array,
    form: Form,
    rounding: Array,
    weights: Array,
    starts: Array,
) -> tuple[Array, Array, Array, Array]:
    """The rounded risk of weights (K, d), its gradient (K, d), how often each class is taken for which (K, K).

    The last are the directions of the attacks, sought from `starts`: those to seek them from at weights nearby.
    """
    moves = soft_moves(weights, form, rounding)
    value, pull = loss.rounded(weights @ features.T, own, moves, radius, rounding, starts)
    directions = pull.directions if starts.size else starts
    pull = Pull(counts * pull.scores, counts * pull.attack, pull.directions)
    gradient = pull.scores @ features + radius * moves.pull(pull.attack, pull.directions)
    return jnp.mean(counts * value), gradient / len(features), pull.scores @ own.T / len(features), directions


@jax.jit
def _starts(
    loss: ClassLoss, features: Array, own: Array, radius: Array, form: Form, rounding: Array, weights: Array
) -> Array:
    """(J, K, n) directions from which attacks on weights (K, d) are sought."""
    return loss.starts(weights @ features.T, own, soft_moves(weights, form, rounding), radius)


@jax.jit
def _risk(
    loss: ClassLoss, features: Array, own: Array, counts: Array, radius: Array, form: Form, weights: Array
) -> Array:
    """The adversarial risk of weights (K, d)."""
    return jnp.mean(counts * loss.adversarial_value(weights @ features.T, own, moves_of_rows(weights, form), radius))


CHEAP = 1e9
"""Multiplications of a descent, about a second, up to which runs are measured from the optimum unasked."""
EVALUATIONS, CLIMBING = 1000, 100
"""Of a descent, and of the attacks on each row in one of them: about as many."""


def class_optimum_is_cheap(problem: Problem) -> bool:
    """Whether there is an optimum on rows that takes no longer than some fifty runs of small tables do."""
    samples = problem.samples
    if samples.classes is None or samples.scores_by_class:  # of heads none is known
        return False
    classes = len(samples.classes)
    each = classes * (CLIMBING * classes + 2 * samples.dimension)
    return float(EVALUATIONS) * samples.count * each <= CHEAP


@lru_cache(maxsize=16)
def class_optimum(problem: Problem) -> Optimum:
    """The minimiser of the adversarial risk that results report, whatever attack training meets.

    Of losses that only differences of scores enter it is the one whose rows sum to zero. `separable` where the risk has
    its infimum at infinity: all classes, or some of them from the others, can be told apart under the attack.
    """
    samples, loss, radius = problem.samples, problem.loss, problem.final_radius
    assert isinstance(loss, ClassLoss) and samples.classes is not None
    rows = _Rows(samples, loss, radius, problem.form)
    threshold = _threshold(problem)
    within = reached_features(problem.form, samples.dimension)
    alone = np.zeros((len(samples.classes), samples.dimension))
    if not np.all(within):  # what no attack can touch, such as the intercept
        alone[:, ~within] = rows.only(~within).descended(alone[:, ~within])
    least = rows.risk(alone)
    weights = alone
    if not radius >= threshold:
        found = rows.descended(alone)
        if rows.risk(found) < least:
            weights, least = found, rows.risk(found)
    else:
        return Optimum(least, float(np.linalg.norm(alone)), _regime(alone), radius, threshold, None, alone)
    if rows.falls_for_ever(weights):
        return Optimum(least if least > rows.bound else 0.0, float("inf"), "separable", radius, threshold, None, None)
    norm = float(np.linalg.norm(weights))
    return Optimum(
        least, norm, _regime(weights), radius, threshold, None, weights, slope=rows.slope(weights) if norm else 0.0
    )


def _regime(weights: np.ndarray) -> str:
    return "interior" if np.any(weights) else "collapse"


def _threshold(problem: Problem) -> float:
    """The collapse radius; NaN where it is not known."""
    try:
        return class_collapse_radius(problem)
    except InputError:
        return float("nan")


class _Rows:
    """The adversarial risk of weights on rows (n, d), and descents of it."""

    def __init__(self, samples: Samples, loss: ClassLoss, radius: float, form: Form) -> None:
        assert samples.classes is not None
        self.features, self.loss, self.radius, self.form = np.asarray(samples.features), loss, radius, form
        self.own = (samples.class_numbers == np.arange(len(samples.classes))[:, None]).astype(float)
        given = samples.sample_weights
        self.counts = np.ones(samples.count) if given is None else np.asarray(given)
        self.bound = loss.least_wrong * float(self.counts.min()) / samples.count  # below it every row is told right
        sizes = np.sqrt(np.mean(self.features**2, axis=0))
        self.units = 1 / np.where(sizes > 0, sizes, 1.0)

    def only(self, chosen: np.ndarray) -> _Rows:
        """The same without attack, of the chosen features (d,) alone."""
        made = object.__new__(_Rows)
        made.__dict__.update(self.__dict__)
        made.features, made.units = self.features[:, chosen], self.units[chosen]
        made.radius, made.form = 0.0, None
        return made

    def risk(self, weights: np.ndarray) -> float:
        """That which results report."""
        return float(_risk(self.loss, self.features, self.own, self.counts, self.radius, self.form, weights))

    def descended(self, weights: np.ndarray) -> np.ndarray:
        """(K, d) the minimiser, from weights (K, d) on, as corners become sharp."""
        stages = ROUNDINGS if self.radius or self.loss.kinked else ROUNDINGS[-1:]
        for rounding in stages:
            weights = self._minimised(weights, rounding)
            if self.loss.vanishes and self.risk(weights) == 0:
                break
        return weights

    def _minimised(self, weights: np.ndarray, rounding: float) -> np.ndarray:
        import scipy.optimize  # here, because it takes a third of a second that other commands need not pay

        shape = weights.shape
        at = partial(_rounded_risk, self.loss, self.features, self.own, self.counts, self.radius, self.form, rounding)
        units, back = self._units(weights)
        corners = partial(_starts, self.loss, self.features, self.own, self.radius, self.form, rounding)
        # Near the optimum attacks are sought from those at its beginning: from corners they would jump now and then.
        begun = None if rounding == ROUNDINGS[0] else at(weights, corners(weights))[3]

        def slope(point: np.ndarray) -> tuple[float, np.ndarray]:
            here = point.reshape(shape) @ units
            value, gradient, _, _ = at(here, corners(here) if begun is None else begun)
            return float(value), (np.asarray(gradient) @ units.T).ravel()

        def watch(intermediate_result: Any) -> None:
            if intermediate_result.fun < self.bound and not self.loss.vanishes:
                raise StopIteration

        last = rounding == ROUNDINGS[-1]
        slow, most = (
            (LAST_SLOW if len(self.own) > 2 else 0.0) if last else SLOW,
            LAST_STEPS if last and not self.loss.kinked else MOST_STEPS,
        )
        flat = max(FLAT, ROUGH * (rounding - ROUNDINGS[-1]))
        found = scipy.optimize.minimize(
            slope, (weights @ back).ravel(), jac=True, method="L-BFGS-B", callback=watch,
            options={"maxiter": most, "maxfun": 2 * most, "maxcor": MEMORY, "gtol": flat, "ftol": slow},
        )  # fmt: skip
        return found.x.reshape(shape) @ units

    def _units(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(d, d) units of weights in which the risk's curvature at these is about the same, and their inverse."""
        if isinstance(self.form, Reach) or not np.any(weights):
            return np.diag(self.units), np.diag(1 / self.units)
        scores = weights @ self.features.T
        likely = np.exp(scores - scores.max(axis=0))
        likely /= likely.sum(axis=0)
        curvature = np.mean(likely * (1 - likely), axis=0)
        pushed = self.radius * np.mean(1 - np.sum(likely * self.own, axis=0)) / np.linalg.norm(weights)
        scaled = self.features * self.units
        form = np.ones(len(self.units)) if self.form is None else np.asarray(self.form)
        attack = (np.diag(form) if form.ndim == 1 else form) * self.units * self.units[:, None]
        whole = (scaled.T * curvature) @ scaled / len(scaled) + max(pushed, ROUGH) * attack
        values, vectors = np.linalg.eigh(whole + ROUGH * np.trace(whole) / len(whole) * np.eye(len(whole)))
        root = (vectors / np.sqrt(values)) @ vectors.T
        return root * self.units, (1 / self.units)[:, None] * np.linalg.inv(root)

    def _afresh(self, radius: float, form: Form, rounding: float, weights: np.ndarray) -> tuple[Array, ...]:
        """What `_rounded_risk` finds at weights (K, d) alone."""
        starts = _starts(self.loss, self.features, self.own, radius, form, rounding, weights)
        return _rounded_risk(self.loss, self.features, self.own, self.counts, radius, form, rounding, weights, starts)

    def slope(self, weights: np.ndarray) -> float:
        """The largest component of the risk's gradient, relative to that at zero weights without attack."""
        here = self._afresh(self.radius, self.form, ROUNDINGS[-1], weights)[1]
        start = self._afresh(0.0, None, 1.0, 0 * weights)[1]
        return float(np.max(np.abs(here * self.units)) / np.max(np.abs(start * self.units)))

    def falls_for_ever(self, weights: np.ndarray) -> bool:
        """Whether some classes can be told from the others under attack, beside weights where a descent ended."""
        if self.loss.vanishes:
            return False
        if self.risk(weights) < self.bound:
            return True
        if not self.loss.differences:  # each class has a problem of its own
            alone = (np.where(np.arange(len(weights))[:, None] == k, weights, 0.0) for k in range(len(weights)))
            return any(self._falls_along(weights, way) for way in alone if np.any(way))
        return any(self._merged(labels) for labels in self._groups(weights))

    def _falls_along(self, weights: np.ndarray, way: np.ndarray) -> bool:
        least = self.risk(weights)
        return all(self.risk(weights + length * way) <= least * (1 + SAME) for length in FAR)

    def _merged(self, labels: np.ndarray) -> bool:
        """Whether groups of classes (K,) can be told apart: weights that do so change nothing within a group."""
        made = object.__new__(_Rows)
        made.__dict__.update(self.__dict__)
        made.own = np.stack([self.own[labels == group].sum(axis=0) for group in range(labels.max() + 1)])
        made.loss = SoftmaxLoss()
        made.bound = made.loss.least_wrong * float(self.counts.min()) / len(self.features)
        return made.risk(made.descended(np.zeros((len(made.own), self.features.shape[1])))) < made.bound

    def _groups(self, weights: np.ndarray) -> list[np.ndarray]:
        """Numbers (K,) of groups of classes whose rows are hardly taken for those of another group."""
        from scipy.sparse.csgraph import connected_components

        taken = np.asarray(self._afresh(self.radius, self.form, ROUNDINGS[-1], weights)[2])
        taken = np.maximum(taken, taken.T)
        found = (connected_components(taken > share, directed=False) for share in FAINT)
        return list({labels.tobytes(): labels for count, labels in found if count > 1}.values())
