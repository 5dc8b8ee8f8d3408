"""Options that commands share, and the scenario they make."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jominy.cli.output import check_outputs
from jominy.cli.sources import require_ending
from jominy.errors import InputError
from jominy.numerics.fractions import number
from jominy.parts import ATTACKS, LOSSES

if TYPE_CHECKING:
    from jominy.study.scenario import Scenario

HELD_OUT = 0.25  # default share of a data file's samples that is held out
ROUGH = 0.01
"""Relative standard error of risks that a forecast of a data file by real runs is made to: its tables show no more."""
RADII = [0.0, 0.25, 0.5, 0.75, 1.0]  # default evaluation radii for a data file
LOSS_CHOICES = sorted((loss.name for loss in LOSSES if loss.complete), key=lambda name: name != "logistic")
"""The usual one first."""

_ONLY_FILES = (
    "target", "drop", "encode", "immutable", "intercept", "class_weight", "separator", "decimal",
    "loss", "test_fraction", "scaling", "clip", "classes", "data_units",
)  # fmt: skip


def add_source(command: argparse.ArgumentParser) -> None:
    """What to study: a scenario or a data file, and the settings that change it."""
    command.add_argument("source", metavar="SOURCE", help="scenario (.toml) or data file (.npz, .npy, .csv, .parquet)")
    common = command.add_argument_group("settings (of a data file, or instead of the scenario's)")
    common.add_argument(
        "--radius", type=number, metavar="R", help="l2 norm of the attack in training (data file: chosen from the data)"
    )
    common.add_argument(
        "--attack",
        choices=[attack.name for attack in ATTACKS if attack.complete],
        help="what the radius is a size of; linf moves every feature on its own, by R / sqrt(dimension) (default: l2)",
    )
    common.add_argument(
        "--rate", type=number, metavar="G", help="constant learning rate (data file: 1, or less where that is unstable)"
    )
    common.add_argument(
        "--time", type=number, metavar="T", help="train until this time, samples / dimension (data file: 10)"
    )
    common.add_argument(
        "--evaluate-at", type=numbers, metavar="R,R,...", help="radii at which risk and accuracy are reported"
    )
    common.add_argument(
        "--evaluate-under",
        type=attacks,
        metavar="ATTACK:R,...",
        help="attacks under which a forecast is looked at besides, such as linf:0.2,l2:0.5",
    )
    files = command.add_argument_group("for data files only")
    files.add_argument(
        "--target", metavar="COLUMN", help="column to predict (npy: its index; npz: the array, default y)"
    )
    files.add_argument(
        "--drop",
        action="append",
        metavar="COLUMN,...",
        help="columns that are no features, such as identifiers; may be given several times",
    )
    files.add_argument(
        "--encode",
        action="store_true",
        default=None,
        help="make numbers of words (a column of 0 and 1 for each kind) and of missing values (the median)",
    )
    files.add_argument(
        "--immutable",
        action="append",
        metavar="COLUMN,...",
        help="features that no attack can touch, such as age; may be given several times (default: encoded words; "
        "'' for none)",
    )
    files.add_argument(
        "--intercept",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="learn an intercept too, which no attack can touch (default: of classes, unless with --data-units)",
    )
    files.add_argument(
        "--class-weight",
        choices=("balanced",),
        help="balanced: both classes count alike in the loss, however many samples they have",
    )
    files.add_argument("--separator", metavar="S", help="between the fields of a csv file, or tab (default: found out)")
    files.add_argument("--decimal", metavar="S", help="sign of decimals in a csv file (default: found out)")
    files.add_argument(
        "--loss",
        choices=LOSS_CHOICES,
        metavar="LOSS",
        help=f"{', '.join(LOSS_CHOICES)} (default: logistic, of several classes softmax, of numbers squared)",
    )
    files.add_argument("--classes", metavar="A,..:B,..", help="two groups of labels to keep, as 3:8 or 0,2:1,3")
    files.add_argument(
        "--test-fraction", type=number, metavar="F", help=f"share held out; 0 for none (default {HELD_OUT})"
    )
    files.add_argument(
        "--scaling", choices=("per-feature", "one-factor", "none"), help="of features (default per-feature)"
    )
    files.add_argument("--clip", metavar="C", help="cap on ||x||^2 / d, or off (default 3)")
    files.add_argument(
        "--data-units", action="store_true", default=None, help="radius and rate are for unscaled features"
    )


OPTIMIZER = ("batch_size", "momentum", "weight_decay", "nesterov")


def add_optimizer(command: argparse.ArgumentParser) -> None:
    """What a step of SGD does with a gradient, on samples."""
    optimizer = command.add_argument_group("optimizer (in PyTorch's meaning and units)")
    optimizer.add_argument("--batch-size", type=int, metavar="B", help="samples per step, averaged (default 1)")
    optimizer.add_argument("--momentum", type=number, metavar="M", help="from 0 to below 1 (default 0)")
    optimizer.add_argument("--weight-decay", type=number, metavar="W", help="pulls weights to zero (default 0)")
    optimizer.add_argument("--nesterov", action="store_true", default=None, help="momentum that looks ahead")


def add_runs(command: argparse.ArgumentParser) -> None:
    """How precise a forecast by real runs is."""
    runs = command.add_argument_group("forecasts by real runs (several classes, or where they are cheaper)")
    runs.add_argument(
        "--method", choices=("recursion", "ensemble"), help="mean and covariance of the weights, or real runs"
    )
    runs.add_argument("--runs", type=int, metavar="N", help="exactly so many (default: as many as --precision takes)")
    runs.add_argument(
        "--precision",
        type=number,
        metavar="P",
        help=f"wanted relative standard error of the risk (data file: {ROUGH}; scenario: .005)",
    )


def add_bands(command: argparse.ArgumentParser) -> None:
    """How far one run strays from the forecast."""
    bands = command.add_argument_group("bands (of a Gaussian mixture)")
    bands.add_argument(
        "--bands", action="store_true", default=None, help="also forecast bias and standard deviation of one run"
    )
    bands.add_argument("--dimension", type=number, metavar="D", help="dimension of that run (default: the data's own)")


def add_picture(command: argparse.ArgumentParser, default: bool) -> None:
    """Whether to ask what Gaussian classes would do."""
    command.add_argument_group("the Gaussian picture (of samples)").add_argument(
        "--picture",
        action=argparse.BooleanOptionalAction,
        default=default,
        help="also forecast one Gaussian per class in the samples' place, and say whether to believe it: "
        f"takes longer than the forecast (default: {'yes' if default else 'no'})",
    )


def add_rtol(command: Any) -> None:
    """How accurately forecasts are integrated."""
    command.add_argument(
        "--rtol", type=number, metavar="TOL", help="relative tolerance of the integrator, such as 1e-6 (default 1e-9)"
    )


def add_output(command: argparse.ArgumentParser, out: str, plot: str = "figure: png, pdf or svg") -> None:
    """Where results go."""
    output = command.add_argument_group("output")
    output.add_argument("--out", metavar="FILE", help=out)
    output.add_argument("--plot", metavar="FILE", help=plot)
    output.add_argument("--json", action="store_true", help="print JSON, and nothing else, on standard output")


def add_seeds(command: argparse.ArgumentParser, what: str = "runs of SGD") -> None:
    """How many runs."""
    command.add_argument("--seeds", type=int, metavar="N", help=f"{what} (data file: 20)")


def scenario(arguments: argparse.Namespace, parts: Sequence[str] = (), default_radius: float | None = None) -> Scenario:
    """The scenario that the arguments name or describe; `parts` are the files written beside that of ``--out``.

    A data file without a radius gets `default_radius`, or else one that is chosen from the data.
    """
    from jominy.study.scenario import DATA_FILES, Scenario

    check_outputs(arguments, parts)
    suffix = Path(arguments.source).suffix.lower()
    if suffix in DATA_FILES:
        return _of_data_file(arguments, default_radius)
    require_ending(
        arguments.source, [".toml"], "SOURCE must be a scenario (.toml) or a data file (.npz, .npy, .csv, .parquet)"
    )
    wrong = [f"--{name.replace('_', '-')}" for name in _ONLY_FILES if getattr(arguments, name, None) is not None]
    if wrong:
        raise InputError(f"{', '.join(wrong)} goes with a data file", arguments.source, "set it in the scenario itself")
    loaded = Scenario.load(arguments.source)
    changes = _changes(arguments, loaded)
    if changes.keys() - {"bands", "dimension", "rtol", "runs", "precision", "method"} and loaded.title:
        # A title may name the very values that have been changed.
        told = {name: getattr(arguments, name, None) for name in ("radius", "rate", "time", "seeds")}
        words = ", ".join(f"{name} {value:g}" for name, value in told.items() if value is not None)
        changes["title"] = f"{loaded.title} [changed: {words or 'evaluation radii'}]"
    return loaded.changed(**changes) if changes else loaded


def _changes(arguments: argparse.Namespace, loaded: Scenario) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in (
            "radius",
            "time",
            "evaluate_at",
            "evaluate_under",
            "bands",
            "dimension",
            "rtol",
            "runs",
            "precision",
            "method",
        )  # fmt: skip
        if getattr(arguments, name, None) is not None
    }
    if optimizer := _optimizer(arguments):
        changes["optimizer"] = loaded.optimizer.model_dump(exclude_unset=True) | optimizer
    if getattr(arguments, "attack", None) is not None:
        changes["attack"] = {"kind": arguments.attack}
    if arguments.rate is not None:
        changes["schedule"] = {"kind": "constant", "rate": arguments.rate}
    if getattr(arguments, "seeds", None) is not None:
        changes["simulation"] = loaded.simulation.model_dump(exclude_unset=True) | {"seeds": arguments.seeds}
    return changes


def _of_data_file(arguments: argparse.Namespace, default_radius: float | None) -> Scenario:
    from jominy.study.scenario import from_data_file
    from jominy.study.scenario.class_groups import read_groups

    if not os.path.isfile(arguments.source):
        raise InputError("the data file must exist", arguments.source, "check the path")
    if getattr(arguments, "bands", None) or getattr(arguments, "dimension", None) is not None:
        raise InputError(
            "--bands and --dimension go with a Gaussian mixture", arguments.source, "a data file has its band anyway"
        )
    if getattr(arguments, "rtol", None) is not None:
        raise InputError("--rtol goes with a scenario of a Gaussian law", arguments.source, "leave it out")
    preprocessing: dict[str, Any] = {}
    if arguments.scaling is not None:
        preprocessing["scaling"] = arguments.scaling
    if arguments.clip is not None:
        preprocessing["clip"] = _number_or_text(arguments.clip)
    given = {name: getattr(arguments, name, None) for name in ("time", "seeds", "attack", "evaluate_under")}
    made = from_data_file(
        arguments.source,
        loss=arguments.loss,
        radius=default_radius if arguments.radius is None else arguments.radius,
        rate=arguments.rate,
        target=arguments.target,
        drop=arguments.drop or [],
        separator={"tab": "\t", "\\t": "\t"}.get(arguments.separator, arguments.separator),
        decimal=arguments.decimal,
        encode=arguments.encode,
        immutable=None if arguments.immutable is None else [name for name in arguments.immutable if name],
        intercept=arguments.intercept,
        class_weight=arguments.class_weight,
        held_out=HELD_OUT if arguments.test_fraction is None else arguments.test_fraction,
        evaluate_at=RADII if arguments.evaluate_at is None else arguments.evaluate_at,
        units="data" if arguments.data_units else "scaled",
        preprocessing=preprocessing,
        classes=None if arguments.classes is None else read_groups(arguments.classes),
        **{name: value for name, value in given.items() if value is not None},
    )
    further: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in ("runs", "precision", "method")
        if getattr(arguments, name, None) is not None
    }
    if optimizer := _optimizer(arguments):
        further["optimizer"] = optimizer
    if made.loss.build().several or optimizer:
        further.setdefault("precision", ROUGH)
    return made.changed(**further) if further else made


def _optimizer(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was asked of the optimizer."""
    given = {name: getattr(arguments, name, None) for name in OPTIMIZER}
    return {name: value for name, value in given.items() if value is not None}


def numbers(text: str) -> list[float]:
    """A comma-separated list of one number or more."""
    return [number(part) for part in text.split(",")]


def attacks(text: str) -> list[dict[str, Any]]:
    """A comma-separated list of attacks and their radii.

    >>> attacks("linf:0.2")
    [{'attack': {'kind': 'linf'}, 'radius': 0.2}]
    """
    told = []
    for part in text.split(","):
        kind, _, radius = part.partition(":")
        told.append({"attack": {"kind": kind.strip()}, "radius": number(radius)})
    return told


attacks.__name__ = "list of attacks"
numbers.__name__ = "list of numbers"  # argparse quotes it: "invalid list of numbers value: '0,a'"


def _number_or_text(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
