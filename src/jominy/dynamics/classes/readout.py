"""What is read of a model of several classes on a set of rows: risks, accuracies, robust radii, confusion.

Everything but the largest loss under attack is in closed form, from scores and the distances of weights alone.

Source: theory `multiclass.md` sections 1 and 3.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jominy.data import RowReach
from jominy.dynamics.classes.moves import Form, RowMoves, moves_of_rows
from jominy.losses.classes import ClassLoss, Moves, margins
from jominy.numerics.arrays import Array
from jominy.numerics.precision import as_precise_as
from jominy.numerics.programs import FULLY_OPTIMISED

SINGLE_PRECISION = 2**15
"""Tables of more numbers than this are read out in single precision: averages are then good to 1e-7, and the largest
loss under attack to 1e-5 of itself, for the ascent to it ends sooner."""
CHUNK = 2**20
"""Scores, of all models together, that are in work at once: they stay in the processor's cache."""
FEWEST_ROWS = 64
TOGETHER = 32
"""Models that are read out together, about."""


class ChunkedRows(NamedTuple):
    """Pieces of rows of G groups (those trained on, those held out): all of them are read in one pass.

    Attributes:
        features: (C, m, d).
        labels: (C, m) class numbers.
        shares: (C, G, m) what a row counts in the mean of each group: one over its rows, or zero.
        reach: (C, d, r, m) what attacks can do to each row; None where they have a size of the weights alone.
        weights: (C, m) of the rows in the loss, or None where all count alike.
    """

    features: Array
    labels: Array
    shares: Array
    reach: RowReach | None = None
    weights: Array | None = None


class RowsRead(NamedTuple):
    """Means over the rows of G groups of one model, at R radii, of which those of training and zero are the first two.

    Attributes:
        risk, accuracy: (G, R).
        bound: (G,) certified bound of the risk at the training radius.
        robust_radius: (G,) mean of the radius up to which each row stays right; zero for those that are wrong.
        class_accuracy: (G, 2, K) of each class, at the training radius and at zero.
    """

    risk: Array
    accuracy: Array
    bound: Array
    robust_radius: Array
    class_accuracy: Array


