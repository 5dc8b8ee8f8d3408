"""What a loss of several classes must give: how it moves the weights, and its worst value under attack.

A model of K classes has weights W (K, d) and scores z = W x (K,). An attack delta moves them by W delta; what a loss
needs to know of attacks is only how far, and in which direction, they can move scores (`Moves`).

Source: theory `multiclass.md` section 1.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar, NamedTuple, NoReturn, Protocol

import jax.numpy as jnp

from jominy.errors import InputError
from jominy.losses.base import Loss
from jominy.losses.expectations import Moments, OrderParameters
from jominy.losses.targets import Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule

if TYPE_CHECKING:
    from jominy.data import DenseLaw, EigenLaw


class Moves(Protocol):
    """How an attack of radius one moves the scores of a model.

    `climb`: so many steps from the clean scores are what an attack is found by; None: the largest loss there is.
    """

    climb: ClassVar[int | None]

    def shift(self, directions: Array) -> Array:
        """(K, n) the reachable shifts of scores whose product with directions (K, n) is largest.

        Directions have sum zero, and a largest number of about one: squares of far smaller ones would vanish.
        """

    def pairs(self, own: Array) -> Array:
        """(K, n) by how much score k can gain on that of the row's own class, a one in each column of `own` (K, n)."""

    def singles(self) -> Array:
        """(K, n), or (K, 1) where all rows are alike: by how much each score can be moved by itself."""


class Pull(NamedTuple):
    """How a loss moves weights W (K, d) at n rows x under attack, attack held fixed (Danskin).

    The gradient of row i is scores_i x_i' + radius * sum_j attack_ji delta_ji', where delta_ji is the perturbation of
    radius one whose product with directions_ji' W is largest.

    Attributes:
        scores: (K, n) derivative in the scores.
        attack, directions: (J, K, n).
    """

    scores: Array
    attack: Array
    directions: Array


class Response(NamedTuple):
    """How what a loss pulls with at n rows follows their scores and the Gram matrix of the weights.

    The gradient of row i is scores_i x_i' + attack_i W + noise that the weights do not see, and the attacked input lies
    at x_i + W' reached_i; with an attack whose form is M, W stands for W M.

    Attributes:
        scores: (K, n) as in `Pull`.
        slope: (K, K, n) derivative of `scores` in the scores, the attack following them.
        attack: (K, K, n).
        reached: (K, n).
    """

    scores: Array
    slope: Array
    attack: Array
    reached: Array


