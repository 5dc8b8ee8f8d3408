"""Fair timing: opponents take turns, every figure is a median with its spread; the rows of the table."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Timed(NamedTuple):
    """Seconds: median, smallest and largest of the runs."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{seconds(self.median)} ({seconds(self.low)} to {seconds(self.high)})"

    def per(self, count: float) -> "Timed":
        """Of one of `count` equal parts."""
        return Timed(*(value / count for value in self))


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


def race(runs: int = 7, **contestants: Callable[[], object]) -> dict[str, Timed]:
    """Time the contestants in turn, `runs` times each, after one run of each that is not counted."""
    for contestant in contestants.values():
        contestant()
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, contestant in contestants.items():
            begin = time.perf_counter()
            contestant()
            taken[name].append(time.perf_counter() - begin)
    return {name: Timed(float(np.median(all_)), min(all_), max(all_)) for name, all_ in taken.items()}


def seconds(value: float) -> str:
    """A time with its unit, three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
