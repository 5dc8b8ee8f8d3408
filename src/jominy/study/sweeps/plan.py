"""The plan of a sweep: every point as a scenario, checked before anything is computed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jominy.errors import InputError
from jominy.parts import SCHEDULES
from jominy.study.designs.layouts import Design, Layout
from jominy.study.scenario import Scenario
from jominy.study.scenario.base import Table
from jominy.study.sweeps.engines import Engine, default_engine, share_loaded
from jominy.study.sweeps.fields import find_field, short_names, with_field
from jominy.study.sweeps.keys import key_of


@dataclass(frozen=True)
class Plan:
    """What a sweep computes.

    Attributes
    ----------
    base : the scenario that is varied
    engine : what is computed
    layout : the points as values of the swept fields
    names : what the swept fields are called in the result
    paths : where they are in the scenario
    given : the scenario of each point, as a mapping; `folder` is what paths in it are relative to
    keys : the key of each point; points that mean the same share one
    """

    base: Any
    engine: Engine
    layout: Layout
    names: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]
    given: list[dict[str, Any]]
    keys: list[str]

    @property
    def folder(self) -> Path:
        """Where the scenario's data files are."""
        return self.base._folder.absolute()

    def describe(self) -> dict[str, Any]:
        """The plan as a JSON-able record, without its points."""
        record: dict[str, Any] = {"points": len(self.given), "grid": self.layout.axes is not None}
        record["fields"] = {name: ".".join(path) for name, path in zip(self.names, self.paths, strict=True)}
        record["logarithmic"] = [
            name for name, asked in zip(self.names, self.layout.names, strict=True) if asked in self.layout.logarithmic
        ]
        return record


def make_plan(scenario: Table, design: Design, engine: Engine | None = None) -> Plan:
    """Every point of a design as a scenario. Raises `InputError` that names the point, the field and the value."""
    engine = default_engine(scenario) if engine is None else engine
    if not isinstance(engine, Engine):
        raise InputError("the engine must be one of jominy.Engine", engine, "such as jominy.Engine.SIMULATE")
    if not isinstance(scenario, engine.of):
        raise InputError(
            f"the engine {engine.label!r} is for a {engine.of.__name__}",
            type(scenario).__name__,
            f"engines: {', '.join(e.label for e in Engine if isinstance(scenario, e.of))}",
        )
    layout = design.layout()
    paths = tuple(find_field(name, scenario) for name in layout.names)
    names = tuple(short_names(layout.names, list(paths)))
    base = scenario.model_dump(exclude_unset=True)
    base.pop("sweep", None)
    given, keys = [], []
    for row in layout.rows:
        mapping = base
        for path, value in zip(paths, row, strict=True):
            mapping = with_field(_without_others(mapping, path), path, value)
        told = ", ".join(f"{name} = {_shown(value)}" for name, value in zip(layout.names, row, strict=True))
        point = _checked(scenario, mapping, f"the sweep at {told}")
        given.append(mapping)
        keys.append(key_of(point, engine))
    return Plan(scenario, engine, layout, names, paths, given, keys)


def _without_others(mapping: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The mapping without what a field that is about to be set takes the place of."""
    if path in (("time",), ("times",)):
        mapping = {name: value for name, value in mapping.items() if name not in ("time", "times")}
    if path[-1] in mapping.get("vary", {}):
        mapping = mapping | {"vary": {name: value for name, value in mapping["vary"].items() if name != path[-1]}}
    if path == ("schedule", "rate") and not SCHEDULES[mapping["schedule"]["kind"]].has("rate"):
        mapping = mapping | {"schedule": {"kind": "constant"}}
    return mapping


def _checked(scenario: Any, mapping: dict[str, Any], source: str) -> Any:
    """The point as a scenario, its schedules built too: they check what a type alone cannot."""
    point = type(scenario).from_mapping(mapping, folder=scenario._folder, source=source)
    if isinstance(scenario, Scenario):
        if point.data == scenario.data:
            if point.units == "data":
                _ = scenario.loaded  # its scale is that of the rates
            share_loaded(scenario, point)
        try:
            point.build_schedule()
            point._radius()
        except InputError as error:
            raise InputError(f"{source}: {error.rule}", error.received, error.next_step) from error
    return point


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, default=str)
