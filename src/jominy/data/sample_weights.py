"""Weights of single samples: what a mistake on each counts in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from jominy.data.arrays import Array, finite_array, read_only
from jominy.errors import InputError
from jominy.numerics.foreign import in_step


def sample_weights(given: Any, X: Any, count: int) -> Array | None:
    """(n,) weights > 0 of the rows of X, put in their order by the index where both are pandas objects; None for none.

    >>> sample_weights([1, 2.5], [[0.0], [1.0]], 2).tolist()
    [1.0, 2.5]
    """
    if given is None:
        return None
    weights = finite_array(in_step(X, given), "sample_weight")
    if weights.shape != (count,):
        raise InputError("sample_weight is one number for each sample", f"shape {weights.shape}, {count} samples")
    if np.any(weights <= 0):
        first = int(np.flatnonzero(weights <= 0)[0])
        raise InputError(
            "A weight of a sample must be > 0",
            f"{weights[first]:g} for row {first}",
            "Leave out rows that do not count",
        )
    return read_only(weights)
