"""In which order SGD visits a user's rows."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jominy.errors import InputError


class Sampling(Protocol):
    """Row numbers for the steps of one run."""

    def check(self, steps: int, count: int) -> None:
        """Raise InputError where `steps` steps on `count` rows are not possible."""

    def rows(self, generator: np.random.Generator, steps: int, count: int) -> np.ndarray:
        """(steps,) row numbers below `count`."""


@dataclass(frozen=True)
class WithReplacement:
    """Every step draws a row anew, the law that the forecast describes."""

    def check(self, steps: int, count: int) -> None:
        """Always possible."""

    def rows(self, generator: np.random.Generator, steps: int, count: int) -> np.ndarray:
        """Independent uniform rows."""
        return generator.integers(count, size=steps)


@dataclass(frozen=True)
class OnePass:
    """Every row once, in random order; at most as many steps as rows."""

    def check(self, steps: int, count: int) -> None:
        """No more steps than rows."""
        if steps > count:
            raise InputError(
                f"One pass over {count} rows allows {count} steps",
                f"{steps} steps",
                "Shorten the time (steps = time * dimension) or use `ReshuffledEpochs()`",
            )

    def rows(self, generator: np.random.Generator, steps: int, count: int) -> np.ndarray:
        """The head of one random permutation."""
        return generator.permutation(count)[:steps]


@dataclass(frozen=True)
class ReshuffledEpochs:
    """Every row once per epoch, reshuffled between epochs: what a data loader does."""

    def check(self, steps: int, count: int) -> None:
        """Always possible."""

    def rows(self, generator: np.random.Generator, steps: int, count: int) -> np.ndarray:
        """Random permutations, one after the other."""
        epochs = -(-steps // count)
        return np.concatenate([generator.permutation(count) for _ in range(epochs)])[:steps]
