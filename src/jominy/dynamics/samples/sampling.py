"""In which order SGD visits a user's rows."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jominy.errors import InputError


class Sampling(Protocol):
    """Row numbers for the steps of one run; any object with these two methods will do.

    Steps of batches take `batch_size` numbers each, one after the other.
    """

    def check(self, steps: int, count: int) -> None:
        """Raise InputError where `steps` draws of `count` rows are not possible."""

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


FEW = 3.0
"""Pairs of equal rows in a batch, on average, up to which drawing it anew is the faster way to a batch without any."""


@dataclass(frozen=True)
class DistinctBatches:
    """Every batch draws different rows, and knows nothing of the batches before it.

    >>> rows = DistinctBatches(3).rows(np.random.default_rng(0), 30, 4).reshape(10, 3)
    >>> all(len(set(batch)) == 3 for batch in rows.tolist())
    True
    """

    batch_size: int

    def check(self, steps: int, count: int) -> None:
        """No more rows in a batch than there are."""
        if self.batch_size > count:
            raise InputError(
                f"A batch without repetitions has at most {count} rows here",
                f"batch_size={self.batch_size}",
                "Make it smaller, or draw with replacement",
            )

    def rows(self, generator: np.random.Generator, steps: int, count: int) -> np.ndarray:
        """Batches of different rows, one after the other."""
        size = self.batch_size
        batches = -(-steps // size)
        if size**2 / (2 * count) > FEW:
            drawn = [generator.permutation(count)[:size] for _ in range(batches)]
            return np.concatenate(drawn)[:steps]
        rows = generator.integers(count, size=(batches, size))
        while np.any(again := np.any(np.diff(np.sort(rows, axis=1), axis=1) == 0, axis=1)):
            rows[again] = generator.integers(count, size=(int(np.sum(again)), size))
        return rows.ravel()[:steps]


def sampling_for(sampling: Sampling | None, batch_size: int, replacement: bool) -> Sampling:
    """The order of rows that was asked for, and by default draws with replacement, between batches or within them."""
    if sampling is not None:
        return sampling
    return WithReplacement() if replacement or batch_size == 1 else DistinctBatches(batch_size)
