"""Where the noise of an engine comes from: blocks of numbers, and what an engine makes of those of one step."""

from typing import Any, Protocol

import numpy as np
import scipy  # imports `special` when it is first asked for, which forecasts never do

from jominy.numerics.normals import NormalStreams

SGD_PURPOSE, PATH_PURPOSE = 0, 1
TEAM_NUMBERS = 2**14
"""Numbers per step at which a team is large enough: its students then stay in the cache from step to step."""


class Source(Protocol):
    """Numbers for the steps of many seeds.

    Attributes:
        width: numbers per step and seed.
        team: how many seeds should advance together.
        deal: from the numbers (width, or one more) of one step and seed to the engine's noise; a pytree.
    """

    width: int
    team: int
    deal: Any

    def block(self, lanes: np.ndarray, first: int, steps: int) -> np.ndarray:
        """The numbers (steps, lanes, width or one more) of the seeds of these indices, from step `first` on."""


class Normals:
    """Standard normals, one stream per seed and purpose."""

    def __init__(self, seeds: list[int], purpose: int, width: int, deal: Any, team: int | None = None):
        self.width, self.deal = width, deal
        self.team = max(1, TEAM_NUMBERS // max(width, 1)) if team is None else team
        self.streams = NormalStreams(seeds, purpose, width)

    def block(self, lanes: np.ndarray, first: int, steps: int) -> np.ndarray:
        """See `Source`."""
        return self.streams.block(lanes, first, steps)


def class_cuts(weights: np.ndarray) -> np.ndarray:
    """(n - 1,) the normal numbers between which classes of these probabilities lie.

    >>> class_cuts(np.array([0.5, 0.5])).tolist()
    [0.0]
    """
    return scipy.special.ndtri(np.cumsum(weights)[:-1])
