"""Figures: line = forecast, dots and bars = mean and standard error of the simulation, band = spread of one run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.averages import mean_and_spread
from jominy.results.checks import check_result
from jominy.results.reading import scenario_of, table_in
from jominy.results.replaced import require_place, write_whole
from jominy.show.panels import SHORT, choose_panels, with_units
from jominy.show.picture import picture
from jominy.show.style import COLOURS, DEFAULT, SETTINGS, set_heading, set_legend

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_WIDTH, _PANEL_HEIGHT = 3.5, 2.7  # inches; one panel is one column of a paper
_NAME_HEIGHT = 0.1  # inches for a name above a panel: two share a line, more or less
_DOTS = 12  # so many moments get a dot: enough to judge, few enough to tell apart
_LOG_RANGE = 30.0
# Where a height stands on an axis, and back.
_Scale = tuple[Callable[[Any], Any], Callable[[Any], Any]]
_PLAIN: _Scale = (np.asarray, np.asarray)
_LOGARITHM: _Scale = (np.log, np.exp)
_SYMMETRIC: _Scale = (np.arcsinh, np.sinh)
_MARGIN = 0.05  # of the height of a panel, above and below what is in it
_DIVERGING = 1e3  # no norm or distance is this large but in a divergence


def plot(
    forecast: xr.Dataset | None = None,
    simulation: xr.Dataset | None = None,
    *,
    variables: Sequence[str] | None = None,
) -> Figure:
    """Draw a forecast, a simulation, or one over the other.

    The line is the forecast. Dots with bars are the mean over seeds and its standard error. The band is one standard
    deviation of a single run: the simulation's, or else the forecast's own (``<name>_sd``). By default related
    variables share a panel and, where there are evaluation radii, the last panel is the accuracy (or risk) against the
    radius at the last time. A risk that spans more than a factor of 30 gets a logarithmic axis.

    The theory of a network, and what was measured of real ones, are drawn by
    :func:`jominy.show.network_figures.plot_network`.

    Parameters
    ----------
    forecast, simulation
        Results; at least one.
    variables
        Draw these instead, one panel each.

    Raises
    ------
    InputError
        Nothing to draw, or a variable that neither result has.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> result = make_result({"norm": (("time",), [0.0, 0.6])}, {"time": [0.0, 1.0]}, engine="forecast", scenario={},
    ...                      status=Status.COMPLETED)
    >>> len(plot(result).axes)
    1
    """
    # Figure is used without pyplot: nothing global is changed, no window opens, nothing has to be closed.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    results = [check_result(result) for result in (forecast, simulation) if result is not None]
    if not results:
        raise InputError("plot needs a forecast, a simulation or both", next_step="pass what forecast(...) returned")
    if any("point" in result.dims for result in results):
        raise InputError("plot draws one problem", "results of several", "choose one: result.isel(point=0)")
    if any("alternative" in result.dims for result in results):
        raise InputError(
            "plot draws a training over time", "a design or a front", "draw it with plot_design or plot_front"
        )
    if forecast is not None and "adversarial_loss_bound" in forecast:
        from jominy.show.network_figures import plot_network

        return plot_network(forecast, measured=simulation, title=str(forecast.attrs.get("title", "")))
    if simulation is not None and "seed" not in simulation.dims:
        raise InputError(
            "the second argument of plot must be a simulation, with a seed dimension",
            f"dimensions {tuple(map(str, simulation.dims))}",
            "write plot(forecast, simulation)",
        )
    if forecast is not None and "seed" in forecast.dims:
        if simulation is not None:
            raise InputError("plot takes the forecast first and the simulation second", "a first argument with seeds")
        forecast, simulation = None, forecast
    panels = list(choose_panels(results, variables))
    if not panels:
        raise InputError("there must be a variable to draw", sorted({str(k) for r in results for k in r.data_vars}))
    columns = 1 if len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    first = min(float(result["time"].values[0]) for result in results)
    last = max(float(result["time"].values[-1]) for result in results)
    margin = 0.03 * (last - first)
    with rc_context(SETTINGS):
        names_above = _NAME_HEIGHT * sum(
            max(len(names) for _, names, _ in panels[k : k + columns]) for k in range(0, len(panels), columns)
        )
        height = _PANEL_HEIGHT * rows + 0.6 + names_above
        figure = Figure(figsize=(_PANEL_WIDTH * columns, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, (label, names, dimension) in zip(axes, panels, strict=False):
            heights, spreads = _draw(ax, names, dimension, forecast, simulation)
            ax.set_ylabel(label)
            _scale(ax, label, heights, spreads)
            if dimension == "time" and last > first:
                ax.set_xlim(first - margin, last + margin)
            if len(names) > 1:
                set_legend(ax, width=_PANEL_WIDTH)
        for ax in axes[len(panels) :]:
            ax.set_visible(False)
        set_heading(figure, _title(results))
        _key(figure, forecast, simulation)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure (png, pdf, svg by the ending); ``InputError`` where that cannot be."""
    check_figure_name(path)
    kind = Path(path).suffix.lstrip(".").lower()
    return write_whole(path, picture(figure, kind), "the figure")


