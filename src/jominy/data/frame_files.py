"""Tables with named columns, from csv and parquet files: the target, the features, and no index among them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.data.csv_files import MOST_COLUMNS, read_csv, words_of
from jominy.data.damage import damage_reported
from jominy.data.names import known_names
from jominy.data.numpy_files import LARGEST
from jominy.data.tables import column_names
from jominy.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_NO_NAME = re.compile(r"Unnamed: \d+|")


def read_frame(
    file: Path, target: str | int | None, separator: str | None, decimal: str | None
) -> tuple[pd.DataFrame, Any, list[str], list[str]]:
    """Features, target, names of the features and notes. InputError where the target is not one of the columns."""
    dialect, notes = None, list[str]()
    if file.suffix.lower() == ".csv":
        frame, dialect, notes = read_csv(file, separator, decimal)
        called = [name or f"Unnamed: {j}" for j, name in enumerate(dialect.names)]
    else:
        frame = _read_parquet(file)
        called = column_names(frame)
    names = column_names(frame)
    name = str(target).strip() if dialect else str(target)
    if called.count(name) != 1:
        several = called.count(name)
        told = f"{several} columns called {name!r}" if several else target
        raise InputError(f"target must name one column of {file.name}", told, _what_there_is(target, names))
    y = frame.iloc[:, names.index(name)]
    if dialect and y.isna().any():
        y = _with_words(y, words_of(file, dialect, name))
    kept = [j for j in range(len(names)) if names[j] != name]
    return frame.iloc[:, kept], y.to_numpy(), [names[j] for j in kept], notes


def without_index(X: Any, names: list[str], file: str) -> tuple[Any, list[str], list[str]]:
    """Features and names without columns that have no name and hold nothing, or a label of each row; notes."""
    unnamed = [j for j, name in enumerate(names) if hasattr(X, "iloc") and _NO_NAME.fullmatch(name)]
    out, notes = [], []
    for j in unnamed:
        column = X.iloc[:, j]
        if column.isna().all():
            out.append(j)
        elif column.dtype.kind != "f" and column.is_unique and not column.isna().any():
            out.append(j)
            notes.append(f"left out column {j + 1} of {file}, which has no name and numbers the rows")
    if out and len(out) == len(names):
        raise InputError(f"a feature of {file} must be left", "columns without a name, which number the rows")
    kept = [j for j in range(len(names)) if j not in out]
    return (X.iloc[:, kept], [names[j] for j in kept], notes) if out else (X, names, [])


def _with_words(y: pd.Series, words: pd.Series) -> pd.Series:
    """A target in which pandas finds values missing: words such as "None" and "NA" are classes among other words."""
    others = words[y.notna()]
    blank = words.isna() | (words.str.strip() == "")
    numbers = len(others) and y[y.notna()].map(lambda value: not isinstance(value, str)).all()
    return y if numbers or blank.all() else words.mask(blank)


def _read_parquet(file: Path) -> pd.DataFrame:
    import pandas as pd

    rule = f"{file.name} must be a readable {file.suffix} table"
    try:
        with damage_reported(file, rule):
            _require_size(file)
            return pd.read_parquet(file)
    except ImportError:
        raise InputError("parquet files need pyarrow", file.name, "`pip install pyarrow`") from None


def _require_size(file: Path) -> None:
    """A parquet file is packed: what it says of its size must be bounded before it is read."""
    from pyarrow import parquet

    about = parquet.read_metadata(file)
    if about.num_columns > MOST_COLUMNS:
        raise InputError(f"a table may have at most {MOST_COLUMNS} columns", f"{about.num_columns} in {file.name}")
    size = 8 * about.num_rows * about.num_columns
    if size > LARGEST and size > 20 * file.stat().st_size:
        rule = f"{file.name} must unpack to at most {LARGEST / 2**30:g} GiB"
        raise InputError(rule, f"{size / 2**30:.3g} GiB", "Keep fewer rows or columns.")


def _what_there_is(target: Any, names: list[str]) -> str:
    if names and all(_is_number(name) for name in names) and names != [str(j) for j in range(len(names))]:
        return "The first line must hold the names of the columns, and seems to hold values."
    return known_names("columns", target, names)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


__all__ = ["read_frame", "without_index"]
