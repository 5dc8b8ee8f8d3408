"""Losses of several classes that are made of margins: Crammer and Singer's hinge, and one class against the rest.

Source: theory `multiclass.md` section 1.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.errors import InputError
from jominy.losses.base import MarginLoss
from jominy.losses.classes import ClassLoss, Moves, Pull
from jominy.losses.logistic import LogisticLoss
from jominy.numerics.arrays import Array


class CrammerSingerLoss(ClassLoss):
    """max(0, 1 + max_k (z_k - z_y)) over the other classes k: the hinge loss of several classes.

    Under attack it is max(0, 1 + max_k (z_k - z_y + radius |w_k - w_y|)), exactly: maxima over classes and over
    attacks commute.

    Notes
    -----
    Source: theory `multiclass.md` section 1.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> CrammerSingerLoss().value(jnp.array([[2.0], [1.5], [0.0]]), jnp.array([[1.0], [0.0], [0.0]])).tolist()
    [0.5]
    """

    def value(self, scores: Array, own: Array) -> Array:
        return jnp.maximum(jnp.max(_leads(scores, own), axis=0) + 1, 0.0)

    def adversarial_value(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return self.value(scores + radius * moves.pairs(own), own)

    vanishes: ClassVar[bool] = True
    kinked: ClassVar[bool] = True

    @property
    def least_wrong(self) -> float:
        return 1.0

    def rounded(
        self, scores: Array, own: Array, moves: Moves, radius: Array, smoothing: Array, starts: Array
    ) -> tuple[Array, Pull]:
        # A maximum is the limit of the logarithm of a sum of exponentials.
        leads = jnp.where(own > 0, 0.0, 1 + scores + radius * moves.pairs(own) - jnp.sum(scores * own, axis=0))
        value = smoothing * jax.nn.logsumexp(leads / smoothing, axis=0)
        worst = jnp.where(own > 0, 0.0, jax.nn.softmax(leads / smoothing, axis=0))
        gains = jnp.eye(len(scores))[:, :, None] - own  # (J, K, n): class j gains on the own one
        return value, Pull(worst - own * jnp.sum(worst, axis=0), worst[:, None] * gains, gains)

    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull:
        leads = _leads(scores + radius * moves.pairs(own), own)
        worst = jax.nn.one_hot(jnp.argmax(leads, axis=0), scores.shape[0], axis=0, dtype=scores.dtype)
        gain = worst - own
        slope = jnp.where(jnp.max(leads, axis=0) > -1, gain, 0.0)
        return Pull(slope, slope[None], gain[None])


class OneVersusRestLoss(ClassLoss):
    """The sum over classes k of a margin loss of z_k, with label +1 for rows of class k and -1 for all others.

    Each class is attacked by itself, which is an upper bound of one attack on all: K binary problems. Accuracies are
    those of the class with the largest score, under one attack.

    Parameters
    ----------
    loss : a margin loss, such as LogisticLoss() (default) or SquaredHingeLoss()

    Notes
    -----
    Source: theory `multiclass.md` section 1; each row of the weights follows `dynamics.md` section 1.

    Examples
    --------
    >>> OneVersusRestLoss().describe()
    {'kind': 'OneVersusRestLoss', 'loss': 'LogisticLoss'}
    """

    loss: MarginLoss = eqx.field(default_factory=LogisticLoss)

    @property
    def bounded_slope(self) -> bool:  # type: ignore[override]
        return self.loss.bounded_slope

    def __post_init__(self) -> None:
        if not isinstance(self.loss, MarginLoss):
            raise InputError("One class against the rest needs a margin loss", self.loss, "Use `LogisticLoss()`")

    def value(self, scores: Array, own: Array) -> Array:
        return jnp.sum(self.loss(scores, 2 * own - 1), axis=0)

    def adversarial_value(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return jnp.sum(self.loss.adversarial(scores, radius * moves.singles(), 2 * own - 1), axis=0)

    differences: ClassVar[bool] = False

    @property
    def kinked(self) -> bool:
        return self.loss.kinked

    @property
    def vanishes(self) -> bool:  # type: ignore[override]
        return bool(self.loss.kinks) and not float(self.loss(np.asarray(1e3), np.ones(())))

    @property
    def least_wrong(self) -> float:
        return float(self.loss(np.zeros(()), np.ones(())))

    def rounded(
        self, scores: Array, own: Array, moves: Moves, radius: Array, smoothing: Array, starts: Array
    ) -> tuple[Array, Pull]:
        shift = jnp.broadcast_to(radius * moves.singles(), scores.shape)
        at = self.loss.smoothed(scores, shift, 2 * own - 1, smoothing)
        each = jnp.broadcast_to(jnp.eye(scores.shape[0])[:, :, None], (len(scores), *scores.shape))
        return jnp.sum(at.value, axis=0), Pull(at.by_score, each * at.by_shift, each)

    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull:
        slope, size_slope = self.loss.adversarial_slopes(scores, radius * moves.singles(), 2 * own - 1)
        each = jnp.broadcast_to(jnp.eye(scores.shape[0])[:, :, None], (len(scores), *scores.shape))
        return Pull(slope, each * size_slope, each)

    def describe(self) -> dict[str, str]:
        return super().describe() | {"loss": self.loss.describe()["kind"]}


def _leads(scores: Array, own: Array) -> Array:
    """(K, n) score k minus the own one; minus infinity for the own class."""
    return jnp.where(own > 0, -jnp.inf, scores - jnp.sum(scores * own, axis=0))
