"""CSV as people write it: separators, decimal commas, encodings, row names, classes called "None"."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jominy.data.damage import damage_reported
from jominy.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MOST_COLUMNS = 100_000  # pandas takes minutes for a million
_SAMPLE = 2**23  # characters from which the dialect is told; the first line must be among them
_ROWS = 200  # of them that are looked at
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?(\d*,\d+|\d{1,3}(\.\d{3})+,\d+)([eE][+-]?\d+)?")
_MISSING = "?"  # besides what pandas takes for missing


class Dialect(NamedTuple):
    """How a CSV file is written: how bytes are letters, and where fields, decimals and lines before the names are."""

    encoding: str
    separator: str
    decimal: str
    skipped: int
    names: list[str]
    row_names: bool

    def options(self) -> dict[str, Any]:
        """For pandas, which is told the names: left to itself it takes a field too many for an index, silently."""
        return {
            "sep": self.separator, "decimal": self.decimal, "encoding": self.encoding, "encoding_errors": "replace",
            "skiprows": self.skipped, "header": 0, "index_col": False, "low_memory": False, "skipinitialspace": True,
            "thousands": "." if self.decimal == "," else None, "na_values": [_MISSING],
        }  # fmt: skip


def read_csv(file: Path, separator: str | None, decimal: str | None) -> tuple[pd.DataFrame, Dialect, list[str]]:
    """The table, how it is written, and notes on what was found out about that.

    separator, decimal: one character each; None to find out.

    Raises InputError for what is no table with a line of names, or has more than MOST_COLUMNS columns.
    """
    import pandas as pd  # slow to import, and only tables with named columns need it

    for given, what in ((separator, "separator"), (decimal, "decimal")):
        if given is not None and len(given) != 1:
            raise InputError(f"the {what} must be one character", given, "Such as ';' or ',' (tab for a tabulator).")
    with damage_reported(file, f"{file.name} must be a readable .csv table"):
        dialect = _dialect(file, separator, decimal)
        names, repeated = _unlike(dialect.names)
        frame = pd.read_csv(file, names=names, **dialect.options())
        if decimal is None and dialect.decimal == "." and dialect.separator != "," and _late_commas(frame):
            dialect = dialect._replace(decimal=",")
            frame = pd.read_csv(file, names=names, **dialect.options())
    if not len(frame):
        raise InputError(f"{file.name} must have rows of values", f"{len(names)} names and nothing below")
    notes = []
    if separator is None and dialect.separator != ",":
        between = _SEPARATORS.get(dialect.separator, repr(dialect.separator))
        notes.append(f"fields of {file.name} are separated by {between} (--separator)")
    if decimal is None and dialect.decimal != ".":
        notes.append(f"decimals of {file.name} are written with a comma (--decimal)")
    if dialect.encoding not in ("utf-8-sig", "utf-16", "utf-32"):
        notes.append(f"{file.name} is not UTF-8: read as {dialect.encoding}")
    for name, count in repeated:
        notes.append(f"{count} columns of {file.name} are called {name!r}: the later ones are {name}.1, ...")
    if dialect.row_names:
        frame = frame.iloc[:, 1:]
        notes.append(f"left out the row names of {file.name}, for which it has no heading")
    return frame, dialect, notes


def words_of(file: Path, dialect: Dialect, name: str) -> pd.Series:
    """One column as text, in which only what is empty is missing: "None" and "NA" are words."""
    import pandas as pd

    names, _ = _unlike(dialect.names)
    kept = {"usecols": [name], "dtype": str, "keep_default_na": False, "na_values": [""], "thousands": None}
    with damage_reported(file, f"{file.name} must be a readable .csv table"):
        return pd.read_csv(file, names=names, **(dialect.options() | kept))[name]


def _dialect(file: Path, separator: str | None, decimal: str | None) -> Dialect:
    encoding = _encoding(file)
    with open(file, encoding=encoding, errors="replace") as handle:
        text = handle.read(_SAMPLE)
        whole = not handle.read(1)
    if not text.strip():
        raise ValueError("the file is empty")
    if not whole:  # the last line may be cut
        text = text[: text.rfind("\n") + 1]
        if not text:
            raise _too_wide(file, f"a first line of more than {_SAMPLE} characters")
    skipped = 0
    told = re.match(r"sep=(.)\r?\n", text)  # Excel's own way of saying it
    if told:
        separator, skipped, text = separator or told[1], 1, text[told.end() :]
    found = [one for one in ([separator] if separator else _SEPARATORS) if _fits(text, one)]
    chosen = max(found, key=lambda one: _plausible(text, one), default=separator or ",")
    rows = _rows(text, chosen)
    names, widths = [name.strip() for name in rows[0]], Counter(len(row) for row in rows[1:])
    if len(names) > MOST_COLUMNS:
        raise _too_wide(file, f"{len(names)} columns")
    row_names = False
    if set(widths) == {len(names) + 1}:  # a field more in every row: ends with a separator, or begins with its name
        if all(row[-1] == "" for row in rows[1:]):
            names = [*names, ""]
        else:
            names, row_names = ["row names", *names], True
    longest = max(widths, default=0)
    if longest > len(names):
        line = next(i for i, row in enumerate(rows) if len(row) == longest)
        raise ValueError(f"row {line} has {longest} fields, and there are {len(names)} names")
    if decimal is None:
        fields = [field.strip() for row in rows[1:] for field in row]
        decimal = "," if chosen != "," and any(_COMMA_NUMBER.fullmatch(field) for field in fields) else "."
    return Dialect(encoding, chosen, decimal, skipped, names, row_names)


def _late_commas(frame: pd.DataFrame) -> bool:
    """Whether there are decimal commas in rows below those that were looked at first."""
    words = [frame.iloc[:, j] for j in range(frame.shape[1]) if frame.dtypes.iloc[j].kind not in "biuf"]
    return any(column.dropna().astype(str).str.fullmatch(_COMMA_NUMBER).any() for column in words)


def _encoding(file: Path) -> str:
    """utf-8-sig (a byte order mark or none), utf-16 or utf-32 by their mark; what is no UTF-8 is cp1252."""
    with open(file, "rb") as handle:
        head = handle.read(4)
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                return encoding
        if head[0:1] == b"\0" or head[1:2] == b"\0":
            return "utf-16-be" if head[0:1] == b"\0" else "utf-16-le"
        handle.seek(0)
        decoder = io.TextIOWrapper(handle, encoding="utf-8")
        try:
            while decoder.read(2**20):
                pass
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _rows(text: str, separator: str) -> list[list[str]]:
    """The first rows that are not empty."""
    rows = []
    for row in csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True):
        if row:
            rows.append(row)
        if len(rows) > _ROWS or sum(map(len, rows)) > 20 * MOST_COLUMNS:
            break
    return rows or [[]]


def _fits(text: str, separator: str) -> bool:
    """Whether this separator gives several columns, as many in the rows as in the names (or one more: row names)."""
    try:
        first, *others = _rows(text, separator)
    except csv.Error:  # a whole long line as one field
        return False
    usual = Counter(len(row) for row in others).most_common(1)
    return len(first) > 1 and all(0 <= width - len(first) <= 1 for width, _ in usual)


def _plausible(text: str, separator: str) -> tuple[float, int]:
    """How many of the fields are numbers, then how many columns there are."""
    first, *others = _rows(text, separator)
    fields = [field.strip() for row in others for field in row]
    pattern = (_NUMBER,) if separator == "," else (_NUMBER, _COMMA_NUMBER)
    numbers = sum(any(kind.fullmatch(field) for kind in pattern) for field in fields)
    return numbers / max(len(fields), 1), len(first)


def _unlike(names: list[str]) -> tuple[list[str], list[tuple[str, int]]]:
    """Names of which no two are alike, as pandas makes them, and those that were there several times."""
    result, seen, taken = [], Counter[str](), set(names)
    for j, name in enumerate(names):
        name = name or f"Unnamed: {j}"
        new = name
        while seen[name] and new in taken:
            new = f"{name}.{seen[name]}"
            seen[name] += 1
        seen[name] += 1
        taken.add(new)
        result.append(new)
    return result, [(name, count) for name, count in Counter(names).items() if name and count > 1]


def _too_wide(file: Path, found: str) -> InputError:
    step = "Save it as .npy or .npz."
    return InputError(f"a table may have at most {MOST_COLUMNS} columns, and {file.name} has more", found, step)


__all__ = ["MOST_COLUMNS", "Dialect", "read_csv", "words_of"]
