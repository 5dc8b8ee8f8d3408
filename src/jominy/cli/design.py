"""``jominy design``: the schedule, and if allowed the training radius, that end training with the lowest risk."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jominy.cli import output
from jominy.cli.options import add_optimizer, add_output, add_source, scenario
from jominy.numerics.fractions import number
from jominy.wording import said

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EPILOG = """\
examples:
  jominy design examples/power_law.toml --plot design.png
  jominy design examples/power_law.toml --family knots --out design.nc
  jominy design examples/power_law.toml --test-radius 0.6 --train-radius
  jominy design examples/power_law.toml --radius-over-time --run-dimension 100000 --plot design.png
  jominy design patients.csv --target ill --radius 0.2 --json

The schedule of the scenario (--rate) is your own plan, which the design is compared with.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "design",
        help="the learning-rate schedule (and radius) with the lowest risk in the end",
        description="The schedule of the learning rate, and if allowed the training radius, that end training with the "
        "lowest risk; what it gains over tuned constants, 1/t, Polyak, line search and your own schedule; and whether "
        "to use it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_optimizer(command)
    add_design(command)
    asked = command.add_argument_group("what is designed")
    asked.add_argument(
        "--family",
        default="hill",
        metavar="FAMILY",
        help="hill, knots (seventeen, the best), inverse-time, constant, averaged-constant or linear (default hill)",
    )
    asked.add_argument("--train-radius", action="store_true", help="choose the training radius too, a constant one")
    asked.add_argument(
        "--radius-over-time",
        action="store_true",
        help="choose it over time, between five knots, beside the best constant one and the one given",
    )
    asked.add_argument(
        "--certificate",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="also seek the best seventeen knots, which say what the family loses (default: for Gaussian laws)",
    )
    asked.add_argument("--run-dimension", type=number, metavar="D", help="of the run (default: the data's own)")
    add_output(command, out="save the design as NetCDF", plot="figure of the schedules and their excesses")
    command.set_defaults(run=run)


def add_design(command: argparse.ArgumentParser) -> None:
    """What a design minimises."""
    aim = command.add_argument_group("the objective at the end")
    aim.add_argument("--test-radius", type=number, metavar="R", help="of the test's attack (default: the training's)")
    aim.add_argument("--clean", type=number, metavar="W", default=0.0, help="weight of the clean risk (default 0)")
    aim.add_argument("--measure", choices=("risk", "error"), default="risk", help="risk, or error of classes")


def run(arguments: argparse.Namespace) -> int:
    """Design; save, print, draw."""
    study = scenario(arguments)
    told = study.design(
        family=arguments.family,
        train_radius="over-time" if arguments.radius_over_time else arguments.train_radius,
        test_radius=arguments.test_radius,
        clean=arguments.clean,
        measure=arguments.measure,
        certificate=arguments.certificate,
        dimension=arguments.run_dimension,
    )

    def show() -> None:
        if arguments.json:
            output.print_json({"design": told.describe()})
        else:
            from jominy.show.design import design_text

            output.tell(said(design_text(told, study.title, study.remarks), output.reader(arguments)))

    def figure() -> Figure:
        from jominy.show.design import plot_design

        return plot_design(told, title=study.title)

    return output.hand_over(
        arguments, lambda: output.save(arguments, told.dataset()), show, lambda: output.draw(arguments, figure)
    )
