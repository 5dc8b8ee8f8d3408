"""How attacks of radius one move the scores of a model with weights W (K, d).

For an attack whose size is the root of a quadratic form M, everything follows from the Gram matrix W M W' (K, K); for
attacks on single features the weights themselves are needed.

Source: theory `multiclass.md` section 1.
"""

import equinox as eqx
import jax.numpy as jnp

from jominy.attacks import Reach
from jominy.dynamics.samples.law import pulled
from jominy.losses.classes import Moves
from jominy.numerics.arrays import Array

Form = Array | Reach | None
"""What the attack's size is made of: M (d, d), its diagonal (d,), None for the identity, or a reach."""


def moves_of_rows(weights: Array, form: Form) -> Moves:
    """For many rows at once."""
    return WeightMoves(weights, form) if isinstance(form, Reach) else GramMoves.of(weights, form)


def sizes(form: Form, vectors: Array) -> Array:
    """(...) by how much an attack of radius one can move the scores of weights (..., d)."""
    if isinstance(form, Reach):
        return jnp.abs(vectors) @ jnp.asarray(form.weights)
    return jnp.sqrt(
        jnp.maximum(
            jnp.sum(vectors * pulled(form, vectors.reshape(-1, vectors.shape[-1]).T).T.reshape(vectors.shape), axis=-1),
            0.0,
        )
    )


def perturbations(form: Form, directions: Array) -> Array:
    """(n, d) perturbations of radius one whose product with directions (n, d) is largest; zero where those are."""
    if isinstance(form, Reach):
        return jnp.asarray(form.weights) * jnp.sign(directions)
    moved = pulled(form, directions.T).T
    return moved / _root(jnp.sum(directions * moved, axis=1))[:, None]


class GramMoves(eqx.Module):
    """Moves by the Gram matrix.

    Attributes:
        gram: (K, K) of weights without their mean, which no difference of scores feels.
        distances: (K, K) sizes of the differences of weights.
        own: (K,) sizes of the weights.
    """

    gram: Array
    distances: Array
    own: Array

    @classmethod
    def of(cls, weights: Array, form: Array | None) -> "GramMoves":
        """Those of weights (K, d)."""
        centred = weights - jnp.mean(weights, axis=0)
        gram = centred @ pulled(form, centred.T)
        diagonal = jnp.diag(gram)
        square = jnp.maximum(diagonal[:, None] + diagonal - 2 * gram, 0.0)
        distances = jnp.sqrt(jnp.where(jnp.eye(len(gram)) > 0, 0.0, square))
        return cls(gram, distances, sizes(form, weights))

    def shift(self, directions: Array) -> Array:
        """See `Moves`."""
        moved = self.gram @ directions
        return moved / _root(jnp.sum(directions * moved, axis=0))

    def pairs(self, own: Array) -> Array:
        """See `Moves`."""
        return self.distances @ own

    def singles(self) -> Array:
        """See `Moves`."""
        return self.own


class WeightMoves(eqx.Module):
    """Moves by the weights (K, d) themselves: for few rows, and for attacks on single features."""

    weights: Array
    form: Form

    def shift(self, directions: Array) -> Array:
        """See `Moves`."""
        return self.weights @ perturbations(self.form, directions.T @ self.weights).T

    def pairs(self, own: Array) -> Array:
        """See `Moves`."""
        count, rows = own.shape
        if rows < count:
            return sizes(self.form, self.weights[:, None] - own.T @ self.weights)
        return sizes(self.form, self.weights[:, None] - self.weights) @ own

    def singles(self) -> Array:
        """See `Moves`."""
        return sizes(self.form, self.weights)


def _root(square: Array) -> Array:
    return jnp.sqrt(jnp.maximum(square, jnp.finfo(square.dtype).tiny))
