"""Figures: line = forecast, dots and bars = mean and standard error of the simulation, band = spread of one run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.results import describe_variable
from jominy.show.panels import SHORT, choose_panels, with_units
from jominy.show.style import COLOURS, DEFAULT, SETTINGS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_WIDTH, _PANEL_HEIGHT = 3.5, 2.7  # inches; one panel is one column of a paper
_DOTS = 12  # so many moments get a dot: enough to judge, few enough to tell apart
_LOG_RANGE = 30.0
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

    results = [result for result in (forecast, simulation) if result is not None]
    if not results:
        raise InputError("plot needs a forecast, a simulation or both", next_step="pass what forecast(...) returned")
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
        figure = Figure(figsize=(_PANEL_WIDTH * columns, _PANEL_HEIGHT * rows + 0.6), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, (label, names, dimension) in zip(axes, panels, strict=False):
            _draw(ax, names, dimension, forecast, simulation)
            ax.set_ylabel(label)
            _scale(ax, label)
            if dimension == "time" and last > first:
                ax.set_xlim(first - margin, last + margin)
            if len(names) > 1:
                ax.legend(loc="best", handlelength=2.4)
        for ax in axes[len(panels) :]:
            ax.set_visible(False)
        figure.suptitle(_title(results), fontsize=10)
        _key(figure, forecast, simulation)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure (png, pdf, svg by the ending); ``InputError`` where that cannot be."""
    target = Path(path)
    known = set(figure.canvas.get_supported_filetypes())
    if target.suffix.lstrip(".").lower() not in known:
        raise InputError(
            "a figure's file name must end in a picture format", target.name, f"use one of: {', '.join(sorted(known))}"
        )
    try:
        # No dates or versions in the file: the same result gives the same picture, byte for byte.
        figure.savefig(target, metadata={"Software": None} if target.suffix.lower() == ".png" else None)
    except OSError as error:
        raise InputError(f"the figure could not be written: {error.strerror or error}", str(target)) from error
    return target


def _draw(ax: Axes, names: list[str], dimension: str, forecast: Any, simulation: Any) -> None:
    for name in names:
        colour, line, marker = COLOURS.get(name, DEFAULT)
        label: str | None = SHORT.get(name) or describe_variable(name).long_name
        band = None
        if simulation is not None and name in simulation:
            x, runs = _runs(simulation, name, dimension)
            mean, spread = runs.mean(axis=0), runs.std(axis=0, ddof=1 if len(runs) > 1 else 0)
            lower = mean - spread
            # A skewed quantity that is never negative has no band below zero.
            band = (x, np.maximum(lower, 0.0) if runs.size and runs.min() >= 0 else lower, mean + spread)
        if forecast is not None and name in forecast:
            x, values = _values(forecast, name, dimension)
            ax.plot(x, values, line, color=colour, label=label, zorder=3)
            label = None
            if band is None and f"{name}_sd" in forecast:
                band = _own_band(forecast, name, dimension)
        if band is not None:
            ax.fill_between(*band, color=colour, alpha=0.15, linewidth=0, zorder=1)
        if simulation is not None and name in simulation:
            x, runs = _runs(simulation, name, dimension)
            shown = _spread_out(x, _DOTS)
            error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.zeros(len(x))
            ax.errorbar(
                x[shown], runs.mean(axis=0)[shown], error[shown], fmt=marker or "o", color=colour, label=label,
                markersize=3.8, markerfacecolor="white", markeredgewidth=1.1, elinewidth=1.1, capsize=2, zorder=4,
            )  # fmt: skip
    # The full units of a radius are too long for a panel that is one column wide.
    ax.set_xlabel("radius of the attack (l2 norm)" if dimension == "evaluation_radius" else with_units(dimension))


def _values(result: Any, name: str, dimension: str) -> tuple[np.ndarray, np.ndarray]:
    values = result[name]
    if dimension != "time" and "time" in values.dims:
        values = values.isel(time=-1)
    finite = np.isfinite(values.values)
    return values[dimension].values[finite], values.values[finite]


def _own_band(forecast: Any, name: str, dimension: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, lower and upper edge of a forecast's band, around the curve plus its bias if that is known.

    A band that is not to be trusted has an infinite width, and is not drawn.
    """
    parts = [forecast[key] for key in (name, f"{name}_sd", f"{name}_bias") if key in forecast]
    if dimension != "time" and "time" in parts[0].dims:
        parts = [part.isel(time=-1) for part in parts]
    x, (centre, spread, *bias) = parts[0][dimension].values, (part.values for part in parts)
    width = np.where(np.isfinite(centre) & np.isfinite(spread), spread, np.nan)  # a gap in the band
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
    whole = np.all(np.isfinite(runs), axis=0)
    return values[dimension].values[whole], runs[:, whole]


def _spread_out(x: np.ndarray, count: int) -> list[int]:
    if len(x) <= count:
        return list(range(len(x)))
    return sorted({int(np.argmin(np.abs(x - target))) for target in np.linspace(x[0], x[-1], count)})


def _scale(ax: Axes, label: str) -> None:
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines()]
    if "accuracy" in label or not lines:
        return
    heights = np.concatenate(lines)
    heights = heights[np.isfinite(heights)]
    if "risk" in label and len(heights) and heights.min() > 0 and heights.max() > _LOG_RANGE * heights.min():
        ax.set_yscale("log")
    elif len(heights) and heights.max() > _DIVERGING:
        ax.set_yscale("symlog", linthresh=1.0)
        if heights.min() >= 0:
            ax.set_ylim(bottom=0)
    elif len(heights) and heights.min() >= 0:
        ax.set_ylim(bottom=0)


def _title(results: list[xr.Dataset]) -> str:
    for result in results:
        if title := result.attrs.get("title"):
            return str(title)
    scenario = json.loads(results[0].attrs.get("scenario", "{}"))
    radius = scenario.get("radius", scenario.get("problem", {}).get("radius"))
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
