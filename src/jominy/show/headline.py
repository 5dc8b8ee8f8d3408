"""What a report says first: the numbers at the end of training, forecast and SGD side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.numerics.averages import mean_and_error
from jominy.results.reading import scenario_of, table_in
from jominy.show.tables import short_name
from jominy.show.text import number, percent, plus_minus, short

if TYPE_CHECKING:
    import xarray as xr

    from jominy.show.studies import Study

_SHOWN = (
    "adversarial_risk", "adversarial_accuracy", "clean_accuracy", "held_out_adversarial_accuracy",
    "distance_to_optimum", "excess_risk", "norm",
)  # fmt: skip


def headline(study: Study) -> tuple[list[list[str]], str]:
    """A table of the final numbers, its first row the headings, and its caption; no rows without a curve over time.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> from jominy.show.studies import studies
    >>> result = make_result({"norm": (("time",), [0.0, 0.6])}, {"time": [0.0, 1.0]}, engine="forecast", scenario={},
    ...                      status=Status.COMPLETED)
    >>> headline(studies([result])[0])
    ([['', 'forecast'], ['norm', '0.6000']], 'At the end of training, time 1')
    """
    told = study.forecasts[0] if study.forecasts else None
    runs = study.simulations[0] if study.simulations else None
    results = [result for result in (told, runs) if result is not None]
    if not results:
        return [], ""
    time = min(float(result["time"].values[-1]) for result in results)
    both = told is not None and runs is not None
    rows = [["", *(["forecast"] if told is not None else []), *(["SGD, mean ± s.e."] if runs is not None else [])]]
    rows[0] += ["off by"] if both else []
    for name in _SHOWN:
        there = [result for result in results if name in result and "time" in result[name].dims]
        if not there:
            continue
        forecast = _at(told, name, time)
        mean, error = _ends(runs, name, time)
        cells = [number(forecast)] if told is not None else []
        cells += [plus_minus(mean, error)] if runs is not None else []
        if both:
            known = np.isfinite(forecast) and np.isfinite(mean) and mean != 0
            cells.append(percent(abs(forecast - mean) / abs(mean)) if known else "-")
        rows.append([short_name(name), *cells])
    radius = table_in(scenario_of(results[0]), "problem").get("radius")
    attack = f", attack of radius {short(radius)}" if isinstance(radius, (int, float)) else ""
    return (rows, f"At the end of training, time {short(time)}{attack}") if len(rows) > 1 else ([], "")


def _at(told: xr.Dataset | None, name: str, time: float) -> float:
    """A forecast at a time, interpolated; NaN where it has no such curve."""
    if told is None or name not in told or told[name].dims != ("time",):
        return float("nan")
    return float(np.interp(time, told["time"].values, np.asarray(told[name].values, dtype=float)))


def _ends(runs: xr.Dataset | None, name: str, time: float) -> tuple[float, float]:
    """Mean over runs and its standard error at the last moment up to a time."""
    if runs is None or name not in runs or "time" not in runs[name].dims:
        return float("nan"), float("nan")
    values: Any = runs[name].isel(time=max(int(np.searchsorted(runs["time"].values, time, side="right")) - 1, 0))
    mean, error = mean_and_error(np.atleast_1d(values.values))
    return float(mean), float(error)
