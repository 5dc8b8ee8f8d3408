"""The tables about networks: theory, measurement and ratio for one network, a row for each place of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.numerics import averages
from jominy.show.text import Table, number, plus_minus, short, table

if TYPE_CHECKING:
    import xarray as xr

NETWORK = {
    "total_gain": "total gain of the layers, omega^L",
    "jacobian_variance": "variance of an entry of J",
    "signal_variance": "variance of an entry of Jx",
    "offset_variance": "variance of an entry of a",
    "output_variance": "variance of an output",
    "radial_variance": "variance of df / d ln W (capacity)",
    "fisher_rao_norm": "Fisher-Rao norm (cross-entropy)",
    "effective_dimension": "effective dimension",
    "operator_norm": "operator norm of J",
    "adversarial_loss": "adversarial loss",
    "adversarial_loss_bound": "its bound, infinite width",
    "weight_variance_rate": "rate of the weight variance, mean of layers",
    "sample_horizon": "horizon of that rate, one input (rate x steps)",
}
TRAINABILITY = {
    "trainability_index": "trainability index tau",
    "slowdown": "slowdown by the adversary",
    "signal_time": "learning time without adversary (rate x width x steps)",
    "learning_time": "learning time (rate x width x steps)",
    "training_score": "planned training / learning time",
    "safe_width": "smallest safe width",
    "safe_depth": "largest safe depth",
    "safe_radius": "largest safe radius",
    "longest_time": "weight-variance law: signal lost after (rate x steps)",
}
_COLUMNS = {
    "operator_norm": "norm of J",
    "adversarial_loss": "adv. loss",
    "adversarial_loss_bound": "bound",
    "total_gain": "gain",
    "weight_variance_rate": "d sw2/dt",
    "trainability_index": "tau",
    "slowdown": "slowdown",
    "learning_time": "learning time",
    "longest_time": "weights last",
    "safe_width": "safe width",
    "safe_depth": "safe depth",
    "safe_radius": "safe radius",
}
_AXES = {"adversarial_weight": "weight", "weight_variance": "sw2", "bias_variance": "sb2"}
MOST_ROWS = 60


def layer_mean(values: xr.DataArray, theory: xr.Dataset) -> xr.DataArray:
    """The mean over the layers that a network has; layers beyond its depth hold zeros."""
    if "layer" not in values.dims:
        return values
    depth = values["depth"] if "depth" in values.coords else theory.sizes["layer"]
    return values.sum("layer") / depth


def _rows(values: xr.DataArray, label: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Each entry over p and q, with its label and place."""
    axes: list[str] = [name for name in ("p", "q") if name in values.dims]
    for place in product(*(values[name].values for name in axes)):
        where: dict[str, float] = dict(zip(axes, map(float, place), strict=True))
        words = ", ".join(f"{name} = {short(one)}" for name, one in where.items())
        yield (f"{label}, {words}" if words else label), where


def quantities(result: xr.Dataset, measured: xr.Dataset | None, names: dict[str, str], sweep: list[str]) -> Table:
    """One row for each quantity that does not vary."""
    lines = []
    for name, label in names.items():
        if name not in result:
            continue
        values = layer_mean(result[name], result)
        over = [axis for axis in sweep if axis in values.dims]
        first = values.isel(dict.fromkeys(over, 0), drop=True).broadcast_like(values)  # by the names of the axes
        if over and not np.allclose(values, first.transpose(*values.dims), rtol=1e-9, equal_nan=True):
            continue
        for words, where in _rows(values, label):
            told = values.sel(where).isel(dict.fromkeys(over, 0)).item()
            cells = [words, _cell(name, told)]
            if measured is not None and not sweep:
                cells += _against(measured, name, where, told, result) if name in measured else ("", "")
            lines.append(cells)
    heads = ["", "theory"] if measured is None or sweep else ["", "theory", "measured", "measured / theory"]
    return table([heads, *lines] if lines else [])


