"""``jominy simulate``: SGD itself."""

from __future__ import annotations

import argparse

from jominy.cli import printed
from jominy.cli.options import add_optimizer, add_output, add_seeds, add_source, scenario

_EPILOG = """\
examples:
  jominy simulate examples/power_law.toml --seeds 50 --out runs.nc
  jominy simulate patients.csv --target ill --radius 0.2 --plot runs.png

Ctrl-C ends it early; what was done until then is printed and saved.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "simulate",
        help="run SGD itself, with several seeds",
        description="Run streaming SGD itself, with several seeds, and report the mean and its standard error.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_optimizer(command)
    add_seeds(command)
    add_output(command, out="save all runs as NetCDF")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate; save, print, draw."""
    runs = scenario(arguments).simulate()
    return printed.hand_over_runs(arguments, runs, "simulation")
