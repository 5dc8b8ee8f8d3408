"""The small print of a report: scenario, assumptions, versions, seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jominy.results import Status
from jominy.results.reading import notes_of, table_in
from jominy.results.reading import scenario_of as scenario_of_result
from jominy.show.text import short

if TYPE_CHECKING:
    import xarray as xr

    from jominy.show.studies import Study

_LONGEST = 8  # so many entries of a list are written out
_MEANT = {"interior": "inside (not zero)", "collapse": "zero (collapse)", "shrink": "shrunken teacher"}


def scenario_rows(told: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A scenario as names and values, one row for each leaf.

    >>> list(scenario_rows({"problem": {"radius": 0.5, "loss": {"kind": "SquaredLoss"}}}))
    [('problem, radius', '0.5'), ('problem, loss, kind', 'SquaredLoss')]
    """
    if isinstance(told, dict):
        for key, value in told.items():
            word = str(key).replace("_", " ")
            yield from scenario_rows(value, f"{name}, {word}" if name else word)
    elif isinstance(told, list) and any(isinstance(item, (dict, list)) for item in told):
        for index, item in enumerate(told[:_LONGEST]):
            yield from scenario_rows(item, f"{name} {index + 1}".strip())
        if len(told) > _LONGEST:
            yield name, f"... and {len(told) - _LONGEST} more"
    elif isinstance(told, list):
        words = ", ".join(_word(item) for item in told[:_LONGEST])
        yield name, f"{words}, ... ({len(told)} values)" if len(told) > _LONGEST else words or "none"
    elif told is not None:
        yield name, _word(told)


def scenario_of(result: xr.Dataset) -> dict[str, Any]:
    """The scenario without the preprocessing's sentences, which stand among the notes."""
    told = scenario_of_result(result)
    table_in(told, "problem", "data").pop("report", None)
    return told


def assumptions(study: Study) -> list[str]:
    """What had to be assumed for these numbers to mean what they say."""
    told: list[str] = []
    for result in [*study.forecasts, *study.simulations, *study.sweeps]:
        scenario = scenario_of_result(result)
        if "architecture" in scenario or "network" in scenario:
            told.append("Network: fully connected, random at initialisation; its theory is that of infinite width.")
            continue
        told.append(
            "Scaling: ||x||^2 is about d, a step is rate / d, time is samples / d; the attack is the exact worst "
            "case of given l2 norm on a linear predictor, a shift of the score by radius x norm of the weights."
        )
        samples = table_in(scenario, "problem", "data").get("kind") == "Samples"
        if samples and "seed" not in result.dims:
            told.append(
                "Forecast: SGD on these very rows, averaged over the order in which they are drawn; assumed is only "
                "that the weights are Gaussian where they are averaged over. It is no statement about other rows."
            )
        elif "seed" not in result.dims and not samples:
            told.append(
                "Forecast: the limit of large dimension, a fresh sample at every step, inputs Gaussian in each class. "
                "One run of dimension d strays from it by about 1 / sqrt(d), the mean over runs by about 1 / d."
            )
    if any(result.attrs.get("engine") == "simulate" for result in study.simulations):
        told.append("Simulation: SGD itself, step by step, at the scenario's dimension; runs differ in their seed.")
    if study.theories:
        told.append(
            "Network: fully connected, random at initialisation, layers of one width. The adversarial loss is "
            "that of a small radius; its bound is a theorem for infinite width."
        )
    if study.trainabilities:
        told.append("Trainability: derived for plain SGD on the sum of cross-entropy and adversarial loss, and fitted.")
    return list(dict.fromkeys(told))


def endings(study: Study) -> list[str]:
    """How each result ended, with advice where that was not as planned; the same words once."""
    told = []
    for result in study.results:
        status, engine = str(result.attrs.get("status", "")), str(result.attrs.get("engine", "result"))
        advice = str(result.attrs.get("advice", "")) if status != Status.COMPLETED.label else ""
        if engine != "compare":  # its status is that of one of the others
            told.append(f"{engine}: {status}. {advice}".strip())
    return list(dict.fromkeys(told))


def notes(results: Sequence[xr.Dataset]) -> list[str]:
    """The notes of all results, each once."""
    return list(dict.fromkeys(note for result in results for note in notes_of(result)))


def preprocessing(results: Sequence[xr.Dataset]) -> list[str]:
    """The notes among them that say what was done to the data."""
    scenarios = [json.loads(result.attrs.get("scenario", "{}")) for result in results]
    return [step for told in scenarios for step in told.get("problem", {}).get("data", {}).get("report") or []]


def numbers_known(study: Study) -> list[tuple[str, str]]:
    """The optimum and the collapse radius, as the first result that knows them has them."""
    for result in study.results:
        found = result.attrs
        if "optimum_risk" in found:
            regime = str(found.get("optimum_regime", ""))
            numbers = {
                "adversarial risk of the optimum": "optimum_risk",
                "norm of the optimum": "optimum_norm",
                "collapse radius": "collapse_radius",
            }
            rows = [(words, short(found[name])) for words, name in numbers.items() if name in found]
            return [*rows[:2], *([("kind of optimum", _MEANT.get(regime, regime))] if regime else []), *rows[2:]]
    return []


def provenance(results: Sequence[xr.Dataset]) -> list[list[str]]:
    """A row for each result of which it is known how it was computed: what it is, the method, its seeds."""
    rows = [["result", "method", "seeds", "numerical error"]]
    for result in results:
        error = result.attrs.get("numerical_error")
        if result.attrs.get("engine") != "compare":
            told = "-" if error is None else f"{float(error):.1g}"
            method = str(result.attrs.get("method", "-"))
            row = [str(result.attrs.get("engine", "result")), method, _seeds(result.attrs.get("seed")), told]
            if set(row[1:]) != {"-"}:  # a sweep's points have their own, and a closed form has none
                rows.append(row)
    return rows if len(rows) > 1 else []


def versions(results: Sequence[xr.Dataset]) -> list[str]:
    """What computed the results, once for each set of versions."""
    sets = [json.loads(result.attrs.get("versions", "{}")) for result in results]
    words = [", ".join(f"{name} {version}" for name, version in one.items()) for one in sets]
    return [f"Computed with {one}." for one in dict.fromkeys(words) if one]


def citations(results: Sequence[xr.Dataset]) -> list[str]:
    """The papers whose theory was used."""
    return list(dict.fromkeys(str(result.attrs["cite"]) for result in results if result.attrs.get("cite")))


def _seeds(told: Any) -> str:
    """Seeds as a range where they are one.

    >>> _seeds("[0, 1, 2, 3]"), _seeds("7"), _seeds(None)
    ('0 to 3', '7', '-')
    """
    if told is None:
        return "-"
    seeds = json.loads(told) if isinstance(told, str) else told
    if not isinstance(seeds, list):
        return str(seeds)
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds[:_LONGEST])) + (", ..." if len(seeds) > _LONGEST else "")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value) if isinstance(value, (int, float)) and not float(value).is_integer() else str(value)
