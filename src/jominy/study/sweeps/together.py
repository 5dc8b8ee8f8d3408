"""Forecasts of many scenarios at once, as lanes of one compiled program."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.results import Status
from jominy.study.scenario import Scenario
from jominy.study.scenario.laws import MixtureTable, TeacherTable
from jominy.study.sweeps.records import Failure, Labelled, Outcome, Record

if TYPE_CHECKING:
    import xarray as xr

_OWN = ("status", "numerical_error", "optimum_risk", "optimum_norm", "collapse_radius")


def in_lanes(scenario: Scenario) -> bool:
    """Whether a forecast of this scenario is made together with others: synthetic laws, without bands."""
    return isinstance(scenario.data, (TeacherTable, MixtureTable)) and not scenario.bands


def forecasts_together(scenarios: Sequence[Scenario]) -> list[Outcome]:
    """The forecast of each scenario, to the integrator's tolerance; one that fails does not stop the others."""
    made = _Maker()
    outcomes: dict[int, Outcome] = {}
    groups: dict[str, list[tuple[int, tuple]]] = defaultdict(list)
    for place, scenario in enumerate(scenarios):
        try:
            groups[_shared(scenario)].append((place, made.point(scenario)))
        except InputError as error:
            outcomes[place] = Failure(str(error))
    for text, members in groups.items():
        _solve(members, json.loads(text), outcomes)
    return [outcomes[place] for place in range(len(scenarios))]


def _shared(scenario: Scenario) -> str:
    """What forecasts that are made in one call have in common."""
    times = {"times": scenario.times} if scenario.time is None else {"time": scenario.time}
    settings = times | {"evaluate_at": scenario.evaluate_at, "batch_size": scenario.batch_size}
    return json.dumps({"settings": settings, "dimension": scenario.data.dimension})  # type: ignore[union-attr]


class _Maker:
    """Builds each law, loss and problem once: points of one problem share its optimum and its nodes."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def point(self, scenario: Scenario) -> tuple[Any, Any, Any]:
        """Problem, schedule and start."""
        from jominy.dynamics import Problem

        given = scenario.model_dump(include={"data", "loss", "radius", "start"})
        told = {name: json.dumps(table, sort_keys=True) for name, table in given.items()}
        data = self._once(told["data"], scenario.data.build)  # type: ignore[arg-type]
        loss = self._once(told["loss"], scenario.loss.build)
        start = self._once(told["start"] + told["data"], scenario._start)
        radius = scenario._radius()
        problem = self._once("".join(sorted(told.values())), lambda: Problem(data, loss, radius))
        return problem, scenario.build_schedule(), start

    def _once(self, text: str, build: Callable[[], Any]) -> Any:
        if text not in self._built:
            self._built[text] = build()
        return self._built[text]


def _solve(members: list[tuple[int, tuple]], common: dict[str, Any], outcomes: dict[int, Outcome]) -> None:
    """Forecast some points in one call; where it is refused, halves, until it is known of which point."""
    from jominy.dynamics import forecast_many

    problems, schedules, starts = (list(column) for column in zip(*(point for _, point in members), strict=True))
    try:
        told = forecast_many(problems, schedules, starts=starts, progress=False, **common["settings"])
    except Exception as error:
        if len(members) == 1:
            reason = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            outcomes[members[0][0]] = Failure(reason)
            return
        middle = len(members) // 2
        _solve(members[:middle], common, outcomes)
        _solve(members[middle:], common, outcomes)
        return
    for (place, _), record in zip(members, _records(told), strict=True):
        outcomes[place] = record


def _records(told: xr.Dataset) -> list[Record]:
    """Each point's part of the result, with the attributes that a forecast of its own has."""
    curves = {
        str(name): (tuple(map(str, one.dims[1:])), one.values, dict(one.attrs))
        for name, one in told.data_vars.items()
        if name not in _OWN
    }
    coords = {
        str(name): Labelled(tuple(map(str, one.dims)), one.values, dict(one.attrs))
        for name, one in told.coords.items()
        if name != "point"
    }
    shared = {name: told.attrs[name] for name in ("format", "engine", "versions", "cite")}
    own = {name: told[name].values for name in _OWN}
    records = []
    for k in range(told.sizes["point"]):
        status = Status.of(str(own["status"][k]))
        attrs = shared | {"status": status.label, "advice": status.advice}
        attrs |= {name: float(own[name][k]) for name in _OWN[1:]}
        variables = {
            name: Labelled(dims, np.asarray(values[k]), labels)
            for name, (dims, values, labels) in curves.items()
            if not np.all(np.isnan(values[k]))  # what another point has and this one does not
        }
        records.append(Record(variables, coords, attrs))
    return records