def chunked(
    groups: list[tuple[np.ndarray, np.ndarray]],
    classes: int,
    *,
    roughly: bool = False,
    reach: list[RowReach] | None = None,
    weights: np.ndarray | None = None,
) -> ChunkedRows:
    """Groups of rows (n, d) and class numbers (n,) in pieces, of large tables, or `roughly`, in single precision.

    `reach` is that of the rows of each group, where attacks move each row in its own way; `weights` are those in the
    loss of the first group's rows, beside which others count one.
    """
    features, labels = (np.concatenate(parts) for parts in zip(*groups, strict=True))
    counts = [len(part) for _, part in groups]
    shares = np.repeat(np.diag([1 / max(count, 1) for count in counts]), counts, axis=1)
    count, width = features.shape
    together = None
    if reach is not None:
        joined: RowReach = jax.tree.map(lambda *parts: np.concatenate(parts), *reach)
        together = joined.multiplied_out()
    numbers_of_row = classes * (1 if together is None else together.width)
    pieces = -(-count // max(CHUNK // (TOGETHER * numbers_of_row), FEWEST_ROWS))
    length = -(-count // pieces)
    filled = pieces * length - count
    rows = np.pad(features, ((0, filled), (0, 0))).reshape(pieces, length, width)
    numbers = np.pad(labels, (0, filled)).reshape(pieces, length).astype(np.int32)
    counted = np.pad(shares, ((0, 0), (0, filled))).reshape(len(groups), pieces, length).swapaxes(0, 1)
    if roughly or features.size >= SINGLE_PRECISION:
        rows, counted = rows.astype(np.float32), counted.astype(np.float32)

    def in_pieces(leaf: np.ndarray) -> np.ndarray:
        padded = np.pad(leaf, ((0, filled), (0, 0), (0, 0))).astype(rows.dtype)
        return np.ascontiguousarray(np.moveaxis(padded.reshape(pieces, length, *leaf.shape[1:]), 1, 3))

    if weights is not None:
        weights = np.pad(np.concatenate([weights, np.ones(count - len(weights))]), (0, filled))
        weights = weights.reshape(pieces, length).astype(rows.dtype)
    reaches = None if together is None else jax.tree.map(in_pieces, together)
    return ChunkedRows(rows, numbers, counted, reaches, weights)


def read_rows(rows: ChunkedRows, weights: Array, loss: ClassLoss, radii: Array, form: Form) -> RowsRead:
    """What a model with weights (K, d) does on rows, at radii (R,) as in `RowsRead`."""
    classes, groups = weights.shape[0], rows.shares.shape[1]
    many, one = jnp.zeros((groups, len(radii))), jnp.zeros(groups)
    by_class = jnp.zeros((groups, 2, classes))
    zero: tuple[Array, ...] = (many, many, one, one, by_class, jnp.zeros((groups, classes)))
    weights, radii, form = as_precise_as(rows.features, (weights, radii, form))
    alike = moves_of_rows(weights, form)

    def add(sums: tuple[Array, ...], piece: ChunkedRows) -> tuple[tuple[Array, ...], None]:
        scores = weights @ piece.features.T
        own = _own(piece.labels, classes).astype(scores.dtype)
        moves = alike if piece.reach is None else RowMoves.of(weights, piece.reach)
        in_loss = piece.shares if piece.weights is None else piece.shares * piece.weights
        read = _read_piece(scores, own, piece.shares, in_loss, moves, loss, radii)
        return tuple(total + part.astype(float) for total, part in zip(sums, read, strict=True)), None

    (risk, accuracy, bound, radius, right, present), _ = lax.scan(add, zero, rows)
    present = present[:, None]
    return RowsRead(risk, accuracy, bound, radius, right / jnp.where(present > 0, present, 1.0))


def _own(labels: Array, classes: int) -> Array:
    """(K, n) ones at the own classes."""
    return (labels == jnp.arange(classes)[:, None]).astype(jnp.float32)


def _read_piece(
    scores: Array, own: Array, shares: Array, in_loss: Array, moves: Moves, loss: ClassLoss, radii: Array
) -> tuple[Array, ...]:
    """Sums over rows with scores (K, n) and shares (G, n), in the order of `RowsRead`, and what each class counts.

    In sums of losses rows have the shares `in_loss` (G, n).
    """
    gaps, pairs = margins(scores, own), moves.pairs(own)
    others = own == 0

    def attacked(radius: Array) -> tuple[Array, Array]:
        """The loss, and whether the answer is right."""
        # Attacks on a network's input raise the loss; that they can move a row to the nearest class is another attack.
        found = None if moves.climb is None else loss.attacked(scores, own, moves, radius)
        if found is not None:
            return loss.adversarial_value(scores, own, moves, radius), right_under(margins(found, own), others)
        return loss.adversarial_value(scores, own, moves, radius), right_under(gaps - radius * pairs, others)

    # One radius after the other, so that the ascent to the largest loss is compiled once.
    risk, right = lax.map(attacked, jnp.concatenate([radii[:1], radii[2:]]))
    risk = jnp.concatenate([risk[:1], loss.value(scores, own)[None], risk[1:]])
    right = jnp.concatenate([right[:1], right_under(gaps, others)[None], right[1:]])
    bound = in_loss @ loss.bound(scores, own, moves, radii[0]) if loss.bounded else jnp.zeros(len(shares))
    by_class = jnp.einsum("an,gn,kn->gak", right[:2], shares, own)
    return (
        in_loss @ risk.T,
        shares @ right.T,
        bound,
        shares @ robust_radii(gaps, pairs, others),
        by_class,
        shares @ own.T,
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


@partial(jax.jit, compiler_options=FULLY_OPTIMISED)
def confusions(rows: ChunkedRows, models: Array, loss: ClassLoss, radius: Array, form: Form) -> Array:
    """(seeds, G, 2, K, K) shares of the rows of a true class that models (seeds, K, d) answer with each class.

    At a radius first, where the attack moves a row to the class that is easiest to reach (on a network's input: raises
    the loss most), and then without an attack.
    A row in a tie counts for the first of the classes that tie.
    """
    classes, groups = models.shape[1], rows.shares.shape[1]

    def of(weights: Array) -> Array:
        weights, size, body = as_precise_as(rows.features, (weights, radius, form))
        alike = moves_of_rows(weights, body)

        def add(total: Array, piece: ChunkedRows) -> tuple[Array, None]:
            scores = weights @ piece.features.T
            own = _own(piece.labels, classes).astype(scores.dtype)
            lead = -margins(scores, own)
            moves = alike if piece.reach is None else RowMoves.of(weights, piece.reach)
            found = None if moves.climb is None else loss.attacked(scores, own, moves, size)
            worst = lead + size * moves.pairs(own) if found is None else -margins(found, own)
            lead = jnp.stack([worst, lead])
            answers = jax.nn.one_hot(jnp.argmax(lead, axis=1), classes, axis=1, dtype=own.dtype)
            counted = piece.shares[:, None] * own
            return total + jnp.einsum("gtn,apn->gatp", counted, answers).astype(float), None

        none: Array = jnp.zeros((groups, 2, classes, classes))
        counts, _ = lax.scan(add, none, rows)
        present = jnp.sum(counts, axis=3, keepdims=True)
        return counts / jnp.where(present > 0, present, 1.0)

    return lax.map(of, models)
