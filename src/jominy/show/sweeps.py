"""Figures of a sweep: curves over one field, a map over two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from jominy.errors import InputError
from jominy.results import Status
from jominy.show.maps import COLOURS, axis_label, draw_map, logarithmic, variable_label
from jominy.show.style import COLOURS as LINES
from jominy.show.style import DEFAULT, SETTINGS, in_figure, set_heading, set_legend, set_logarithmic
from jominy.show.sweep_text import TOLD, at_end, fields_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FIRST = ("held_out_adversarial_risk", "adversarial_risk", "adversarial_loss_bound", "trainability_index")
_PANELS = (
    ("risk", ("adversarial_risk", "clean_risk", "held_out_adversarial_risk")),
    ("accuracy", ("adversarial_accuracy", "clean_accuracy", "held_out_adversarial_accuracy")),
    ("norm, distance", ("norm", "distance_to_optimum")),
)


def plot_sweep(result: xr.Dataset, variable: str | None = None) -> Figure:
    """Draw a sweep at its last time; of simulations the mean over runs.

    Over one field: risks, accuracies and the norm, or the one variable asked for. Over two: a map of one variable, by
    default the adversarial risk (of held-out rows where there are some). Points that failed are left out.

    Raises `InputError` where more than two fields vary, one of them is not a number, or there is no such variable.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    fields, last = fields_of(result), at_end(result)
    if len(fields) > 2:
        raise InputError(
            "a figure of a sweep shows one or two fields",
            ", ".join(fields),
            "choose values of the others: plot_sweep(result.sel(...))",
        )
    words = [name for name in fields if last[name].dtype.kind not in "iuf"]
    if words:
        raise InputError(
            "the fields of a figure must be numbers", ", ".join(words), "choose among them with result.sel"
        )
    numbers = [str(n) for n in last.data_vars if last[n].dtype.kind in "iuf" and last[n].size and _plain(last, str(n))]
    if variable is not None and variable not in numbers:
        raise InputError("a variable to draw must be in the result", variable, f"choose from: {', '.join(numbers)}")
    if not numbers:
        raise InputError("there must be a variable to draw", "a sweep whose points all failed", "see its `reason`")
    with rc_context(SETTINGS):
        if len(fields) == 1:
            figure = _curves(last, fields[0], numbers, variable)
        else:
            chosen = variable or next((name for name in _FIRST if name in numbers), numbers[0])
            figure = Figure(figsize=(5.2, 3.9), layout="constrained")
            _map(figure.subplots(), last, fields, chosen)
        set_heading(figure, result.attrs.get("title", ""), size=9)
    return figure


def _plain(last: xr.Dataset, name: str) -> bool:
    """Whether a variable has no dimensions but the swept ones (and others of one entry)."""
    swept = set(json.loads(last.attrs["sweep"])["fields"]) | {"point"}
    return all(dim in swept or last.sizes[dim] == 1 for dim in last[name].dims)


def _curves(last: xr.Dataset, field: str, numbers: list[str], variable: str | None) -> Figure:
    from matplotlib.figure import Figure

    panels = [(label, [n for n in names if n in numbers]) for label, names in _PANELS]
    panels = [(label, names) for label, names in panels if names]
    if variable is not None or not panels:
        chosen = variable or next((name for name in (*_FIRST, *TOLD) if name in numbers), numbers[0])
        panels = [(variable_label(chosen), [chosen])]
    figure = Figure(figsize=(3.4 * len(panels) + 0.4, 3.0), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False).ravel()
    x = last[field].values
    order = np.argsort(x, kind="stable")
    lost = (last["status"].values.reshape(len(x)) == Status.DIVERGED.label)[order]
    for ax, (label, names) in zip(axes, panels, strict=True):
        heights = []
        for name in names:
            colour, line, marker = LINES.get(name, DEFAULT)
            y = np.asarray(last[name].values, dtype=float).reshape(len(x))[order]
            y = np.where(np.isfinite(y) & ~lost, y, np.nan)
            heights.append(y)
            ax.plot(x[order], y, line, color=colour, marker=marker if len(x) <= 40 else "", ms=3.5, label=_short(name))
        if lost.any():
            at_top = np.full(int(lost.sum()), 0.97)
            ax.plot(x[order][lost], at_top, "x", color="#444444", transform=ax.get_xaxis_transform(), label="diverged")
        ax.set_xlabel(axis_label(last, field))
        ax.set_ylabel(label)
        if logarithmic(x):
            set_logarithmic(ax, "x")
        known = np.concatenate(heights)
        known = known[np.isfinite(known)]
        if "accuracy" not in label and known.size and known.min() > 0 and known.max() > 30 * np.median(known):
            ax.set_yscale("log")
        if len(names) > 1 or lost.any():
            set_legend(ax, width=3.4)
    return figure


def _short(name: str) -> str:
    return in_figure(variable_label(name)).replace(" risk", "").replace(" accuracy", "").replace(" of the weights", "")


def _map(ax: Axes, last: xr.Dataset, fields: list[str], name: str) -> None:
    one, other = fields
    x, y = last[one].values, last[other].values
    lost = last["status"] == Status.DIVERGED.label
    told = last[name].where(~lost) if "risk" in name or name in ("norm", "distance_to_optimum") else last[name]
    if not np.isfinite(told).all():
        ax.figure.supxlabel("grey, or crosses: diverges, or failed", fontsize=8, color="#444444")
    if "point" in last.dims:
        values = np.asarray(told.values, dtype=float)
        known = np.isfinite(values)
        dots = ax.scatter(x[known], y[known], c=values[known], cmap=COLOURS, s=28, edgecolor="#444444", linewidth=0.4)
        ax.scatter(x[~known], y[~known], marker="x", color="#444444", s=22, linewidth=0.9)
        ax.figure.colorbar(dots, ax=ax).set_label(variable_label(name))
    else:
        values = told.transpose(one, other, ...).values.reshape(len(x), len(y))
        draw_map(ax, x, y, np.asarray(values, dtype=float), variable_label(name))
    for name, axis in ((one, "x"), (other, "y")):
        if _is_logarithmic(last, name):
            set_logarithmic(ax, axis)
    ax.grid(False)
    ax.set_xlabel(axis_label(last, one))
    ax.set_ylabel(axis_label(last, other))


def _is_logarithmic(last: xr.Dataset, name: str) -> bool:
    if "point" in last.dims:
        return name in json.loads(last.attrs["sweep"]).get("logarithmic", [])
    return logarithmic(last[name].values)
