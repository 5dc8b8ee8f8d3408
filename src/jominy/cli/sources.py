"""Which command reads which file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jominy.errors import InputError

DATA_FILES = (".npz", ".npy", ".csv", ".parquet")
_READERS = {
    ".toml": "`jominy forecast`, `jominy compare`, ... read scenarios, `jominy network` those of networks",
    ".nc": "`jominy report` reads results",
    ".py": "`jominy diagnose FILE.py:NAME` reads modules",
    **dict.fromkeys(DATA_FILES, "`jominy forecast`, `simulate`, `compare`, `optimum`, `fit`, `advise` read data files"),
}


def require_ending(path: str, endings: Sequence[str], rule: str, *, or_unknown: bool = False) -> None:
    """InputError that states the rule, and which command reads such a file, for one of another ending."""
    ending = Path(path).suffix.lower()
    if ending not in endings and not (or_unknown and ending not in _READERS):
        raise InputError(rule, path, _READERS.get(ending, ""))
