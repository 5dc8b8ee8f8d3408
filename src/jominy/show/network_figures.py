"""Figures of a network: adversarial loss and trainability index against the radius, or against what varies."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.verdict import COLLAPSE_BELOW, SAFE_FROM
from jominy.show.maps import variable_label
from jominy.show.network_tables import at, mean_and_error
from jominy.show.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SETTINGS,
    SKY,
    VERMILION,
    in_figure,
    set_heading,
    set_legend,
)
from jominy.show.text import short

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SERIES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILION, "D"), (PURPLE, "v"), (SKY, "P"))
MOST_TICKS = 8  # so many values of a field are marked on its axis as they are
_LOG_FROM = 8.0  # a range of this factor is shown on a logarithmic axis


def plot_network(
    theory: xr.Dataset, trained: xr.Dataset | None = None, measured: xr.Dataset | None = None, *, title: str = ""
) -> Figure:
    """Line = theory, dashed = its bound for infinite width, dots and bars = mean and standard error of real networks.

    The first panel shows the adversarial loss, against the radius where nothing varies, else against the radius or the
    longest of the varied axes; the other axes and pairs of norms are lines of their own, six at most. Where something
    varies and there is a trainability index, the second panel shows it, shaded by its verdict.

    Raises InputError for a result that is not of `network_theory`.

    Examples
    --------
    >>> import jominy as jm
    >>> network = jm.Architecture(5, 1000, 784, 10, weight_variance=2.0)
    >>> len(plot_network(jm.network_theory(network, 0.1)).axes)
    1
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if "adversarial_loss_bound" not in theory:
        raise InputError("the figure of a network starts from network_theory(...)", sorted(map(str, theory.data_vars)))
    varied = [str(name) for name in theory["adversarial_loss"].dims if name not in ("p", "q")]
    axis = _axis(theory, varied)
    two = trained is not None and bool(varied)
    with rc_context(SETTINGS):
        figure = Figure(figsize=(7.2 if two else 4.6, 3.3), layout="constrained")
        axes = figure.subplots(1, 2 if two else 1, squeeze=False).ravel()
        _draw(axes[0], "adversarial_loss", theory, measured, axis)
        axes[0].set_ylabel("adversarial loss")
        if two and trained is not None:
            _draw(axes[1], "trainability_index", trained, measured, axis)
            _verdicts(axes[1])
        for ax in axes:
            ax.set_xlabel(variable_label(axis))
        set_legend(axes[0], width=3.6 if two else 4.6)
        set_heading(figure, title, color=GREY)
    return figure


def _axis(theory: xr.Dataset, varied: list[str]) -> str:
    """The horizontal axis: the radius where it varies, else the longest axis of numbers."""
    if "radius" in varied or not varied:
        return "radius"
    return max(varied, key=lambda name: (theory[name].dtype.kind != "b", theory.sizes[name]))


def _draw(ax: Axes, name: str, told: xr.Dataset, measured: xr.Dataset | None, axis: str) -> None:
    """One panel: a line for each place on the other axes."""
    values = told[name]
    others = [str(dim) for dim in values.dims if dim != axis]
    places = list(product(*(told[dim].values for dim in others)))[: len(_SERIES)]
    for place, (colour, mark) in zip(places, _SERIES, strict=False):
        where = dict(zip(others, place, strict=True))
        words = in_figure(", ".join(_words(dim, one) for dim, one in where.items()))
        x, y = _curve(at(values, where), told, where, axis, name)
        ax.plot(x, y, color=colour, label=words or "theory, small radius")
        if name == "adversarial_loss":
            x, y = _curve(at(told["adversarial_loss_bound"], where), told, where, axis, name)
            ax.plot(x, y, "--", color=colour, linewidth=1.0, label=None if words else "bound, infinite width")
        if measured is not None and name in measured:
            found = at(measured[name], where)
            x = found[axis].values if axis in found.dims else np.array([_radius(told)])
            rows = found.transpose(axis, "network").values if axis in found.dims else found.values[None]
            mean, error = zip(*map(mean_and_error, rows), strict=True)
            label = None if words else "real networks"
            ax.errorbar(x, mean, yerr=error, fmt=mark, color=colour, markersize=4, capsize=2, label=label)
    if others and name == "adversarial_loss":
        ax.plot([], [], "--", color=GREY, linewidth=1.0, label="bounds, infinite width")
    _scale(ax, told[axis].values if axis in told.dims else np.ones(1), values.values, name, axis == "radius")


def _curve(
    values: xr.DataArray, told: xr.Dataset, where: dict[str, Any], axis: str, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """A line over the axis; over the radius the loss is proportional to it, which needs no sweep."""
    if axis in values.dims:
        return told[axis].values, values.values
    radius = _radius(told)
    grid = np.array([0.0, 1.25 * radius])
    value = values.item()
    if not np.isfinite(value):
        return grid, np.full(2, np.nan)
    return grid, value / radius * grid if radius > 0 else 0 * grid


def _radius(told: xr.Dataset) -> float:
    return float(json.loads(told.attrs["scenario"])["radius"])


def _verdicts(ax: Axes) -> None:
    """What tau means, as shades."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    low, high = min(low, 0.5 * COLLAPSE_BELOW), max(high, 2 * SAFE_FROM)
    for bottom, top, colour, words in (
        (low, COLLAPSE_BELOW, VERMILION, "plateau"),
        (COLLAPSE_BELOW, SAFE_FROM, ORANGE, "borderline"),
        (SAFE_FROM, high, GREEN, "trainable"),
    ):
        ax.axhspan(bottom, top, color=colour, alpha=0.1, linewidth=0)
        ax.text(1.02, np.sqrt(bottom * top), words, transform=ax.get_yaxis_transform(), ha="left", va="center",
                fontsize=7, color=GREY)  # fmt: skip
    ax.set_ylim(low, high)
    ax.set_ylabel("trainability index tau")


def _scale(ax: Axes, x: np.ndarray, y: np.ndarray, name: str, over_radius: bool) -> None:
    """Logarithmic axes where a range is wide; both for a loss against the radius, so that its line stays straight."""
    wide = x.dtype.kind != "b" and bool(np.all(x > 0)) and np.max(x) >= _LOG_FROM * np.min(x)
    if wide:
        ax.set_xscale("log")
    if not over_radius and len(x) <= MOST_TICKS:
        ax.set_xticks(x, [_value(one) for one in x], minor=False)
        ax.minorticks_off()
    if name != "adversarial_loss":
        return
    if (wide or not over_radius) and np.all(y > 0) and np.max(y) > _LOG_FROM * np.min(y):
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0)


def _name(dim: str) -> str:
    return {"weight_variance": "variance", "adversarial_weight": "weight"}.get(dim, dim)


def _words(dim: str, one: Any) -> str:
    """A place on one axis, for a legend.

    >>> _words("shortcut", False), _words("depth", 12)
    ('no shortcuts', 'depth 12')
    """
    if dim == "shortcut":
        return "shortcuts" if one else "no shortcuts"
    return f"{_name(dim)} {_value(one)}"


def _value(one: Any) -> str:
    return ("yes" if one else "no") if isinstance(one, (bool, np.bool_)) else short(one)
