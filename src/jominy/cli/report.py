"""``jominy report``: results as one page to attach to a paper or a pull request."""

from __future__ import annotations

import argparse

from jominy.cli import output
from jominy.cli.sources import require_ending
from jominy.errors import InputError

_EPILOG = """\
examples:
  jominy compare examples/breast_cancer.toml --out study.nc
  jominy report study.forecast.nc study.simulation.nc study.nc -o report.html
  jominy report sweep.nc --title "Radius and rate" -o sweep.html

The page is one file that loads nothing: scenario, figures, agreement with SGD where forecast and simulation are both
given, advice, what was assumed, what to cite, versions and seeds. It can be printed, and read on a phone.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "report",
        help="results as one HTML page",
        description="Put saved results (NetCDF files, from --out) on one self-contained HTML page.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("results", metavar="RESULT.nc", nargs="+", help="files that --out or jominy.save wrote")
    command.add_argument("-o", "--out", metavar="FILE", default="report.html", help="the page (default: report.html)")
    command.add_argument("--title", metavar="TEXT", default="", help="heading (default: that of the first result)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load, put together, save."""
    for name in arguments.results:
        require_ending(name, [".nc"], "a report is made of results (.nc)", or_unknown=True)
    from jominy.results import load
    from jominy.show.reports import check_report_name, report
    from jominy.show.studies import kind_of

    check_report_name(arguments.out, "--out")  # said before anything is computed
    results = []
    for name in dict.fromkeys(arguments.results):
        result = load(name)
        try:
            kind_of(result)
        except InputError as error:
            raise InputError(f"{name}: {error.rule}", error.received, error.next_step) from error
        results.append(result)
    made = report(*results, title=arguments.title)
    output.say(f"written {made.save(arguments.out)}")
    return 0
