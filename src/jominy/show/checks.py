"""Figure: a run over the band of healthy ones, and how far out it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jominy.show.style import BLUE, COLOURS, DEFAULT, GREY, SETTINGS, VERMILION, set_heading, set_legend

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from jominy.study.checking import Verdict


def plot_verdict(verdict: Verdict, ahead: xr.Dataset | None = None, *, title: str = "") -> Figure:
    """Draw each variable of a run over the mean of healthy runs and two standard deviations, and its excursions.

    verdict : of `check`, or the last one of a `Companion`
    ahead : what a companion forecasts from the present weights, `companion.ahead()`
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    count = len(verdict.names) + 1
    with rc_context(SETTINGS):
        figure = Figure(figsize=(5.0, 1.9 * count), layout="constrained")
        panels = figure.subplots(count, 1, sharex=True)
        for column, (ax, name) in enumerate(zip(panels, verdict.names, strict=False)):
            colour = COLOURS.get(name, DEFAULT)[0]
            middle, spread = verdict.expected[:, column], verdict.spread[:, column]
            ax.fill_between(
                verdict.times, middle - 2 * spread, middle + 2 * spread, color=colour, alpha=0.2, linewidth=0,
                label="95 % of healthy runs",
            )  # fmt: skip
            ax.plot(verdict.times, middle, color=colour, label="their mean")
            ax.plot(verdict.times, verdict.logged[:, column], ".", color="black", label="this run")
            if ahead is not None and name in ahead:
                ax.plot(ahead["time"], ahead[name], "--", color=GREY, label="ahead")
            ax.set_ylabel(name.replace("_", " "))
            if verdict.time is not None:
                ax.axvline(verdict.time, color=VERMILION, linestyle="--", linewidth=1)
        ax = panels[-1]
        ax.plot(verdict.times, verdict.excursion, ".-", color=BLUE, label="excursion")
        limit = f"of which {100 * verdict.false_alarms:g} % of healthy runs exceed this"
        ax.axhline(verdict.threshold, color=GREY, linestyle="-.", linewidth=1, label=limit)
        ax.set(xscale="log", xlabel="time (samples / d)", ylabel="excursion")
        set_legend(panels[0], width=5.0)
        set_legend(ax, width=5.0)
        set_heading(figure, title, color=GREY)
    return figure
