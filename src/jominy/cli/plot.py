"""``jominy plot``: the figure of saved results."""

from __future__ import annotations

import argparse

from jominy.cli import output
from jominy.cli.sources import require_ending

_EPILOG = """\
examples:
  jominy plot study.forecast.nc study.simulation.nc --plot curve.png
  jominy plot design.nc --plot design.svg
  jominy plot sweep.nc --plot map.pdf

RESULT.nc is what --out or jominy.save wrote: a forecast (with its simulation), a design, a front, a sweep, a phase
diagram, the theory of a network (with what was measured).
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "plot",
        help="saved results as a figure",
        description="Draw saved results (NetCDF files, from --out) again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("results", metavar="RESULT.nc", nargs="+", help="files that --out or jominy.save wrote")
    command.add_argument("--plot", metavar="FILE", required=True, help="figure to write (.png, .pdf, .svg)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load, draw."""
    output.check_outputs(arguments)
    for name in arguments.results:
        require_ending(name, [".nc"], "a figure is drawn of saved results (.nc)", or_unknown=True)
    from jominy.results import load
    from jominy.show.saved import plot_saved

    results = [load(name) for name in dict.fromkeys(arguments.results)]
    output.draw(arguments, lambda: plot_saved(results))
    return 0
