"""Phase diagrams: a map of regimes, risk, accuracy or time, with the borders of the theory on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jominy.errors import InputError
from jominy.results import Status
from jominy.show.maps import NOTHING, axis_label, draw_map, edges, logarithmic, variable_label
from jominy.show.style import SETTINGS, in_figure, set_heading, set_logarithmic
from jominy.show.sweep_text import at_end, fields_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Show(Enum):
    """What the map shows, and the variables that it may be read from, the first there is."""

    REGIME = ("regime", ())
    RISK = ("risk", ("held_out_adversarial_risk", "adversarial_risk"))
    ACCURACY = ("accuracy", ("held_out_adversarial_accuracy", "adversarial_accuracy"))
    TIME_TO = ("time-to", ("time_to",))

    label: str
    variables: tuple[str, ...]

    def __init__(self, label: str, variables: tuple[str, ...]) -> None:
        self.label = label
        self.variables = variables


@dataclass(frozen=True)
class _Regime:
    """One regime: its words and its look (a colour is never the only mark)."""

    words: str
    colour: str
    hatch: str


REGIMES = {
    Status.COMPLETED.label: _Regime("trains", "#BFE0F2", ""),
    Status.COLLAPSED.label: _Regime("collapses to zero", "#F0C15A", "..."),
    Status.DIVERGED.label: _Regime("diverges", "#D55E00", "///"),
    Status.UNSTABLE.label: _Regime("typical runs diverge", "#CC79A7", "\\\\\\"),
    Status.STUCK.label: _Regime("stuck at zero", "#009E73", "++"),
    Status.STEP_LIMIT.label: _Regime("not integrated to the end", "#8C8C8C", "xx"),
    Status.UNSOUND.label: _Regime("numerical failure", "#4D4D4D", "oo"),
    "failed": _Regime("failed", NOTHING, "--"),
    "not computed": _Regime("not computed", "#FFFFFF", ""),
}
# Border, how its line looks, what the legend says.
_LINES: tuple[tuple[str, Literal["-", "--", ":"], str], ...] = (
    ("radius_over_collapse", "-", "collapse radius"),
    ("rate_over_stable", "--", "largest stable rate"),
    ("rate_over_divergent", ":", "smallest divergent rate"),
)
_INK = "#111111"


def plot_phase(result: xr.Dataset, show: Show = Show.REGIME) -> Figure:
    """Draw what `phase` found, its first field along the horizontal axis.

    Lines are the borders of the theory: the collapse radius, and the largest stable and smallest divergent constant
    rate where they are known. The cross is the scenario's own point.

    Raises `InputError` where the result does not have what is to be shown.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if "here" not in result.attrs:
        raise InputError("plot_phase draws what phase(...) returns", str(result.attrs.get("engine", "something else")))
    fields = fields_of(result)
    if len(fields) != 2:
        raise InputError("a phase diagram has two fields", ", ".join(fields), "draw it with plot_sweep")
    last = at_end(result)
    with rc_context(SETTINGS):
        figure = Figure(figsize=(5.6, 4.6), layout="constrained")
        ax = figure.subplots()
        handles = _regimes(ax, last, fields) if show is Show.REGIME else _values(ax, last, fields, show)
        handles += _borders(ax, last, fields, dark=show is Show.REGIME) + _own_point(ax, last, fields)
        for axis, set_limits, set_label, name in (
            ("x", ax.set_xlim, ax.set_xlabel, fields[0]),
            ("y", ax.set_ylim, ax.set_ylabel, fields[1]),
        ):
            values = last[name].values
            set_limits(*(values[[0, -1]] if len(values) > 1 else edges(values)))
            if logarithmic(values):
                set_logarithmic(ax, axis)
            set_label(axis_label(last, name))
        ax.grid(False)
        set_heading(figure, result.attrs.get("title", ""), size=9)
        if handles:
            figure.legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)), fontsize=8)
    return figure


