"""Two groups of classes as one text, as an option of the command line takes it, and back."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

from jominy.errors import InputError

_LABEL = re.compile(r'\s*("(?:[^"]|"")*"|[^",:]*)\s*([,:]|$)')


def read_groups(text: str) -> list[list[Any]]:
    """Two groups of labels: commas between labels, a colon between the groups; a label may be in double quotes.

    >>> read_groups('3:8'), read_groups('"a, b",c:d')
    ([[3], [8]], [['a, b', 'c'], ['d']])
    """
    groups: list[list[Any]] = [[]]
    place, wrong = 0, text.count(":") == 0
    while place < len(text) and not wrong:
        found = _LABEL.match(text, place)
        if found is None:
            wrong = True
            break
        label, after = found[1], found[2]
        if label.strip():
            groups[-1].append(_label(label))
        if after == ":":
            groups.append([])
        place = found.end()
    if wrong or len(groups) != 2 or not all(groups):
        raise InputError("--classes must be two groups of labels with a colon between", text, "write 3:8 or 0,2:1,3")
    return groups


def as_option(*groups: Sequence[Any]) -> str:
    """What `read_groups` reads, quoted for a shell.

    >>> print(as_option(["low, or less"], ["high"]))
    '"low, or less":high'
    """
    return shlex.quote(":".join(",".join(_quoted(label) for label in group) for group in groups))


def as_toml(label: Any) -> str:
    """A label as it stands in a scenario file."""
    return json.dumps(label, ensure_ascii=False)


def _quoted(label: Any) -> str:
    text = str(label)
    plain = text == text.strip() and text and not set(text) & set('",:') and isinstance(_label(text), type(label))
    return text if plain else '"' + text.replace('"', '""') + '"'


def _label(text: str) -> Any:
    """A label in double quotes is a word, and so is what is no number as numbers are usually written (007, nan)."""
    text = text.strip()
    if text.startswith('"'):
        return text[1:-1].replace('""', '"')
    if re.fullmatch(r"-?(0|[1-9]\d{0,15})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+([eE][+-]?\d+)?", text) else text
