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
from jominy.numerics.foreign import as_numpy

LARGEST = 1e100  # its square is a number still; larger ones stand for "missing" anyway


def numeric_table(table: Any, what: str = "X", names: Sequence[str] | None = None) -> Array:
    """`table` (array or data frame) as a finite float64 array (n, D); names: of its columns, for messages.

    Raises InputError if it is not 2-D, empty, not numeric, or holds NaN, infinite or absurdly large values.

    >>> numeric_table([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    """
    if names is None:
        names = column_names(table)
    values = as_numpy(table, what)
    if values.ndim != 2 or values.size == 0:
        raise InputError(
            f"{what} must be a 2-D array with one row per sample",
            f"shape {values.shape}",
            "Reshape it to (samples, features); make a sparse matrix dense first.",
        )
    if values.dtype.kind not in "biuf":
        values = _converted(values, what, names)
    with np.errstate(over="ignore"):  # what is too long for float64 is infinite there, and refused
        values = np.ascontiguousarray(values, dtype=np.float64)  # one memory order, so one result to the last bit
    bad = ~(np.abs(values) < LARGEST)
    if bad.any():
        where, row = _columns(np.flatnonzero(bad.any(axis=0)), names), int(bad.any(axis=1).argmax())
        raise InputError(
            f"{what} must be finite",
            f"{int(bad.sum())} NaN, infinite or above {LARGEST:g} in {where}, the first in row {row}",
            "Drop those rows or columns, or fill the values in (`transform=Encoder()`).",
        )
    return values


def _converted(values: Any, what: str, names: Sequence[str]) -> Array:
    """A table of Python objects column by column, so that the columns that are not numbers can be named."""
    result, wrong = np.empty(values.shape), []
    for j in range(values.shape[1]):
        column = [math.nan if is_missing(value) else value for value in values[:, j].tolist()]
        if values.dtype.kind == "O" and all(isinstance(value, (Real, Decimal, np.bool_)) for value in column):
            result[:, j] = [_float(value) for value in column]
        else:
            wrong.append(j)
    if wrong:
        raise InputError(
            f"{what} must be real numbers",
            f"other values in {_columns(wrong, names)}",
            "Encode them (`transform=Encoder()`), or drop them (of a file: `--drop A,B`).",
        )
    return result


def is_missing(value: Any) -> bool:
    """Whether a Python object stands for a missing value: None, NaN, NaT, pandas.NA; lists and arrays do not."""
    if value is None or type(value).__name__ == "NAType":  # pandas.NA, of which nothing is true or false
        return True
    try:
        different = value != value
    except Exception:  # an object of somebody's own
        return False
    return isinstance(different, (bool, np.bool_)) and bool(different)


def with_columns(X: Any, names: Sequence[str]) -> Any:
    """The frame X with its columns in the order of `names`; what has no names of its own is left as it is.

    Raises InputError if a column is missing, twice there, or not among `names`.

    >>> import pandas as pd
    >>> with_columns(pd.DataFrame({"b": [1], "a": [2]}), ["a", "b"]).columns.tolist()
    ['a', 'b']
    """
    found = column_names(X)
    if not names or not found or found == list(names):
        return X
    missing, more = [name for name in names if name not in set(found)], [n for n in found if n not in set(names)]
    if missing or more or len(found) != len(names) or len(set(found)) < len(found):
        told = [f"without {_listed(missing)}"] if missing else []
        told += [f"{_listed(more)} besides"] if more else []
        raise InputError("X must have the columns it was fitted on", ", ".join(told) or "columns of the same name")
    order = [found.index(name) for name in names]
    return X.iloc[:, order] if hasattr(X, "iloc") else as_numpy(X, "X")[:, order]


def column_names(X: Any) -> list[str]:
    """The names of the columns of a frame, as text; empty for an array."""
    return [str(name) for name in getattr(X, "columns", [])]


def some_rows(X: Any, indices: Any) -> Any:
    """Some rows of an array or a frame, by position."""
    return X.iloc[indices] if hasattr(X, "iloc") else np.asarray(X)[indices]


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond the largest float
        return math.inf


def _columns(indices: Any, names: Sequence[str]) -> str:
    return _listed([repr(names[j]) if len(names) else str(j) for j in indices], quoted=True)


def _listed(names: Sequence[str], limit: int = 8, quoted: bool = False) -> str:
    shown = ", ".join(names[:limit] if quoted else map(repr, names[:limit]))
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ("column " if len(names) == 1 else "columns ") + shown + more


__all__ = ["LARGEST", "column_names", "is_missing", "numeric_table", "some_rows", "with_columns"]
