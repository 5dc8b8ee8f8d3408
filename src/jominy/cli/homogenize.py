"""``jominy homogenize``: paths of homogenized SGD."""

from __future__ import annotations

import argparse

from jominy.cli import printed
from jominy.cli.options import add_output, add_seeds, add_source, scenario

_EPILOG = """\
examples:
  jominy homogenize examples/power_law.toml --seeds 100 --out paths.nc

Its means are those of SGD, its spread is not: see `jominy simulate` for the runs themselves.
Ctrl-C ends it early; what was done until then is printed and saved.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "homogenize",
        help="solve the stochastic differential equation of SGD",
        description="Paths of homogenized SGD, a stochastic differential equation: their mean and its standard error.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_seeds(command, "paths")
    add_output(command, out="save all paths as NetCDF")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Solve; save, print, draw."""
    paths = scenario(arguments).homogenize()
    return printed.hand_over_runs(arguments, paths, "paths")
