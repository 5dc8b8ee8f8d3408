"""Results as plain text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.averages import mean_and_error
from jominy.results import Status, describe_variable
from jominy.results.reading import notes_of, scenario_of, table_in
from jominy.show.text import Table, number, pick, plus_minus, short, table, wrapped

if TYPE_CHECKING:
    import xarray as xr

# The variables that the terminal shows, in this order, where a result has them.
MAIN = (
    "adversarial_risk",
    "clean_risk",
    "adversarial_accuracy",
    "clean_accuracy",
    "held_out_adversarial_risk",
    "held_out_adversarial_accuracy",
    "norm",
    "distance_to_optimum",
    "excess_risk",
    "alignment",
    "learning_rate",
)
_SHORT = {
    "adversarial_risk": "adv. risk",
    "adversarial_accuracy": "adv. accuracy",
    "held_out_adversarial_risk": "held-out adv. risk",
    "held_out_adversarial_accuracy": "held-out adv. acc.",
    "norm": "norm",
    "distance_to_optimum": "distance to opt.",
    "excess_risk": "excess risk",
    "alignment": "alignment",
}


def header(result: xr.Dataset) -> str:
    """What was computed and how it ended, with advice where that was not as planned.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> result = make_result({"norm": (("time",), [0.0])}, {"time": [0.0]}, engine="forecast", scenario={},
    ...                      status=Status.STUCK)
    >>> print(header(result).splitlines()[0])
    forecast: stuck at zero
    """
    status = str(result.attrs.get("status", ""))
    first = f"{result.attrs.get('engine', 'result')}: {status}"
    if title := result.attrs.get("title"):
        first = f"{title}\n{first}"
    lines = [first]
    if status != Status.COMPLETED.label and result.attrs.get("advice"):
        lines.append(wrapped(str(result.attrs["advice"])))
    told_elsewhere = preparation(result)  # `preprocessing` prints these
    notes = [note for note in notes_of(result) if note not in told_elsewhere]
    lines += [wrapped(f"note: {note}") for note in notes]
    return "\n".join(lines)


def preprocessing(result: xr.Dataset) -> str:
    """The steps that brought real samples to the scaling of the theory, one a line; empty for a synthetic law."""
    steps = preparation(result)
    if not steps:
        return ""
    data = _data(result)
    size = f"data: {data.get('count', '?')} samples, dimension {data.get('dimension', '?')}"
    return "\n".join([size, *(f"  {step}" for step in steps)])


def curves(result: xr.Dataset, *, rows: int = 6) -> Table:
    """A table of the main variables at about ``rows`` times; with seeds, mean ± standard error.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> result = make_result({"norm": (("time",), [0.0, 0.6])}, {"time": [0.0, 1.0]}, engine="forecast", scenario={},
    ...                      status=Status.COMPLETED)
    >>> print(curves(result))
    time      norm
       0         0
       1    0.6000
    """
    chosen = pick(result["time"].values, rows)
    if "point" in result.dims:
        raise InputError("A table is that of one curve", f"{result.sizes['point']} points", "Choose with isel(point=0)")
    names = [name for name in MAIN if name in result and "time" in result[name].dims]
    columns = [["time", *(short(value) for value in result["time"].values[chosen])]]
    for name in names:
        columns.append([short_name(name), *_cells(result[name], chosen)])
    return table(list(zip(*columns, strict=True)))


def bands(forecast: xr.Dataset, *, rows: int = 6) -> str:
    """A table of how one run strays from the curve: bias ± standard deviation; empty without bands.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> values = {"norm": [0.0, 0.6], "norm_sd": [0.0, 0.02], "norm_bias": [0.0, -0.004]}
    >>> result = make_result({name: (("time",), v) for name, v in values.items()}, {"time": [0.0, 1.0]},
    ...                      engine="forecast", scenario={}, status=Status.COMPLETED,
    ...                      extra={"band_dimension": 400.0, "bands": "good"})
    >>> print(bands(result))
    one run of dimension 400 minus the curve: bias ± standard deviation (bands: good)
    time             norm
       0                0
       1  -0.0040 ± 0.020
    """
    names = [name for name in MAIN if f"{name}_bias" in forecast]
    if not names:
        return ""
    chosen = pick(forecast["time"].values, rows)
    columns = [["time", *(short(value) for value in forecast["time"].values[chosen])]]
    for name in names:
        sd, bias = (forecast[f"{name}{suffix}"].values[chosen] for suffix in ("_sd", "_bias"))
        cells = [plus_minus(b, s) if np.isfinite(s) else "no band" for b, s in zip(bias, sd, strict=True)]
        columns.append([short_name(name), *cells])
    dimension = short(forecast.attrs["band_dimension"])
    first = f"one run of dimension {dimension} minus the curve: bias ± standard deviation"
    return f"{first} (bands: {forecast.attrs['bands']})\n{table(list(zip(*columns, strict=True)))}"


ATTACKS = "evaluation_attack"
"""The dimension of attacks that a forecast was read out under."""


def radii(forecast: xr.Dataset, simulation: xr.Dataset | None = None) -> Table:
    """Accuracy against the radius of the attack at the last time, in training and on held-out data."""
    lines: list[list[str]] = [["radius", *(short(r) for r in forecast["evaluation_radius"].values)]]
    for name, label in (("accuracy_at_radius", "accuracy"), ("risk_at_radius", "risk")):
        for prefix, law in (("", "in training"), ("held_out_", "held out")):
            full = prefix + name
            if full in forecast:
                values = forecast[full].isel(time=-1).values
                lines.append([f"{label} {law}, forecast", *(number(v) for v in values)])
            if simulation is not None and full in simulation and "evaluation_radius" in simulation[full].dims:
                values, _ = mean_and_error(simulation[full].isel(time=-1).transpose("seed", ...).values)
                if len(values) == forecast.sizes["evaluation_radius"]:
                    lines.append([f"{label} {law}, SGD mean", *(number(v) for v in values)])
    return table(lines)


def other_attacks(forecast: xr.Dataset) -> Table:
    """Accuracy and risk under attacks beside that of the training, at the last time."""
    told = [("accuracy_at_attack", "accuracy"), ("risk_at_attack", "risk")]
    lines = [["attack and its radius", *(label for name, label in told if name in forecast)]]
    for place, label in enumerate(forecast[ATTACKS].values):
        values = [forecast[name].values[-1, place] for name, _ in told if name in forecast]
        lines.append([str(label), *(number(value) for value in values)])
    return table(lines)


def summary(values: dict[str, Any]) -> str:
    """``name  value`` lines for a flat dictionary; nested and long values are left out."""
    lines = [
        (str(key).replace("_", " "), number(value) if isinstance(value, float) else str(value))
        for key, value in values.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    ]
    width = max((len(key) for key, _ in lines), default=0)
    return "\n".join(f"{key:<{width}}  {value}" for key, value in lines)


def short_name(name: str) -> str:
    """A column heading for a variable."""
    base, bracket, radius = name.partition("[")
    return _SHORT.get(base, describe_variable(base).long_name) + bracket + radius


def preparation(result: xr.Dataset) -> list[str]:
    """The steps that brought real samples to the scaling of the theory."""
    told = _data(result).get("report")
    return [str(step) for step in told] if isinstance(told, list) else []


def _data(result: xr.Dataset) -> dict[str, Any]:
    """What the result's scenario says about its data."""
    return table_in(scenario_of(result), "problem", "data")


def _cells(values: xr.DataArray, chosen: list[int]) -> list[str]:
    if "seed" not in values.dims:
        return [f"{number(v):>8}" for v in values.values[chosen]]
    runs = values.transpose("seed", "time").values[:, chosen]
    mean, error = mean_and_error(runs)
    return [plus_minus(m, e) for m, e in zip(mean, error, strict=True)]
