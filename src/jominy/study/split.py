"""The held-out split."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def split(targets: ArrayLike, share: float, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and to hold out, both sorted, drawn at random; each class keeps its proportion.

    With more than 20 different numbers, or one target that is unique, the draw is over all samples together.

    Examples
    --------
    >>> train, test = split([0, 0, 0, 0, 1, 1, 1, 1], 0.25)
    >>> len(train), len(test)
    (6, 2)
    """
    values = np.asarray(targets)
    if share == 0:
        return np.arange(len(values)), np.arange(0)
    rng = np.random.default_rng(seed)
    _, kinds, counts = np.unique(
        values.astype(str) if values.dtype == object else values, return_inverse=True, return_counts=True
    )
    if (len(counts) > 20 and values.dtype.kind not in "UO") or counts.min() < 2:
        kinds, counts = np.zeros(len(values), dtype=int), np.array([len(values)])
    held = [
        rng.permutation(np.flatnonzero(kinds == kind))[: max(1, round(share * count))]
        for kind, count in enumerate(counts)
    ]
    test = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(values)), test), test
