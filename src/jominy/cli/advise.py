"""``jominy advise``: which rate, how far from collapse, how far one run strays."""

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
  jominy advise examples/power_law.toml
  jominy advise patients.csv --target ill --radius 0.2 --plot rates.png
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "advise",
        help="the largest stable rate, the best rate, the distance to collapse",
        description="Before training: the largest stable rate, the constant rate with the lowest risk at the horizon, "
        "how far the radius is from collapse, and how far one run strays from its forecast.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_output(command, out="save it as JSON", plot="figure of the risk at the horizon against the rate")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Find out; save, print, draw."""
    study = scenario(arguments)
    told = study.advise()

    def save() -> None:
        if arguments.out is not None:
            output.save_json(arguments.out, told.describe(), "the advice")

    def show() -> None:
        if arguments.json:
            output.print_json({"advice": told.describe()})
        else:
            from jominy.show.text import wrapped

            sentences = [said(sentence, output.reader(arguments)) for sentence in (*study.remarks, *told.sentences())]
            heading = f"{study.title}\nadvice" if study.title else "advice"
            output.tell("\n".join([heading, "", *(wrapped(f"- {sentence}") for sentence in sentences)]))

    def figure() -> Figure:
        from jominy.show.advice import plot_advice

        return plot_advice(told, title=study.title)

    return output.hand_over(arguments, save, show, lambda: output.draw(arguments, figure))
