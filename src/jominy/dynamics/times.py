"""The times at which a result is reported."""

from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

POINTS = 101


def report_times(time: Any, times: Any, dimension: float, points: int = POINTS) -> np.ndarray:
    """(T,) increasing times: those given, or `points` even ones up to the horizon `time`, on whole steps of SGD.

    A step of SGD takes 1/dimension of time. Times that a user gives are kept as they are.
    """
    if (time is None) == (times is None):
        raise InputError(
            "Give either a horizon (time=20) or the times themselves (times=[...])",
            f"time={time!r}, times={'given' if times is not None else None}",
            "The horizon is in units of samples / dimension",
        )
    if times is not None:
        try:
            grid = as_numpy(times, "times").astype(float)
        except (TypeError, ValueError, OverflowError):
            grid = np.array([np.nan])
        good = grid.ndim == 1 and grid.size and np.all(np.isfinite(grid)) and grid[0] >= 0 and np.all(np.diff(grid) > 0)
        if not good:
            raise InputError("Times must be increasing finite numbers >= 0", times, "Sort them and drop repetitions")
        return grid
    try:
        horizon = float(time)
    except (TypeError, ValueError, OverflowError):
        horizon = np.nan
    if not (np.isfinite(horizon) and horizon > 0):
        raise InputError("The horizon must be a finite number > 0", time, "It is in units of samples / dimension")
    return whole_steps(np.linspace(0.0, horizon, points), dimension)


def whole_steps(times: np.ndarray, dimension: float) -> np.ndarray:
    """The times moved to whole steps of SGD, without repetitions."""
    return times if np.isinf(dimension) else np.unique(np.rint(times * dimension)) / dimension
