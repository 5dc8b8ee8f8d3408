"""The same advice for a reader of Python, of the command line and of a scenario file; and words that are all but known.

Messages are written in Python, with what a reader would type between backticks: ``lower the rate, or clip the rows
(`Preprocessing(clip=3)`)``. Who answers the command line or a page has them said in its own words.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from enum import Enum


class Reader(Enum):
    """Who reads a message: what settings are called there."""

    PYTHON = "python"
    OPTIONS = "options"
    """The command line with a data file, where everything is an option."""
    SCENARIO = "scenario"
    """A scenario file, and the pages that change one."""


_OPTIONS = "radius|rate|time|target|seeds|bands|dimension|rtol|clip|loss|drop|runs"
_VERBS = "fit|forecast|simulate|homogenize|compare|optimum|advise|design|sweep|phase"
_TABLE = "in [data.preprocessing]"
_SAID: tuple[tuple[str, str, str], ...] = (
    # in Python, as an option, in a scenario
    (r"Preprocessing\(clip=(.+)\)", r"--clip \1", rf"clip = \1 {_TABLE}"),
    (r"Preprocessing\(scaling=Scaling\.ONE_FACTOR\)", "--scaling one-factor", f'scaling = "one-factor" {_TABLE}'),
    (r"transform=Encoder\(\)", "--encode", "encode = true in [data]"),
    (r'class_weight="balanced"', "--class-weight balanced", 'class_weight = "balanced" in [data]'),
    (r"intercept=True", "--intercept", "intercept = true in [data]"),
    (r"intercept=False", "--no-intercept", "intercept = false in [data]"),
    (r"immutable=\[.*\]", "--immutable NAMES", "immutable = [...] in [data]"),
    (r"held_out=.*", "--test-fraction 0.25", "held_out = 0.25 in [data]"),
    (r"select_classes\(.*\)", "--classes A:B", "classes = [[A], [B]] in [data]"),
    (r"optimizer=SGD\(batch_size=(.+)\)", r"--batch-size \1", r"optimizer = { batch_size = \1 }"),
    (r"seeds=(.+)", r"--seeds \1", r"--seeds \1"),
    (r"design=True", "--design", "--design"),
    (r"train_radius=True", "--train-radius", "--train-radius"),
    (r"Constant\((.+)\)", r"--rate \1", r'schedule = { kind = "constant", rate = \1 }'),
    (rf"({_VERBS})\(.*\)", r"jominy \1", r"jominy \1"),
    (rf"({_OPTIONS})=True", r"--\1", r"--\1"),
    (rf"({_OPTIONS})=(.+)", r"--\1 \2", r"\1 = \2"),
    # what no option says
    *(
        (python, scenario, scenario)
        for python, scenario in (
            (r"Polyak\(\)", 'schedule = { kind = "polyak" }'),
            (r"ReshuffledEpochs\(\)", 'sampling = "reshuffled-epochs" in [simulation]'),
            (r"LinkSquaredLoss\(.+\)", 'loss = { kind = "link-squared", link = ... }'),
            (r"(Logistic|Probit|Sign)Labels\(\)", "label_law = { kind = ... }"),
            (r"(Erf|Logistic|Tanh|Identity)\(\)", "link = { kind = ... }"),
            (r"RandomStart\((.+)\)", r'{ kind = "random", norm = \1 }'),
            (r"([a-z_]+)=(.+)", r"\1 = \2"),
        )
    ),
)
_LOSS = re.compile(r"(\w+)Loss\(\)")


def said(text: str, reader: Reader) -> str:
    """A message in the words of its reader.

    >>> said("clip the rows (`Preprocessing(clip=3)`), or use `SquaredHingeLoss()`", Reader.OPTIONS)
    'clip the rows (`--clip 3`), or use `--loss squared-hinge`'
    >>> said("clip the rows (`Preprocessing(clip=3)`), or use `SquaredHingeLoss()`", Reader.SCENARIO)
    'clip the rows (`clip = 3 in [data.preprocessing]`), or use `loss = { kind = "squared-hinge" }`'
    >>> said("give `train_radius=True`", Reader.SCENARIO)  # an option of a command, and of no file
    'give `--train-radius`'
    """
    if reader is Reader.PYTHON:
        return text
    return re.sub(r"`([^`\n]+)`", lambda found: f"`{_typed(found[1], reader)}`", text)


def _typed(phrase: str, reader: Reader) -> str:
    if loss := _LOSS.fullmatch(phrase):
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", loss[1]).lower()
        return f"--loss {kind}" if reader is Reader.OPTIONS else f'loss = {{ kind = "{kind}" }}'
    for pattern, option, key in _SAID:
        if found := re.fullmatch(pattern, phrase):
            return found.expand(option if reader is Reader.OPTIONS else key)
    return phrase


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """A question about the known word that is nearest, with a space behind it; empty where none is near.

    >>> did_you_mean("forcast", ["forecast", "compare"])
    "did you mean 'forecast'? "
    >>> did_you_mean("zebra", ["forecast", "compare"])
    ''
    """
    names = [str(name) for name in known]
    folded = {name.lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(str(word).lower(), list(folded), n=1)
    return f"did you mean {folded[near[0]]!r}? " if near else ""


def install(extra: str) -> str:
    """What installs one of jominy's extras: it is installed from a copy of its repository, and from nowhere else.

    >>> install("torch")
    "install it, in the copy of jominy's repository: pip install -c constraints.txt '.[torch]'"
    """
    return f"install it, in the copy of jominy's repository: pip install -c constraints.txt '.[{extra}]'"


__all__ = ["Reader", "did_you_mean", "install", "said"]
