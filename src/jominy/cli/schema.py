"""``jominy schema``: the JSON schema of scenario files."""

from __future__ import annotations

import argparse
import json

from jominy.cli.output import say

_HELP = "print the JSON schema of scenario files, for editors and other programs"


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "schema",
        help=_HELP,
        description=_HELP + ".",
        epilog="examples:\n  jominy schema --out scenario.schema.json\n  jominy schema --network",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--network", action="store_true", help="that of network scenarios (`jominy network`)")
    command.add_argument("--out", metavar="FILE", help="write it there instead")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print or write the schema."""
    from jominy.study.scenario import NetworkScenario, Scenario, json_schema

    text = json.dumps(json_schema(NetworkScenario if arguments.network else Scenario), indent=2, allow_nan=False)
    if arguments.out is None:
        print(text, flush=True)  # here, where a reader that has left is no fault
        return 0
    from jominy.results.replaced import require_place, write_whole

    require_place(arguments.out, "--out")
    write_whole(arguments.out, (text + "\n").encode(), "the schema")
    say(f"saved {arguments.out}")
    return 0
