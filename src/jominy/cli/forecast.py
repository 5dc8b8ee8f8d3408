"""``jominy forecast``: what training will do."""

from __future__ import annotations

import argparse

from jominy.cli import output, printed, several_radii
from jominy.cli.options import (
    add_bands,
    add_optimizer,
    add_output,
    add_picture,
    add_rtol,
    add_runs,
    add_source,
    scenario,
)

_EPILOG = """\
examples:
  jominy forecast examples/power_law.toml --plot curve.png
  jominy forecast examples/power_law.toml --radius 0.8 --json
  jominy forecast examples/power_law.toml --bands --dimension 500
  jominy forecast patients.csv --target ill
  jominy forecast patients.csv --target ill --radius 0.2 --time 20 --out forecast.nc

A data file without --radius is forecast at several: 0, and fractions of the radius from which on nothing is learnt.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "forecast",
        help="forecast risk, accuracy and norm over training",
        description="Forecast adversarial training: risk, accuracy, norm and distance to the optimum at every moment.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_optimizer(command)
    add_runs(command)
    add_bands(command)
    add_picture(command, default=False)
    add_rtol(command)
    add_output(command, out="save the forecast as NetCDF")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Forecast; save, print, draw."""
    if several_radii.wanted(arguments):
        return several_radii.run(arguments)
    study = scenario(arguments)
    told = printed.forecast(study, arguments.picture)

    def show() -> None:
        worded = output.worded(arguments, told)
        if arguments.json:
            output.print_json({"forecast": output.as_json(worded)})
        else:
            output.tell(printed.forecast_text(worded))

    return output.hand_over(
        arguments, lambda: output.save(arguments, told), show, lambda: output.draw_curves(arguments, told)
    )
