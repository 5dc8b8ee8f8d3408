"""Advice as figures and text: the risk against a constant rate; of a table, what each radius gives over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

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
from jominy.show.text import number, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jominy.study import Advice
    from jominy.study.advise_table import TableAdvice


def plot_advice(advice: Advice, *, title: str = "") -> Figure:
    """Draw the forecast risk at the horizon against the rate, with the best, the planned and the critical one.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(100), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> len(plot_advice(jm.advise(problem, jm.Constant(0.5), time=2)).axes)
    1
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SETTINGS):
        figure = Figure(figsize=(5.0, 3.2), layout="constrained")
        ax = figure.subplots()
        seen = np.isfinite(advice.risks)
        ax.plot(advice.rates[seen], advice.risks[seen], color=BLUE, label="constant rates")
        ax.plot(advice.best_rate, advice.best_risk, "o", color=BLUE, label=f"best: {advice.best_rate:.3g}")
        if (rate := advice.chosen_rate) is not None and np.isfinite(advice.chosen_risk):
            ax.plot(rate, advice.chosen_risk, "s", color=ORANGE, label=f"planned: {rate:.3g}")
        elif np.isfinite(advice.chosen_risk):
            planned = in_figure(f"planned: {advice.chosen['kind']}")
            ax.axhline(advice.chosen_risk, color=ORANGE, linestyle="-.", label=planned)
        if np.isfinite(advice.limits.critical) and advice.limits.critical > 0:
            critical = advice.limits.critical
            ax.axvline(
                critical, color=VERMILION, linestyle="--", linewidth=1.2, label=f"largest stable: {critical:.3g}"
            )
        low = float(np.min(advice.risks))
        start = float(advice.risks[0]) if np.isfinite(advice.risks[0]) else 2 * low
        ax.set_ylim(0.95 * low, max(1.3 * start, 1.6 * low))
        ax.set_xscale("log")
        ax.set_xlabel("learning rate (a step is rate / d)")
        ax.set_ylabel(f"{advice.judged_by.replace('_', ' ')} at time {advice.horizon:g}")
        set_legend(ax, width=5.0)
        set_heading(figure, title, color=GREY)
    return figure


def table_advice_text(advice: TableAdvice, title: str, remarks: Sequence[str]) -> str:
    """The data, a table of the training radii, and the advice in words."""
    unit, test = advice.measure, f"{advice.test_radius:.3g}"
    head = ["training radius", f"clean {unit}", f"{unit} at {test}", "best", "at time", "lost by going on"]
    lines = [title, "", *(wrapped(f"note: {note}") for note in (*remarks, *advice.notes)), ""]
    where = f"{advice.count} {advice.rows}, constant rate {advice.rate:.3g}, time {advice.horizon:g}"
    lines += [f"{where}; the collapse radius is {advice.collapse_radius:.3g}", ""]
    lines.append(" ".join(f"{name:>17}" for name in head))
    for one in advice.radii:
        told = (
            f"{one.radius:.3g}",
            *map(number, (one.clean, one.robust, one.best)),
            f"{one.stop:.3g}",
            number(one.lost),
        )
        lines.append(" ".join(f"{value:>17}" for value in told))
    return "\n".join([*lines, "", *(wrapped(f"- {sentence}") for sentence in advice.sentences())])


def plot_table_advice(advice: TableAdvice, *, title: str = "") -> Figure:
    """Draw what is right under attack over time, for each training radius, with the time to stop."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SETTINGS):
        figure = Figure(figsize=(5.6, 3.4), layout="constrained")
        ax = figure.subplots()
        colours = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY)
        for k, (one, values) in enumerate(zip(advice.radii, advice.curves, strict=True)):
            ax.plot(advice.times, values, color=colours[k % len(colours)], label=f"trained at radius {one.radius:.3g}")
        plan = advice.planned
        ax.axvspan(plan.earliest, plan.latest, color=GREY, alpha=0.15, linewidth=0)
        ax.plot(plan.stop, plan.best, "o", color=VERMILION, label=f"stop: {plan.stop:.3g}")
        ax.set_xlabel("time (samples / dimension)")
        ax.set_ylabel(f"{advice.measure} at radius {advice.test_radius:.3g}, {advice.rows}")
        set_legend(ax, width=5.6)
        set_heading(figure, title, color=GREY)
    return figure
