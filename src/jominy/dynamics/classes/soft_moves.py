"""Moves of scores under attack whose corners are rounded, for minimisers of the adversarial risk.

The size of an attack has a corner where it can move nothing: at equal weights, and under l_inf wherever a weight is
zero. Attacks are given a little more reach here: K more features that no row has, with weights `softness` times the
unit matrix, for l_inf a group of them beside each feature. The risk is that of an attack still, convex in the weights,
smooth, and at most radius * softness * (the loss's slope) larger.

Source: theory `multiclass.md` section 1; the rounding is ours.
"""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from jominy.attacks import Reach
from jominy.dynamics.classes.moves import Form, GramMoves
from jominy.dynamics.samples.law import pulled
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module


class SoftMoves(GramMoves):
    """Under an attack whose size is the root of a quadratic form.

    Attributes:
        pushed: (K, d) the weights times the form.
    """

    pushed: Array

    @classmethod
    def around(cls, weights: Array, form: Array | None, softness: Array) -> SoftMoves:
        """Those of weights (K, d)."""
        pushed = pulled(form, weights.T).T
        soft = GramMoves.of_gram(weights @ pushed.T + softness**2 * jnp.eye(len(weights)))
        return cls(soft.gram, soft.distances, soft.own, pushed)

    def pull(self, attack: Array, directions: Array) -> Array:
        """(K, d) as `WeightMoves.pull`."""
        sizes = jnp.sqrt(jnp.einsum("jkn,kl,jln->jn", directions, self.gram, directions))
        along = directions / jnp.where(sizes > 0, sizes, 1.0)[:, None]
        return jnp.einsum("jkn,jln->kl", attack, along) @ self.pushed


class SoftReach(Module):
    """Under attacks on single features.

    Attributes:
        weights: (K, d).
        reach: (d,) of the attack.
        softness: () size of the weights that no row sees.
    """

    weights: Array
    reach: Array
    softness: Array

    climb: ClassVar[int | None] = None

    def shift(self, directions: Array) -> Array:
        """See `Moves`."""
        along, length = self._along(directions.T)
        hidden = self.softness**2 * directions * jnp.sum(self.reach / length, axis=1)
        return self.weights @ (self.reach * along / length).T + hidden

    def pairs(self, own: Array) -> Array:
        """See `Moves`."""
        count = len(self.weights)
        gaps = jnp.eye(count)[:, None] - jnp.eye(count)
        sizes = self._along(gaps.reshape(count**2, count))[1] @ self.reach
        return jnp.where(jnp.eye(count) > 0, 0.0, sizes.reshape(count, count)) @ own

    def singles(self) -> Array:
        """See `Moves`."""
        return (self._along(jnp.eye(len(self.weights)))[1] @ self.reach)[:, None]

    def pull(self, attack: Array, directions: Array) -> Array:
        """(K, d) as `WeightMoves.pull`."""
        return sum(a @ self._perturbations(u.T) for a, u in zip(attack, directions, strict=True))

    def _perturbations(self, directions: Array) -> Array:
        """(n, d) along directions (n, K)."""
        along, length = self._along(directions)
        return self.reach * along / length

    def _along(self, directions: Array) -> tuple[Array, Array]:
        """(n, d) weights along directions (n, K), and the lengths of these with what no row sees."""
        along = directions @ self.weights
        hidden = self.softness * jnp.linalg.norm(directions, axis=1, keepdims=True)
        return along, jnp.maximum(jnp.sqrt(along**2 + hidden**2), jnp.finfo(along.dtype).tiny)


def soft_moves(weights: Array, form: Form, softness: Array) -> SoftMoves | SoftReach:
    """Of weights (K, d) under an attack of this form."""
    if isinstance(form, Reach):
        return SoftReach(weights, jnp.asarray(form.weights), softness)
    return SoftMoves.around(weights, form, softness)
