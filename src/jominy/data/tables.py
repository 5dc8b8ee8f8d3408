"""A user's table as checked numbers: every message says which rows and columns are at fault."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from jominy.data.arrays import Array
from jominy.errors import InputError

_LARGEST = 1e100  # its square is a number still; larger ones stand for "missing" anyway


def numeric_table(table: Any, what: str = "X", names: Sequence[str] | None = None) -> Array:
    """`table` (array or data frame) as a finite float64 array (n, D); names: of its columns, for messages.

    Raises InputError if it is not 2-D, empty, not numeric, or holds NaN, infinite or absurdly large values.

    >>> numeric_table([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    """
    if names is None:
        names = [str(name) for name in getattr(table, "columns", [])]
    values = np.asarray(table)
    if values.ndim != 2 or values.size == 0:
        raise InputError(
            f"{what} must be a 2-D array with one row per sample",
            f"shape {values.shape}",
            "Reshape it to (samples, features); make a sparse matrix dense first.",
        )
    if values.dtype.kind not in "biuf":
        values = _converted(values, what, names)
    values = np.ascontiguousarray(values, dtype=np.float64)  # one memory order, so one result to the last bit
    bad = ~(np.abs(values) < _LARGEST)
    if bad.any():
        where, row = _columns(np.flatnonzero(bad.any(axis=0)), names), int(bad.any(axis=1).argmax())
        raise InputError(
            f"{what} must be finite",
            f"{int(bad.sum())} NaN, infinite or above {_LARGEST:g} in {where}, the first in row {row}",
            "Drop those rows or columns, or fill the values in.",
        )
    return values


def _converted(values: Any, what: str, names: Sequence[str]) -> Array:
    """A table of Python objects column by column, so that the columns that are not numbers can be named."""
    result, wrong = np.empty(values.shape), []
    for j in range(values.shape[1]):
        column = [math.nan if is_missing(value) else value for value in values[:, j].tolist()]
        if values.dtype.kind == "O" and all(isinstance(value, (Real, Decimal, np.bool_)) for value in column):
            result[:, j] = [float(value) for value in column]
        else:
            wrong.append(j)
    if wrong:
        raise InputError(
            f"{what} must be real numbers",
            f"other values in {_columns(wrong, names)}",
            "Drop these columns (of a file: `--drop A,B`), or encode them as numbers.",
        )
    return result


def is_missing(value: Any) -> bool:
    """Whether a Python object stands for a missing value: None, NaN, NaT, pandas.NA."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # pandas.NA refuses to be true or false
        return True


def _columns(indices: Any, names: Sequence[str], limit: int = 8) -> str:
    shown = [repr(names[j]) if len(names) else str(j) for j in indices[:limit]]
    more = f" and {len(indices) - limit} more" if len(indices) > limit else ""
    return ("column " if len(indices) == 1 else "columns ") + ", ".join(shown) + more


__all__ = ["is_missing", "numeric_table"]
