"""The times at which a result is reported."""

from functools import lru_cache
from typing import Any

import numpy as np

from jominy.data.arrays import LARGEST, read_only
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

POINTS = 101
# More moments between the first even ones, in units of their distance: training moves fastest at its start, and there
# straight lines between even moments would not look like the curve.
_EARLY = (1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 5 / 4, 3 / 2, 7 / 4, 5 / 2, 7 / 2)


def report_times(time: Any, times: Any, dimension: float, points: int = POINTS, *, early: bool = False) -> np.ndarray:
    """(T,) increasing times: those given, or `points` even ones up to the horizon `time`, on whole steps of SGD.

    A step of SGD takes 1/dimension of time. Times that a user gives are kept as they are. With `early` there are more
    between the first of the even ones.

    >>> report_times(20, None, np.inf, early=True)[:4], len(report_times(20, None, 2000, early=True))
    (array([0.     , 0.00625, 0.0125 , 0.025  ]), 116)
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
        if grid[-1] > LARGEST:
            raise InputError(f"Times must be at most {LARGEST:g}", float(grid[-1]), "20 is usual")
        return grid
    try:
        horizon = float(time)
    except (TypeError, ValueError, OverflowError):
        horizon = np.nan
    if not (np.isfinite(horizon) and horizon > 0):
        raise InputError("The horizon must be a finite number > 0", time, "It is in units of samples / dimension")
    if not 1 / LARGEST <= horizon <= LARGEST:
        raise InputError(f"The horizon must be from {1 / LARGEST:g} to {LARGEST:g}", time, "20 is usual")
    return _grid(horizon, dimension, points, early)


@lru_cache(maxsize=64)
def _grid(horizon: float, dimension: float, points: int, early: bool) -> np.ndarray:
    even = np.linspace(0.0, horizon, points)
    return read_only(whole_steps(np.union1d(even, even[1] * np.array(_EARLY)) if early else even, dimension))


def whole_steps(times: np.ndarray, dimension: float) -> np.ndarray:
    """The times moved to whole steps of SGD, without repetitions."""
    return times if np.isinf(dimension) else np.unique(np.rint(times * dimension)) / dimension


MOST_STEPS = 10**12
"""More steps of SGD would take weeks at a microsecond each."""


def counted_steps(times: np.ndarray, step_time: float, most: float = MOST_STEPS) -> np.ndarray:
    """(T,) whole numbers of steps up to the times; InputError for more than anybody can take."""
    if times[-1] / step_time > most:
        raise InputError(
            f"The last time must be within {most:g} steps, each of which takes {step_time:g}",
            float(times[-1]),
            "Shorten the time; a forecast of a Gaussian mixture knows no such limit",
        )
    return np.rint(times / step_time).astype(int)
