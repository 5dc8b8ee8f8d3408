"""``jominy claims``: what the paper claims, measured on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jominy.cli import output
from jominy.errors import InputError

if TYPE_CHECKING:
    from jominy_reproduce import Claim

_EPILOG = """\
examples:
  jominy claims dynamics --quick
  jominy claims dynamics --only b,c --out my-claims
  jominy claims attacks --quick
  jominy claims networks --quick            (needs PyTorch)

Every claim is measured by theory and by training itself, and a figure is drawn. Exit code 0: all hold; 1: one fails.
Ctrl-C keeps what is done.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "claims",
        help="measure the paper's claims by theory and by simulation",
        description="Measure each claim of arXiv 2607.00207 (dynamics), of arXiv 2505.14021 (networks) or of our "
        "theory of other attacks (attacks): claim, predicted, measured, error, verdict, figure.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("paper", choices=("dynamics", "attacks", "networks"), help="whose claims")
    command.add_argument("--quick", action="store_true", help="smaller and fewer: 2 to 5 minutes on 2 cores")
    command.add_argument("--only", metavar="A,B,...", help="letters of the claims (default: all)")
    command.add_argument("--out", metavar="FOLDER", default="claims", help="figures and claims.json (default: claims)")
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else, on standard output")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure one claim after the other; print, draw and keep each as it is done."""
    from jominy.results.folders import make_folder, remove_unused
    from jominy_reproduce import measure
    from jominy_reproduce.drawing import claim_text, summary_text

    letters = [] if arguments.only is None else [letter.strip() for letter in arguments.only.split(",")]
    folder, claims = Path(arguments.out), measure(arguments.paper, letters, quick=arguments.quick)
    try:
        made = make_folder(folder)  # now, not after the first minutes
    except OSError as error:
        raise InputError(f"the claims could not be written: {error.strerror or error}", str(folder)) from error
    done: list[Claim] = []
    interrupted, code = False, 0
    try:
        for claim in claims:
            done.append(claim)
            if not arguments.json:
                output.tell(claim_text(claim) + "\n")
            code = _keep(arguments, done, folder) or code
    except KeyboardInterrupt:
        interrupted = True
        output.say("interrupted; what was done is kept")
    finally:
        if not done:
            remove_unused(made)
    if arguments.json:
        output.print_json({"claims": [claim.describe() for claim in done]})
    elif done:
        output.tell(summary_text(done))
        output.say(f"figures and claims.json are in {arguments.out}")
    if interrupted:
        return 130
    return code or int(any(claim.verdict == "fails" for claim in done))


def _keep(arguments: argparse.Namespace, done: list[Claim], folder: Path) -> int:
    """Write the newest claim's figure, and all of them as JSON; 0, or 2 where that cannot be done."""
    from jominy_reproduce.drawing import plot_claim

    return output.hand_over(
        arguments,
        lambda: output.write_json(folder / "claims.json", [claim.describe() for claim in done], "the claims"),
        lambda: output.save_drawing(folder / f"claim-{done[-1].letter}.png", lambda: plot_claim(done[-1])),
    )
