"""Forecasts of many scenarios at once, as lanes of one compiled program."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jominy.dynamics import Problem
from jominy.dynamics.coordinates.many import plain_coordinate_forecasts
from jominy.dynamics.population.many import plain_forecasts
from jominy.errors import InputError
from jominy.results.schema import labels
from jominy.study.scenario import Scenario
from jominy.study.scenario.laws import MixtureTable, TeacherTable
from jominy.study.sweeps.records import Failure, Labelled, Outcome, Record


def in_lanes(scenario: Scenario) -> bool:
    """Whether a forecast of this scenario is made together with others: synthetic laws, without bands."""
    return (
        isinstance(scenario.data, (TeacherTable, MixtureTable)) and not scenario.bands and not scenario.evaluate_under
    )


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
    dimension = scenario.data.dimension  # type: ignore[union-attr]
    settings = {
        "evaluate_at": scenario.evaluate_at, "batch_size": scenario.batch_size, "dimension": dimension,
        "rtol": scenario.rtol,
    }  # fmt: skip
    return json.dumps(times | settings)


class _Maker:
    """Builds each law, loss and problem once: points of one problem share its optimum and its nodes."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def point(self, scenario: Scenario) -> tuple[Any, Any, Any]:
        """Problem, schedule and start."""
        given = scenario.model_dump(include={"data", "loss", "radius", "attack", "objective", "start"})
        told = {name: json.dumps(table, sort_keys=True) for name, table in given.items()}
        data = self._once(told["data"], scenario.data.build)  # type: ignore[arg-type]
        loss = self._once(told["loss"], scenario.loss.build)
        start = self._once(told["start"] + told["data"], scenario._start)
        attack = self._once(told["attack"] + told["data"], lambda: scenario.attack.build(dimension=data.dimension))
        radius, objective = scenario._radius(), scenario.objective.build()
        problem = self._once("".join(sorted(told.values())), lambda: Problem(data, loss, radius, attack, objective))
        return problem, scenario.build_schedule(), start

    def _once(self, text: str, build: Callable[[], Any]) -> Any:
        if text not in self._built:
            self._built[text] = build()
        return self._built[text]


def _solve(members: list[tuple[int, tuple]], common: dict[str, Any], outcomes: dict[int, Outcome]) -> None:
    """Forecast some points in one call; where it is refused, halves, until it is known of which point."""
    together = all(problem.attack.of_inner_products for _, (problem, _, _) in members)
    forecasts = plain_forecasts if together else plain_coordinate_forecasts
    try:
        results = forecasts([point for _, point in members], **common)
    except Exception as error:
        if len(members) == 1:
            reason = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            outcomes[members[0][0]] = Failure(reason)
            return
        middle = len(members) // 2
        _solve(members[:middle], common, outcomes)
        _solve(members[middle:], common, outcomes)
        return
    for (place, _), result in zip(members, results, strict=True):
        outcomes[place] = Record(_labelled(result.variables), _labelled(result.coords), result.attrs)


def _labelled(given: dict[str, tuple[tuple[str, ...], np.ndarray]]) -> dict[str, Labelled]:
    return {name: Labelled(tuple(dims), np.asarray(values), labels(name)) for name, (dims, values) in given.items()}
