"""``jominy fit``: train the real model, and keep it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from jominy.cli import output
from jominy.cli.options import add_optimizer, add_source, scenario

if TYPE_CHECKING:
    from jominy.models import FittedModel

_EPILOG = """\
examples:
  jominy fit patients.csv --target ill --radius 0.2 --intercept --out model.npz
  jominy fit examples/breast_cancer.toml --seed 3 --json

In Python: model = jominy.load_model("model.npz"); model.predict(X); model.robust_radius(X). That needs NumPy alone.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "fit",
        help="train the real model under attack, and save it",
        description="Train once on your own samples under attack, say where the run ended beside its forecast, and "
        "save the model: numbers and text, without pickle.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_optimizer(command)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of the run (default 0)")
    outputs = command.add_argument_group("output")
    outputs.add_argument(
        "--out", metavar="FILE", help="save the model (.npz, .safetensors), which jominy.load_model reads"
    )
    outputs.add_argument("--json", action="store_true", help="print JSON, and nothing else, on standard output")
    command.set_defaults(run=run, plot=None)


def run(arguments: argparse.Namespace) -> int:
    """Train; save, print."""
    study = scenario(arguments)
    model = study.fit(arguments.seed)

    def save() -> None:
        if arguments.out is not None:
            output.say(f"saved {model.save(arguments.out)}")

    def show() -> None:
        if arguments.json:
            output.print_json({"model": model.record | _told(model)})
        else:
            output.tell("\n".join(filter(None, [study.title, str(model)])))

    code = output.hand_over(arguments, save, show)
    return code or (130 if model.record["status"] == "interrupted" else 0)


def _told(model: FittedModel) -> dict[str, Any]:
    """Weights in data units by column, where columns are those of the table, and the intercept; by class of several."""

    def named(weights: Any) -> Any:
        return dict(zip(model.columns, weights, strict=True)) if model.columns and model.encoding is None else weights

    weights = model.coef_.tolist()
    if model.coef_.ndim == 1:
        return {"weights": named(weights), "intercept": model.intercept_}
    classes = [str(kind) for kind in model.classes or ()]
    return {
        "weights": {kind: named(row) for kind, row in zip(classes, weights, strict=True)},
        "intercept": dict(zip(classes, model.intercept_.tolist(), strict=True)),
    }
