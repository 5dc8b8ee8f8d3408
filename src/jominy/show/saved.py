"""The figure of saved results, whatever they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jominy.errors import InputError
from jominy.show.design import plot_design, plot_front
from jominy.show.figures import plot
from jominy.show.phase import plot_phase
from jominy.show.studies import kind_of
from jominy.show.sweeps import plot_sweep

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def plot_saved(results: Sequence[xr.Dataset]) -> Figure:
    """One result, or a forecast and its simulation, as a figure; `InputError` for others together."""
    kinds = [kind_of(result) for result in results]
    alone: dict[str, Callable[[xr.Dataset], Figure]] = {
        "designs": plot_design,
        "fronts": plot_front,
        "sweeps": lambda result: plot_phase(result) if "here" in result.attrs else plot_sweep(result),
    }
    if len(results) == 1 and kinds[0] in alone:
        return alone[kinds[0]](results[0])
    if len(results) > 2 or any(kind in alone for kind in kinds):
        raise InputError(
            "a figure is of one result, or of a forecast and its simulation", ", ".join(kinds), "name fewer files"
        )
    if kinds == ["simulations", "forecasts"]:
        results = results[::-1]
    return plot(*results)
