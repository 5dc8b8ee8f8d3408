"""A design as a figure and as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jominy.show.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SETTINGS, SKY, VERMILION, set_heading, set_legend
from jominy.show.text import number, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jominy.dynamics import Design

_LOOK = {
    "designed": (BLUE, "-"),
    "knots": (SKY, "--"),
    "inverse-time": (ORANGE, "-."),
    "constant": (GREEN, ":"),
    "linear": (PURPLE, ":"),
    "hill": (BLUE, "--"),
    "own": (VERMILION, "-"),
}


def plot_design(design: Design, *, title: str = "") -> Figure:
    """Draw the rates of the schedules over time, and the excess that each way to train ends with.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(100), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    >>> len(plot_design(jm.design(problem, 5, certificate=False)).axes)
    2
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SETTINGS):
        figure = Figure(figsize=(8.0, 3.2), layout="constrained")
        rates, excess = figure.subplots(1, 2)
        result = design.dataset()
        for name in result["schedule"].values:
            colour, style = _LOOK.get(str(name), (GREY, "-"))
            values = result["learning_rate"].sel(schedule=name).values
            title_of = "designed" if name == "designed" else design[str(name)].title
            rates.plot(result["time"], np.where(values > 0, values, np.nan), style, color=colour, label=title_of)
        rates.set_yscale("log")
        rates.set_xlabel("time (samples / dimension)")
        rates.set_ylabel("learning rate")
        set_legend(rates, width=4.0)
        names = [str(name) for name in result["alternative"].values][::-1]
        ratios = result["excess_ratio"].values[::-1]
        for place, (name, ratio) in enumerate(zip(names, ratios, strict=True)):
            excess.plot(ratio, place, "o", color=_LOOK.get(name, (GREY, "-"))[0])
        excess.set_yticks(range(len(names)), [design[name].title for name in names])
        excess.axvline(1.0, color=GREY, linewidth=1.0)
        excess.set_xscale("log")
        excess.set_xlabel("excess over that of the design" if design.objective.floor is not None else "over the design")
        set_heading(figure, title, color=GREY)
    return figure


def design_text(design: Design, title: str = "", remarks: Sequence[str] = ()) -> str:
    """A table of the ways to train, and the design in words."""
    lines = [f"{title}\ndesign" if title else "design", ""]
    lines.append(f"{'':34} {'objective':>10} {'excess':>10} {'ratio':>8}")
    for name, value, excess, ratio in design.table():
        numbers = (number(value), number(excess), f"{ratio:.3f}") if np.isfinite(value) else ("-", "-", "-")
        lines.append(f"{name:34} {numbers[0]:>10} {numbers[1]:>10} {numbers[2]:>8}")
    sentences = [*remarks, *design.verdicts()]
    return "\n".join([*lines, "", *(wrapped(f"- {sentence}") for sentence in sentences)])
