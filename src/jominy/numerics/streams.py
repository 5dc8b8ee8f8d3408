"""Random streams, one per seed and purpose: a run depends neither on its companions nor on when it is observed."""

import numpy as np


def stream(seed: int, purpose: int) -> np.random.Generator:
    """The generator of `seed` for one purpose (normals, classes, ...); independent of all others.

    >>> bool(stream(0, 1).standard_normal() == stream(0, 1).standard_normal())
    True
    """
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(purpose,))))
