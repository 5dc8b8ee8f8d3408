"""``jominy explore``: a page whose sliders move forecasts."""

from __future__ import annotations

import argparse
import os
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
    """Serve until Ctrl-C (0: the way it is meant to end) or SIGTERM (143, as shells report it)."""
    from jominy.numerics.interrupts import handled_meanwhile

    with handled_meanwhile(signal.SIGTERM, _end_at_once):  # until the server takes over
        from jominy.explore.serve import serve

        ended_by = serve(arguments.source, arguments.host, arguments.port, not arguments.no_browser)
    if ended_by in (0, signal.SIGINT):
        return 0
    print(_ENDED, file=sys.stderr)
    return 128 + ended_by


_ENDED = "jominy explore: terminated"


def _end_at_once(number: int, frame: object) -> None:
    """Nothing is begun yet, and an exception that is raised while modules are imported may be wrapped by another."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{_ENDED}\n".encode())
    os._exit(128 + number)