def check_figure_name(path: str | os.PathLike[str], what: str = "the figure") -> None:
    """``InputError`` where a figure cannot be written there: another ending, a missing folder, a folder."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = set(FigureCanvasBase.filetypes) - {"pgf"}  # which is written by running LaTeX
    if Path(path).suffix.lstrip(".").lower() not in known:
        raise InputError(
            "a figure's file name must end in a picture format",
            Path(path).name,
            f"use one of: {', '.join(sorted(known))}",
        )
    require_place(path, what)


def _draw(ax: Axes, names: list[str], dimension: str, forecast: Any, simulation: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lines, dots, bands; returns the heights of lines and dots, and those of the edges of bars and bands."""
    heights: list[np.ndarray] = []
    spreads: list[np.ndarray] = []
    for name in names:
        colour, line, marker = COLOURS.get(name, DEFAULT)
        label: str | None = SHORT.get(name) or with_units(name)
        band = None
        if forecast is not None and name in forecast:
            x, values = _values(forecast, name, dimension)
            ax.plot(x, values, line, color=colour, label=label, zorder=3)
            heights.append(values)
            label = None
            if f"{name}_sd" in forecast:
                band = _own_band(forecast, name, dimension)
        if simulation is not None and name in simulation:
            x, runs = _runs(simulation, name, dimension)
            mean, spread = mean_and_spread(runs)
            lower = mean - spread
            # A skewed quantity that is never negative has no band below zero.
            band = (x, np.maximum(lower, 0.0) if runs.size and runs.min() >= 0 else lower, mean + spread)
        if band is not None:
            ax.fill_between(*band, color=colour, alpha=0.15, linewidth=0, zorder=1)
            spreads += band[1:]
        if simulation is not None and name in simulation:
            shown = _spread_out(x, _DOTS)
            error = spread / np.sqrt(max(len(runs), 1))
            ax.errorbar(
                x[shown], mean[shown], error[shown], fmt=marker or "o", color=colour, label=label,
                markersize=3.8, markerfacecolor="white", markeredgewidth=1.1, elinewidth=1.1, capsize=2, zorder=4,
            )  # fmt: skip
            heights.append(mean)
            spreads += [mean - error, mean + error]
    # The full units of a radius are too long for a panel that is one column wide.
    ax.set_xlabel("radius of the attack (l2 norm)" if dimension == "evaluation_radius" else with_units(dimension))
    return _finite(heights), _finite(spreads)


def _finite(parts: list[np.ndarray]) -> np.ndarray:
    values = np.concatenate([np.zeros(0), *parts])
    return values[np.isfinite(values)]


def _drawable(values: np.ndarray) -> np.ndarray:
    """Where matplotlib can draw: its axes overflow a little below the largest number."""
    return np.abs(np.asarray(values, dtype=float)) < 1e200


