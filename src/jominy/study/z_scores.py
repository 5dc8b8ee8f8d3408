"""Differences in standard errors, where something is random."""

from __future__ import annotations

import numpy as np

ROUNDING = 5e-7
"""Relative error of what is read out of runs: real rows and networks are kept in single precision."""
OF_THE_LARGEST = 1e-9
"""Error of a forecast as a share of the largest value that its variable takes: what its integrator is asked for."""
FAR = 20.0
"""Numerical errors from which on a difference is real, however little the runs differ."""


def numerical_error(forecast: np.ndarray, mean: np.ndarray, estimated: float = 0.0) -> np.ndarray:
    """What rounding and integration leave uncertain of a forecast minus a mean over runs.

    Parameters
    ----------
    forecast, mean
        Of one variable in each row, ``(..., time)``; not finite where there is none.
    estimated
        The forecast's own estimate of its relative error.

    Examples
    --------
    >>> numerical_error(np.array([1.0, 0.0]), np.array([0.9, 1e-6]))
    array([5.0100e-07, 1.0005e-09])
    """
    size = np.fmax(*(np.abs(np.where(np.isfinite(one), one, 0.0)) for one in (forecast, mean)))
    largest = size.max(axis=-1, keepdims=True, initial=0.0)
    own = estimated if np.isfinite(estimated) else 0.0
    return (ROUNDING + own) * size + OF_THE_LARGEST * largest


def z_scores(difference: np.ndarray, error: np.ndarray, numerical: np.ndarray) -> np.ndarray:
    """The difference in standard errors; NaN where it says nothing about agreement.

    That is where a value is not finite, and where the standard error is below the numerical error (at the start, which
    is the same in every run) and the difference is no larger than numerical errors are. A difference that is far beyond
    both errors is real, and is counted in numerical errors.

    Parameters
    ----------
    difference, error, numerical
        Forecast minus mean, standard error of the mean and numerical error, of one shape.

    Examples
    --------
    >>> z_scores(np.array([1e-7, 0.2, 0.2]), np.array([0.0, 0.1, 0.0]), np.full(3, 1e-6)).round().tolist()
    [nan, 2.0, 200000.0]
    """
    usable = np.isfinite(difference) & np.isfinite(error)
    size = np.abs(np.where(usable, difference, 0.0))
    counted = usable & ((error > numerical) | (size > FAR * np.maximum(error, numerical)))
    z = np.full(np.shape(difference), np.nan)
    unit = np.maximum(np.maximum(error, numerical), np.finfo(float).tiny)
    with np.errstate(over="ignore"):  # a large difference over a tiny error is infinitely many of them
        return np.divide(difference, unit, out=z, where=counted)
