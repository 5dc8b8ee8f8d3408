"""Fixed points of a few scalars.

Our own few lines, because importing `scipy.optimize` would cost every first forecast a third of a second.
"""

from collections.abc import Callable

import numpy as np


def fixed_point(function: Callable[[np.ndarray], np.ndarray], start: np.ndarray) -> np.ndarray:
    """u (k,) with function(u) = u, by Newton's method with difference quotients from a start nearby.

    Stops at a relative mismatch of 1e-13, or where no step, however short, makes it smaller or none can be told.

    >>> fixed_point(np.cos, np.array([0.5])).round(6).tolist()
    [0.739085]
    """

    def scaled(u: np.ndarray, gap: np.ndarray) -> float:
        size = float(np.max(np.abs(gap) / (1e-3 + np.abs(u))))
        return size if np.isfinite(size) else np.inf

    u = np.asarray(start, dtype=float)
    gap = function(u) - u
    for _ in range(30):
        if scaled(u, gap) < 1e-13:
            break
        shifts = 1e-7 * (1e-3 + np.abs(u))
        moved = u + np.diag(shifts)
        gaps = np.stack([function(row) - row for row in moved], axis=1)
        slopes = (gaps - gap[:, None]) / shifts
        if not (np.all(np.isfinite(slopes)) and np.all(np.isfinite(gap))):
            break  # beyond floating point, where no step can be told
        step = np.linalg.lstsq(slopes, -gap, rcond=None)[0]
        for share in (1.0, 0.5, 0.25, 0.1, 0.01):
            trial = u + share * step
            trial_gap = function(trial) - trial
            if scaled(trial, trial_gap) < scaled(u, gap):
                u, gap = trial, trial_gap
                break
        else:
            break
    return u
