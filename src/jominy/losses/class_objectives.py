"""Clean and adversarial losses of several classes together: on the same row, or by a coin.

Source: theory `attacks.md` section 6, which is about any loss; `multiclass.md` section 1 for those of several classes.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jominy.losses.classes import Moves, Pull, WrappedClassLoss
from jominy.numerics.arrays import Array


class MixedClassLoss(WrappedClassLoss):
    """The share `clean` of a loss without an attack, and the rest of it under attack, of every row."""

    clean: float = eqx.field(static=True)

    @property
    def attacked_share(self) -> float:
        return 1 - self.clean

    def value(self, scores: Array, own: Array) -> Array:
        return self.loss.value(scores, own)

    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull:
        clean, worst = self._clean_pull(scores, own, moves), self.loss.pull(scores, own, moves, radius)
        return Pull(self._mixed(clean.scores, worst.scores), (1 - self.clean) * worst.attack, worst.directions)

    def adversarial_value(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return self._mixed(self.value(scores, own), self.loss.adversarial_value(scores, own, moves, radius))

    def rounded(
        self, scores: Array, own: Array, moves: Moves, radius: Array, smoothing: Array, starts: Array
    ) -> tuple[Array, Pull]:
        clean, slope = self.loss.rounded(scores, own, moves, jnp.zeros_like(radius), smoothing, starts)
        value, worst = self.loss.rounded(scores, own, moves, radius, smoothing, starts)
        attack = (1 - self.clean) * worst.attack
        return self._mixed(clean, value), Pull(self._mixed(slope.scores, worst.scores), attack, worst.directions)

    @property
    def least_wrong(self) -> float:
        return (1 - self.clean) * self.loss.least_wrong

    def bound(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return self._mixed(self.value(scores, own), self.loss.bound(scores, own, moves, radius))

    def _mixed(self, clean: Any, worst: Any) -> Any:
        return self.clean * clean + (1 - self.clean) * worst

    def _clean_pull(self, scores: Array, own: Array, moves: Moves) -> Pull:
        return self.loss.pull(scores, own, moves, jnp.zeros((), scores.dtype))


class CoinClassLoss(MixedClassLoss):
    """The same on average, but each row is left clean with the probability `clean`, else attacked."""

    @property
    def random(self) -> bool:
        return True

    def drawn_pull(self, scores: Array, own: Array, moves: Moves, radius: Array, chance: Array) -> Pull:
        left = chance < self.clean
        clean, worst = self._clean_pull(scores, own, moves), self.loss.pull(scores, own, moves, radius)
        return Pull(
            jnp.where(left, clean.scores, worst.scores), jnp.where(left, 0.0, worst.attack), worst.directions
        )  # fmt: skip
