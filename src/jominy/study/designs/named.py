"""Designs by name, for scenario files and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jominy.errors import InputError
from jominy.numerics.fractions import number
from jominy.study.designs.layouts import Design, Grid, LowDiscrepancy, RandomPoints, Zipped
from jominy.study.designs.ranges import Linear, Logarithmic

SAMPLERS = {"sobol": "Sobol", "halton": "Halton", "latin-hypercube": "LatinHypercube"}
DESIGNS = ("grid", "zipped", "random", *SAMPLERS)


def named_design(name: str, over: Mapping[str, Any], points: int | None = None, seed: int = 0) -> Design:
    """The design of that name.

    >>> len(named_design("sobol", {"radius": Linear(0, 1)}, points=4).layout().rows)
    4
    """
    if name in ("grid", "zipped"):
        if points is not None:
            raise InputError(f"the number of points goes with scattered points, not a {name} design", points)
        return Grid(over) if name == "grid" else Zipped(over)
    if points is None:
        raise InputError(f"the design {name!r} needs a number of points", None, "points = 64, or --points 64")
    if name == "random":
        return RandomPoints(over, points, seed)
    from scipy.stats import qmc

    return LowDiscrepancy(over, points, seed, getattr(qmc, SAMPLERS[name]))


def parse_values(text: str) -> tuple[str, Any]:
    """A field and its values as they are written on a command line.

    ``NAME=LOW:HIGH:POINTS``, ``NAME=log:LOW:HIGH:POINTS``, either without points for scattered ones, ``int:`` in front
    for whole numbers, or ``NAME=VALUE,VALUE,...``.

    >>> parse_values("rate=log:0.1:10:3")[1].values(), parse_values("loss.kind=logistic,hinge")[1]
    ([0.1, 1, 10], ['logistic', 'hinge'])
    """
    name, equals, rest = text.partition("=")
    if not (name.strip() and equals and rest.strip()):
        raise InputError("a field to vary must be NAME=VALUES", text, "such as radius=0:1:11 or rate=log:0.1:2:20")
    if ":" not in rest:
        return name.strip(), [_value(part.strip()) for part in rest.split(",") if part.strip()]
    words = rest.split(":")
    logarithmic, whole = False, False
    while words and words[0] in ("log", "int"):
        logarithmic, whole = logarithmic or words[0] == "log", whole or words[0] == "int"
        words = words[1:]
    try:
        low, high = number(words[0]), number(words[1])
        points = int(words[2]) if len(words) > 2 else None
        if len(words) > 3:
            raise ValueError
    except (ValueError, IndexError):
        raise InputError(
            "a range must be LOW:HIGH:POINTS or log:LOW:HIGH:POINTS", text, "such as radius=0:1:11"
        ) from None
    return name.strip(), (Logarithmic if logarithmic else Linear)(low, high, points, whole)


def _value(text: str) -> Any:
    for kind in (int, number):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)
