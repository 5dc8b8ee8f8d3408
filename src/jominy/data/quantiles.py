"""Quantiles of the Marchenko-Pastur law."""

import math

import numpy as np

from jominy.data.arrays import Array


def marchenko_pastur_quantiles(levels: Array, ratio: float) -> Array:
    """Eigenvalues below which fractions `levels` (Q,), in (0, 1], of the law of aspect ratio d / n = `ratio` <= 1 lie.

    With lambda = 1 + r - 2 sqrt(r) cos(theta) its distribution function is elementary.

    >>> marchenko_pastur_quantiles(np.array([0.5, 1.0]), 0.25).round(6).tolist()
    [0.916004, 2.25]
    """
    root = math.sqrt(ratio)

    def distribution(theta: Array) -> Array:
        arc = np.arctan2((1 + root) * np.sin(theta / 2), (1 - root) * np.cos(theta / 2))
        return ((1 + ratio) * theta / (2 * ratio) + np.sin(theta) / root - (1 - ratio) / ratio * arc) / np.pi

    def eigenvalue(theta: Array) -> Array:
        return 1 + ratio - 2 * root * np.cos(theta)

    fraction = np.linspace(0.0, 1.0, 4097)
    grid = np.pi * fraction**2 * (3 - 2 * fraction)  # finer towards the edges of the support
    known = np.maximum.accumulate(distribution(grid))
    cell = np.clip(np.searchsorted(known, levels) - 1, 0, grid.size - 2)
    theta = np.interp(levels, known, grid)
    for _ in range(5):  # Newton inside the cell, from a start that is good to 1e-6: quadratic, down to rounding
        density = 2 * np.sin(theta) ** 2 / (np.pi * eigenvalue(theta))
        theta = np.clip(theta - (distribution(theta) - levels) / density, grid[cell], grid[cell + 1])
    return eigenvalue(theta)
