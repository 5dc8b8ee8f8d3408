"""Ranges of a swept field: evenly spaced, or evenly spaced in the logarithm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.errors import InputError


@dataclass(frozen=True)
class Linear:
    """From `low` to `high`; `points` of them in a grid, both ends included.

    `whole` rounds to whole numbers, for fields such as a width.

    >>> Linear(0, 1, 5).values()
    [0, 0.25, 0.5, 0.75, 1]
    """

    low: float
    high: float
    points: int | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise InputError("a range must run from a number to a larger one", f"from {self.low} to {self.high}")
        if self.points is not None and not (isinstance(self.points, int) and self.points >= 2):
            raise InputError("a range must have two points or more", self.points, "for one value give a list of one")

    def at(self, shares: Iterable[float]) -> list[Any]:
        """The values at shares of the way from `low` to `high`, 0 to 1."""
        return self._plain(self.low + np.asarray(list(shares)) * (self.high - self.low))

    def values(self) -> list[Any]:
        """The `points` values of a grid."""
        if self.points is None:
            raise InputError(
                "a range in a grid must say how many points it has",
                f"{self.low:g} to {self.high:g}",
                "such as radius=0:1:11",
            )
        return self.at(np.linspace(0, 1, self.points))

    def _plain(self, values: np.ndarray) -> list[Any]:
        # Rounded, so that 0.1 + 2 * 0.1 is 0.3; a whole number is one, which every numeric field of a scenario takes.
        rounded = [float(f"{value:.12g}") for value in (np.round(values) if self.whole else values)]
        return [int(value) if value.is_integer() else value for value in rounded]


@dataclass(frozen=True)
class Logarithmic(Linear):
    """From `low` > 0 to `high`, evenly spaced in the logarithm.

    >>> Logarithmic(0.01, 100, 5).values()
    [0.01, 0.1, 1, 10, 100]
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise InputError("a logarithmic range must begin above zero", self.low)

    def at(self, shares: Iterable[float]) -> list[Any]:
        """The values at shares of the way, in the logarithm."""
        return self._plain(self.low * (self.high / self.low) ** np.asarray(list(shares)))
