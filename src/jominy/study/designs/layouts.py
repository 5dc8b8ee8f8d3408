"""Which points a sweep looks at: a grid, lists side by side, random points, low-discrepancy points."""

from __future__ import annotations

import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.study.designs.ranges import Linear, Logarithmic


@dataclass(frozen=True)
class Layout:
    """The points of a design.

    Attributes
    ----------
    names : the swept fields, as the user wrote them
    rows : one tuple of values for each point
    axes : for a grid the values of each field (the last one varies fastest in `rows`); None otherwise
    logarithmic : names whose range is logarithmic
    """

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    axes: tuple[list[Any], ...] | None
    logarithmic: frozenset[str] = frozenset()


class Design(ABC):
    """Chooses the points of a sweep over fields of a scenario."""

    over: Mapping[str, Any]

    @abstractmethod
    def layout(self) -> Layout:
        """The points. Raises `InputError` where the fields or values make none."""

    @property
    def logarithmic(self) -> frozenset[str]:
        """Names whose range is logarithmic."""
        return frozenset(name for name, values in self.over.items() if isinstance(values, Logarithmic))

    def describe(self) -> dict[str, Any]:
        """The design as a JSON-able record."""
        layout = self.layout()
        record: dict[str, Any] = {"design": type(self).__name__, "points": len(layout.rows)}
        if layout.axes is not None:
            record["over"] = dict(zip(layout.names, layout.axes, strict=True))
        else:
            record["over"] = list(layout.names)
        return record


@dataclass(frozen=True)
class Grid(Design):
    """Every combination of the values of each field: lists, arrays, `Linear` or `Logarithmic` with points.

    >>> len(Grid({"radius": Linear(0, 1, 11), "rate": [0.1, 0.2]}).layout().rows)
    22
    """

    over: Mapping[str, Any]

    def layout(self) -> Layout:
        """All combinations, the last field varying fastest."""
        lists = _lists(self.over)
        rows = list(itertools.product(*lists.values()))
        return Layout(tuple(lists), rows, tuple(lists.values()), self.logarithmic)


@dataclass(frozen=True)
class Zipped(Design):
    """Lists side by side: the first point takes the first value of each, and so on.

    >>> Zipped({"radius": [0, 1], "rate": [0.1, 0.2]}).layout().rows
    [(0, 0.1), (1, 0.2)]
    """

    over: Mapping[str, Any]

    def layout(self) -> Layout:
        """One point for each place in the lists."""
        lists = _lists(self.over, repeated=True)
        if len({len(values) for values in lists.values()}) > 1:
            lengths = ", ".join(f"{name} {len(values)}" for name, values in lists.items())
            raise InputError("lists side by side must be of one length", lengths, "for all combinations use a grid")
        return Layout(tuple(lists), list(zip(*lists.values(), strict=True)), None, self.logarithmic)


@dataclass(frozen=True)
class RandomPoints(Design):
    """Independent points, uniform in each range (`Linear`) or in its logarithm (`Logarithmic`).

    >>> RandomPoints({"radius": Linear(0, 1)}, points=2, seed=3).layout().rows
    [(0.0856491671436,), (0.236810506596,)]
    """

    over: Mapping[str, Any]
    points: int
    seed: int = 0

    def layout(self) -> Layout:
        """The points."""
        ranges = _ranges(self.over, self.points, self.seed)
        shares = np.random.default_rng(self.seed).random((self.points, len(ranges)))
        return _scattered(ranges, shares, self.logarithmic)


@dataclass(frozen=True)
class LowDiscrepancy(Design):
    """Points that fill the ranges more evenly than random ones; `sampler` is a class of `scipy.stats.qmc`.

    Unset it is Sobol's sequence, best with a power of two points; Halton and LatinHypercube are others.

    >>> len(LowDiscrepancy({"radius": Linear(0, 1), "rate": Logarithmic(0.1, 2)}, points=8).layout().rows)
    8
    """

    over: Mapping[str, Any]
    points: int
    seed: int = 0
    sampler: Any = field(default=None)

    def layout(self) -> Layout:
        """The points."""
        import warnings

        from scipy.stats import qmc

        ranges = _ranges(self.over, self.points, self.seed)
        chosen = (self.sampler or qmc.Sobol)(len(ranges), rng=np.random.default_rng(self.seed))
        with warnings.catch_warnings():  # that a number of points that is no power of two is less even, docs say
            warnings.filterwarnings("ignore", message="The balance properties")
            shares = chosen.random(self.points)
        return _scattered(ranges, shares, self.logarithmic)


def as_design(over: Any) -> Design:
    """A design as it is; a mapping of fields as a grid."""
    if isinstance(over, Design):
        return over
    if not isinstance(over, Mapping):
        raise InputError(
            "over must map fields to values, or be a design", type(over).__name__, 'over={"radius": [0.0, 0.5]}'
        )
    return Grid(over)


def _lists(over: Mapping[str, Any], repeated: bool = False) -> dict[str, list[Any]]:
    if not over:
        raise InputError(
            "a sweep needs a field to vary", "none", 'over={"radius": [0.0, 0.5]}, or --over radius=0:1:11'
        )
    return {str(name): _list(name, values, repeated) for name, values in over.items()}


def _list(name: str, given: Any, repeated: bool) -> list[Any]:
    if isinstance(given, Linear):
        values = given.values()
    elif isinstance(given, np.ndarray):
        values = given.tolist() if given.ndim == 1 else []
    elif isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__iter__"):
        raise InputError(f"the values of {name!r} must be a list or a range", given, "Linear(0, 1, points=11)")
    else:
        values = [value.item() if isinstance(value, np.generic) else value for value in given]
    if not values:
        raise InputError(f"the values of {name!r} must be a list of one value or more", given)
    texts = [json.dumps(value, sort_keys=True, default=str) for value in values]
    if not repeated and len(set(texts)) < len(texts):
        raise InputError(f"each value of {name!r} may be there once", values)
    return values


def _ranges(over: Mapping[str, Any], points: int, seed: int) -> dict[str, Linear]:
    _lists({name: [0] for name in over})
    for name, values in over.items():
        if not isinstance(values, Linear):
            raise InputError(
                f"a design of scattered points needs a range for {name!r}",
                values,
                "Linear(0, 1) or Logarithmic(0.1, 2)",
            )
    for what, value, least in (("the number of points", points, 1), ("the seed", seed, 0)):
        if not isinstance(value, int) or value < least:
            raise InputError(f"{what} must be a whole number >= {least}", value)
    return dict(over)


def _scattered(ranges: dict[str, Linear], shares: np.ndarray, logarithmic: frozenset[str]) -> Layout:
    columns = [one.at(shares[:, k]) for k, one in enumerate(ranges.values())]
    return Layout(tuple(ranges), list(zip(*columns, strict=True)), None, logarithmic)
