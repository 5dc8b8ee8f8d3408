"""Results that belong together: a forecast with its simulations, the theory of a network with what was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jominy.errors import InputError
from jominy.results.checks import check_result
from jominy.results.reading import scenario_of
from jominy.results.schema import FORMAT

if TYPE_CHECKING:
    import xarray as xr


@dataclass
class Study:
    """The results about one scenario, by what they are."""

    forecasts: list[xr.Dataset] = field(default_factory=list)
    simulations: list[xr.Dataset] = field(default_factory=list)
    comparisons: list[xr.Dataset] = field(default_factory=list)
    sweeps: list[xr.Dataset] = field(default_factory=list)
    designs: list[xr.Dataset] = field(default_factory=list)
    fronts: list[xr.Dataset] = field(default_factory=list)
    theories: list[xr.Dataset] = field(default_factory=list)
    trainabilities: list[xr.Dataset] = field(default_factory=list)
    measurements: list[xr.Dataset] = field(default_factory=list)

    @property
    def results(self) -> list[xr.Dataset]:
        """All of them."""
        return [result for results in vars(self).values() for result in results]

    @property
    def title(self) -> str:
        """The title of the first result that has one, else what the results are."""
        titles = [str(result.attrs["title"]) for result in self.results if result.attrs.get("title")]
        return titles[0] if titles else f"A {self.results[0].attrs.get('engine', 'result')}"


def kind_of(result: xr.Dataset) -> str:
    """The list of a :class:`Study` that a result belongs to.

    Raises ``InputError`` for what is no result of jominy, and for results that have no figure of their own.

    >>> from jominy.results import Status, make_result
    >>> kind_of(make_result({"norm": (("time",), [0.0, 0.6])}, {"time": [0.0, 1.0]}, engine="forecast", scenario={},
    ...                     status=Status.COMPLETED))
    'forecasts'
    """
    import xarray as xr

    if not isinstance(result, xr.Dataset) or result.attrs.get("format") != FORMAT:
        raise InputError(
            "a report is made of results of jominy",
            f"a {type(result).__name__} that jominy did not make",
            "pass what forecast(...), simulate(...), sweep(...) or jominy.load(...) returned",
        )
    check_result(result)
    engine = str(result.attrs.get("engine", ""))
    if "sweep" in result.attrs:
        return "sweeps"
    if engine in ("design", "pareto") and "alternative" in result.dims:
        return "designs" if engine == "design" else "fronts"
    if engine == "compare":
        return "comparisons"
    if "adversarial_loss_bound" in result:
        return "theories"
    if engine == "trainability":
        return "trainabilities"
    if engine.startswith("measure") and "network" in result.dims:
        return "measurements"
    if "time" in result.dims and not {"network", "layer", "point", "alternative"} & set(result.dims):
        return "simulations" if "seed" in result.dims else "forecasts"
    raise InputError(
        "a report shows forecasts, simulations, comparisons, sweeps, designs, fronts, networks and what was measured",
        f"a result of kind {engine!r}",
        "leave it out",
    )


def studies(results: Sequence[xr.Dataset]) -> list[Study]:
    """The results sorted by scenario, in the order in which they came.

    Raises ``InputError`` without results, and for the measurement of a network without its theory.
    """
    if not results:
        raise InputError("a report needs at least one result", next_step="pass what forecast(...) returned")
    found: dict[str, Study] = {}
    for result in results:
        kind = kind_of(result)
        getattr(found.setdefault(_key(result), Study()), kind).append(result)
    for study in found.values():
        if (study.trainabilities or study.measurements) and not study.theories:
            raise InputError(
                "a network's trainability and measurements are reported beside its theory",
                f"a result of kind {study.results[0].attrs.get('engine', '')!r} alone",
                "add the theory: the first file that `jominy network --out` wrote",
            )
    return list(found.values())


def _key(result: xr.Dataset) -> str:
    """What results about the same thing have in common."""
    told = scenario_of(result)
    if "sweep" in result.attrs:
        return json.dumps([result.attrs["sweep"], told])
    for names in (("architecture", "radius"), ("problem", "schedule", "start")):
        if names[0] in told:
            return json.dumps([told.get(name) for name in names], sort_keys=True)
    return json.dumps(told, sort_keys=True)
