"""``jominy optimum``: where adversarial training would end if its learning rate went to zero."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jominy.cli import output
from jominy.cli.options import add_output, add_source, scenario
from jominy.wording import said

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EPILOG = """\
examples:
  jominy optimum examples/power_law.toml
  jominy optimum examples/power_law.toml --radius 0.9 --json
  jominy optimum examples/power_law.toml --plot radii.png
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "optimum",
        help="the adversarial optimum, its regime and the collapse radius",
        description="The minimiser of the adversarial risk, its regime, and the radius from which on it is zero.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_output(command, out="save it as JSON", plot="figure of optimal risk and norm against the radius")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Find the optimum; save, print, draw."""
    from jominy.dynamics import optimum

    study = scenario(arguments)
    problem = study.problem()
    best = optimum(problem)
    found = best.describe()

    def save() -> None:
        if arguments.out is not None:
            output.save_json(arguments.out, found, "the optimum")

    def show() -> None:
        if arguments.json:
            output.print_json({"optimum": found})
        else:
            from jominy.show import tables
            from jominy.show.text import wrapped

            heading = f"{study.title}\nadversarial optimum" if study.title else "adversarial optimum"
            remarks = [said(f"note: {remark}", output.reader(arguments)) for remark in (*study.remarks, *best.notes())]
            output.tell("\n".join([heading, *map(wrapped, remarks), "", tables.summary(found)]))

    def figure() -> Figure:
        from jominy.show.optima import plot_optima

        return plot_optima(problem, title=study.title)

    return output.hand_over(arguments, save, show, lambda: output.draw(arguments, figure))
