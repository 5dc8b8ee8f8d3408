"""A design as a figure and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.show.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SETTINGS, SKY, VERMILION, set_heading, set_legend
from jominy.show.text import number, wrapped

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from jominy.dynamics import Design, Front

_LOOK = {
    "designed": (BLUE, "-"),
    "knots": (SKY, "--"),
    "inverse-time": (ORANGE, "-."),
    "constant": (GREEN, ":"),
    "linear": (PURPLE, ":"),
    "hill": (BLUE, "--"),
    "own": (VERMILION, "-"),
    "constant-radius": (GREY, "--"),
    "given-radius": (GREY, ":"),
}

_OTHER_RADII = ("constant-radius", "given-radius")


def plot_design(design: Design | xr.Dataset, *, title: str = "") -> Figure:
    """Draw the rates of the schedules over time, and the excess that each way to train ends with.

    Where a training radius over time was designed, that too, beside the constant ones.

    design : what `design(...)` returned, or its `dataset()`, as `jominy.load` opens it again

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(100), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    >>> len(plot_design(jm.design(problem, 5, certificate=False)).axes)
    2
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    result, told = _saved(design, "design", "plot_design draws what design(...) returned, or its dataset")
    titles = {one["name"]: one["title"] for one in told["alternatives"]}
    with rc_context(SETTINGS):
        moving = isinstance(told.get("radius"), dict)
        figure = Figure(figsize=(11.0 if moving else 8.0, 3.2), layout="constrained")
        rates, *over_time, excess = figure.subplots(1, 3 if moving else 2)
        for name in result["schedule"].values:
            if moving and name in _OTHER_RADII:  # which the next panel is about
                continue
            colour, style = _LOOK.get(str(name), (GREY, "-"))
            values = result["learning_rate"].sel(schedule=name).values
            title_of = "designed" if name == "designed" else titles[str(name)]
            rates.plot(result["time"], np.where(values > 0, values, np.nan), style, color=colour, label=title_of)
        rates.set_yscale("log")
        rates.set_xlabel("time (samples / dimension)")
        rates.set_ylabel("learning rate")
        set_legend(rates, width=4.0)
        for radius in over_time:
            for name in ("designed", *_OTHER_RADII):
                if name in result["schedule"].values:
                    colour, style = _LOOK[name]
                    label = "designed" if name == "designed" else titles[name]
                    radius.plot(result["time"], result["radius"].sel(schedule=name), style, color=colour, label=label)
            radius.set_ylim(bottom=0.0)
            radius.set_xlabel("time (samples / dimension)")
            radius.set_ylabel("training radius")
            set_legend(radius, width=4.0)
        names = [str(name) for name in result["alternative"].values][::-1]
        ratios = result["excess_ratio"].values[::-1]
        for place, (name, ratio) in enumerate(zip(names, ratios, strict=True)):
            excess.plot(ratio, place, "o", color=_LOOK.get(name, (GREY, "-"))[0])
        excess.set_yticks(range(len(names)), [titles[name] for name in names])
        excess.axvline(1.0, color=GREY, linewidth=1.0)
        excess.set_xscale("log")
        above = told["objective"]["floor"] is not None
        excess.set_xlabel("excess over that of the design" if above else "over the design")
        set_heading(figure, title or str(result.attrs.get("title", "")), color=GREY)
    return figure


def _saved(given: Any, engine: str, rule: str) -> tuple[xr.Dataset, dict[str, Any]]:
    """The result of a design or a front, and what it says of itself."""
    result = given.dataset() if hasattr(given, "dataset") else given
    name = {"design": "design", "pareto": "front"}[engine]
    if getattr(result, "attrs", {}).get("engine") != engine or name not in result.attrs:
        raise InputError(rule, type(given).__name__)
    return result, json.loads(result.attrs[name])


def design_rows(result: xr.Dataset) -> list[list[str]]:
    """A table of the ways to train in a saved design, its first row the headings."""
    titles = {one["name"]: one["title"] for one in json.loads(result.attrs["design"])["alternatives"]}
    rows = [["", "objective", "excess", "excess over the design's"]]
    for place, name in enumerate(result["alternative"].values):
        value, excess, ratio = (float(result[one][place]) for one in ("objective", "objective_excess", "excess_ratio"))
        rows.append([titles[str(name)], number(value), number(excess), f"{ratio:.3f}"])
    return rows


