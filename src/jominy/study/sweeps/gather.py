"""The result of a sweep: one labelled Dataset with a dimension for each swept field."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.results import Status, describe_variable
from jominy.results.schema import CITE, FORMAT, versions
from jominy.study.sweeps.plan import Plan
from jominy.study.sweeps.records import Record

if TYPE_CHECKING:
    import xarray as xr

FAILED, MISSING = "failed", "not computed"
_OF_THE_WHOLE = ("format", "engine", "versions", "cite", "title", "scenario", "notes", "status", "advice", "seed")
_ALWAYS = (
    "numerical_error",
    "optimum_risk",
    "optimum_norm",
    "optimum_regime",
    "collapse_radius",
    "critical_rate",
    "verdict",
)


def gather(
    plan: Plan, found: dict[str, Record], failures: dict[str, str], interrupted: bool, notes: Iterable[str], advice: str
) -> xr.Dataset:
    """Put the records of a plan's points together; points without one are NaN, and say why in `reason`."""
    import xarray as xr

    records = [found.get(key) for key in plan.keys]
    grid = plan.layout.axes is not None
    dims: tuple[str, ...] = plan.names if grid else ("point",)
    shape = tuple(len(axis) for axis in plan.layout.axes or ()) if grid else (len(records),)
    stacked = _Stack([record for record in records if record is not None], plan.names)
    variables: dict[str, Any] = {}
    for name in stacked.names:
        inner, sizes, attrs = stacked.frame(name)
        filled = stacked.empty(name, (len(records), *sizes))
        for place, record in enumerate(records):
            if record is not None and name in record.variables:
                values = record.variables[name].values
                filled[_corner(place, values.shape)] = values
        variables[name] = ((*dims, *inner), filled.reshape(*shape, *sizes), attrs)
    own, shared = _attributes(records)
    for name, column in own.items():
        if name not in variables:
            variables[name] = (dims, column.reshape(shape), _labels(name))
    variables["status"] = (dims, _status(plan, records, failures).reshape(shape), _labels("status"))
    variables["reason"] = (dims, _reasons(plan, records, failures).reshape(shape), _labels("reason"))
    coords = stacked.coords(records, dims, shape) | _swept(plan, dims)
    status = Status.INTERRUPTED if interrupted else Status.COMPLETED
    attrs = {
        "format": FORMAT,
        "engine": plan.engine.label,
        "scenario": json.dumps(plan.base.model_dump(exclude_unset=True), ensure_ascii=False),
        "sweep": json.dumps(plan.describe(), ensure_ascii=False),
        "versions": json.dumps(versions()),
        "status": status.label,
        "advice": advice or status.advice,
        "notes": json.dumps([*_shared_notes(records), *notes], ensure_ascii=False),
        "cite": CITE,
        **shared,
    }
    if plan.base.title:
        attrs["title"] = f"{plan.base.title} [varied: {', '.join(plan.layout.names)}]"  # it may name what varies
    return xr.Dataset(variables, coords=coords, attrs=attrs)


