"""What a sweep found, as text."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from jominy.errors import InputError
from jominy.show.text import Table, number, short, table, wrapped

if TYPE_CHECKING:
    import xarray as xr

_ROWS = 24
"""So many points are listed one by one."""
TOLD = (
    "adversarial_risk", "held_out_adversarial_risk", "clean_risk", "adversarial_accuracy", "clean_accuracy", "norm",
    "adversarial_loss_bound", "trainability_index", "total_gain",
)  # fmt: skip


def sweep_text(result: xr.Dataset) -> str:
    """Header, a table of the points (the first ones of many), failures and the best point."""
    return "\n\n".join(sweep_parts(result))


def sweep_parts(result: xr.Dataset) -> list[str]:
    """The parts of that text; the table is a :class:`~jominy.show.text.Table`."""
    names, flat = flattened(result)
    columns = [name for name in TOLD if name in flat.data_vars][:5]
    counts = Counter(str(word) for word in flat["status"].values)
    total = flat.sizes["point"]
    heading = f"{result.attrs.get('engine', 'sweep')} at {total} points"
    parts = [f"{result.attrs['title']}\n{heading}" if result.attrs.get("title") else heading]
    if "time" in result.coords:
        parts[0] += f", values at time {float(np.nanmax(result['time'].values)):g}" if result["time"].ndim == 1 else ""
    parts[0] += ": " + ", ".join(f"{number} {word}" for word, number in counts.most_common())
    if columns:
        parts.append(_table(flat, names, columns, total))
    parts.extend(failures(flat))
    parts.extend(best_point(flat, names))
    return parts


def fields_of(result: xr.Dataset) -> list[str]:
    """The swept fields that still vary; a field of which one value was chosen does not. ``InputError`` without any."""
    fields = [name for name in json.loads(result.attrs["sweep"])["fields"] if result[name].ndim]
    if not fields:
        raise InputError("a sweep must have a field that varies", "one point", "show it as a forecast: forecast(...)")
    return fields


def flattened(result: xr.Dataset) -> tuple[list[str], xr.Dataset]:
    """Names of the swept fields, and the result with one dimension `point`, at the last time, averaged over runs."""
    names = fields_of(result)
    last = at_end(result)
    if "point" not in last.dims:
        last = last.stack(point=names, create_index=False)  # noqa: PD013
    return names, last


def at_end(result: xr.Dataset) -> xr.Dataset:
    """The result at its last time, and the mean over runs."""
    if "time" in result.dims:
        result = result.isel(time=-1)
    elif "time_index" in result.dims:  # points with fewer times than others are filled up with NaN
        result = result.isel(time_index=np.maximum(result["time"].notnull().sum("time_index") - 1, 0))
    for dim in ("seed", "network"):
        if dim in result.dims:
            over = [one for one in result.data_vars.values() if dim in one.dims and one.dtype.kind == "f"]
            with np.errstate(invalid="ignore"):
                mean = {one.name: one.mean(dim, keep_attrs=True, skipna=False) for one in over}
            result = result.drop_dims(dim).assign(mean)
    return result


def _table(flat: xr.Dataset, names: list[str], columns: list[str], total: int) -> Table:
    single = [name for name in columns if flat[name].dims == ("point",)]
    headings = [*names, *(name.replace("_", " ") for name in single), "status"]
    known = np.flatnonzero(flat["status"].values != "not computed")
    shown = known if len(known) <= _ROWS else known[np.round(np.linspace(0, len(known) - 1, _ROWS)).astype(int)]
    rows = [
        [
            *(_place(flat[name].values[k]) for name in names),
            *(_cell(flat[name].values[k]) for name in single),
            str(flat["status"].values[k]),
        ]
        for k in shown
    ]
    note = f"({len(rows)} of {total} points; --out FILE keeps all of them)" if len(rows) < total else ""
    return table([headings, *rows], note)


def _place(value: object) -> str:
    return short(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def _cell(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    return str(value)


def failures(flat: xr.Dataset) -> list[str]:
    failed = flat["status"].values == "failed"
    reasons = Counter(str(reason) for reason in flat["reason"].values[failed])
    return [wrapped(f"{number} failed: {reason}") for reason, number in reasons.most_common(3)]


def best_point(flat: xr.Dataset, names: list[str]) -> list[str]:
    name = next((n for n in ("held_out_adversarial_risk", "adversarial_risk") if n in flat and flat[n].ndim == 1), None)
    if name is None or not np.any(np.isfinite(flat[name].values)):
        return []
    values = np.where(np.isfinite(flat[name].values), flat[name].values, np.inf)
    best = int(np.argmin(values))
    where = ", ".join(f"{field} {_place(flat[field].values[best])}" for field in names)
    return [wrapped(f"Lowest {name.replace('_', ' ')}: {values[best]:.4g}, at {where}.")]
