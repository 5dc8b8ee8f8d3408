"""A name that is not there: the few that it may have meant."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Sequence
from typing import Any

_FEW = 12  # as many are listed in full
_MANY = 10_000  # more are not compared letter by letter


def known_names(what: str, asked: Any, names: Sequence[Any]) -> str:
    """A sentence for the end of a message: all names if they are few, else those nearest to the one asked for.

    >>> known_names("columns", "hight", ["height", "width"])
    "The columns are ['height', 'width']."
    >>> known_names("columns", "Label", [f"pixel{j}" for j in range(784)] + ["label"])
    "Nearest of the 785 columns: 'label'."
    """
    if len(names) <= _FEW:
        return f"The {what} are {_quoted(names)}."
    near = _nearest(str(asked), [str(name) for name in names])
    if near:
        return f"Nearest of the {len(names)} {what}: {_quoted(near)[1:-1]}."
    return f"The first of the {len(names)} {what} are {_quoted(names[:5])[1:-1]}."


def columns_named(text: str, names: Sequence[str]) -> list[str]:
    """The column of this name; or else several names with commas between, each as it is or in double quotes.

    >>> columns_named("a,b", ["a", "b"]), columns_named("a,b", ["a,b"])
    (['a', 'b'], ['a,b'])
    """
    if text in names or "," not in text:
        return [text]
    return [name for name in next(csv.reader([text], skipinitialspace=True)) if name]


def _nearest(asked: str, names: list[str], count: int = 3) -> list[str]:
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.strip().casefold(), name)
    low = asked.strip().casefold()
    if low in folded or len(folded) > _MANY:
        return [folded[low]] if low in folded else []
    return [folded[name] for name in difflib.get_close_matches(low, folded, n=count)]


def _quoted(names: Sequence[Any]) -> str:
    return "[" + ", ".join(repr(name) if len(repr(name)) <= 60 else repr(name)[:57] + "..." for name in names) + "]"


__all__ = ["known_names"]
