"""Seeds that advance together: teams small enough for the cache, many enough for the cores; noise drawn ahead."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.simulation.noise import Source
from jominy.numerics.precision import double_precision

SMALL_TEAM = 50
TEAMS = 8
"""Teams are no smaller than `SMALL_TEAM` for the cores' sake, and no more than these."""
BLOCK_NUMBERS, ALL_NUMBERS = 2**21, 2**24
LONGEST_BLOCK = 4096
"""Steps of a block: many, as a call of a compiled program costs as much as 10^5 numbers; few enough for Ctrl-C."""


def seed_teams(seeds: int, most: int) -> np.ndarray:
    """(teams, size) indices of seeds, at most `most` in a team; the last seed fills up the last team.

    The split depends on nothing else, so that a run is the same on every number of cores.

    >>> seed_teams(5, 2).tolist()
    [[0, 1], [2, 3], [4, 4]]
    >>> seed_teams(100, 1000).shape
    (2, 50)
    """
    teams = -(-seeds // min(most, max(SMALL_TEAM, -(-seeds // TEAMS))))
    size = -(-seeds // teams)
    return np.minimum(np.arange(teams * size), seeds - 1).reshape(teams, size)


def block_length(size: int, seeds: int, width: int, steps: int) -> int:
    """Steps per block for teams of `size` that need `width` numbers per step and seed.

    Powers of two, so that few lengths are compiled, and no more than about the whole run has.
    """
    room = min(BLOCK_NUMBERS // (size * width), ALL_NUMBERS // (seeds * width))
    return 1 << min(max(1, min(room, LONGEST_BLOCK)).bit_length() - 1, max(steps - 1, 0).bit_length())


class SeedBatch:
    """The students of some seeds on their way; while they use one block of noise, the next is drawn on another core."""

    def __init__(self, source: Source, lanes: np.ndarray, states: Any, length: int, last: int, cores: Executor):
        self.source, self.lanes, self.length, self.last, self.cores = source, lanes, length, last, cores
        self.states = jax.tree.map(lambda leaf: jnp.array(leaf[lanes]), states)  # a copy: its memory is used again
        self.done = 0
        self.block: Any = None
        self.ahead = self._draw(0) if last > 0 else None

    def _draw(self, first: int) -> Any:
        return self.cores.submit(partial(self.source.block, self.lanes, first, self.length))

    def advance(self, target: int, move: Callable[..., Any], moved: Callable[[int], bool]) -> None:
        """Steps up to number `target`, each block by `move`; `moved` takes their number and says whether to go on."""
        while self.done < target:
            offset = self.done % self.length
            if offset == 0 and self.ahead is not None:
                self.block = self.ahead.result()
                following = self.done + self.length
                self.ahead = self._draw(following) if following < self.last else None
            steps = min(self.length - offset, target - self.done)
            states = double_precision(move)(self.states, self.block, offset, self.done, steps)
            self.states = jax.block_until_ready(states)
            self.done += steps
            if not moved(steps * len(self.lanes)):
                return
