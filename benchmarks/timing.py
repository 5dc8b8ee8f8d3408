"""Fair timing: opponents take turns, every figure is a median with its spread; the rows of the table."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Timed(NamedTuple):
    """Seconds of each run."""

    runs: tuple[float, ...]

    def __str__(self) -> str:
        return f"{seconds(self.median)} ({seconds(self.low)} to {seconds(self.high)})"

    @property
    def median(self) -> float:
        """Of the runs."""
        return float(np.median(self.runs))

    @property
    def low(self) -> float:
        """The fastest run."""
        return min(self.runs)

    @property
    def high(self) -> float:
        """The slowest run."""
        return max(self.runs)

    def per(self, count: float) -> "Timed":
        """Of one of `count` equal parts."""
        return Timed(tuple(run / count for run in self.runs))

    def over(self, other: "Timed") -> float:
        """The ratio to another's time: median over the turns, because a machine's speed drifts from turn to turn."""
        return float(np.median(np.divide(self.runs, other.runs)))


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        work: what is done.
        jominy, opponent: how long it takes, in words.
        ratio: the opponent's time over jominy's, unless `note` says otherwise.
        wanted: the target, in words.
        met: whether this run meets it; None where there is none.
        note: tolerances, and whatever else a reader needs to know.
    """

    work: str
    jominy: str
    opponent: str
    ratio: float | None
    wanted: str
    met: bool | None
    note: str = ""


TURN = 0.1
"""Seconds that a turn takes at least: what takes milliseconds is run again and again, as it is when it is warm."""


def race(runs: int = 7, **contestants: Callable[[], object]) -> dict[str, Timed]:
    """Time the contestants in turn, `runs` times each, after some calls of each that are not counted."""
    calls = {}
    for name, contestant in contestants.items():
        contestant()
        begin = time.perf_counter()
        contestant()
        calls[name] = max(1, round(TURN / (time.perf_counter() - begin)))
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, contestant in contestants.items():
            begin = time.perf_counter()
            for _ in range(calls[name]):
                contestant()
            taken[name].append((time.perf_counter() - begin) / calls[name])
    return {name: Timed(tuple(all_)) for name, all_ in taken.items()}


def seconds(value: float) -> str:
    """A time with its unit, three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
