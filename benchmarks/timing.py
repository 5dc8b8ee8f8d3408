"""Fair timing: opponents take turns, every figure is a median with its spread."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Timed(NamedTuple):
    """Seconds: median, smallest and largest of the runs."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_seconds(self.median)} ({_seconds(self.low)} to {_seconds(self.high)})"


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


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.3g} ms"
