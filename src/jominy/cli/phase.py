"""``jominy phase``: a map of regimes over two fields."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from jominy.cli import output
from jominy.cli.options import add_output, add_rtol, check_outputs
from jominy.cli.sources import require_ending
from jominy.cli.sweep import add_where, ended, execute, to_tolerance
from jominy.errors import InputError
from jominy.numerics.fractions import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = ("regime", "risk", "accuracy", "time-to")

_EPILOG = """\
examples:
  jominy phase examples/power_law.toml --plot phases.png
  jominy phase examples/two_class_logistic.toml --x radius=0:1.2:25 --y rate=log:0.1:20:25 --show risk --plot risk.png
  jominy phase examples/power_law.toml --y data.noise_variance=0:1:21 --show time-to --level 0.5 --plot times.png

The lines on the map are the theory's: the collapse radius, and the largest stable constant rate where there is one.
All maps of one scenario and grid share the store: a second --show costs nothing.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "phase",
        help="a map over two fields: where training works, collapses, diverges",
        description="Forecast a scenario over two fields and draw where it trains, collapses and diverges.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", metavar="SCENARIO", help="scenario (.toml)")
    axes = command.add_argument_group("axes, as --over of jominy sweep; radius and rate know a range themselves")
    axes.add_argument("--x", default="radius", metavar="NAME=VALUES", help="horizontal (default radius)")
    axes.add_argument("--y", default="rate", metavar="NAME=VALUES", help="vertical (default rate)")
    command.add_argument("--show", choices=SHOWN, default=SHOWN[0], metavar="WHAT", help=f"{', '.join(SHOWN)}")
    command.add_argument("--level", type=number, metavar="R", help="the adversarial risk that time-to waits for")
    add_rtol(command)
    add_where(command)
    add_output(command, out="save everything the maps are made of as NetCDF")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Forecast; save, print, draw."""
    check_outputs(arguments)
    if arguments.show == "time-to" and arguments.level is None:
        raise InputError("--show time-to needs a level of risk", None, "such as --level 0.5")
    from jominy.study.scenario import Scenario
    from jominy.study.sweeps import phase

    require_ending(arguments.source, [".toml"], "SCENARIO must be a scenario file (.toml)")
    study = to_tolerance(Scenario.load(arguments.source), arguments.rtol)
    result = execute(arguments, lambda **where: phase(study, _axes(arguments), level=arguments.level, **where))

    def show() -> None:
        worded = output.worded(arguments, result)
        if arguments.json:
            output.print_json({"phase": output.as_json(worded)})
        else:
            from jominy.show.phase_text import phase_text

            output.tell(phase_text(worded))

    def figure() -> Figure:
        from jominy.show.phase import Show, plot_phase

        return plot_phase(result, next(one for one in Show if one.label == arguments.show))

    code = output.hand_over(
        arguments, lambda: output.save(arguments, result), show, lambda: output.draw(arguments, figure)
    )
    return code or ended(result)


def _axes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Two fields and their values; None where the range is to be chosen."""
    from jominy.study.designs.named import parse_values

    pairs = [parse_values(text) if "=" in text else (text.strip(), None) for text in (arguments.x, arguments.y)]
    if pairs[0][0] == pairs[1][0]:
        raise InputError(
            "--x and --y must be two fields", f"{pairs[0][0]!r} twice", "such as --y noise_variance=0:1:21"
        )
    return dict(pairs)