class _Stack:
    """How the arrays of many records fit together."""

    def __init__(self, records: list[Record], swept: tuple[str, ...]) -> None:
        self._records, self._swept = records, swept
        names = dict.fromkeys(name for record in records for name in record.variables)
        # The radius over time of a result is the swept radius itself.
        self.names = [name for name in names if name not in swept]
        self._first = {name: next(r.variables[name] for r in records if name in r.variables) for name in self.names}
        self._sizes: dict[str, int] = {}
        for record in records:
            for one in (*record.variables.values(), *record.coords.values()):
                for dim, size in zip(one.dims, one.values.shape, strict=True):
                    self._sizes[dim] = max(self._sizes.get(dim, 0), size)
        self._varying = {dim for dim in self._sizes if self._differs(dim)}

    def frame(self, name: str) -> tuple[tuple[str, ...], tuple[int, ...], dict[str, Any]]:
        """Dimensions, sizes and attributes of a variable of one record, as they are in the whole."""
        dims, _, attrs = self._first[name]
        return tuple(map(self._dim, dims)), tuple(self._sizes[dim] for dim in dims), attrs

    def empty(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """What a point that has no value holds."""
        return _empty(self._first[name].values.dtype, shape)

    def coords(self, records: list[Record | None], dims: tuple[str, ...], shape: tuple[int, ...]) -> dict[str, Any]:
        """The coordinates of records: shared ones as they are, those that differ as arrays over the points too."""
        found: dict[str, Any] = {}
        for record in self._records:
            for name, one in record.coords.items():
                if name in found or name in self._swept:
                    continue
                if not any(dim in self._varying for dim in one.dims):
                    found[name] = one
                    continue
                sizes = tuple(self._sizes[dim] for dim in one.dims)
                filled = _empty(one.values.dtype, (len(records), *sizes))
                for place, each in enumerate(records):
                    if each is not None and name in each.coords:
                        values = each.coords[name].values
                        filled[_corner(place, values.shape)] = values
                inner = tuple(map(self._dim, one.dims))
                found[name] = ((*dims, *inner), filled.reshape(*shape, *sizes), one.attrs)
        return found

    def _dim(self, dim: str) -> str:
        """A coordinate that differs between points is numbered along a dimension of another name."""
        return f"{dim}_index" if dim in self._varying else dim

    def _differs(self, dim: str) -> bool:
        seen = {repr(record.coords[dim].values.tolist()) for record in self._records if dim in record.coords}
        return len(seen) > 1


def _shared_notes(records: list[Record | None]) -> list[str]:
    """The notes that the results of all points have, but for what was done to the data."""
    known = [record.attrs for record in records if record is not None]
    if not known or not known[0].get("notes"):
        return []
    told = json.loads(known[0].get("scenario", "{}")).get("problem", {}).get("data", {}).get("report") or []
    others = [set(json.loads(attrs.get("notes", "[]"))) for attrs in known[1:]]
    return [note for note in json.loads(known[0]["notes"]) if note not in told and all(note in one for one in others)]


def _attributes(records: list[Record | None]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Attributes that differ between points (or may) as arrays, and those that all share."""
    names = dict.fromkeys(name for record in records if record is not None for name in record.attrs)
    own: dict[str, np.ndarray] = {}
    shared: dict[str, Any] = {}
    for name in names:
        if name in _OF_THE_WHOLE:
            continue
        values = [None if record is None else record.attrs.get(name) for record in records]
        known = [value for value in values if value is not None]
        if name not in _ALWAYS and len(set(map(repr, known))) == 1:
            shared[name] = known[0]
        elif all(isinstance(value, (int, float)) for value in known):
            own[name] = np.array([np.nan if value is None else float(value) for value in values])
        else:
            own[name] = _text(["" if value is None else str(value) for value in values])
    return own, shared


def _status(plan: Plan, records: list[Record | None], failures: dict[str, str]) -> np.ndarray:
    words = [
        record.attrs.get("status", Status.COMPLETED.label)
        if record is not None
        else (FAILED if key in failures else MISSING)
        for key, record in zip(plan.keys, records, strict=True)
    ]
    return _text(words)


def _reasons(plan: Plan, records: list[Record | None], failures: dict[str, str]) -> np.ndarray:
    words = []
    for key, record in zip(plan.keys, records, strict=True):
        completed = record is not None and record.attrs.get("status") == Status.COMPLETED.label
        words.append("" if completed else failures.get(key, "") if record is None else record.attrs.get("advice", ""))
    return _text(words)


def _swept(plan: Plan, dims: tuple[str, ...]) -> dict[str, Any]:
    """The swept fields as coordinates."""
    if plan.layout.axes is not None:
        return {name: (name, _column(axis), _labels(name)) for name, axis in zip(dims, plan.layout.axes, strict=True)}
    columns = zip(*plan.layout.rows, strict=True)
    return {name: ("point", _column(list(c)), _labels(name)) for name, c in zip(plan.names, columns, strict=True)}


def _column(values: list[Any]) -> np.ndarray:
    """Numbers as numbers; tables and words as text."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return np.array(values)
    return _text([value if isinstance(value, str) else json.dumps(value) for value in values])


def _text(words: list[str]) -> np.ndarray:
    filled = np.empty(len(words), dtype=object)
    filled[:] = words
    return filled


def _empty(dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if dtype.kind in "OUS":
        return np.full(shape, "", dtype=object)
    return np.full(shape, np.nan)


def _corner(place: int, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Where an array goes that may be smaller than the place for it."""
    return (place, *map(slice, shape))


def _labels(name: str) -> dict[str, str]:
    try:
        told = describe_variable(name)
    except KeyError:
        return {"long_name": name.replace("_", " "), "units": "1"}
    return {"long_name": told.long_name, "units": told.units, "symbol": told.symbol}
