"""How jominy's figures look: one colour for each thing, everywhere."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from jominy.errors import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by readers with any of the common colour-vision deficiencies.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#6E6E6E",
)  # fmt: skip

# A colour is never the only mark: each variable has its own line style and point shape too.
COLOURS = {
    "adversarial_risk": (BLUE, "-", "o"),
    "clean_risk": (ORANGE, "-", "s"),
    "held_out_adversarial_risk": (VERMILION, "-.", "^"),
    "held_out_clean_risk": (PURPLE, "-.", "v"),
    "gaussian_adversarial_risk": (GREY, "--", ""),
    "adversarial_accuracy": (BLUE, "-", "o"),
    "clean_accuracy": (ORANGE, "-", "s"),
    "held_out_adversarial_accuracy": (VERMILION, "-.", "^"),
    "held_out_clean_accuracy": (PURPLE, "-.", "v"),
    "gaussian_adversarial_accuracy": (GREY, "--", ""),
    "accuracy_at_radius": (BLUE, "-", "o"),
    "held_out_accuracy_at_radius": (VERMILION, "-.", "^"),
    "risk_at_radius": (BLUE, "-", "o"),
    "held_out_risk_at_radius": (VERMILION, "-.", "^"),
    "norm": (GREEN, "-", "o"),
    "distance_to_optimum": (PURPLE, "-", "D"),
}
DEFAULT = (BLUE, "-", "o")

SETTINGS: Any = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": True,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.75,
    "lines.linewidth": 1.6,
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "text.usetex": False,  # a user's own setting would have LaTeX read our labels
}
_PER_INCH = 15  # letters of a heading in an inch
_LINES = 3


def in_figure(text: object) -> str:
    r"""Text that is not ours, as matplotlib shows it letter by letter: a ``$`` is no formula, a ``_`` hides no label.

    >>> print(in_figure("cost in $ and \x1b[31m"), in_figure("_x"))
    cost in \$ and \x1b[31m  _x
    """
    line = " ".join(printable(str(text)).split()).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line


def set_heading(figure: Figure, text: object, *, size: float = 10, color: str = "black") -> None:
    """A title of the user's above a figure, in lines that fit its width; what is longer than three is cut."""
    width = max(10, int(_PER_INCH * figure.get_figwidth() * 10 / size))
    lines = textwrap.wrap(in_figure(text), width, max_lines=_LINES, placeholder=" ...", break_on_hyphens=False)
    figure.suptitle("\n".join(lines), fontsize=size, color=color)


_LETTER, _HANDLE = 0.058, 0.62  # inches of a legend: a letter, and the mark before a name with what is around it


def set_legend(ax: Axes, *, width: float) -> None:
    """Names above the axes, in as many columns as fit a panel of that width in inches: never over the data."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    columns = next(k for k in range(len(labels), 0, -1) if k == 1 or _legend_width(labels, k) <= 0.85 * width)
    ax.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, frameon=False, handlelength=2.4,
        columnspacing=1.2, borderaxespad=0.2, borderpad=0.2, labelspacing=0.3,
    )  # fmt: skip


def _legend_width(labels: list[str], columns: int) -> float:
    rows = -(-len(labels) // columns)  # matplotlib fills column by column
    return sum(_HANDLE + _LETTER * max(map(len, labels[k : k + rows])) for k in range(0, len(labels), rows))


def set_logarithmic(ax: Axes, name: str) -> None:
    """A logarithmic x or y axis; with plain numbers at 1, 2 and 5 where powers of ten alone would be too few."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set(**{f"{name}scale": "log"})
    axis = ax.xaxis if name == "x" else ax.yaxis
    low, high = axis.get_view_interval()
    if high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
