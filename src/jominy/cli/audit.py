"""``jominy audit``: an attack of your own against problems whose worst case is known."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Any

from jominy.cli import output
from jominy.cli.options import numbers
from jominy.numerics.fractions import number

WEAK = 1
_EPILOG = """\
examples:
  jominy audit my_attack.py:attack --radius 8/255
  jominy audit my_attack.py:attack --radius 0.5 --p 2 --shape 3,32,32 --json
  jominy audit my_attack.py:attack --radius 8/255 --at-least 0.99 --out audit.json

attack(model, inputs, labels) returns attacked inputs; arguments called radius (or eps, epsilon), p (or norm) and box
are given the threat's. Attacks of other libraries are wrapped in the file: attack = jominy.from_foolbox(LinfPGD()), and
from_art, from_torchattacks, from_autoattack. Exit codes: 0 where it passes, 1 where it is weak or has a mistake.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "audit",
        help="is my attack strong? it is tried where the worst case is known",
        description="Run an attack of your own on models whose exact worst case is known, and say how much of it the "
        "attack reaches, what is wrong with it, and what it costs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("attack", metavar="FILE:NAME", help="Python file, and the attack in it")
    command.add_argument("--radius", type=number, metavar="R", required=True, help="largest size, such as 8/255")
    command.add_argument("--p", type=number, default="inf", metavar="P", help="its norm: 1, 2, inf (default inf)")
    command.add_argument(
        "--box", metavar="LOW,HIGH", default="0,1", help="range of an entry of an input, or none (default 0,1)"
    )
    command.add_argument(
        "--shape", type=numbers, metavar="N,N,...", default=[1, 8, 8], help="of one input (default 1,8,8)"
    )
    command.add_argument(
        "--arrays", choices=["torch", "numpy"], default="torch", help="what the attack takes (default torch)"
    )
    command.add_argument(
        "--at-least", type=number, default=0.95, metavar="S", help="median share that it takes to pass (default 0.95)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of models, inputs and noise (default 0)")
    command.add_argument("--out", metavar="FILE", help="save it as JSON")
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else, on standard output")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load, audit, print, save; 1 for an attack that does not pass."""
    output.check_outputs(arguments)
    from jominy.audits import audit
    from jominy.numerics.python_files import named_in

    box: Any = None if arguments.box == "none" else numbers(arguments.box)
    with contextlib.redirect_stdout(sys.stderr):  # what the user's file prints is not the answer
        attack = named_in(arguments.attack, "attack", "Write it as my_attack.py:attack")
        told = audit(
            attack,
            arguments.radius,
            arguments.p,
            box=box,
            shape=[int(size) for size in arguments.shape],
            arrays=arguments.arrays,
            at_least=arguments.at_least,
            seed=arguments.seed,
        )

    def save() -> None:
        if arguments.out is not None:
            output.save_json(arguments.out, told.describe(), "the audit")

    def show() -> None:
        if arguments.json:
            output.print_json({"audit": told.describe()})
        else:
            from jominy.show.audit_text import audit_text

            output.tell(audit_text(told))

    return output.hand_over(arguments, save, show) or (0 if told.passed else WEAK)
