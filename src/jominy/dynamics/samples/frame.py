"""The coordinates in which samples are followed: the eigenbasis of E[x x'] in the space that the rows span.

The problem is rotation invariant, and no gradient leaves the space of the rows: what a start has outside of it only
shrinks. So n rows in d > n dimensions are followed in n coordinates, without any loss.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from jominy.data import Samples
from jominy.dynamics.samples.law import Rows, as_rows, light

LEAST = 1e-12
"""Share of the largest eigenvalue below which a direction in the space of few rows is rounding and is left out."""


class Frame(NamedTuple):
    """Coordinates of the student.

    Attributes:
        basis: (d, r) orthonormal columns; a last one of zeros, if any, stands for all that the others leave out.
        copies: (r,) of how many dimensions a coordinate's variance is the sum: one, but for that last one.
    """

    basis: np.ndarray
    copies: np.ndarray

    def rows(self, features: np.ndarray, targets: np.ndarray) -> Rows:
        """Rows (m, d) of any origin in these coordinates."""
        coordinates = features @ self.basis
        if self.copies[-1] > 1:
            outside = np.sum(features**2, axis=1) - np.sum(coordinates**2, axis=1)
            coordinates[:, -1] = np.sqrt(np.maximum(outside, 0.0) / self.copies[-1])
        return as_rows(coordinates, targets)


@lru_cache(maxsize=8)
def rotation(samples: Samples) -> tuple[Rows, np.ndarray]:
    """The samples in the eigenbasis of E[x x'] where that is not zero for want of rows, and that basis (d, r)."""
    features = samples.features
    count, dimension = features.shape
    if count >= dimension:
        _, basis = np.linalg.eigh(features.T @ features / count)
        return as_rows(features @ basis, samples.targets), basis
    values, turn = np.linalg.eigh(features @ features.T / count)
    seen = values > LEAST * values[-1]
    sizes, turn = np.sqrt(count * values[seen]), turn[:, seen]
    return as_rows(turn * sizes, samples.targets), features.T @ turn / sizes


@lru_cache(maxsize=8)
def light_rotation(samples: Samples) -> Rows:
    """The samples of `rotation` in single precision."""
    return light(rotation(samples)[0])


def own_frame(samples: Samples) -> tuple[Frame, Rows]:
    """The features themselves as coordinates, for attacks that tell them apart."""
    dimension = samples.dimension
    return Frame(np.eye(dimension), np.ones(dimension)), as_rows(samples.features, samples.targets)


def frame_of(samples: Samples, mean: np.ndarray, variance: float) -> tuple[Frame, Rows]:
    """The coordinates that a start of this mean (d,) and variance per coordinate needs, and the samples in them."""
    rows, basis = rotation(samples)
    dimension, inside = basis.shape
    outside = mean - basis @ (basis.T @ mean)
    size = np.linalg.norm(outside)
    further = []
    if inside < dimension and size > 1e-12 * np.linalg.norm(mean):
        further.append(outside / size)
    left = dimension - inside - len(further)
    if variance > 0 and left:
        further.append(np.zeros(dimension))
    copies = np.ones(inside + len(further))
    if variance > 0 and left:
        copies[-1] = left
    if further:
        basis = np.column_stack([basis, *further])
        rows = as_rows(np.pad(rows.columns.T, ((0, 0), (0, len(further)))), samples.targets)
    return Frame(basis, copies), rows
