"""``jominy explore``: a page whose sliders move forecasts."""

from __future__ import annotations

import argparse
import signal
import sys

_EPILOG = """\
examples:
  jominy explore
  jominy explore examples/two_class_logistic.toml
  jominy explore examples/plain_network.toml --no-browser --port 9000

The page is served to this machine alone, and loads nothing from anywhere else. With --host another address can reach
it, which then has to know a token that is printed here. Ctrl-C ends it.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "explore",
        help="a page in the browser: drag radius, rate, noise and see the forecast move",
        description="Open a page on this machine: curves, deep networks and a phase diagram that follow the sliders.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", metavar="SCENARIO", nargs="?", help="scenario or network scenario (.toml) to open")
    command.add_argument("--port", type=int, default=8017, metavar="N", help="default 8017; 0 takes any that is free")
    command.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="default 127.0.0.1: this machine alone")
    command.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C (0: the way it is meant to end), SIGTERM (143, as shells report it) or a closed terminal."""
    from jominy.explore.serve import serve

    ended_by = serve(arguments.source, arguments.host, arguments.port, not arguments.no_browser)
    if ended_by in (0, signal.SIGINT):
        return 0
    print("jominy explore: terminated", file=sys.stderr)
    return 128 + ended_by
