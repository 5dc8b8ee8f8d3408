"""What every command does with a result: a table, or JSON; a file; a figure."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jominy.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


def say(text: str) -> None:
    """A message beside the result, on standard error, so that standard output holds the result alone."""
    print(text, file=sys.stderr)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output; what is not a finite number becomes null."""
    print(json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False))


def save_json(path: str | Path, value: Any, name: str) -> None:
    """Write strict JSON; `name` says what it is if that fails."""
    try:
        text = json.dumps(plain(value), indent=2, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{name} could not be written: {error.strerror or error}", str(path)) from error


def save(arguments: argparse.Namespace, result: xr.Dataset, part: str = "") -> None:
    """Write a result where ``--out`` says; ``part`` tells several files of one command apart."""
    if arguments.out is None:
        return
    from jominy.results import save as save_result

    path = Path(arguments.out)
    say(f"saved {save_result(result, path.with_suffix(f'.{part}{path.suffix}') if part else path)}")


def draw(arguments: argparse.Namespace, forecast: xr.Dataset | None, simulation: xr.Dataset | None = None) -> None:
    """Draw the figure that ``--plot`` asks for."""
    if arguments.plot is None:
        return
    from jominy.show.figures import plot, save_figure

    say(f"drawn {save_figure(plot(forecast, simulation), arguments.plot)}")


def as_json(result: xr.Dataset) -> dict[str, Any]:
    """A result as plain values: attributes, coordinates, variables; runs are summed up as mean, spread and error."""
    values: dict[str, Any] = {"attributes": {key: _parsed(value) for key, value in result.attrs.items()}}
    values["coordinates"] = {str(name): coordinate.values.tolist() for name, coordinate in result.coords.items()}
    values["variables"] = {str(name): _variable(result[name]) for name in result.data_vars}
    return values


def _variable(values: xr.DataArray) -> dict[str, Any]:
    described = {"long_name": values.attrs.get("long_name", ""), "units": values.attrs.get("units", "")}
    runs = next((name for name in ("seed", "network") if name in values.dims), None)
    if runs is None:
        return {**described, "dimensions": list(map(str, values.dims)), "values": values.values.tolist()}
    from jominy.numerics.averages import mean_and_spread

    mean, spread = mean_and_spread(values.transpose(runs, ...).values)
    return {
        **described,
        "dimensions": [str(dim) for dim in values.dims if dim != runs],
        "mean": mean.tolist(),
        "standard_deviation": spread.tolist(),
        "standard_error": (spread / math.sqrt(max(values.sizes[runs], 1))).tolist(),
    }


def _parsed(value: Any) -> Any:
    """Attributes that hold JSON text, as what they hold."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def plain(value: Any) -> Any:
    """``value`` for strict JSON: not-a-number and infinity, which it does not know, become null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def exit_code(result: xr.Dataset) -> int:
    """130 after an interrupted run, whose partial result is kept; 0 otherwise, a divergence being a result too."""
    from jominy.results import Status

    return 130 if result.attrs.get("status") == Status.INTERRUPTED.label else 0