def _values(result: Any, name: str, dimension: str) -> tuple[np.ndarray, np.ndarray]:
    values = result[name]
    if dimension != "time" and "time" in values.dims:
        values = values.isel(time=-1)
    finite = _drawable(values.values)
    return values[dimension].values[finite], values.values[finite]


def _own_band(forecast: Any, name: str, dimension: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, lower and upper edge of a forecast's band, around the curve plus its bias if that is known.

    A band that is not to be trusted has an infinite width, and is not drawn.
    """
    parts = [forecast[key] for key in (name, f"{name}_sd", f"{name}_bias") if key in forecast]
    if dimension != "time" and "time" in parts[0].dims:
        parts = [part.isel(time=-1) for part in parts]
    x, (centre, spread, *bias) = parts[0][dimension].values, (part.values for part in parts)
    width = np.where(_drawable(centre) & _drawable(spread), spread, np.nan)  # a gap in the band
    centre = np.where(np.isnan(width), np.nan, centre + sum(bias))
    return x, centre - width, centre + width


def _runs(result: Any, name: str, dimension: str) -> tuple[np.ndarray, np.ndarray]:
    """Positions (n,) and values (seed, n), without the moments at which a run is not finite."""
    values = result[name]
    if dimension != "time" and "time" in values.dims:
        values = values.isel(time=-1)
    if "seed" not in values.dims:
        values = values.expand_dims(seed=1)
    runs = values.transpose("seed", dimension).values
    whole = np.all(_drawable(runs), axis=0)
    return values[dimension].values[whole], runs[:, whole]


def _spread_out(x: np.ndarray, count: int) -> list[int]:
    if len(x) <= count:
        return list(range(len(x)))
    return sorted({int(np.argmin(np.abs(x - target))) for target in np.linspace(x[0], x[-1], count)})


def _scale(ax: Axes, label: str, heights: np.ndarray, spreads: np.ndarray) -> None:
    """The vertical axis follows lines and dots; a bar or a band may widen it by half their range, and is cut there."""
    if not heights.size:
        return
    low, high = float(heights.min()), float(heights.max())
    risk = "risk" in label
    if risk and low > 0 and high > _LOG_RANGE * low:
        ax.set_yscale("log")
        there, back = _LOGARITHM
        spreads = spreads[spreads > 0]
    elif "accuracy" not in label and high > _DIVERGING:
        ax.set_yscale("symlog", linthresh=1.0)
        there, back = _SYMMETRIC
    else:
        there, back = _PLAIN
    bottom, top = float(there(low)), float(there(high))
    room = 0.5 * (top - bottom) if top > bottom else 0.1 * abs(top) or 0.1
    edges = there(spreads)
    bottom = max(bottom - room, min(bottom, edges.min(initial=np.inf)))
    top = min(top + room, max(top, edges.max(initial=-np.inf)))
    margin = _MARGIN * max(top - bottom, room)
    bottom, top = float(back(bottom - margin)), float(back(top + margin))
    if "accuracy" not in label and low >= 0 and ax.get_yscale() != "log":
        bottom = 0.0
    if np.isfinite([bottom, top]).all() and top > bottom:
        ax.set_ylim(bottom, top)


def _title(results: list[xr.Dataset]) -> str:
    for result in results:
        if title := result.attrs.get("title"):
            return str(title)
    scenario = scenario_of(results[0])
    radius = scenario.get("radius", table_in(scenario, "problem").get("radius"))
    return f"radius {radius:g}" if isinstance(radius, (int, float)) else ""


def _key(figure: Figure, forecast: Any, simulation: Any) -> None:
    """One line under the figure that says what lines, dots and bands are."""
    parts = ["line: forecast"] if forecast is not None else []
    if simulation is not None:
        parts.append(f"dots: mean of {simulation.sizes['seed']} runs of SGD, ± standard error")
        parts.append("band: one run, ± standard deviation")
    elif forecast is not None and any(str(name).endswith("_sd") for name in forecast.data_vars):
        parts.append("band: one run, ± standard deviation")
    figure.supxlabel("    ".join(parts), fontsize=8, color="#444444")
