"""``jominy pareto``: clean against adversarial risk over the training radius."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jominy.cli import output
from jominy.cli.options import add_optimizer, add_output, add_source, numbers, scenario
from jominy.numerics.fractions import number
from jominy.wording import said

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EPILOG = """\
examples:
  jominy pareto examples/power_law.toml --plot front.png
  jominy pareto examples/power_law.toml --radii 0,0.2,0.4,0.6 --test-radius 0.6
  jominy pareto patients.csv --target ill --radius 0.2 --measure error
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "pareto",
        help="clean against adversarial risk, each training radius with its own schedule",
        description="Clean against adversarial risk (or error) at the end of training over the training radius, each "
        "with the schedule designed for it, beside the best constant rates and the optima.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_optimizer(command)
    front = command.add_argument_group("the front")
    front.add_argument("--radii", type=numbers, metavar="R,R,...", help="of the training (default: seven)")
    front.add_argument("--test-radius", type=number, metavar="R", help="of the test's attack (default: the scenario's)")
    front.add_argument("--measure", choices=("risk", "error"), default="risk", help="risk, or error of classes")
    add_output(command, out="save the front as NetCDF", plot="figure of the front")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Find the front; save, print, draw."""
    study = scenario(arguments)
    told = study.pareto(arguments.radii, test_radius=arguments.test_radius, measure=arguments.measure)

    def show() -> None:
        if arguments.json:
            output.print_json({"pareto": told.describe()})
        else:
            from jominy.show.design import front_text

            output.tell(said(front_text(told, study.title, study.remarks), output.reader(arguments)))

    def figure() -> Figure:
        from jominy.show.design import plot_front

        return plot_front(told, title=study.title)

    return output.hand_over(
        arguments, lambda: output.save(arguments, told.dataset()), show, lambda: output.draw(arguments, figure)
    )
