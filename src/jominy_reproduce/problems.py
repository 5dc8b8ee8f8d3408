"""The problems on which the claims are measured, and how a simulation is summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jominy.data import GaussianMixture, LinearTeacher, Spectrum, identity, power_law, two_level, uniform
from jominy.dynamics import Problem
from jominy.losses import LogisticLoss, SquaredLoss
from jominy.numerics import averages

if TYPE_CHECKING:
    import xarray as xr

NOISE = 0.25


def spread(dimension: int, even: float = 1.0, odd: float = 1.0, norm: float = 1.0) -> np.ndarray:
    """A vector (d,) of the given norm whose even and odd coordinates differ."""
    vector = np.where(np.arange(dimension) % 2 == 0, even, odd)
    return norm * vector / np.linalg.norm(vector)


def start(dimension: int) -> np.ndarray:
    """A start of norm 0.7 at an angle to everything else."""
    vector = np.where(np.arange(dimension) % 3 == 0, -1.0, 0.5)
    return 0.7 * vector / np.linalg.norm(vector)


def least_squares(spectrum: Spectrum, radius: float, noise: float = NOISE) -> Problem:
    """Adversarial least squares with a linear teacher of norm one."""
    teacher = spread(int(spectrum.dimension), 1.2, 0.8)
    return Problem(LinearTeacher(spectrum, teacher, noise), SquaredLoss(), radius)


def isotropic(dimension: int, radius: float, noise: float = NOISE) -> Problem:
    """Least squares with the identity as covariance."""
    return least_squares(identity(dimension), radius, noise)


def anisotropic(dimension: int, radius: float, noise: float = NOISE) -> Problem:
    """Least squares with two eigenvalues, 1.6 and 0.1."""
    return least_squares(two_level(dimension, 1.6, 0.1), radius, noise)


def power(dimension: int, radius: float, noise: float = NOISE) -> Problem:
    """Least squares with a power-law spectrum."""
    return least_squares(power_law(dimension, 1.5), radius, noise)


def two_classes(dimension: int, radius: float) -> Problem:
    """Logistic regression on two Gaussian classes with different linear spectra."""
    data = GaussianMixture(
        [0.4, 0.6],
        [spread(dimension, 1.0, 0.6, 1.2), spread(dimension, -1.0, -0.2, 0.9)],
        [uniform(dimension, 0.5, 1.5), uniform(dimension, 1.6, 0.4)],
        labels=[1, -1],
    )
    return Problem(data, LogisticLoss(), radius)


def two_classes_in_levels(dimension: int, radius: float) -> Problem:
    """The same with two eigenvalues, which the simulator walks in two groups at any dimension."""
    data = GaussianMixture(
        [0.4, 0.6],
        [spread(dimension, norm=1.2), spread(dimension, -1.0, 0.2, 0.9)],
        [two_level(dimension), two_level(dimension, 0.6, 1.4)],
        labels=[1, -1],
    )
    return Problem(data, LogisticLoss(), radius)


def mean_and_error(runs: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean over the seeds and its standard error."""
    return averages.mean_and_error(runs[name].values)


def most_errors(difference: np.ndarray, error: np.ndarray) -> int:
    """Where a difference is the most standard errors; beyond all that are random, the largest where nothing is.

    >>> most_errors(np.array([0.0, 0.3, 0.2]), np.array([0.0, 0.1, 0.05]))
    2
    """
    size = np.abs(difference)
    apart = np.divide(size, error, out=np.where(size > 0, np.inf, 0.0), where=error > 0)
    return int(np.argmax(apart))
