"""Figure: the risk at the horizon against a constant learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jominy.show.style import BLUE, GREY, ORANGE, SETTINGS, VERMILION, in_figure, set_heading, set_legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jominy.study import Advice


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
        if "rate" in advice.chosen and advice.chosen["kind"] == "constant" and np.isfinite(advice.chosen_risk):
            planned = advice.chosen["rate"]
            ax.plot(planned, advice.chosen_risk, "s", color=ORANGE, label=f"planned: {planned:.3g}")
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
