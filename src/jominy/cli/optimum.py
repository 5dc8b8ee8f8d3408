"""``jominy optimum``: where adversarial training would end if its learning rate went to zero."""

from __future__ import annotations

import argparse

from jominy.cli import output
from jominy.cli.options import add_output, add_source, scenario

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
    """Find the optimum, print, save, draw."""
    from jominy.dynamics import optimum

    study = scenario(arguments)
    problem = study.problem()
    found = optimum(problem).describe()
    if arguments.out is not None:
        output.save_json(arguments.out, found, "the optimum")
        output.say(f"saved {arguments.out}")
    if arguments.plot is not None:
        from jominy.show.figures import save_figure
        from jominy.show.optima import plot_optima

        output.say(f"drawn {save_figure(plot_optima(problem, title=study.title), arguments.plot)}")
    if arguments.json:
        output.print_json({"optimum": found})
    else:
        from jominy.show import tables

        heading = f"{study.title}\nadversarial optimum" if study.title else "adversarial optimum"
        print(f"{heading}\n\n{tables.summary(found)}")
    return 0
