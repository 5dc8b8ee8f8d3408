"""Inner products of long arrays, and sums over an axis of many short rows."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax

from jominy.numerics.arrays import Array

LONG, PIECES = 1024, 8
WRITTEN_OUT = 64
"""Rows whose sum is written out, one addition after the other."""


def inner(one: Array, other: Array) -> Array:
    """(...) sums of one * other over the last two axes, (..., A, G) each.

    Long rows are cut in pieces that are added as wholes before a sum over what is then short: XLA takes two thirds
    longer for a sum of products along a whole row (10^4 numbers, a processor with AVX2).

    >>> float(inner(jnp.ones((2, 5003)), jnp.full((2, 5003), 2.0)))
    20012.0
    """
    length = one.shape[-1]
    if length < LONG:
        return jnp.sum(one * other, axis=(-2, -1))
    piece = length // PIECES

    def product(begin: int, end: int) -> Array:
        return one[..., begin:end] * other[..., begin:end]

    pieces = sum(product(k * piece, (k + 1) * piece) for k in range(PIECES))
    return jnp.sum(pieces, axis=(-2, -1)) + jnp.sum(product(PIECES * piece, length), axis=(-2, -1))


def added(term: Callable[..., Array], axis: int, *tables: Array) -> Array:
    """The sum over an axis, not the last, of a term of tables that broadcast: of their product with `jnp.multiply`.

    Whole rows are added, which become vector instructions. XLA makes of a reduction over such an axis a loop for each
    number: 10 x 64 x 16 numbers in the attack of a network's input took 18 times as long (AVX2, single precision).

    >>> added(jnp.multiply, 0, jnp.ones((200, 3)), jnp.full((200, 1), 2.0))
    Array([400., 400., 400.], dtype=float32)
    """
    count = tables[0].shape[axis]
    each = count // WRITTEN_OUT

    def row(k: int) -> Array:
        return term(*(lax.index_in_dim(table, k, axis, keepdims=False) for table in tables))

    def slab(k: int) -> Array:
        return term(*(lax.slice_in_dim(table, k * each, (k + 1) * each, axis=axis) for table in tables))

    written_out = each * WRITTEN_OUT
    rows = [row(k) for k in range(written_out if each > 1 else 0, count)]
    if each > 1:
        rows.append(jnp.sum(_sum([slab(k) for k in range(WRITTEN_OUT)]), axis=axis))
    return _sum(rows)


def _sum(tables: list[Array]) -> Array:
    total = tables[0]
    for table in tables[1:]:
        total = total + table
    return total
