"""``jominy simulate``: SGD itself."""

from __future__ import annotations

import argparse

from jominy.cli import output
from jominy.cli.options import add_output, add_seeds, add_source, scenario

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
    add_seeds(command)
    add_output(command, out="save all runs as NetCDF")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, print, save, draw."""
    runs = scenario(arguments).simulate()
    output.save(arguments, runs)
    output.draw(arguments, None, runs)
    if arguments.json:
        output.print_json({"simulation": output.as_json(runs)})
    else:
        from jominy.show import tables

        print("\n\n".join([tables.header(runs), tables.curves(runs)]))
    return output.exit_code(runs)
