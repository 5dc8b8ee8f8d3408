"""A variable over two fields as a coloured map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.results import describe_variable
from jominy.results.variables import is_variable
from jominy.show.style import in_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = "cividis"  # even in lightness, and the same to readers with any of the common colour-vision deficiencies
NOTHING = "#D9D9D9"  # where there is no finite value
FEW = 6  # values of a field up to which each has its tick
_LOG_RANGE = 30.0
_CAP = 100.0  # in units of the median: above it a value is a divergence on its way, and has the last colour


def draw_map(ax: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, label: str, *, contours: bool = True) -> None:
    """Values (len(x), len(y)) at the points of a grid, each in a cell around its point, with contours and a colour bar.

    Grey cells have no finite value. A range of more than a factor of 30 has logarithmic colours.
    """
    finite = values[np.isfinite(values)]
    ax.set_facecolor(NOTHING)
    if not finite.size:
        ax.text(0.5, 0.5, "no finite value", transform=ax.transAxes, ha="center", va="center")
        ax.set_xlim(*edges(x)[[0, -1]])
        ax.set_ylim(*edges(y)[[0, -1]])
        return
    norm, extend = _norm(finite)
    shown = np.ma.masked_invalid(values.T)
    mesh = ax.pcolormesh(edges(x), edges(y), shown, cmap=COLOURS, norm=norm, rasterized=True)
    bar = ax.figure.colorbar(mesh, ax=ax, extend=extend)
    bar.set_label(label)
    for axis, centres in ((ax.xaxis, x), (ax.yaxis, y)):
        if len(centres) <= FEW and not logarithmic(centres):
            axis.set_ticks(centres)  # cells reach beyond the first and last point, to values that were not asked for
    if contours and min(len(x), len(y)) >= 4 and finite.max() > finite.min():
        levels = _levels(bar.ax.get_yticks(), norm)
        if len(levels):
            lines = ax.contour(x, y, np.ma.masked_invalid(values.T), levels=levels, colors="white", linewidths=0.9)
            ax.clabel(lines, fmt=lambda level: f"{level:g}", fontsize=7, inline_spacing=2)


def edges(centres: np.ndarray) -> np.ndarray:
    """Edges of the cells around points: halfway between them, in the logarithm where they are spaced so.

    >>> edges(np.array([0.0, 1.0, 2.0])).tolist()
    [-0.5, 0.5, 1.5, 2.5]
    """
    if len(centres) == 1:
        half = 0.5 * abs(centres[0]) or 0.5
        return np.array([centres[0] - half, centres[0] + half])
    if logarithmic(centres):
        return np.exp(edges(np.log(centres)))
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def logarithmic(values: np.ndarray) -> bool:
    """Whether points are evenly spaced in the logarithm rather than as they are.

    >>> logarithmic(np.array([0.1, 1.0, 10.0])), logarithmic(np.array([1.0, 2.0, 3.0]))
    (True, False)
    """
    values = np.sort(np.asarray(values, dtype=float))
    if len(values) < 3 or values[0] <= 0:
        return False
    plain, ratio = np.diff(values), np.diff(np.log(values))
    return bool(np.std(ratio) / np.mean(ratio) < 0.5 * np.std(plain) / np.mean(plain))


def axis_label(result: Any, name: str) -> str:
    """The name of a swept field as an axis has it."""
    told = in_figure(result[name].attrs.get("long_name", name))
    units = in_figure(result[name].attrs.get("units", "1"))
    symbol = describe_variable(name).symbol if is_variable(name) else ""  # a formula of ours; a file's may be none
    text = {"rate": "learning rate", "horizon": "time"}.get(name, told)
    return f"{text} {symbol}".strip() + (f" ({units})" if units not in ("", "1") and len(units) < 24 else "")


def variable_label(name: str) -> str:
    """A variable's name on a colour bar."""
    return describe_variable(name).long_name if is_variable(name) else in_figure(name.replace("_", " "))


def _norm(finite: np.ndarray) -> tuple[Any, str]:
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(finite.min()), float(finite.max())
    capped = min(high, _CAP * float(np.median(finite))) if low >= 0 and np.median(finite) > 0 else high
    extend = "max" if capped < high else "neither"
    if low > 0 and capped > _LOG_RANGE * low:
        return LogNorm(low, capped), extend
    return Normalize(low, capped if capped > low else low + 1), extend


def _levels(ticks: np.ndarray, norm: Any) -> np.ndarray:
    return np.array([tick for tick in ticks if norm.vmin < tick < norm.vmax])
