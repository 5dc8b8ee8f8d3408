"""Tables that are dropped onto the page: kept on this machine, for as long as the explorer runs, within bounds."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from jominy.errors import InputError
from jominy.explore.fields import Request

if TYPE_CHECKING:
    from jominy.study.scenario import Scenario

MOST_TABLES = 8
"""That are kept; the one that came first goes."""
_NAMED = 500
"""Columns of a table that are offered as targets by name: of more, the first and last ones."""
_TARGETS = ("target", "y", "label", "class", "outcome", "diagnosis", "response")
_OTHER_SIGNS = re.compile(r"[^\w .()+-]")
_HELD_OUT = 0.25


class TableRef(Request):
    """Which table, and what of it is forecast."""

    id: str = Field(pattern="^[0-9a-f]{32}$")
    target: str = Field(max_length=200)
    classes: str = Field("", max_length=200, description="two groups of labels, A:B, of a target with more than two")
    loss: Literal["", "logistic", "squared"] = Field("", description="unset: as the target suggests")
    encode: bool = Field(False, description="make numbers of words and of missing values")


class Kept(Request):
    """A table that is there; its columns are asked for."""

    id: str = Field(pattern="^[0-9a-f]{32}$")


class Opened(Request):
    """A table and its target, with which the page is to open."""

    table: TableRef


class Tables:
    """The folder in which the server keeps them, one folder a table, under a name that its content gives it."""

    def __init__(self) -> None:
        self._made: tempfile.TemporaryDirectory[str] | None = None

    @property
    def folder(self) -> Path:
        """Made when it is first asked for; only this user can read it."""
        if self._made is None:
            self._made = tempfile.TemporaryDirectory(prefix="jominy-tables-", ignore_cleanup_errors=True)
        return Path(self._made.name)

    def keep(self, name: str, content: bytes) -> str:
        """Keep a table and return what it is called. Raises InputError for a name that is not that of a CSV."""
        shown = _OTHER_SIGNS.sub("_", re.split(r"[\\/]", name)[-1])[-80:].lstrip(". ")
        if not shown.lower().endswith(".csv"):
            raise InputError("the page takes tables as .csv files", shown, "save it as CSV, or use the jominy command")
        called = hashlib.sha256(f"{shown}\n".encode() + content).hexdigest()[:32]
        place = self.folder / called
        if not place.exists():
            place.mkdir()
            (place / f"{shown[:-4]}.csv").write_bytes(content)
            kept = sorted(self.folder.iterdir(), key=lambda one: one.stat().st_mtime_ns)
            for one in kept[:-MOST_TABLES]:
                shutil.rmtree(one, ignore_errors=True)
        return called

    def close(self) -> None:
        """Forget them all."""
        made, self._made = self._made, None
        if made is not None:
            made.cleanup()


def table_file(folder: Path | None, called: str) -> Path:
    """Where a table is. Raises InputError where it is no longer there."""
    found = list((folder / called).glob("*.csv")) if folder is not None else []
    if not found:
        raise InputError("the table is no longer here", next_step="drop it onto the page again")
    return found[0]


def columns(folder: Path | None, asked: Kept) -> dict[str, Any]:
    """What a table has, as the reader of the command line sees it, and which column is likely to be the target."""
    from jominy.data.csv_files import read_csv

    file = table_file(folder, asked.id)
    frame, _, notes = read_csv(file, None, None)
    names = [str(name) for name in frame.columns]
    offered = names if len(names) <= _NAMED else [*names[: _NAMED // 2], *names[-_NAMED // 2 :]]
    likely = next((name for name in offered if name.strip().lower() in _TARGETS), offered[-1])
    return {
        "id": asked.id, "name": file.name, "rows": len(frame), "count": len(names), "columns": offered,
        "likely": likely, "notes": notes,
    }  # fmt: skip


def table_scenario(folder: Path | None, table: TableRef) -> Scenario:
    """The scenario of a table and its target, as the command line makes it. Raises InputError as that does."""
    from jominy.study.scenario import from_data_file
    from jominy.study.scenario.class_groups import read_groups

    more: dict[str, Any] = {"classes": read_groups(table.classes)} if table.classes else {}
    file = table_file(folder, table.id)
    made = from_data_file(
        file, target=table.target, held_out=_HELD_OUT, loss=table.loss or None, radius=None, rate=None,
        encode=table.encode or None, **more,
    )  # fmt: skip
    return made.changed(title=file.name)
