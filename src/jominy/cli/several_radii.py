"""``jominy forecast`` of a data file without a radius: several of them, side by side."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from jominy.cli import output
from jominy.cli.options import scenario
from jominy.cli.sources import DATA_FILES
from jominy.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


FEW_TIMES = 8
"""Moments of several forecasts by real runs side by side."""


def wanted(arguments: argparse.Namespace) -> bool:
    """Whether a data file came without a radius."""
    return arguments.radius is None and Path(arguments.source).suffix.lower() in DATA_FILES


def run(arguments: argparse.Namespace) -> int:
    """Forecast at each radius; save, print, draw."""
    from jominy.study.scenario.defaults import default_radii
    from jominy.study.sweeps import sweep

    if getattr(arguments, "picture", None):
        raise InputError("--picture goes with one radius", None, "add --radius, such as --radius 0.2")
    study = scenario(arguments, default_radius=0.0)
    collapse, radii = default_radii(study)
    if arguments.evaluate_at is None:
        study = study.changed(evaluate_at=radii)
    if study.loss.build().several:  # by real runs, which are dear to look at
        assert study.time is not None
        study = study.changed(times=[k * study.time / FEW_TIMES for k in range(FEW_TIMES + 1)])
    told = sweep(study, {"radius": radii}, workers=0)
    title = f"{Path(arguments.source).name}: {study.loss.kind} loss, rate {study.schedule.rate:g}"
    notes = [*study.remarks, *json.loads(told.attrs["notes"])]
    told = told.assign_attrs(title=title, notes=json.dumps(notes, ensure_ascii=False))

    def show() -> None:
        worded = output.worded(arguments, told)
        if arguments.json:
            output.print_json({"forecast": output.as_json(worded)})
        else:
            from jominy.show.several_radii import several_radii_text

            assert study.loaded is not None
            samples = study.loaded.samples
            size = f"data: {samples.count} samples, dimension {samples.dimension}"
            done = "\n".join([size, *(f"  {step}" for step in samples.report)])
            output.tell(several_radii_text(worded, collapse, study.evaluate_at, done))

    def figure() -> Figure:
        from jominy.show.several_radii import plot_several_radii

        return plot_several_radii(told, study.evaluate_at)

    code = output.hand_over(
        arguments, lambda: output.save(arguments, told), show, lambda: output.draw(arguments, figure)
    )
    return code or output.exit_code(told)
