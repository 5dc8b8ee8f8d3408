"""The mean over runs and how far they spread, at any magnitude and after a divergence."""

from __future__ import annotations

import numpy as np

_SQUARED_SAFELY = 1e150


def mean_and_spread(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the first axis and the standard deviation of one run, ``(n, ...) -> (...), (...)``.

    The standard deviation has the divisor n - 1, and is 0 for one run. Both are infinite where a run is, and NaN where
    one is not a number; values up to the largest and down to the smallest of floating point do not overflow on the way.

    >>> mean, spread = mean_and_spread(np.array([[1.0, 1e300, np.inf], [3.0, 3e300, 0.0]]))
    >>> mean.tolist(), (spread / np.sqrt(2)).round(1).tolist()
    ([2.0, 2e+300, inf], [1.0, 1e+300, inf])
    """
    runs = np.asarray(runs, dtype=float)
    if not len(runs):
        nothing = np.full(runs.shape[1:], np.nan)
        return nothing, nothing
    whole = np.all(np.isfinite(runs), axis=0)
    kept = np.where(whole, runs, 0.0)
    size = np.max(np.abs(kept), axis=0)
    unit = np.where((size > _SQUARED_SAFELY) | ((size < 1 / _SQUARED_SAFELY) & (size > 0)), size, 1.0)
    scaled = kept / unit
    mean, spread = unit * scaled.mean(axis=0), unit * scaled.std(axis=0, ddof=min(1, len(runs) - 1))
    outside = np.where(np.isnan(runs).any(axis=0), np.nan, np.inf)
    return np.where(whole, mean, outside), np.where(whole, spread, outside)


def mean_and_error(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the first axis and its standard error, ``(n, ...) -> (...), (...)``; 0 for one run.

    >>> mean, error = mean_and_error(np.array([1.0, 3.0]))
    >>> float(mean), float(error)
    (2.0, 1.0)
    """
    mean, spread = mean_and_spread(runs)
    return mean, spread / np.sqrt(max(len(runs), 1))
