"""The theory of a network, and what was measured beside it, as plain text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.show.text import number, plus_minus, short, table, wrapped

if TYPE_CHECKING:
    import xarray as xr

# What the terminal shows, in this order, and what it is called there.
_NETWORK = {
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
_TRAINABILITY = {
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


def network_text(theory: xr.Dataset, trained: xr.Dataset | None, measured: xr.Dataset | None = None) -> str:
    """Heading, table of the theory (with what was measured), trainability in numbers and words."""
    sweep = [str(name) for name in theory.sizes if name not in ("p", "q", "layer")]
    parts = [_heading(theory), _quantities(theory, measured, _NETWORK, sweep)]
    if trained is not None:
        told = json.loads(trained.attrs["scenario"])
        weight = told["adversarial_weight"]
        factor = f"{weight:g} x " if isinstance(weight, (int, float)) else "weight x "
        loss = f"cross-entropy + {factor}adversarial loss"
        parts.append(f"trainability: {loss}, l{short(told['p'])} attack, plain SGD")
        parts.append(_quantities(trained, measured, _TRAINABILITY, sweep))
    if sweep:
        parts.append(_sweep_table(theory, trained, sweep))
        if measured is not None:
            parts.append(_measured_table(theory, trained, measured, sweep))
    parts.append("\n".join(wrapped(f"- {sentence}") for sentence in sentences(theory, trained, measured)))
    return "\n\n".join(part for part in parts if part)


def sentences(theory: xr.Dataset, trained: xr.Dataset | None, measured: xr.Dataset | None = None) -> list[str]:
    """What a reader should know, in words."""
    told = []
    if trained is None:
        told.append("No word on trainability: that needs a [data] table, two outputs or more, and p = 2 or infinity.")
    else:
        told += _verdict(trained)
        if outside := json.loads(trained.attrs.get("outside", "[]")):
            told.append(f"The fit behind tau has not seen: {', '.join(outside)}. Take the verdict as a direction only.")
    if np.any(theory["adversarial_loss"].values > theory["adversarial_loss_bound"].values):
        told.append(
            "The bound is a theorem for infinite width; at this width the loss may lie above it, as the theory's own "
            "value, which has the correction for the width, does here."
        )
    if measured is not None:
        if np.any(np.isinf(measured.get("trainability_index", np.zeros(1)))):
            told.append("A measured tau is infinite where two batches show no common adversarial gradient.")
        told.append(
            f"Measured: mean and standard error over {measured.sizes['network']} random networks; an attack gives a "
            "lower bound. The theory's adversarial loss is that of a small radius."
        )
    return told


def _verdict(trained: xr.Dataset) -> list[str]:
    if "verdict" not in trained.attrs:
        return [
            "tau < 0.25: expect a plateau; 0.25 to 0.4: borderline; above: no adversarial slowdown.",
            "Learning times are in rate x width x steps. `weights last`, in rate x steps: when the weight-variance law "
            "says that the signal is lost, which is no verdict.",
        ]
    advice = str(trained.attrs["advice"]).replace("`slowdown`", f"{float(trained['slowdown']):.2g}")
    told = [advice]
    if "reliability" in trained.attrs:
        share = 100 * float(trained.attrs["reliability"])
        told.append(
            f"Of 445 training runs (ReLU, no bias, l2, plain SGD), {share:.0f} % of those with this verdict went as it "
            "says. The weight-variance law is no verdict: it calls nearly every network trainable."
        )
    if "training_score" in trained:
        score = float(trained["training_score"])
        word = "too few (right in 95 %)" if score < 1 else "perhaps enough" if score < 2 else "enough (right in 92 %)"
        told.append(f"The planned steps are {short(score)} times the expected learning time: {word}.")
    return told


def _heading(theory: xr.Dataset) -> str:
    """The title, and the network and the attack in a line each."""
    told = json.loads(theory.attrs["scenario"])
    network = told["architecture"]

    def say(name: str, text: str) -> str:
        return "" if name in theory.dims else text

    slopes = network["activation"]
    relu = (slopes["u"], slopes["v"]) == (1, 0)
    variance = network["weight_variance"]
    words = (
        say("depth", f"L = {network['depth']} layers"),
        say("width", f"N = {network['width']:.0f} units") if isinstance(network["width"], (int, float)) else "",
        say("input_dim", f"d = {network['input_dim']} inputs"),
        say("output_dim", f"K = {network['output_dim']} outputs"),
        "ReLU" if relu else f"slopes {short(slopes['u'])} and {short(slopes['v'])}",
        say("shortcut", "shortcuts" if network["shortcut"] is True else "no shortcuts"),
        say(
            "weight_variance",
            "weight variance " + (short(variance) if isinstance(variance, (int, float)) else "by layer"),
        ),
        say("bias_variance", f"bias variance {_short(network['bias_variance'])}"),
    )
    attack = [say("radius", f"radius {_short(told['radius'])}")]
    attack += [f"l{'/'.join(map(short, told['p']))} attack, l{'/'.join(map(short, told['q']))} change of the output"]
    title = [theory.attrs["title"]] if "title" in theory.attrs else []
    return "\n".join([*title, wrapped(", ".join(filter(None, words))), ", ".join(filter(None, attack))])


def _short(value: Any) -> str:
    return short(value) if isinstance(value, (int, float)) else "varied"


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


def _quantities(result: xr.Dataset, measured: xr.Dataset | None, names: dict[str, str], sweep: list[str]) -> str:
    """One row for each quantity that does not vary."""
    lines = []
    for name, label in names.items():
        if name not in result:
            continue
        values = layer_mean(result[name], result)
        over = [axis for axis in sweep if axis in values.dims]
        if over and not np.allclose(values, values.isel(dict.fromkeys(over, 0)), rtol=1e-9, equal_nan=True):
            continue
        for words, where in _rows(values, label):
            told = values.sel(where).isel(dict.fromkeys(over, 0)).item()
            cells = [words, _cell(name, told)]
            if measured is not None and not sweep:
                cells += _against(measured, name, where, told, result) if name in measured else ("", "")
            lines.append(cells)
    heads = ["", "theory"] if measured is None or sweep else ["", "theory", "measured", "measured / theory"]
    return table([heads, *lines]) if lines else ""


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
    count = len(found)
    if not np.all(np.isfinite(found)):
        return float("inf"), 0.0
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(count)) if count > 1 else 0.0


def _sweep_table(theory: xr.Dataset, trained: xr.Dataset | None, sweep: list[str]) -> str:
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
        return ""
    return _places_table(
        theory,
        sweep,
        [label for label, _ in columns],
        lambda place: [_cell(str(values.name), at(values, place).item()) for _, values in columns],
    )


def _measured_table(theory: xr.Dataset, trained: xr.Dataset | None, measured: xr.Dataset, sweep: list[str]) -> str:
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
    return f"measured ± standard error (measured / theory)\n{_places_table(theory, sweep, heads, cells)}"


def _places_table(
    theory: xr.Dataset, sweep: list[str], heads: list[str], cells: Callable[[dict[str, Any]], Iterable[str]]
) -> str:
    """A row for each combination of what varies and of the norms."""
    axes = [*sweep, *(name for name in ("p", "q") if name in theory.dims)]
    places = list(product(*(theory[name].values for name in axes)))
    lines = [[*(_AXES.get(name, name) for name in axes), *heads]]
    for place in places[:MOST_ROWS]:
        lines.append([*map(_coordinate, place), *cells(dict(zip(axes, place, strict=True)))])
    return table(lines) + _left_out(len(places))


def at(values: xr.DataArray, place: dict[str, Any]) -> xr.DataArray:
    """The values at a place, of whose axes they may have some only."""
    return values.sel({name: one for name, one in place.items() if name in values.dims})


def _left_out(count: int) -> str:
    return f"\n... {count - MOST_ROWS} more rows; --out or --json holds them all" if count > MOST_ROWS else ""


def _coordinate(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, (bool, np.bool_)) else short(value)


def _cell(name: str, value: float) -> str:
    """A width or a depth is a whole number, 100 layers mean no limit seen."""
    if name in ("safe_width", "safe_depth") and np.isfinite(value):
        return "100+" if name == "safe_depth" and value >= 100 else f"{value:.0f}"
    return number(value)
