"""Random streams, one per seed and purpose: a run depends neither on its companions nor on when it is observed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def stream(seed: int, purpose: int) -> np.random.Generator:
    """The generator of `seed` for one purpose (normals, classes, ...); independent of all others.

    >>> bool(stream(0, 1).standard_normal() == stream(0, 1).standard_normal())
    True
    """
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(purpose,))))


def prefetched(draw: Callable[[int], T], sizes: Sequence[int]) -> Iterator[T]:
    """`draw(size)` for each size in turn, one ahead of use: NumPy draws while JAX computes."""
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for size in sizes:
            following = pool.submit(draw, size)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()
