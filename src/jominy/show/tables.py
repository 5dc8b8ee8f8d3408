"""Results as plain text for a terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.results import Status, describe_variable

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
WIDTH = 110


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
        lines.append(_wrapped(str(result.attrs["advice"])))
    lines += [_wrapped(f"note: {note}") for note in json.loads(result.attrs.get("notes", "[]"))]
    return "\n".join(lines)


def preprocessing(result: xr.Dataset) -> str:
    """The steps that brought real samples to the scaling of the theory, one a line; empty for a synthetic law."""
    scenario = json.loads(result.attrs.get("scenario", "{}"))
    data = scenario.get("problem", {}).get("data", {})
    steps = data.get("report") or []
    if not steps:
        return ""
    size = f"{data['count']} samples, dimension {data['dimension']}" if "count" in data else "samples"
    return "\n".join([f"data: {size}", *(f"  {step}" for step in steps)])


def curves(result: xr.Dataset, *, rows: int = 6) -> str:
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
    names = [name for name in MAIN if name in result and "time" in result[name].dims]
    columns = [["time", *(_number(value, "g") for value in result["time"].values[chosen])]]
    for name in names:
        columns.append([short_name(name), *_cells(result[name], chosen)])
    return table(list(zip(*columns, strict=True)))


def comparison(report: xr.Dataset, *, rows: int = 6) -> str:
    """Per main variable, forecast against the seed mean at about ``rows`` times; then one line of agreement for each."""
    chosen = pick(report["time"].values, rows)
    names = [name for name in MAIN if name in report["variable"].values]
    moving = [name for name in names if name != "learning_rate"]
    blocks = []
    for name in moving:
        part = report.sel(variable=name).isel(time=chosen)
        if name == "excess_risk" and "adversarial_risk" in names:
            continue  # the same difference as the adversarial risk's
        lines: list[tuple[str, ...]] = [("time", "forecast", "SGD mean ± s.e.", "z", "relative error")]
        for t, told, mean, error, z in zip(
            *(part[key].values for key in ("time", "forecast", "mean", "standard_error", "z")), strict=True
        ):
            lines.append((_number(t, "g"), _number(told), _plus_minus(mean, error), *_agreement(told, mean, z)))
        blocks.append(f"{describe_variable(name).long_name}\n{table(lines)}")
    return "\n\n".join([*blocks, agreement(report, names)])


def agreement(report: xr.Dataset, names: Sequence[str] | None = None) -> str:
    """One line for each variable: the largest difference in standard errors, and the relative errors."""
    lines: list[tuple[str, ...]] = [("agreement over all times", "largest |z|", "rms relative error", "largest relative error")]
    for name in names or list(report["variable"].values):
        part = report.sel(variable=name)
        lines.append(
            (
                short_name(name),
                f"{float(part['largest_z']):.1f}",
                _percent(part["rms_relative_error"]),
                _percent(part["largest_relative_error"]),
            )
        )
    return table(lines)


def radii(forecast: xr.Dataset, simulation: xr.Dataset | None = None) -> str:
    """Accuracy against the radius of the attack at the last time, on the training law and on held-out data."""
    lines: list[list[str]] = [["radius", *(_number(r, "g") for r in forecast["evaluation_radius"].values)]]
    for name, label in (("accuracy_at_radius", "accuracy"), ("risk_at_radius", "risk")):
        for prefix, law in (("", "on the training law"), ("held_out_", "held out")):
            full = prefix + name
            if full in forecast:
                values = forecast[full].isel(time=-1).values
                lines.append([f"{label} {law}, forecast", *(_number(v) for v in values)])
            if simulation is not None and full in simulation and "evaluation_radius" in simulation[full].dims:
                values = simulation[full].isel(time=-1).mean("seed").values
                if len(values) == forecast.sizes["evaluation_radius"]:
                    lines.append([f"{label} {law}, SGD mean", *(_number(v) for v in values)])
    return table(lines)


def summary(values: dict[str, Any]) -> str:
    """``name  value`` lines for a flat dictionary; nested and long values are left out."""
    lines = [
        (str(key).replace("_", " "), _number(value) if isinstance(value, float) else str(value))
        for key, value in values.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    ]
    width = max((len(key) for key, _ in lines), default=0)
    return "\n".join(f"{key:<{width}}  {value}" for key, value in lines)


def short_name(name: str) -> str:
    """A column heading for a variable."""
    base, bracket, radius = name.partition("[")
    return _SHORT.get(base, describe_variable(base).long_name) + bracket + radius


def pick(times: np.ndarray, rows: int) -> list[int]:
    """Indices of about ``rows`` times, evenly spread over the span, with the first and the last.

    Examples
    --------
    >>> pick(np.linspace(0, 10, 101), 3)
    [0, 50, 100]
    """
    if len(times) <= rows:
        return list(range(len(times)))
    targets = np.linspace(times[0], times[-1], rows)
    return sorted({int(np.argmin(np.abs(times - target))) for target in targets})


def table(lines: Sequence[Sequence[str]]) -> str:
    """Right-aligned columns, the first left-aligned where it holds words; the first line is the heading."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    words = any(character.isalpha() and character not in "einf" for line in lines[1:] for character in line[0])
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k == 0 and words else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(values: xr.DataArray, chosen: list[int]) -> list[str]:
    if "seed" not in values.dims:
        return [f"{_number(v):>8}" for v in values.values[chosen]]
    runs = values.transpose("seed", "time").values[:, chosen]
    with np.errstate(invalid="ignore"):
        mean = runs.mean(axis=0)
        error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.zeros(len(mean))
    return [_plus_minus(m, e) for m, e in zip(mean, error, strict=True)]


def _agreement(told: float, mean: float, z: float) -> tuple[str, str]:
    if not np.isfinite(z):
        return "-", "-"
    return f"{z:+.1f}", (_percent((told - mean) / mean, sign=True) if mean else "-")


def _plus_minus(mean: float, error: float) -> str:
    if not np.isfinite(mean):
        return _number(mean)
    return f"{_number(mean)} ± {_number(error, digits=2)}" if error > 0 else _number(mean)


def _number(value: float, style: str = "f", digits: int = 4) -> str:
    value = float(value)
    if not np.isfinite(value):
        return "inf" if value > 0 else ("-inf" if value < 0 else "-")
    if style == "g" or value == 0:
        return f"{value:.4g}"
    if digits < 4:
        return f"{value:.{digits}g}"
    return f"{value:.{digits}f}" if 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"


def _percent(value: Any, *, sign: bool = False) -> str:
    value = 100 * float(value)
    return f"{value:+.2f} %" if sign else f"{value:.2f} %"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ")
