"""``jominy advise``: which rate, how far from collapse, how far one run strays."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from jominy.cli import output, several_radii
from jominy.cli.options import add_output, add_source, scenario
from jominy.errors import InputError
from jominy.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

_EPILOG = """\
examples:
  jominy advise examples/power_law.toml
  jominy advise patients.csv --target ill
  jominy advise patients.csv --target ill --design
  jominy advise patients.csv --target ill --radius 0.2 --plot rates.png

A data file without --radius is looked at as a whole: what each training radius buys on held-out rows, when to stop,
and what is worth changing first.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "advise",
        help="the largest stable rate, the best rate, the distance to collapse; of a table, when to stop",
        description="Before training: the largest stable rate, the constant rate with the lowest risk at the horizon, "
        "how far the radius is from collapse, and how far one run strays from its forecast.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    command.add_argument(
        "--design",
        action="store_true",
        help="of a data file without --radius: also what a designed schedule gains (`jominy design`; some 20 s)",
    )
    add_output(command, out="save it as JSON", plot="figure of the risk against the rate; of a table, over time")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Find out; save, print, draw."""
    if several_radii.wanted(arguments):
        return _table(arguments)
    if arguments.design:
        raise InputError(
            "Advice with a design is for a data file as a whole", "--design", "Leave out --radius, or use `design(...)`"
        )
    study = scenario(arguments)
    told = study.advise()

    def text() -> str:
        from jominy.show.text import wrapped

        sentences = [said(sentence, output.reader(arguments)) for sentence in (*study.remarks, *told.sentences())]
        heading = f"{study.title}\nadvice" if study.title else "advice"
        return "\n".join([heading, "", *(wrapped(f"- {sentence}") for sentence in sentences)])

    def figure() -> Figure:
        from jominy.show.advice import plot_advice

        return plot_advice(told, title=study.title)

    return _hand_over(arguments, told, text, figure)


def _table(arguments: argparse.Namespace) -> int:
    """Look at a data file as a whole; save, print, draw."""
    from jominy.study.scenario.defaults import default_radii

    study = scenario(arguments)
    _, radii = default_radii(study)
    told = study.advise_table(radii, design=arguments.design)

    def text() -> str:
        from jominy.show.advice import table_advice_text

        return said(table_advice_text(told, f"{study.title}\nadvice", study.remarks), output.reader(arguments))

    def figure() -> Figure:
        from jominy.show.advice import plot_table_advice

        return plot_table_advice(told, title=study.title)

    return _hand_over(arguments, told, text, figure)


def _hand_over(arguments: argparse.Namespace, told: Any, text: Callable[[], str], figure: Callable[[], Figure]) -> int:
    """Save advice, print it as text or JSON, draw it: as the options ask."""

    def save() -> None:
        if arguments.out is not None:
            output.save_json(arguments.out, told.describe(), "the advice")

    def show() -> None:
        if arguments.json:
            output.print_json({"advice": told.describe()})
        else:
            output.tell(text())

    return output.hand_over(arguments, save, show, lambda: output.draw(arguments, figure))