def _against(
    measured: xr.Dataset, name: str, where: dict[str, float], told: float, theory: xr.Dataset
) -> tuple[str, str]:
    """Mean ± standard error over networks, and its ratio to the theory."""
    done = all(one in measured[axis].values for axis, one in where.items() if axis in measured.dims)
    if name not in measured or not done:  # an interruption leaves points out
        return "-", ""
    found = layer_mean(at(measured[name], where), theory).values
    mean, error = mean_and_error(found)
    ratio = "" if told == 0 or not np.isfinite(told) else f"{mean / told:.3f} ± {error / abs(told):.3f}"
    return plus_minus(mean, error), ratio


def mean_and_error(found: np.ndarray) -> tuple[float, float]:
    """Mean over the networks and its standard error (zero for one network); infinite where one value is."""
    mean, error = averages.mean_and_error(np.atleast_1d(found))  # of one network that was chosen with `isel`
    return (float(mean), float(error)) if np.isfinite(mean) else (float("inf"), 0.0)


def sweep_table(theory: xr.Dataset, trained: xr.Dataset | None, sweep: list[str]) -> Table:
    """One row for each combination of what varies, one column for each quantity that does."""
    columns: list[tuple[str, xr.DataArray]] = []
    for name, label in _COLUMNS.items():
        source = theory if name in theory else trained
        if source is None or name not in source:
            continue
        values = layer_mean(source[name], source)
        if not np.allclose(values, values.values.flat[0], rtol=1e-9, equal_nan=True):
            columns.append((label, values.rename(name)))
    if not columns:
        return table([])
    return _places_table(
        theory,
        sweep,
        [label for label, _ in columns],
        lambda place: [_cell(str(values.name), at(values, place).item()) for _, values in columns],
    )


def measured_table(theory: xr.Dataset, trained: xr.Dataset | None, measured: xr.Dataset, sweep: list[str]) -> Table:
    """Measured ± standard error (ratio to the theory), one row for each combination."""
    columns: list[tuple[str, xr.DataArray]] = []
    for name in ("operator_norm", "adversarial_loss", "weight_variance_rate", "trainability_index"):
        source = theory if name in theory else trained
        if source is not None and name in source and name in measured:
            columns.append((name, layer_mean(source[name], source)))

    def cells(place: dict[str, Any]) -> Iterator[str]:
        for name, told in columns:
            mean, ratio = _against(measured, name, place, at(told, place).item(), theory)
            yield f"{mean} ({ratio.partition(' ±')[0]})" if ratio else mean

    heads = [_COLUMNS[name] for name, _ in columns]
    return _places_table(theory, sweep, heads, cells)


def _places_table(
    theory: xr.Dataset, sweep: list[str], heads: list[str], cells: Callable[[dict[str, Any]], Iterable[str]]
) -> Table:
    """A row for each combination of what varies and of the norms."""
    axes = [*sweep, *(name for name in ("p", "q") if name in theory.dims)]
    places = list(product(*(theory[name].values for name in axes)))
    lines = [[*(_AXES.get(name, name) for name in axes), *heads]]
    for place in places[:MOST_ROWS]:
        lines.append([*map(_coordinate, place), *cells(dict(zip(axes, place, strict=True)))])
    return table(lines, _left_out(len(places)))


def at(values: xr.DataArray, place: dict[str, Any]) -> xr.DataArray:
    """The values at a place, of whose axes they may have some only."""
    return values.sel({name: one for name, one in place.items() if name in values.dims})


def _left_out(count: int) -> str:
    return f"... {count - MOST_ROWS} more rows; --out or --json holds them all" if count > MOST_ROWS else ""


def _coordinate(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, (bool, np.bool_)) else short(value)


def _cell(name: str, value: float) -> str:
    """A width or a depth is a whole number, 100 layers mean no limit seen."""
    if name in ("safe_width", "safe_depth") and np.isfinite(value):
        return "100+" if name == "safe_depth" and value >= 100 else f"{value:.0f}"
    return number(value)