class ClassLoss(Loss):
    """A loss of the scores z = W x (K,) of K classes and the class of the row.

    A new one gives `value`, `pull` and `adversarial_value`. Scores and the own classes (ones in zeros) are (K, n).
    """

    needs_classes: ClassVar[bool] = True
    several: ClassVar[bool] = True
    bounded_slope: ClassVar[bool] = True
    bounded: ClassVar[bool] = False
    """Whether `bound` is another number than `adversarial_value`."""

    @abc.abstractmethod
    def value(self, scores: Array, own: Array) -> Array:
        """(n,) the loss without an attack."""

    @abc.abstractmethod
    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull:
        """What a step of SGD needs, under the attack that training uses."""

    @abc.abstractmethod
    def adversarial_value(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        """(n,) the largest loss under attack: what results report, however training attacks."""

    @abc.abstractmethod
    def rounded(
        self, scores: Array, own: Array, moves: Moves, radius: Array, smoothing: Array, starts: Array
    ) -> tuple[Array, Pull]:
        """(n,) `adversarial_value` with corners rounded at this scale of scores, and its slopes: for minimisers.

        Attacks that have to be sought are sought from directions `starts` (J, K, n): those of `starts`, or those that
        it gave at weights nearby.
        """

    def starts(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        """(J, K, n) directions from which `rounded` seeks attacks; none where it has them in closed form."""
        return jnp.zeros((0, *scores.shape))

    @property
    @abc.abstractmethod
    def least_wrong(self) -> float:
        """The least loss of a row that is told wrong, of any of the two-class problems that it is made of."""

    @property
    def attacked_share(self) -> float:
        """What of the loss is under attack; the rest is clean."""
        return 1.0

    def drawn_pull(self, scores: Array, own: Array, moves: Moves, radius: Array, chance: Array) -> Pull:
        """`pull` of rows whose losses are `random`, at chances (n,) that are uniform from zero to one."""
        return self.pull(scores, own, moves, radius)

    responds: ClassVar[bool] = False
    """Whether `response` is known."""

    def response(self, scores: Array, own: Array, moves: Moves, gram: Array, radius: Array) -> Response:
        """How the pull under attacks with an l2 norm follows scores and weights with Gram matrix `gram` (K, K).

        It is what the theory of mean and covariance of the weights needs.
        """
        raise NotImplementedError(type(self).__name__)

    differences: ClassVar[bool] = True
    """Whether only differences of scores count."""
    vanishes: ClassVar[bool] = False
    """Whether the loss is zero from some margin on, and not at infinity alone."""

    def attacked(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array | None:
        """(K, n) the scores under the attack that makes the largest loss; None where no one attack does."""
        return None

    def bound(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        """(n,) what the loss cannot exceed under attack, as a certificate."""
        return self.adversarial_value(scores, own, moves, radius)

    # What engines of one score would ask for.

    def __call__(self, score: Array, target: Array) -> Array:
        self._refuse()

    def targets(self, law: EigenLaw | DenseLaw) -> Targets:
        self._refuse()

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        self._refuse()

    def logit_sd(self, order: OrderParameters) -> Array:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError(
            "This is known for one score per row, not yet for one per class",
            type(self).__name__,
            "`forecast(...)`, `simulate(...)` and `fit(...)` take several classes; for two there is `LogisticLoss()`",
        )


class WrappedClassLoss(ClassLoss):
    """A loss of several classes made of another one, whose properties it has where it does not say otherwise."""

    loss: ClassLoss

    @property
    def plain(self) -> Loss:
        return self.loss.plain

    @property
    def bounded(self) -> bool:  # type: ignore[override]
        return self.loss.bounded

    @property
    def bounded_slope(self) -> bool:  # type: ignore[override]
        return self.loss.bounded_slope

    @property
    def random(self) -> bool:
        return self.loss.random

    @property
    def attacked_share(self) -> float:
        return self.loss.attacked_share

    @property
    def differences(self) -> bool:  # type: ignore[override]
        return self.loss.differences

    @property
    def vanishes(self) -> bool:  # type: ignore[override]
        return self.loss.vanishes

    @property
    def kinked(self) -> bool:
        return self.loss.kinked

    def attacked(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array | None:
        return self.loss.attacked(scores, own, moves, radius)

    def starts(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return self.loss.starts(scores, own, moves, radius)

    def describe(self) -> dict[str, str]:
        return self.loss.describe()


class WeightedClassLoss(WrappedClassLoss):
    """A loss of several classes times the weight of the row's class."""

    weights: tuple[float, ...]

    def value(self, scores: Array, own: Array) -> Array:
        return self._weight(own) * self.loss.value(scores, own)

    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull:
        found = self.loss.pull(scores, own, moves, radius)
        weight = self._weight(own)
        return Pull(weight * found.scores, weight * found.attack, found.directions)

    def drawn_pull(self, scores: Array, own: Array, moves: Moves, radius: Array, chance: Array) -> Pull:
        found = self.loss.drawn_pull(scores, own, moves, radius, chance)
        weight = self._weight(own)
        return Pull(weight * found.scores, weight * found.attack, found.directions)

    def adversarial_value(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return self._weight(own) * self.loss.adversarial_value(scores, own, moves, radius)

    def rounded(
        self, scores: Array, own: Array, moves: Moves, radius: Array, smoothing: Array, starts: Array
    ) -> tuple[Array, Pull]:
        value, found = self.loss.rounded(scores, own, moves, radius, smoothing, starts)
        weight = self._weight(own)
        return weight * value, Pull(weight * found.scores, weight * found.attack, found.directions)

    @property
    def least_wrong(self) -> float:
        return min(self.weights) * self.loss.least_wrong

    def bound(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return self._weight(own) * self.loss.bound(scores, own, moves, radius)

    def _weight(self, own: Array) -> Array:
        """(n,) that of the own classes (K, n)."""
        return jnp.asarray(self.weights, own.dtype) @ own


def margins(scores: Array, own: Array) -> Array:
    """(K, n) own score minus score k; what belongs to the own class itself is zero."""
    return jnp.sum(scores * own, axis=0) - scores
