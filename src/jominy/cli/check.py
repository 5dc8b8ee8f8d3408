"""``jominy check``: is my run normal?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jominy.cli import output
from jominy.cli.sources import require_ending
from jominy.errors import InputError
from jominy.numerics.fractions import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOT_NORMAL = 1
_EPILOG = """\
examples:
  jominy check run.csv examples/isotropic_least_squares.toml
  jominy check lightning_logs/version_0 study.toml --columns val/loss=adversarial_risk --plot run.png
  jominy check run.jsonl study.toml --json
  jominy check run.csv study.forecast.nc      # against the band alone: which number is wrong is not sought

LOG is a CSV, JSON lines, or a folder of Lightning, TensorBoard, MLflow or W&B, with a column of steps and some of
adversarial_risk, clean_risk, norm, adversarial_accuracy, clean_accuracy, alignment. Exit codes: 0 where the run is
normal, 1 where it is not.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "check",
        help="is my run normal? a training log against its forecast",
        description="Compare a training log with what healthy runs of a scenario do: whether it is normal, from which "
        "step on it is not, and which single number explains it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("log", metavar="LOG", help="file or folder of the training log")
    command.add_argument(
        "source",
        metavar="SCENARIO",
        help="scenario (.toml) of the training as it was planned, or a forecast with bands (.nc)",
    )
    command.add_argument(
        "--columns", metavar="OLD=NEW,...", help="names of columns in the log, and what they are called here"
    )
    command.add_argument(
        "--runs",
        type=int,
        default=1000,
        metavar="N",
        help="healthy runs to make where their law is not known (default 1000)",
    )
    command.add_argument(
        "--false-alarms", type=number, default=0.01, metavar="P", help="probability for a healthy run (default 0.01)"
    )
    command.add_argument("--plot", metavar="FILE", help="figure of the run over the band of healthy ones")
    command.add_argument("--out", metavar="FILE", help="save it as JSON")
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else, on standard output")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read, compare, print, save, draw; 1 for a run that is not normal."""
    output.check_outputs(arguments)
    columns = _columns(arguments.columns)
    rule = "SCENARIO must be a scenario (.toml) of the training as it was planned, or a forecast with bands (.nc)"
    require_ending(arguments.source, [".toml", ".nc"], rule)
    asked = {"columns": columns, "false_alarms": arguments.false_alarms}
    if arguments.source.lower().endswith(".nc"):
        from jominy.results import load
        from jominy.study.checking import check

        told = load(arguments.source)
        title, verdict = str(told.attrs.get("title", "")), check(arguments.log, told, **asked)
    else:
        from jominy.study.scenario import Scenario

        study = Scenario.load(arguments.source)
        title = study.title
        verdict = study.check(arguments.log, runs=arguments.runs, progress=not arguments.json, **asked)

    def save() -> None:
        if arguments.out is not None:
            output.save_json(arguments.out, verdict.describe(), "the verdict")

    def show() -> None:
        if arguments.json:
            output.print_json({"check": verdict.describe()})
        else:
            from jominy.show.text import wrapped

            output.tell("\n".join([*([title] if title else []), wrapped(str(verdict))]))

    def figure() -> Figure:
        from jominy.show.checks import plot_verdict

        return plot_verdict(verdict, title=title)

    code = output.hand_over(arguments, save, show, lambda: output.draw(arguments, figure))
    return code or (0 if verdict.normal else NOT_NORMAL)


def _columns(text: str | None) -> dict[str, str]:
    """Names of columns, old=new.

    >>> _columns("val/loss=adversarial_risk,n=step")
    {'val/loss': 'adversarial_risk', 'n': 'step'}
    """
    found = {}
    for part in (text or "").split(","):
        old, equals, new = part.partition("=")
        if part and not (old and equals and new):
            raise InputError("--columns must be pairs old=new", part, "such as val/loss=adversarial_risk")
        if part:
            found[old] = new
    return found
