"""Tables with words, categories and missing values as numbers: the usual steps, learnt on training rows, reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.data.arrays import Array
from jominy.data.tables import column_names, numeric_table, with_columns
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

if TYPE_CHECKING:
    import pandas as pd

_MISSING, _OTHER = "(missing)", "(other)"
_MOSTLY = 0.5  # a column with a larger share of numbers is one of numbers; the words in it are missing values


@dataclass(frozen=True)
class Encoder:
    """How a table becomes numbers: kinds become columns of 0 and 1, missing numbers the median, dates days.

    most: kinds of a column that get a column of their own; rarer ones share one

    A column of two kinds becomes one column of 0 and 1. Missing words are a kind of their own. A kind that the training
    rows lack is a rare one, or all zeros where none is rare. Words that differ in more than half of the rows are names
    rather than kinds, and left out. The columns that came from one column of kinds are a group (`Samples.groups`).

    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [30, None, 50, 40], "pet": ["cat", "dog", "cat", None]})
    >>> encoded = Encoder().fit(table)
    >>> encoded.names, encoded.groups
    (['age', 'pet=cat', 'pet=dog', 'pet=(missing)'], {'pet': [1, 2, 3]})
    >>> encoded.transform(table)[1].tolist()
    [40.0, 0.0, 1.0, 0.0]
    """

    most: int = 20

    def __post_init__(self) -> None:
        if not isinstance(self.most, int) or isinstance(self.most, bool) or self.most < 1:
            raise InputError("most must be a whole number >= 1", self.most)

    def fit(self, X: Any) -> FittedEncoder:
        """Learn kinds and medians from training rows X (n, D), a frame or an array of objects."""
        frame = _frame(X)
        if not len(frame):
            raise InputError("there must be rows to learn the encoding from", "no rows")
        columns, told = [], _Told()
        for j, name in enumerate(column_names(frame)):
            column = self._learn(frame.iloc[:, j], name, told)
            if column is not None:
                columns.append(column)
        if not columns:
            raise InputError("a column must be left to learn from", f"{frame.shape[1]} columns of names or nothing")
        return FittedEncoder(tuple(column_names(frame)), tuple(columns), tuple(told.report(self.most)))

    def _learn(self, column: pd.Series, name: str, told: _Told) -> _Numbers | _Kinds | None:
        present = column.notna()
        if not present.any():
            told.empty.append(name)
            return None
        kinds = None if _is_numeric(column) else _as_words(column)
        if kinds is not None and column.dtype != "category":
            numbers = _as_numbers(column)
            if numbers.notna().sum() > _MOSTLY * present.sum() and not set(kinds[present]) <= {"True", "False"}:
                told.words[name] = int(present.sum() - numbers.notna().sum())
                kinds, column, present = None, numbers, numbers.notna()
        if kinds is None:
            told.filled[name] = int(len(column) - present.sum())
            return _Numbers(name, float(np.median(_as_numbers(column)[present])))
        counts = kinds[present].value_counts()
        if len(counts) > max(self.most, present.sum() / 2):
            told.names.append(name)
            return None
        kept = sorted(counts.sort_index().sort_values(ascending=False, kind="stable").index[: self.most])
        marks = [_OTHER] * (len(counts) > len(kept)) + [_MISSING] * bool(not present.all())
        told.rare[name] = len(counts) - len(kept)
        single = len(kept) + len(marks) <= 2
        told.kinds[name] = 1 if single else len(kept) + len(marks)
        return _Kinds(name, tuple(kept), tuple(marks), single)


@dataclass(frozen=True)
class _Numbers:
    """A column of numbers, in which the median stands for what is missing."""

    name: str
    median: float

    def names(self) -> list[str]:
        return [self.name]

    def encoded(self, column: pd.Series) -> list[Array]:
        return [_as_numbers(column).fillna(self.median).to_numpy(dtype=float)]


@dataclass(frozen=True)
class _Kinds:
    """A column of kinds: a column of 0 and 1 for each, or a single one for the second of two."""

    name: str
    kept: tuple[str, ...]
    marks: tuple[str, ...]
    single: bool

    def names(self) -> list[str]:
        return [f"{self.name}={kind}" for kind in (*self.kept, *self.marks)][-1 if self.single else 0 :]

    def encoded(self, column: pd.Series) -> list[Array]:
        words, present = _as_words(column), column.notna().to_numpy()
        columns = [(words == kind).to_numpy(dtype=bool) & present for kind in self.kept]
        if _OTHER in self.marks:
            columns.append(present & ~np.any(columns, axis=0))
        if _MISSING in self.marks:
            columns.append(~present)
        return [values.astype(float) for values in columns[-1 if self.single else 0 :]]


@dataclass(frozen=True)
class FittedEncoder:
    """An encoding as it was learnt from training rows.

    columns: names of the D columns it was learnt on
    report:  one sentence for each step, with counts
    """

    columns: tuple[str, ...]
    learnt: tuple[_Numbers | _Kinds, ...]
    report: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Of the encoded columns."""
        return [name for column in self.learnt for name in column.names()]

    @property
    def groups(self) -> dict[str, list[int]]:
        """Column of kinds -> its encoded columns, by position."""
        found, start = {}, 0
        for column in self.learnt:
            stop = start + len(column.names())
            if isinstance(column, _Kinds):
                found[column.name] = list(range(start, stop))
            start = stop
        return found

    def transform(self, X: Any) -> Array:
        """Numbers (n, k) of rows X (n, D), by what the training rows taught."""
        given = X if hasattr(X, "columns") else _frame(X, self.columns)
        frame = _frame(with_columns(given, self.columns), self.columns)
        position = {name: j for j, name in enumerate(self.columns)}
        parts = [part for column in self.learnt for part in column.encoded(frame.iloc[:, position[column.name]])]
        return numeric_table(np.column_stack(parts), names=self.names)

    def as_record(self) -> dict[str, Any]:
        """All of it as a JSON-able record, which `from_record` reads."""
        learnt = [{"kind": type(column).__name__} | asdict(column) for column in self.learnt]
        return {"columns": list(self.columns), "learnt": learnt, "report": list(self.report)}

    @staticmethod
    def from_record(record: dict[str, Any]) -> FittedEncoder:
        """The encoding that such a record tells of."""
        learnt: list[_Numbers | _Kinds] = []
        for told in record["learnt"]:
            if "median" in told:
                learnt.append(_Numbers(told["name"], float(told["median"])))
            else:
                learnt.append(_Kinds(told["name"], tuple(told["kept"]), tuple(told["marks"]), bool(told["single"])))
        return FittedEncoder(tuple(record["columns"]), tuple(learnt), tuple(record["report"]))


