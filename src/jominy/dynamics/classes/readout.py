"""What is read of a model of several classes on a set of rows: risks, accuracies, robust radii, confusion.

Everything but the largest loss under attack is in closed form, from scores and the distances of weights alone.

Source: theory `multiclass.md` sections 1 and 3.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jominy.dynamics.classes.moves import Form, moves_of_rows
from jominy.losses.classes import ClassLoss, Moves, margins
from jominy.numerics.arrays import Array
from jominy.numerics.precision import as_precise_as

SINGLE_PRECISION = 2**15
"""Tables of more numbers than this are read out in single precision: averages are then good to 1e-7."""
CHUNK = 2**20
"""Scores, of all models together, that are in work at once: they stay in the processor's cache."""
FEWEST_ROWS = 64
TOGETHER = 32
"""Models that are read out together, about."""


class ChunkedRows(NamedTuple):
    """Pieces of rows: features (C, m, d), class numbers (C, m), -1 for rows that only fill up; `total` of others."""

    features: Array
    labels: Array
    total: Array


class RowsRead(NamedTuple):
    """Means over rows of one model, at R radii, of which those of training and zero are the first two.

    Attributes:
        risk, accuracy: (R,).
        bound: () certified bound of the risk at the training radius.
        robust_radius: () mean over rows of the radius up to which each stays right; zero for those that are wrong.
        class_accuracy: (2, K) of each class, at the training radius and at zero.
    """

    risk: Array
    accuracy: Array
    bound: Array
    robust_radius: Array
    class_accuracy: Array


def chunked(features: np.ndarray, labels: np.ndarray, classes: int) -> ChunkedRows:
    """Rows (n, d) and class numbers (n,) in pieces, of large tables in single precision."""
    count, width = features.shape
    pieces = max(1, -(-count // max(CHUNK // (TOGETHER * classes), FEWEST_ROWS)))
    length = max(1, -(-count // pieces))
    filled = pieces * length - count
    rows = np.pad(features, ((0, filled), (0, 0))).reshape(pieces, length, width)
    numbers = np.pad(labels, (0, filled), constant_values=-1).reshape(pieces, length).astype(np.int32)
    if features.size >= SINGLE_PRECISION:
        rows = rows.astype(np.float32)
    return ChunkedRows(rows, numbers, np.array(float(count)))


def read_rows(rows: ChunkedRows, weights: Array, loss: ClassLoss, radii: Array, form: Form) -> RowsRead:
    """What a model with weights (K, d) does on rows, at radii (R,) as in `RowsRead`."""
    classes = weights.shape[0]
    many, one = jnp.zeros(len(radii)), jnp.zeros(())
    zero: tuple[Array, ...] = (many, many, one, one, jnp.zeros((2, classes)), jnp.zeros(classes))
    weights, radii, form = as_precise_as(rows.features, (weights, radii, form))
    moves = moves_of_rows(weights, form)

    def add(sums: tuple[Array, ...], piece: tuple[Array, Array]) -> tuple[tuple[Array, ...], None]:
        features, labels = piece
        scores = weights @ features.T
        read = _read_piece(scores, _own(labels, classes), labels >= 0, moves, loss, radii)
        return tuple(total + part.astype(float) for total, part in zip(sums, read, strict=True)), None

    sums, _ = lax.scan(add, zero, (rows.features, rows.labels))
    risk, accuracy, bound, radius, by_class, counts = sums
    total = jnp.maximum(rows.total, 1.0)
    return RowsRead(risk / total, accuracy / total, bound / total, radius / total, by_class / jnp.maximum(counts, 1.0))


def _own(labels: Array, classes: int) -> Array:
    """(K, n) ones at the own classes; rows that only fill up are taken for the first class."""
    return (jnp.maximum(labels, 0) == jnp.arange(classes)[:, None]).astype(jnp.float32)


def _read_piece(
    scores: Array, own: Array, counted: Array, moves: Moves, loss: ClassLoss, radii: Array
) -> tuple[Array, ...]:
    """Sums over the `counted` rows with scores (K, n), in the order of `RowsRead`, and their number by class."""
    own, there = own.astype(scores.dtype), counted.astype(scores.dtype)
    gaps, pairs = margins(scores, own), moves.pairs(own)
    others = own == 0

    def attacked(radius: Array) -> Array:
        return there @ loss.adversarial_value(scores, own, moves, radius)

    clean = there @ loss.value(scores, own)
    at_radii = [attacked(radii[0])[None], clean[None]]
    if len(radii) > 2:
        at_radii.append(lax.map(attacked, radii[2:]))
    right = jax.vmap(lambda radius: right_under(gaps - radius * pairs, others))(radii)
    bound = there @ loss.bound(scores, own, moves, radii[0]) if loss.bounded else jnp.zeros((), scores.dtype)
    return (
        jnp.concatenate(at_radii),
        right @ there,
        bound,
        there @ robust_radii(gaps, pairs, others),
        (right[:2] * there) @ own.T,
        own @ there,
    )


def right_under(gaps: Array, others: Array) -> Array:
    """(n,) whether all gaps (K, n) to the other classes are positive; among classes that tie the answer is drawn."""
    smallest = jnp.min(jnp.where(others, gaps, jnp.inf), axis=0)
    ties = jnp.sum(others & (gaps == 0), axis=0)
    return jnp.where(smallest == 0, 1 / (1 + ties), jnp.where(smallest > 0, 1.0, 0.0)).astype(gaps.dtype)


def robust_radii(gaps: Array, pairs: Array, others: Array) -> Array:
    """(n,) radius up to which a row is told right under every attack; zero where it is wrong already."""
    ratio = jnp.where(pairs > 0, gaps / jnp.where(pairs > 0, pairs, 1.0), jnp.where(gaps > 0, jnp.inf, 0.0))
    return jnp.maximum(jnp.min(jnp.where(others, ratio, jnp.inf), axis=0), 0.0)


@eqx.filter_jit
def confusions(rows: ChunkedRows, models: Array, radius: Array, form: Form) -> Array:
    """(seeds, 2, K, K) shares of the rows of a true class that models (seeds, K, d) answer with each class.

    At a radius first, where the attack moves a row to the class that is easiest to reach, and then without an attack.
    A row in a tie counts for the first of the classes that tie.
    """
    classes = models.shape[1]

    def of(weights: Array) -> Array:
        weights, size, body = as_precise_as(rows.features, (weights, radius, form))
        moves = moves_of_rows(weights, body)

        def add(total: Array, piece: tuple[Array, Array]) -> tuple[Array, None]:
            features, labels = piece
            scores = weights @ features.T
            own = _own(labels, classes).astype(scores.dtype)
            lead = -margins(scores, own)
            lead = jnp.stack([lead + size * moves.pairs(own), lead])
            answers = jnp.argmax(lead, axis=1)[..., None, :] == jnp.arange(classes)[:, None]
            return total + jnp.einsum("tn,apn->atp", own * (labels >= 0), answers.astype(own.dtype)).astype(float), None

        none: Array = jnp.zeros((2, classes, classes))
        counts, _ = lax.scan(add, none, (rows.features, rows.labels))
        return counts / jnp.maximum(jnp.sum(counts, axis=2, keepdims=True), 1.0)

    return lax.map(of, models)
