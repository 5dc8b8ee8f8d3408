"""What a result says of itself, as Python values; empty where it does not say it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


def scenario_of(result: xr.Dataset) -> dict[str, Any]:
    """What was computed."""
    return json.loads(result.attrs.get("scenario", "{}"))


def table_in(told: Any, *names: str) -> dict[str, Any]:
    """The table at a place inside of tables; empty where there is none.

    >>> table_in({"problem": {"data": {"count": 5}}}, "problem", "data"), table_in({"problem": 3}, "problem", "data")
    ({'count': 5}, {})
    """
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}


def notes_of(result: xr.Dataset) -> list[str]:
    """Sentences for the reader."""
    return json.loads(result.attrs.get("notes", "[]"))
