"""Figure: the adversarial optimum against the radius of the attack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from jominy.results import describe_variable
from jominy.show.style import BLUE, GREEN, GREY, SETTINGS, set_heading, set_legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jominy.dynamics import Problem

_POINTS = 21


def plot_optima(problem: Problem, *, title: str = "") -> Figure:
    """Draw the optimal adversarial risk and the norm of the optimum against the radius, past the collapse radius.

    A vertical line marks the collapse radius, a dot the radius of the problem.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(100), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> len(plot_optima(problem).axes)
    2
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from jominy.dynamics import collapse_radius, optimum

    collapse = collapse_radius(problem)
    widest = 1.2 * max(collapse if np.isfinite(collapse) else 0.0, problem.final_radius) or 1.0
    radii = np.unique([*np.linspace(0.0, widest, _POINTS), problem.final_radius])
    found = [optimum(replace(problem, radius=float(radius))) for radius in radii]
    here = int(np.searchsorted(radii, problem.final_radius))
    with rc_context(SETTINGS):
        figure = Figure(figsize=(7.0, 3.1), layout="constrained")
        axes = figure.subplots(1, 2)
        for ax, name, colour in zip(axes, ("adversarial_risk", "norm"), (BLUE, GREEN), strict=True):
            values = np.array([getattr(one, name) for one in found])
            ax.plot(radii, values, color=colour)
            ax.plot(radii[here], values[here], "o", color=colour, label=f"this problem: {problem.final_radius:g}")
            if collapse <= widest:
                ax.axvline(
                    collapse, color=GREY, linestyle="--", linewidth=1.2, label=f"collapse radius: {collapse:.4g}"
                )
            ax.set_xlabel("radius of the attack (l2 norm of the input)")
            ax.set_ylabel(f"{describe_variable(name).long_name} at the optimum")
            ax.set_ylim(bottom=0)
            set_legend(ax, width=3.5)
        set_heading(figure, title)
    return figure
