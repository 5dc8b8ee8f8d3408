"""Mini-batches: one convention for small ones and for those proportional to the dimension.

A step takes b fresh samples, X <- X - (g/d) sum over the batch of (Psi_r x + Psi_rho X / ||X||): in the usual words, a
step of size g b / d along the mean gradient. Time is t = samples / d as ever, so that a step takes b/d of it.

Source: theory `dynamics.md` sections 8.1 (b << d: the curve does not depend on b) and 8.2 (b = O(d): a finite map).
"""

from typing import Any

import numpy as np

from jominy.errors import InputError

MOST_STEPS = 200_000
"""More batches than this are not gone through one by one: batches are then so small that the flow describes them."""


def batch_count(value: Any, dimension: float) -> int:
    """A whole number of samples >= 1, or an error that says so; one in infinite dimension has to be one."""
    good = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 1
    if not good:
        raise InputError(
            "A batch size must be a whole number >= 1", value, "It counts samples per step; plain SGD has 1"
        )
    if value > 1 and np.isinf(dimension):
        raise InputError(
            "In infinite dimension every batch is small, and its curve that of single samples",
            f"batch_size={value}",
            "Leave it out, or give the spectrum a dimension",
        )
    return int(value)


def in_finite_steps(batch_size: int, dimension: float, horizon: float, remembered: bool = False) -> bool:
    """Whether a forecast goes batch by batch; otherwise it is the flow of single samples, off by O(b/d).

    Steps that are `remembered`, by a momentum, are followed one by one too.
    """
    return (batch_size > 1 or remembered) and horizon * dimension / batch_size <= MOST_STEPS


def require_single(batch_size: Any) -> None:
    """InputError for batches on samples of the user's own."""
    if batch_count(batch_size, 1.0) > 1:
        raise InputError(
            "A batch whose gradients are summed is for Gaussian mixtures",
            f"batch_size={batch_size} on Samples",
            f"Batches whose gradients are averaged: `optimizer=SGD(batch_size={batch_size})`",
        )
