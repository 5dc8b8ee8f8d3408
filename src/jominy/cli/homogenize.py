"""``jominy homogenize``: paths of homogenized SGD."""

from __future__ import annotations

import argparse

from jominy.cli import output
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
    """Solve, print, save, draw."""
    paths = scenario(arguments).homogenize()
    output.save(arguments, paths)
    output.draw(arguments, None, paths)
    if arguments.json:
        output.print_json({"paths": output.as_json(paths)})
    else:
        from jominy.show import tables

        print("\n\n".join([tables.header(paths), tables.curves(paths)]))
    return output.exit_code(paths)
