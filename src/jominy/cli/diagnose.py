"""``jominy diagnose``: a module of your own, what an attack does to it, and what the theory says."""

from __future__ import annotations

import argparse
import contextlib
import sys

from jominy.cli import output
from jominy.cli.options import numbers
from jominy.numerics.fractions import number

_EPILOG = """\
examples:
  jominy diagnose my_model.py:build --inputs x.npy --radius 0.3
  jominy diagnose my_model.py:build --weights trained.safetensors --inputs x.npy --radius 0.03 --p inf --json
  jominy diagnose my_model.py:build --inputs x.npy --labels y.npy --radius 8/255 --p inf --box 0,1

build() returns a torch.nn.Module; x.npy holds one input per row, as the module takes them. Weights are read as data
only, and no code is run but your own file's. Needs PyTorch, an extra:
pip install -c constraints.txt '.[torch]' in a copy of the repository.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "diagnose",
        help="look at a PyTorch module of your own: parts, attack, theory",
        description="What a module is made of, what an attack of some radius does to its output, and what the "
        "mean-field theory predicts, where it applies; with labels, first of all whether it can be trained against "
        "such attacks, how sure that is, and what would change it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("module", metavar="FILE:NAME", help="Python file, and the module or function in it")
    command.add_argument("--inputs", metavar="FILE", required=True, help="inputs, .npy (n, ...) or .npz with x")
    command.add_argument("--labels", metavar="FILE", help="classes 0, 1, ... of the inputs: can it be trained?")
    command.add_argument("--radius", type=number, metavar="R", required=True, help="largest p-norm of the attack")
    command.add_argument("--p", type=number, default=2.0, metavar="P", help="norm of the attack: 1, 2, inf (default 2)")
    command.add_argument("--q", type=number, default=2.0, metavar="Q", help="norm of the change: 1, 2, inf (default 2)")
    command.add_argument("--weights", metavar="FILE", help="trained weights: safetensors, or a PyTorch file of tensors")
    command.add_argument("--limit", type=int, metavar="N", help="use the first N inputs (default 64; 400 with labels)")
    command.add_argument(
        "--box", type=numbers, metavar="LOW,HIGH", help="range of an entry of an input: 0,1 for images"
    )
    command.add_argument(
        "--adversarial-weight", type=number, default=1.0, metavar="W", help="lambda of the objective of the index tau"
    )
    command.add_argument("--out", metavar="FILE", help="save it as JSON")
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else, on standard output")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load, diagnose, print, save."""
    output.check_outputs(arguments)
    from jominy.networks import diagnose, load_inputs, load_labels, load_module, load_weights
    from jominy.networks.modules import without_values

    limit = arguments.limit
    if limit is None:
        limit = 64 if arguments.labels is None else 400
    with contextlib.redirect_stdout(sys.stderr):  # what the user's file prints is not the answer
        module, initial = load_module(arguments.module), None
        if arguments.weights is not None:
            fresh = load_module(arguments.module)
            initial = None if without_values(fresh) else fresh
            load_weights(module, arguments.weights)
        inputs, labels = load_inputs(arguments.inputs, module, limit), None
        if arguments.labels is not None:
            labels = load_labels(arguments.labels, arguments.inputs, limit)
        told = diagnose(
            module,
            inputs,
            arguments.radius,
            arguments.p,
            arguments.q,
            labels=labels,
            box=None if arguments.box is None else tuple(arguments.box),
            adversarial_weight=arguments.adversarial_weight,
            initial=initial,
            progress=not arguments.json,
        )

    def save() -> None:
        if arguments.out is not None:
            output.save_json(arguments.out, told.describe(), "the diagnosis")

    def show() -> None:
        if arguments.json:
            output.print_json({"diagnosis": told.describe()})
        else:
            from jominy.show.networks import diagnosis_text

            output.tell(diagnosis_text(told))

    return output.hand_over(arguments, save, show)