def design_text(design: Design, title: str = "", remarks: Sequence[str] = ()) -> str:
    """A table of the ways to train, and the design in words."""
    lines = [f"{title}\ndesign" if title else "design", ""]
    lines.append(f"{'':34} {'objective':>10} {'excess':>10} {'ratio':>8}")
    for name, value, excess, ratio in design.table():
        numbers = (number(value), number(excess), f"{ratio:.3f}") if np.isfinite(value) else ("-", "-", "-")
        lines.append(f"{name:34} {numbers[0]:>10} {numbers[1]:>10} {numbers[2]:>8}")
    sentences = [*remarks, *design.verdicts()]
    return "\n".join([*lines, "", *(wrapped(f"- {sentence}") for sentence in sentences)])


def plot_front(front: Front | xr.Dataset, *, title: str = "") -> Figure:
    """Draw adversarial against clean over the training radius: designed schedules, best constants, and the optima.

    front : what `pareto(...)` returned, or its `dataset()`, as `jominy.load` opens it again

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(100), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> len(plot_front(jm.pareto(problem, 5, radii=[0.2, 0.5])).axes)
    1
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    result, told = _saved(front, "pareto", "plot_front draws what pareto(...) returned, or its dataset")
    with rc_context(SETTINGS):
        figure = Figure(figsize=(5.0, 3.6), layout="constrained")
        ax = figure.subplots()
        lines = (
            ("designed schedules", "designed", BLUE, "o-"),
            ("best constant rates", "constants", ORANGE, "s--"),
            ("the optima (endless training)", "endless", GREY, "D:"),
        )
        for label, name, colour, look in lines:
            points = np.array(told[name], dtype=float)
            if np.any(np.isfinite(points)):
                ax.plot(points[:, 0], points[:, 1], look, color=colour, label=label, markersize=4)
        for radius, (clean, adversarial) in zip(told["radii"], told["designed"], strict=True):
            ax.annotate(f"{radius:.3g}", (clean, adversarial), textcoords="offset points", xytext=(4, 4), fontsize=7)
        measure = told["objective"]["measure"]
        ax.set_xlabel(f"clean {measure} at time {told['horizon']:g}")
        ax.set_ylabel(f"adversarial {measure} at radius {told['objective']['radius']:.3g}")
        set_legend(ax, width=5.0)
        set_heading(figure, title or str(result.attrs.get("title", "")), color=GREY)
    return figure


def front_rows(result: xr.Dataset) -> list[list[str]]:
    """A table of a saved front, its first row the headings."""
    told = json.loads(result.attrs["front"])
    heads = [f"{way}, {kind}" for way in ("designed", "constant", "endless") for kind in ("clean", "adversarial")]
    table = np.hstack([np.array(told[name], dtype=float) for name in ("designed", "constants", "endless")])
    rows = [[number(float(value)) for value in row] for row in table]
    return [
        ["training radius", *heads],
        *([number(radius), *row] for radius, row in zip(told["radii"], rows, strict=True)),
    ]


def front_text(front: Front, title: str = "", remarks: Sequence[str] = ()) -> str:
    """A table of the front, and what there is to say about it."""
    measure = front.objective.measure
    heads = ["training radius", f"clean {measure}", f"adversarial {measure}"]
    heads += ["constant, clean", "adversarial", "endless, clean", "adversarial"]
    lines = [f"{title}\npareto" if title else "pareto", "", " ".join(f"{head:>16}" for head in heads)]
    table = np.column_stack([front.radii, front.designed, front.constants, front.endless])
    for row, best in zip(table, front.best, strict=True):
        lines.append(" ".join(f"{number(value):>16}" for value in row) + ("  *" if best else ""))
    lines.append("* no other training radius is as good in both")
    told = [*remarks, *[sentence for sentence in front.sentences() if not sentence.startswith("At time")]]
    return "\n".join([*lines, *([""] if told else []), *(wrapped(f"- {sentence}") for sentence in told)])
