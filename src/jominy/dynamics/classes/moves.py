"""How attacks of radius one move the scores of a model with weights W (K, d).

For an attack whose size is the root of a quadratic form M, everything follows from the Gram matrix W M W' (K, K); for
attacks on single features the weights themselves are needed.

Source: theory `multiclass.md` section 1.
"""

from typing import ClassVar

import jax.numpy as jnp

from jominy.attacks import Reach
from jominy.data import RowReach
from jominy.dynamics.samples.law import pulled
from jominy.losses.classes import Moves
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.precision import as_precise_as
from jominy.numerics.sums import added

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


class GramMoves(Module):
    """Moves by the Gram matrix.

    Attributes:
        gram: (K, K) of weights without their mean, which no difference of scores feels.
        distances: (K, K) sizes of the differences of weights.
        own: (K,) sizes of the weights.
    """

    gram: Array
    distances: Array
    own: Array

    climb: ClassVar[int | None] = None

    @classmethod
    def of(cls, weights: Array, form: Array | None) -> "GramMoves":
        """Those of weights (K, d)."""
        centred = weights - jnp.mean(weights, axis=0)
        return cls.of_gram(centred @ pulled(form, centred.T), sizes(form, weights))

    @classmethod
    def of_gram(cls, gram: Array, own: Array | None = None) -> "GramMoves":
        """Those of weights with a Gram matrix (K, K); `own` are their sizes where the matrix is without their mean."""
        diagonal = jnp.diag(gram)
        square = jnp.maximum(diagonal[:, None] + diagonal - 2 * gram, 0.0)
        distances = jnp.sqrt(jnp.where(jnp.eye(len(gram)) > 0, 0.0, square))
        return cls(gram, distances, jnp.sqrt(diagonal) if own is None else own)

    def shift(self, directions: Array) -> Array:
        """See `Moves`."""
        moved = self.gram @ directions
        return moved / _root(jnp.sum(directions * moved, axis=0))

    def pairs(self, own: Array) -> Array:
        """See `Moves`."""
        return self.distances @ own

    def singles(self) -> Array:
        """See `Moves`."""
        return self.own[:, None]


class WeightMoves(Module):
    """Moves by the weights (K, d) themselves: for few rows, and for attacks on single features."""

    weights: Array
    form: Form

    climb: ClassVar[int | None] = None

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
        return sizes(self.form, self.weights)[:, None]

    def pull(self, attack: Array, directions: Array) -> Array:
        """(K, d) sum over rows and attacks of attack (J, K, n) times the perturbation along directions (J, K, n)."""
        count, classes, rows = directions.shape
        along = jnp.moveaxis(directions, 1, 2).reshape(count * rows, classes)
        weight = jnp.moveaxis(attack, 1, 2).reshape(count * rows, classes)
        return weight.T @ perturbations(self.form, along @ self.weights)


class RowMoves(Module):
    """Moves of rows that an attack on a network's input can move each in its own way, for weights (K, d).

    An attack delta moves the features of a row by A V' delta; of l2 norm one, by A b with |b| <= 1.

    Attributes:
        reached: (K, q, n) what attacks pull at: the weights' products with A (q = r) for l2, with J = A V' (q = p) for
            l_inf.
        gram: (K, K, n) of `reached` for l2, None for l_inf.
        reach: of the rows, with their number last: factors (d, r, n) and directions (p, r, n), or jacobians (d, p, n).

    Source: theory `heads.md` section 1.
    """

    reached: Array
    gram: Array | None
    reach: RowReach

    climb: ClassVar[int | None] = 4
    """Attacks on a network's input are found as PGD finds them, from the clean input, and in so few steps."""

    @classmethod
    def of(cls, weights: Array, reach: RowReach) -> "RowMoves":
        """Those of weights (K, d)."""
        table = reach.table
        width, columns, rows = table.shape
        reached = (weights @ table.reshape(width, columns * rows)).reshape(len(weights), columns, rows)
        if reach.jacobians is not None:
            return cls(reached, None, reach)
        if reach.directions is not None:
            return cls(jnp.einsum("krn,qrn->kqn", reached, reach.directions), None, reach)
        return cls(reached, added(jnp.multiply, 2, reached[:, None], reached[None]), reach)

    def shift(self, directions: Array) -> Array:
        """See `Moves`."""
        directions = as_precise_as(self.reached, directions)
        if self.gram is None:
            return added(jnp.multiply, 1, self.reached, jnp.sign(self._along(directions))[None])
        moved = added(jnp.multiply, 1, self.gram, directions[None])
        return moved / _root(jnp.sum(directions * moved, axis=0))

    def pairs(self, own: Array) -> Array:
        """See `Moves`."""
        return self._size(added(jnp.multiply, 0, self.reached, as_precise_as(self.reached, own)[:, None]))

    def singles(self) -> Array:
        """See `Moves`."""
        return self._size(jnp.zeros_like(self.reached[0]))

    def pull(self, attack: Array, directions: Array) -> Array:
        """(K, d) as `WeightMoves.pull`."""
        attack, directions = as_precise_as(self.reached, (attack, directions))
        return sum(a @ self._perturbations(u).T for a, u in zip(attack, directions, strict=True))

    def _along(self, directions: Array) -> Array:
        """(q, n) the slope of scores along directions (K, n) in the attack."""
        return added(jnp.multiply, 0, directions[:, None], self.reached)

    def _perturbations(self, directions: Array) -> Array:
        """(d, n) what the attack of size one that moves scores furthest along directions (K, n) adds to features."""
        along, reach = self._along(directions), self.reach
        if self.gram is not None:
            steepest = along / _root(jnp.sum(along**2, axis=0))
        elif reach.directions is None:
            steepest = jnp.sign(along)
        else:
            steepest = added(jnp.multiply, 0, reach.directions, jnp.sign(along)[:, None])
        return added(jnp.multiply, 1, reach.table, steepest[None])

    def _size(self, from_here: Array) -> Array:
        """(K, n) by how much an attack of size one moves scores against one that reaches (q, n)."""
        if self.gram is None:
            return added(lambda reached, here: jnp.abs(reached - here), 1, self.reached, from_here[None])
        return jnp.sqrt(added(lambda reached, here: (reached - here) ** 2, 1, self.reached, from_here[None]))


def _root(square: Array) -> Array:
    return jnp.sqrt(jnp.maximum(square, jnp.finfo(square.dtype).tiny))
