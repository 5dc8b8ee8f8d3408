"""The text that forecast and compare print, put together from tables."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING

from jominy.cli import output

if TYPE_CHECKING:
    import xarray as xr

    from jominy.study.scenario import Scenario


def forecast(study: Scenario, picture: bool) -> xr.Dataset:
    """The forecast and, if asked for, what one Gaussian per class of real samples would have forecast."""
    import jominy.dynamics  # noqa: F401  (before the thread starts: afterwards XLA compiles, and Python is idle)

    threading.Thread(target=_ready_for_results, args=[study.loaded is not None], daemon=True).start()
    told = study.forecast()
    return with_picture(study, told) if picture else told


def with_picture(study: Scenario, told: xr.Dataset) -> xr.Dataset:
    """A forecast with the Gaussian picture of its samples; as it is where there are none, or where it diverges."""
    from jominy.results import Status
    from jominy.study.picture import with_picture

    if told.attrs["status"] == Status.DIVERGED.label:  # then every picture is infinitely far off
        return told
    drawn = study.gaussian_picture()
    return told if drawn is None else with_picture(told, drawn)


def _ready_for_results(samples: bool) -> None:
    if samples:
        import scipy.optimize  # noqa: F401  (the optimum of samples needs it first)
    import xarray as xr

    xr.Dataset({"first": ("place", [0.0])})  # looks for further kinds of arrays, and imports Dask where there is one


def hand_over_runs(arguments: argparse.Namespace, runs: xr.Dataset, name: str) -> int:
    """Save, print and draw runs of SGD or paths; the exit code."""

    def show() -> None:
        worded = output.worded(arguments, runs)
        if arguments.json:
            output.print_json({name: output.as_json(worded)})
        else:
            from jominy.show import tables
            from jominy.show.classes import by_class

            output.tell(_joined(tables.header(worded), tables.curves(worded), by_class(worded)))

    code = output.hand_over(
        arguments, lambda: output.save(arguments, runs), show, lambda: output.draw_curves(arguments, None, runs)
    )
    return code or output.exit_code(runs)


def forecast_text(told: xr.Dataset) -> str:
    """Header, preprocessing, main variables, accuracy against radius, the Gaussian picture."""
    from jominy.show import tables

    return _joined(
        tables.header(told), tables.preprocessing(told), tables.curves(told), tables.bands(told), *_ending(told)
    )


def comparison_text(told: xr.Dataset, runs: xr.Dataset, report: xr.Dataset) -> str:
    """Header, preprocessing, forecast against SGD, accuracy against radius, the Gaussian picture, the outcome."""
    from jominy.show import agreement, tables
    from jominy.show.text import wrapped

    return _joined(
        tables.header(report),
        tables.preprocessing(told),
        agreement.comparison(report),
        agreement.agreement(report),
        *_ending(told, runs),
        "\n".join(wrapped(line) for line in agreement.in_words(report).split("\n")),
    )


def _ending(told: xr.Dataset, runs: xr.Dataset | None = None) -> list[str]:
    from jominy.show import tables
    from jominy.show.classes import by_class
    from jominy.show.text import wrapped

    parts = []
    if "evaluation_radius" in told.dims:
        parts.append(
            f"against the radius of the attack, at time {float(told['time'][-1]):g}\n{tables.radii(told, runs)}"
        )
    if tables.ATTACKS in told.dims:
        parts.append(f"under other attacks, at time {float(told['time'][-1]):g}\n{tables.other_attacks(told)}")
    if classes := by_class(told):
        parts.append(classes)
    if "verdict" in told.attrs:
        parts.append(wrapped(f"Gaussian picture: {told.attrs['verdict']}"))
    return parts


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
