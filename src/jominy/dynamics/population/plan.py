"""How forecasts are made and read out, and how far tolerances may go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jominy.dynamics.batches import batch_count, in_finite_steps
from jominy.dynamics.readout import evaluation_radii
from jominy.dynamics.times import report_times, whole_steps
from jominy.errors import InputError
from jominy.numerics.gaussian import FULL
from jominy.numerics.ode import LOOSE
from jominy.optimizers import SGD

TIGHTEST, LOOSEST = 1e-14, 0.1
"""Tolerances that a solve can have: below, rounding is larger; above, one step crosses what the curve does."""
RTOL = 1e-9
"""The tolerance of `forecast`, where nobody says."""
COARSER = 3
"""Factor on the tolerance of the second solve, whose difference from the first is the error estimate."""


class Plan(NamedTuple):
    """How forecasts are made and read out: the times reported, further radii, tolerance, batch size and optimizer.

    Without `estimate` nothing is solved twice, and errors are not known (NaN). With `finite_steps` the curve is that of
    steps taken one by one, otherwise the flow of the limit of many dimensions. Gradients of a batch are summed where
    the optimizer is plain. `most_steps`: of the integrator, where fewer are allowed than usual.
    """

    times: np.ndarray
    evaluate_at: np.ndarray
    rtol: float
    batch_size: int = 1
    estimate: bool = True
    optimizer: SGD = SGD()
    finite_steps: bool = False
    most_steps: int | None = None

    @classmethod
    def of(
        cls,
        dimension: float,
        time: Any,
        times: Any,
        evaluate_at: Sequence[float] | np.ndarray,
        rtol: float,
        batch_size: int,
        optimizer: SGD = SGD(),  # noqa: B008
    ) -> Plan:
        """The plan that a user's settings ask for, checked."""
        if not (isinstance(rtol, (int, float)) and TIGHTEST <= rtol <= LOOSEST):
            raise InputError(
                f"rtol must be a relative tolerance from {TIGHTEST:g} to {LOOSEST:g}", rtol, "1e-9 is the default"
            )
        size = batch_count(batch_size, dimension) if optimizer.plain else optimizer.batch_size
        grid = report_times(time, times, dimension / size, early=True)
        finite = in_finite_steps(size, dimension, grid[-1], bool(optimizer.momentum))
        if finite:
            grid = whole_steps(grid, dimension / size)
        return cls(grid, evaluation_radii(evaluate_at), rtol, size, optimizer=optimizer, finite_steps=finite)

    @property
    def accuracy(self) -> float:
        """Of the expectations over margins: far below the tolerance."""
        return FULL if self.rtol < LOOSE else self.rtol / 1000

    @property
    def grid(self) -> np.ndarray:
        """The times reported, after the beginning; the solver wants an interval."""
        grid = self.times if self.times[0] == 0 else np.concatenate([[0.0], self.times])
        return grid if len(grid) > 1 else np.array([0.0, 1e-9])
