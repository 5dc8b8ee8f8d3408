"""What a sweep computes at each point; `run_batch` is the one place where points are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from jominy.dynamics import optimum, stationary
from jominy.errors import InputError
from jominy.results import Status, make_result
from jominy.study.scenario import NetworkScenario, Scenario
from jominy.study.sweeps.records import Failure, Outcome, Record
from jominy.study.sweeps.together import forecasts_together, in_lanes

if TYPE_CHECKING:
    import xarray as xr


TOGETHER = 1024
"""Forecasts made in one call: enough for every core, few enough to be done in seconds."""


class Engine(Enum):
    """What is computed at each point of a sweep.

    `label` is its name in files and on the command line, `of` the kind of scenario that it is for, `heavy` whether it
    is worth processes of its own, `unused` the keys of a scenario that do not change what it computes.
    """

    FORECAST = ("forecast", Scenario, False, ("simulation",))
    SIMULATE = ("simulate", Scenario, True, ("bands", "dimension", "rtol"))
    HOMOGENIZE = ("homogenize", Scenario, True, ("bands", "dimension", "rtol"))
    OPTIMUM = (
        "optimum", Scenario, False,
        ("schedule", "time", "times", "start", "evaluate_at", "bands", "dimension", "batch_size", "rtol", "simulation"),
    )  # fmt: skip
    STATIONARY = (
        "stationary", Scenario, False,
        ("time", "times", "start", "evaluate_at", "bands", "dimension", "batch_size", "rtol", "simulation"),
    )  # fmt: skip
    THEORY = ("theory", NetworkScenario, False, ("training", "measure"))
    TRAINABILITY = ("trainability", NetworkScenario, False, ("measure",))
    MEASURE = ("measure", NetworkScenario, True, ())

    label: str
    of: type[Scenario] | type[NetworkScenario]
    heavy: bool
    unused: tuple[str, ...]

    def __init__(self, label: str, of: Any, heavy: bool, unused: tuple[str, ...]) -> None:
        self.label = label
        self.of = of
        self.heavy = heavy
        self.unused = unused

    @classmethod
    def called(cls, label: str) -> Engine:
        """The engine of that label."""
        for engine in cls:
            if engine.label == label:
                return engine
        raise InputError("there is no such engine", label, f"engines: {', '.join(e.label for e in cls)}")


def default_engine(scenario: Any) -> Engine:
    """A forecast of a scenario, the theory of a network scenario."""
    return Engine.THEORY if isinstance(scenario, NetworkScenario) else Engine.FORECAST


def run_batch(engine: Engine, scenarios: Sequence[Any]) -> list[Outcome]:
    """The outcome of each scenario; one that fails does not stop the others.

    Each result is the one that the scenario's own method gives: bit for bit, but for forecasts that are made together,
    which agree to the integrator's tolerance.
    """
    if engine is Engine.FORECAST and all(in_lanes(scenario) for scenario in scenarios):
        return forecasts_together(scenarios)
    _share_samples(scenarios)
    compute = _COMPUTE[engine]
    return [_outcome(compute, scenario) for scenario in scenarios]


def natural_batch(engine: Engine, scenario: Any) -> int | None:
    """How many points are best computed together; None where they do not gain by it."""
    return TOGETHER if engine is Engine.FORECAST and in_lanes(scenario) else None


def _outcome(compute: Callable[[Any], xr.Dataset], scenario: Any) -> Outcome:
    try:
        result = compute(scenario)
    except InputError as error:
        return Failure(str(error))
    except Exception as error:  # whatever it is, it is this point's own misfortune
        return Failure(f"{type(error).__name__}: {error}")
    if result.attrs.get("status") == Status.INTERRUPTED.label:
        raise KeyboardInterrupt  # a run that Ctrl-C has cut short is no result of the point
    return Record.of(result)


def _share_samples(scenarios: Sequence[Any]) -> None:
    """Read and preprocess a data file once for all scenarios of a batch that have it."""
    first: Scenario | None = None
    for scenario in scenarios:
        if not isinstance(scenario, Scenario):
            continue
        if first is not None and scenario.data == first.data and scenario._folder == first._folder:
            share_loaded(first, scenario)
        else:
            first = scenario


def share_loaded(source: Scenario, target: Scenario) -> None:
    """Give a scenario the samples that another one of the same data has read, if it has."""
    if "loaded" in vars(source):
        vars(target)["loaded"] = vars(source)["loaded"]  # where functools.cached_property keeps it


def _optimum(scenario: Scenario) -> xr.Dataset:
    found = optimum(scenario.problem())
    numbers = {"adversarial_risk": found.adversarial_risk, "norm": found.norm}
    more: dict[str, Any] = {"collapse_radius": found.collapse_radius, "optimum_regime": found.regime}
    if found.ridge is not None:
        numbers["effective_ridge"] = found.ridge
    return _scalars(scenario, Engine.OPTIMUM, numbers, more, Status.COMPLETED)


def _stationary(scenario: Scenario) -> xr.Dataset:
    if scenario.schedule.kind != "constant":
        raise InputError(
            "a stationary state is that of a constant rate", f"schedule of kind {scenario.schedule.kind!r}"
        )
    end = stationary(scenario.problem(), scenario._scaled_rate(scenario.schedule.rate))
    numbers = {
        "adversarial_risk": end.adversarial_risk,
        "norm": end.norm,
        "distance_to_optimum": end.distance_to_optimum,
        "effective_ridge": end.ridge,
    }
    more = {"critical_rate": end.critical_rate}
    return _scalars(scenario, Engine.STATIONARY, numbers, more, Status.of(end.status), end.advice)


def _scalars(
    scenario: Scenario,
    engine: Engine,
    numbers: dict[str, float],
    more: dict[str, Any],
    status: Status,
    advice: str = "",
) -> xr.Dataset:
    return make_result(
        {name: ((), value) for name, value in numbers.items()},
        {},
        engine=engine.label,
        scenario=scenario.model_dump(exclude_unset=True),
        status=status,
        advice=advice or status.advice,
        extra=more,
    )


def _trainability(study: NetworkScenario) -> xr.Dataset:
    told = study.trainability()
    if told is None:
        raise InputError("trainability needs data, two outputs or more, and a norm p of 2 or inf", "this scenario")
    return told


_COMPUTE: dict[Engine, Callable[[Any], Any]] = {
    Engine.FORECAST: lambda scenario: scenario.forecast(),
    Engine.SIMULATE: lambda scenario: scenario.simulate(progress=False),
    Engine.HOMOGENIZE: lambda scenario: scenario.homogenize(progress=False),
    Engine.OPTIMUM: _optimum,
    Engine.STATIONARY: _stationary,
    Engine.THEORY: lambda study: study.theory(),
    Engine.TRAINABILITY: _trainability,
    Engine.MEASURE: lambda study: study.measure_real(progress=False),
}
