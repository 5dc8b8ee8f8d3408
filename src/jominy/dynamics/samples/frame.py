"""The coordinates in which samples are followed: the eigenbasis of E[x x'] in the space that the rows span.

The problem is rotation invariant, and no gradient leaves the space of the rows: what a start has outside of it only
shrinks. So n rows in d > n dimensions are followed in n coordinates, without any loss.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from jominy.data import Samples
from jominy.dynamics.samples.law import InputNoise, Rows, as_rows, light

LEAST = 1e-12
"""Share of the largest eigenvalue below which a direction in the space of few rows is rounding and is left out."""


class Frame(NamedTuple):
    """Coordinates of the student.

    Attributes:
        basis: (d, r) orthonormal columns; one of zeros, if any, stands for all that the others leave out of its part.
        copies: (r,) of how many dimensions a coordinate's variance is the sum: one, but for those of zeros.
        parts: which features (indices) and which coordinates (a slice) make up each part. An attack tells parts apart,
            and no direction within one; a coordinate of zeros is the last of its part.
        noise: (r,) variance of the noise on inputs in training in each dimension of a coordinate, or None.
    """

    basis: np.ndarray
    copies: np.ndarray
    parts: tuple[tuple[np.ndarray, slice], ...]
    noise: np.ndarray | None = None

    @property
    def input_noise(self) -> InputNoise | None:
        """The noise as a step sees it."""
        return None if self.noise is None else InputNoise(self.noise, self.noise * self.copies)

    def rows(self, features: np.ndarray, targets: np.ndarray) -> Rows:
        """Rows (m, d) of any origin in these coordinates."""
        coordinates = features @ self.basis
        for own, seen in self.parts:
            last = seen.stop - 1
            if not np.any(self.basis[:, last]):
                outside = np.sum(features[:, own] ** 2, axis=1) - np.sum(coordinates[:, seen] ** 2, axis=1)
                coordinates[:, last] = np.sqrt(np.maximum(outside, 0.0) / self.copies[last])
        return as_rows(coordinates, targets)


def turned(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, d) in the eigenbasis of E[x x'] where that is not zero for want of rows, and that basis (d, r)."""
    count, dimension = features.shape
    if dimension == 1:
        return features, np.ones((1, 1))
    if count >= dimension:
        _, basis = np.linalg.eigh(features.T @ features / count)
        return features @ basis, basis
    values, turn = np.linalg.eigh(features @ features.T / count)
    seen = values > LEAST * values[-1]
    sizes, turn = np.sqrt(count * values[seen]), turn[:, seen]
    return turn * sizes, features.T @ turn / sizes


@lru_cache(maxsize=8)
def rotation(samples: Samples) -> tuple[Rows, np.ndarray]:
    """The samples in the eigenbasis of E[x x'] where that is not zero for want of rows, and that basis (d, r)."""
    coordinates, basis = turned(samples.features)
    return as_rows(coordinates, samples.targets, samples.sample_weights), basis


@lru_cache(maxsize=8)
def light_rotation(samples: Samples) -> Rows:
    """The samples of `rotation` in single precision."""
    return light(rotation(samples)[0])


def own_frame(samples: Samples, noise: np.ndarray | None = None) -> tuple[Frame, Rows]:
    """The features themselves as coordinates, for attacks that tell directions apart, with `noise` (d,) on them."""
    dimension = samples.dimension
    everything = (np.arange(dimension), slice(0, dimension))
    return Frame(np.eye(dimension), np.ones(dimension), (everything,), noise), as_rows(
        samples.features, samples.targets, samples.sample_weights
    )


@lru_cache(maxsize=8)
def _parts(samples: Samples, told: bytes) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]:
    """Features, coordinates (n, r) and basis of each part in which what is told of them, rows (., d), is the same."""
    rows = np.frombuffer(told).reshape(-1, samples.dimension)
    kinds, kind = np.unique(rows, axis=1, return_inverse=True)
    owned = [np.flatnonzero(np.ravel(kind) == number) for number in range(kinds.shape[1])[::-1]]
    return tuple((own, *turned(samples.features[:, own])) for own in owned)


def frame_of(
    samples: Samples,
    mean: np.ndarray,
    variance: float,
    weights: np.ndarray | None = None,
    noise: np.ndarray | None = None,
) -> tuple[Frame, Rows, np.ndarray | None]:
    """The coordinates that a start of this mean (d,) and variance per coordinate needs, and the samples in them.

    `weights` (d,) of an attack and `noise` (d,) on the features: within features of equal weight and noise nothing
    tells directions apart, so the rows of each such part are followed in their own space; noise leaves it. Returns the
    weights (r,) of the coordinates as well.
    """
    dimension = samples.dimension
    variance = variance if noise is None else variance + float(np.max(noise))
    if weights is None:
        assert noise is None or not np.ptp(noise)  # an attack that reaches everything leaves no intercept out
        rows, basis = rotation(samples)
        columns, further, copies = _extended(basis, mean, variance)
        if further:
            rows = as_rows(np.pad(rows.columns.T, ((0, 0), (0, further))), samples.targets, samples.sample_weights)
        everything = (np.arange(dimension), slice(0, columns.shape[1]))
        noise = None if noise is None else np.full(columns.shape[1], noise[0])
        return Frame(columns, copies, (everything,), noise), rows, None
    bases, known, counted, parts, own_weights, own_noise = [], [], [], [], [], []
    told = np.asarray([weights] if noise is None else [weights, noise], float).tobytes()
    begin = 0
    for own, coordinates, basis in _parts(samples, told):
        columns, further, copies = _extended(basis, mean[own], variance)
        width = columns.shape[1]
        placed = np.zeros((dimension, width))
        placed[own] = columns
        bases.append(placed)
        known.append(np.pad(coordinates, ((0, 0), (0, further))))
        counted.append(copies)
        parts.append((own, slice(begin, begin + width)))
        own_weights.append(np.full(width, weights[own[0]]))
        own_noise.append(np.full(width, 0.0 if noise is None else noise[own[0]]))
        begin += width
    frame = Frame(
        np.column_stack(bases), np.concatenate(counted), tuple(parts),
        None if noise is None else np.concatenate(own_noise),
    )  # fmt: skip
    return frame, as_rows(np.column_stack(known), samples.targets, samples.sample_weights), np.concatenate(own_weights)


def _extended(basis: np.ndarray, mean: np.ndarray, variance: float) -> tuple[np.ndarray, int, np.ndarray]:
    """The basis (d, r) with what a start needs beside it, how many columns that is, and how often each counts."""
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
    return (np.column_stack([basis, *further]) if further else basis), len(further), copies
