"""What the first tab asks for: the curve at once, then its band and where one stands."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.explore.answers import plain, variables
from jominy.explore.asked import Drawn
from jominy.explore.curves_state import OWN, Curves
from jominy.explore.part_choices import PAGE_SCHEDULES
from jominy.explore.scenario_controls import own_numbers, with_numbers
from jominy.explore.tables import Opened, table_scenario
from jominy.schedules import Knots, Schedule
from jominy.schedules.knots import knot_times
from jominy.study.scenario import Scenario
from jominy.study.sweeps.engines import share_loaded
from jominy.wording import Reader, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from jominy.dynamics import Problem
    from jominy.dynamics.laws.stability import RateLimits

NODES = 48
"""Chebyshev nodes that stand for a long spectrum, whatever their error, so that every answer takes the same time."""

KNOTS = 9
"""Of a learning rate that is drawn: they lose 6e-4 of the excess risk against 65 (theory `design.md`, section 2)."""
LEAST_RATE, MOST_RATE = 1e-6, 1e6
"""Between which the rates at knots lie."""

TIMES = 101
"""Reported in each forecast."""

RUNS = 50
"""Real runs of a forecast of several classes: an answer to about 1 %, soon enough for a page."""


class Forecasts:
    """Answers about curves. What neighbouring states share (data, problem, limits) is made once and kept for a while.

    own : a scenario file of the user's, which the page may ask for; None without one
    tables : the folder of tables that were dropped onto the page, whose scenarios take the place of that one
    """

    def __init__(self, own: Path | None = None, tables: Path | None = None) -> None:
        self._own = None if own is None else _Own(Scenario.load(own))
        self._of_table = lru_cache(maxsize=8)(lambda table: _Own(table_scenario(tables, table)))
        self._loaded = lru_cache(maxsize=4)(_load)
        self._data = lru_cache(maxsize=8)(self._build_data)
        self._problem = lru_cache(maxsize=16)(self._build_problem)
        self._limits = lru_cache(maxsize=32)(self._find_limits)

    def mapping(self, state: Curves, rates: Sequence[float] = ()) -> dict[str, Any]:
        """The scenario of a state as a file says it, at `rates` of knots where these are given."""
        own = self.own(state)
        if own is None:
            found = state.mapping(None)
        else:
            found = state.mapping(with_numbers(own.given, own.numbers, state.numbers) if state.numbers else own.given)
        if not rates:
            return found
        unit = self.scenario(state)._scaled_rate(1.0)
        drawn = self._knots(state, rates)
        return found | {"schedule": drawn.describe() | {"rates": [float(f"{rate / unit:.7g}") for rate in drawn.rates]}}

    def own(self, state: Curves) -> _Own | None:
        """The user's scenario: that of a table where the page was given one."""
        return self._own if state.table is None else self._of_table(state.table)

    def _remarks(self, state: Curves, scenario: Scenario) -> tuple[str, ...]:
        """Why the user's table opens on these settings, as long as they are."""
        own = self.own(state)
        if own is None or (scenario.radius, scenario.schedule) != (own.scenario.radius, own.scenario.schedule):
            return ()
        return own.scenario.remarks if state.problem == OWN else ()

    def opened(self, asked: Opened) -> dict[str, Any]:
        """The page for a table: its numbers, and where its controls stand at first."""
        own = self._of_table(asked.table)
        start = Curves.of_scenario(own.given).model_copy(update={"table": asked.table})
        return {
            "numbers": [one.control() for one in own.numbers],
            "start": start.model_dump(exclude={"numbers"}),
            "name": own.given["data"]["path"],
        }

    def scenario(self, state: Curves) -> Scenario:
        """The scenario of a state, checked like a file."""
        own = self.own(state)
        made = Scenario.from_mapping(self.mapping(state), folder="." if own is None else own.scenario._folder)
        if made.data.kind in ("file", "scikit-learn"):
            share_loaded(self._loaded(_Keyed(_key(made, made.data), made)), made)
        return made

    def problem(self, scenario: Scenario) -> Problem:
        """The problem of a scenario; the same object for the same keys, because the engines remember by object."""
        parts = scenario.data, scenario.loss, scenario.radius, scenario.units, scenario.attack, scenario.objective
        return self._problem(_Keyed(_key(scenario, *parts), scenario))

    def result(
        self, state: Curves, *, bands: bool = False, whole: bool = True, schedule: Schedule | None = None
    ) -> xr.Dataset:
        """The forecast as a labelled result; whole, or without what the page does not draw; under another `schedule`
        than the state's where it is given."""
        from jominy.dynamics import forecast

        scenario = self.scenario(state)
        problem = self.problem(scenario)
        settings: dict[str, Any] = scenario.settings() | {"batch_size": scenario.batch_size}
        if not whole:
            settings = {name: value for name, value in settings.items() if name not in ("evaluate_at", "held_out")}
        if not problem.data.empirical:
            settings |= {"compress": NODES, "bands": bands, "rtol": scenario.rtol}
            if scenario.batch_size == 1:  # closer to each other early on, where curves bend
                settings["times"] = settings.pop("time") * np.linspace(0, 1, TIMES) ** 2
        settings["optimizer"] = scenario.optimizer.build()
        if problem.loss.several:
            settings["runs"] = RUNS
        told = forecast(problem, scenario.build_schedule() if schedule is None else schedule, **settings)
        return told.assign_attrs(title=scenario.title) if scenario.title else told

    def curve(self, state: Curves) -> dict[str, Any]:
        """The curve, how it ends, and the lines that belong to it."""
        begin = time.perf_counter()
        scenario = self.scenario(state)
        told = self.result(state, whole=False)
        limits = self.limits(scenario)
        rate = getattr(scenario.schedule, "rate", None)
        return plain(
            {
                "time": told["time"].values,
                "variables": variables(told),
                "status": told.attrs["status"],
                "advice": said(told.attrs["advice"], Reader.SCENARIO),
                "notes": [
                    said(note, Reader.SCENARIO)
                    for note in (*self._remarks(state, scenario), *json.loads(told.attrs["notes"]))
                ],
                "title": told.attrs.get("title", ""),
                "numerical_error": told.attrs.get("numerical_error"),
                "optimum_risk": told.attrs.get("optimum_risk"),
                "optimum_norm": told.attrs.get("optimum_norm"),
                "radius": self.problem(scenario).final_radius,
                "collapse_radius": told.attrs.get("collapse_radius"),
                "rate": None if rate is None else scenario._scaled_rate(rate),
                "critical_rate": limits.critical,
                "divergent_rate": limits.divergent,
                "limits": limits.sentence(),
                "milliseconds": 1e3 * (time.perf_counter() - begin),
            }
        )

    def band(self, state: Curves) -> dict[str, Any]:
        """The band of one run around the curve, and where training at a constant rate ends."""
        try:
            told = self.result(state, bands=True, whole=False)
            words = f"The band is one run's standard deviation ({told.attrs.get('bands', 'from the samples')})."
        except InputError as error:  # such as covariances that do not commute: the curve stands without a band
            words = said(f"There is no band: {error}.", Reader.SCENARIO)
            return plain({"variables": {}, "words": words, "end": self._end(state)})
        edges = variables(told, suffixes=("_sd", "_bias"))
        return plain({"variables": edges, "words": words, "end": self._end(state)})

    def design(self, state: Curves) -> dict[str, Any]:
        """The learning rate that ends with the lowest risk at the page's horizon, what it gains, and its controls."""
        told = self.scenario(state).design(certificate=False, progress=False)
        chosen = {"kind": ""} if told.recommended is None else told.recommended.describe()
        return plain(
            {
                "schedule": chosen["kind"],
                "controls": PAGE_SCHEDULES.controls_of(chosen),
                "alternatives": [
                    {"title": one.title, "risk": one.value, "ratio": told.ratios.get(one.name, 1.0)}
                    for one in told.alternatives
                    if np.isfinite(one.value)
                ],
                "sentences": [said(sentence, Reader.SCENARIO) for sentence in told.verdicts()],
                "rates": self._rates_at_knots(state, self.result(state, whole=False, schedule=told.recommended)),
            }
        )

    def drawn(self, asked: Drawn) -> dict[str, Any]:
        """What training ends with at the learning rate that is drawn; at first at that of the state's own schedule,
        and under that schedule itself (`own`)."""
        begin = time.perf_counter()
        state, rates, own = asked.state, asked.rates, None
        if not rates:
            own = self.result(state, whole=False)
            rates = self._rates_at_knots(state, own)
        knots = self._knots(state, rates)
        told = self.result(state, whole=False, schedule=knots)
        limits = self.limits(self.scenario(state))
        return plain(
            {
                "knots": list(knots.times),
                "rates": list(knots.rates),
                "time": told["time"].values,
                "variables": variables(told),
                "own": None if own is None else {"time": own["time"].values, "variables": variables(own)},
                "status": told.attrs["status"],
                "advice": said(told.attrs["advice"], Reader.SCENARIO),
                "optimum_risk": told.attrs.get("optimum_risk"),
                "critical_rate": limits.critical,
                "milliseconds": 1e3 * (time.perf_counter() - begin),
            }
        )

    def _knots(self, state: Curves, rates: Sequence[float]) -> Knots:
        """A learning rate that is drawn. Raises InputError for another number of rates than there are knots."""
        if len(rates) != KNOTS:
            raise InputError(f"there are {KNOTS} knots, and a rate for each", len(rates))
        return Knots(knot_times(state.horizon, KNOTS).tolist(), rates)

    def _rates_at_knots(self, state: Curves, told: xr.Dataset) -> list[float]:
        """The learning rates of a forecast at the knots."""
        rates = np.maximum(told["learning_rate"].values, LEAST_RATE)
        found = np.exp(np.interp(knot_times(state.horizon, KNOTS), told["time"].values, np.log(rates)))
        return [float(f"{min(rate, MOST_RATE):.4g}") for rate in found]

    def with_band(self, state: Curves, rates: Sequence[float] = ()) -> xr.Dataset:
        """The forecast with its band where it has one, at `rates` of knots where these are given."""
        schedule = self._knots(state, rates) if rates else None
        try:
            return self.result(state, bands=True, schedule=schedule)
        except InputError:
            return self.result(state, schedule=schedule)

    def _end(self, state: Curves) -> dict[str, Any] | None:
        from jominy.dynamics import stationary

        scenario = self.scenario(state)
        if scenario.schedule.kind != "constant" or scenario.loaded is not None:
            return None
        try:
            end = stationary(self.problem(scenario), rate=scenario.schedule.rate)
        except InputError:
            return None
        return {"adversarial_risk": end.adversarial_risk, "norm": end.norm, "advice": end.advice}

    def limits(self, scenario: Scenario) -> RateLimits:
        """What is known about large constant rates, of the data and the loss."""
        return self._limits(_Keyed(_key(scenario, scenario.data, scenario.loss), scenario))

    def _build_data(self, keyed: _Keyed) -> Any:
        return keyed.scenario.problem().data

    def _build_problem(self, keyed: _Keyed) -> Problem:
        scenario = keyed.scenario
        data = self._data(_Keyed(_key(scenario, scenario.data), scenario))
        return scenario.problem_on(data)

    def _find_limits(self, keyed: _Keyed) -> RateLimits:
        from jominy.dynamics import rate_limits

        return rate_limits(self.problem(keyed.scenario))


def _load(keyed: _Keyed) -> Scenario:
    _ = keyed.scenario.loaded
    return keyed.scenario


class _Own:
    """A scenario of the user's, as its file says it, and its numbers that can move."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.given = scenario, scenario.model_dump(exclude_unset=True)
        self.numbers = own_numbers(scenario)


class _Keyed:
    """A scenario that equals another one where a key does, for `lru_cache`."""

    def __init__(self, key: str, scenario: Scenario) -> None:
        self.key, self.scenario = key, scenario

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _key(scenario: Scenario, *parts: Any) -> str:
    """Of parts of a scenario; two folders may hold files of the same name."""
    told = [part.model_dump() if hasattr(part, "model_dump") else part for part in parts]
    return json.dumps([str(scenario._folder), *told], default=np.ndarray.tolist)