def _regimes(ax: Axes, last: xr.Dataset, fields: list[str]) -> list[Any]:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    words = last["status"].transpose(*fields).values
    present = [name for name in REGIMES if (words == name).any()]
    numbers = np.array([[present.index(word) for word in row] for row in words.astype(str)])
    x, y = edges(last[fields[0]].values), edges(last[fields[1]].values)
    looks = [REGIMES[name] for name in present]
    colours = ListedColormap([look.colour for look in looks])
    ax.pcolormesh(x, y, numbers.T, cmap=colours, vmin=-0.5, vmax=len(present) - 0.5, rasterized=True)
    for k, look in enumerate(looks):
        here = (numbers.T == k).astype(float)
        if look.hatch and min(here.shape) > 1:
            middle = [last[name].values for name in fields]
            ax.contourf(*middle, here, levels=[0.5, 1.5], colors="none", hatches=[look.hatch])
    return [Patch(facecolor=look.colour, edgecolor="#777777", hatch=look.hatch, label=look.words) for look in looks]


def _values(ax: Axes, last: xr.Dataset, fields: list[str], show: Show) -> list[Any]:
    name = next((name for name in show.variables if name in last), None)
    if name is None:
        hint = {
            Show.ACCURACY: "accuracy is for classes: use a margin loss and labels, or show the risk",
            Show.TIME_TO: "give phase a level of risk (level=0.5, --level 0.5)",
        }.get(show, "every point failed: see `reason`")
        raise InputError(f"there is nothing to show of {show.label!r}", ", ".join(show.variables), hint)
    values = np.asarray(last[name].transpose(*fields).values, dtype=float)
    lost = last["status"].transpose(*fields).values == Status.DIVERGED.label
    if name != "time_to":
        values = np.where(lost, np.nan, values)
    label = in_figure(last[name].attrs.get("long_name") or variable_label(name))
    units = " (samples / dimension)" if name == "time_to" else ""
    draw_map(ax, last[fields[0]].values, last[fields[1]].values, values, f"{label}{units}")
    if np.isfinite(values).all():
        return []
    from matplotlib.patches import Patch

    return [Patch(facecolor=NOTHING, label="never that low" if name == "time_to" else "diverges, or failed")]


def _borders(ax: Axes, last: xr.Dataset, fields: list[str], *, dark: bool) -> list[Any]:
    """The lines where a point is just at a border."""
    from matplotlib import patheffects
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    drawn: list[np.ndarray] = []
    for name, line, label in _LINES:
        ratios = np.asarray(last[name].transpose(*fields).values, dtype=float)
        known = ratios[np.isfinite(ratios)]
        if min(ratios.shape) < 2 or not known.size or not known.min() < 1 < known.max():
            continue
        if any(np.allclose(ratios, other, equal_nan=True) for other in drawn):
            continue  # one class: the largest stable rate is the smallest divergent one
        drawn.append(ratios)
        border = ax.contour(
            last[fields[0]].values, last[fields[1]].values, np.ma.masked_invalid(ratios.T), levels=[1.0],
            colors=_INK, linestyles=line, linewidths=2.0,
        )  # fmt: skip
        if not dark:
            border.set_path_effects([patheffects.Stroke(linewidth=3.6, foreground="white"), patheffects.Normal()])
        handles.append(Line2D([], [], color=_INK, linestyle=line, linewidth=2.0, label=f"{label} (theory)"))
    return handles


def _own_point(ax: Axes, last: xr.Dataset, fields: list[str]) -> list[Any]:
    """The scenario's own point, where it is inside the map."""
    here = json.loads(last.attrs["here"])
    if not here:
        return []
    for name in fields:
        values = last[name].values
        if not values.min() <= here[name] <= values.max():
            return []
    place = [here[name] for name in fields]
    ax.plot(*place, "X", color="white", markeredgecolor=_INK, markersize=10, clip_on=False, zorder=6)
    from matplotlib.lines import Line2D

    return [Line2D([], [], marker="X", linestyle="", color="white", markeredgecolor=_INK, markersize=8,
                   label="this scenario")]  # fmt: skip
