"""Columns that number the rows: a file's own index or an identifier, from which a model learns what it must not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import numpy as np

from jominy.data.arrays import Array

_CALLED_SO = re.compile(r"(.*[_\s.-])?(id|idx|index|key|uuid|number|nr|no|row|rowid|rownames)", re.IGNORECASE)
_FEW_ROWS = 10  # with fewer, whole numbers that differ say nothing


def row_numbers(table: Array, names: Sequence[str]) -> list[str]:
    """A note for each column of table (n, D) that seems to number the rows.

    Whole numbers, all different, and: dense (they fill half of their range), or in ascending order, or under a name
    such as `id`. What is an index in one table is a measurement in another, so this is a note and nothing is dropped.

    >>> row_numbers(np.column_stack([np.arange(20.0), np.arange(20.0) ** 2 % 7]), ["nr", "height"])
    ["'nr' seems to number the rows: unless it is a measurement, leave it out (of a file: `--drop nr`)"]
    """
    if len(table) < _FEW_ROWS:
        return []
    head = np.sort(table[:50], axis=0)  # most columns fail on their first rows
    likely = (head == np.rint(head)).all(axis=0) & (np.diff(head, axis=0) > 0).all(axis=0)
    return [_note(names[j]) for j in np.flatnonzero(likely).tolist() if _numbers_rows(table[:, j], names[j])]


def looks_like_identifier(name: str) -> bool:
    """Whether a column is called as identifiers are: `id`, `patient_id`, `index`, ..."""
    return bool(_CALLED_SO.fullmatch(name.strip())) or name.strip().endswith(("Id", "ID"))


def _numbers_rows(column: Array, name: str) -> bool:
    ascending = np.diff(np.sort(column))
    if (column != np.rint(column)).any() or not (ascending > 0).all():
        return False
    dense = ascending.sum() < 2 * len(column)
    return bool(dense or (np.diff(column) > 0).all() or looks_like_identifier(name))


def _note(name: str) -> str:
    step = f"leave it out (of a file: `--drop {shlex.quote(name)}`)"
    return f"{name!r} seems to number the rows: unless it is a measurement, {step}"


__all__ = ["looks_like_identifier", "row_numbers"]