class _Told:
    """What was done to which column."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = {}
        self.rare: dict[str, int] = {}
        self.filled: dict[str, int] = {}
        self.words: dict[str, int] = {}
        self.names: list[str] = []
        self.empty: list[str] = []

    def report(self, most: int) -> list[str]:
        lines = []
        if self.kinds:
            count = f"{len(self.kinds)} columns of kinds as {sum(self.kinds.values())} of 0 and 1"
            lines.append(f"encoded {count}: {_counted(self.kinds)}")
        if rare := {name: count for name, count in self.rare.items() if count}:
            lines.append(f"put rare kinds together, all but the {most} most frequent of a column: {_counted(rare)}")
        if filled := {name: count for name, count in self.filled.items() if count}:
            lines.append(f"filled {sum(filled.values())} missing numbers with the median: {_counted(filled)}")
        if words := {name: count for name, count in self.words.items() if count}:
            lines.append(f"took {sum(words.values())} words among numbers for missing: {_counted(words)}")
        if self.names:
            lines.append(f"left out words that differ in more than half of the rows: {_listed(self.names)}")
        if self.empty:
            lines.append(f"left out columns without a value: {_listed(self.empty)}")
        return lines


def _frame(X: Any, names: Sequence[str] = ()) -> pd.DataFrame:
    """X as a frame with text for names; columns of an array of objects get the types that they hold."""
    import pandas as pd

    if isinstance(X, pd.DataFrame):
        frame = X.copy(deep=False)
        frame.columns = column_names(X)
    else:
        values = as_numpy(X, "X")
        if values.ndim != 2:
            raise InputError("X must be a 2-D array with one row per sample", f"shape {values.shape}")
        if names and values.shape[1] != len(names):
            raise InputError(f"X must have the {len(names)} columns it was fitted on", f"{values.shape[1]} columns")
        frame = pd.DataFrame(values).infer_objects()
        frame.columns = column_names(X) or list(names) or [str(j) for j in range(values.shape[1])]
    if frame.columns.duplicated().any():
        raise InputError("the columns must have names of their own", frame.columns[frame.columns.duplicated()].tolist())
    return frame


def _is_numeric(column: pd.Series) -> bool:
    from pandas.api import types

    numeric = types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)
    return numeric or types.is_datetime64_any_dtype(column.dtype) or types.is_timedelta64_dtype(column.dtype)


def _as_numbers(column: pd.Series) -> pd.Series:
    """As float64, NaN where there is no number; dates and durations in days."""
    import pandas as pd
    from pandas.api import types

    if types.is_datetime64_any_dtype(column.dtype):
        zone = getattr(column.dtype, "tz", None)
        moments = (column if zone is None else column.dt.tz_convert("UTC").dt.tz_localize(None)).to_numpy()
        seconds = moments.astype("datetime64[s]")  # in finer units the years from 1678 to 2262 alone are numbers
        parts = (moments - seconds) / np.timedelta64(1, "s")
        return pd.Series((seconds.astype(np.int64) + parts) / 86400, index=column.index)
    if types.is_timedelta64_dtype(column.dtype):
        return column.dt.total_seconds() / 86400
    return pd.to_numeric(column, errors="coerce").astype("float64")


def _as_words(column: pd.Series) -> pd.Series:
    return column.astype(object).map(str)


def _counted(counts: dict[str, int]) -> str:
    shown = [f"{name!r} ({count})" for name, count in list(counts.items())[:8]]
    return ", ".join(shown) + (f" and {len(counts) - 8} more" if len(counts) > 8 else "")


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


__all__ = ["Encoder", "FittedEncoder"]
