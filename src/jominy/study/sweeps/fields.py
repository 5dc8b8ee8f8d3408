"""Fields of a scenario by name: dotted paths, short names, and setting them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jominy.errors import InputError
from jominy.parts import SCHEDULES
from jominy.study.scenario.base import Table
from jominy.wording import did_you_mean

_NOT_SWEPT = ("sweep", "vary", "title")
_MEANT = {"dimension": "data.dimension"}
"""Short names that stand for a deeper field although there is one at the top (that of the bands)."""


def find_field(name: str, scenario: Table) -> tuple[str, ...]:
    """The path that a name stands for.

    A dotted path is taken as it is (`data.components.0.weight`; `*` is every entry of a list; a leading dot forces the
    top level). A single word is a key at the top, or else the only key of that name anywhere.

    >>> from jominy.study import Scenario
    >>> scenario = Scenario.from_mapping({
    ...     "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
    ...     "loss": {"kind": "squared"}, "radius": 0.5, "schedule": {"kind": "constant", "rate": 0.5}, "time": 2,
    ... })
    >>> find_field("rate", scenario)
    ('schedule', 'rate')
    """
    if "." in name:
        path = tuple(name.removeprefix(".").split("."))
        if not all(path):
            raise InputError("a field to vary must be a name or a dotted path", name, "such as schedule.rate")
        return path
    tree = scenario.model_dump()
    # A constant rate is put in the place of a schedule that has none, as the option `--rate` does.
    if name == "rate" and "schedule" in tree and not SCHEDULES[tree["schedule"]["kind"]].has("rate"):
        return ("schedule", "rate")
    named = sorted({path for path, _ in _entries(tree) if path[-1] == name})
    if name in _MEANT and tuple(_MEANT[name].split(".")) in named:
        return tuple(_MEANT[name].split("."))
    if name in type(scenario).model_fields and name not in _NOT_SWEPT:
        return (name,)
    if len(named) == 1:
        return named[0]
    if named:
        told = ", ".join(".".join(path) for path in named)
        raise InputError(f"the field {name!r} is in several places", told, "write the whole path; * is every entry")
    names = sorted(
        {path[-1] for path, value in _entries(tree) if isinstance(value, (int, float)) and not isinstance(value, bool)}
    )
    step = did_you_mean(name, names) or f"numbers in it: {', '.join(n for n in names if not n.isdigit())}"
    raise InputError("a field to vary must be in the scenario", name, step)


def with_field(tree: Any, path: tuple[str, ...], value: Any) -> Any:
    """A nested mapping with a value put at a path; what is not on the path is shared with the one given.

    >>> with_field({"schedule": {"kind": "constant", "rate": 1.0}}, ("schedule", "rate"), 0.5)
    {'schedule': {'kind': 'constant', 'rate': 0.5}}
    """
    return _with(tree, path, path, value)


def _with(place: Any, rest: tuple[str, ...], path: tuple[str, ...], value: Any) -> Any:
    if not rest:
        return value
    key, here = rest[0], ".".join(path[: len(path) - len(rest)])
    if isinstance(place, dict):
        inner = place.get(key)
        return {**place, key: _with({} if inner is None else inner, rest[1:], path, value)}
    if not isinstance(place, list):
        raise InputError(f"the field {'.'.join(path)!r} is not in the scenario: {here!r} is no table", place)
    if key != "*" and not (key.isdigit() and int(key) < len(place)):
        raise InputError(
            f"the field {'.'.join(path)!r} is not in the scenario: {here!r} is a list of {len(place)}",
            key,
            f"give an index from 0 to {len(place) - 1}, or * for every entry",
        )
    return [_with(inner, rest[1:], path, value) if key in ("*", str(k)) else inner for k, inner in enumerate(place)]


def _entries(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and value of everything in a nested mapping."""
    entries: Any = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        if not above and key in _NOT_SWEPT:
            continue
        path = (*above, str(key))
        if isinstance(tree, dict):
            yield path, value
        yield from _entries(value, path)


def short_names(names: tuple[str, ...], paths: list[tuple[str, ...]]) -> list[str]:
    """What the dimensions of a result are called: the last word of each path, or the whole path where two share it."""
    last = [path[-1] for path in paths]
    chosen = []
    for path in paths:
        name = path[-1]
        if last.count(name) > 1 or name.isdigit() or name == "*":
            name = "_".join(path)
        chosen.append({"time": "horizon"}.get(name, name))
    if len(set(paths)) < len(paths):
        raise InputError("each field may be varied once", ", ".join(names))
    return chosen
