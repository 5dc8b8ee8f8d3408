"""Starts of many runs at once, for every engine that follows single students: SGD and homogenized SGD."""

from typing import Any

import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import Groups, Nodes
from jominy.dynamics.start import random_variance, start_dense, start_in_eigenbasis
from jominy.numerics.streams import stream

START_PURPOSE = 1000
"""The random stream of a random start."""


def few_groups(law: EigenLaw, nodes: Nodes) -> bool:
    """Whether group coordinates are fewer numbers than the vector itself (or the vector is too long to list)."""
    return nodes.shares.size * (nodes.teacher.shape[0] + 2) < law.dimension / 2 or not law.listed


def rest_dimensions(law: EigenLaw, nodes: Nodes) -> np.ndarray:
    """(G,) dimensions of each group outside its basis."""
    # A group that its basis fills has none, and not what rounding of lengths leaves.
    return np.rint(nodes.shares * law.dimension) - np.rint(np.einsum("aaq->q", nodes.gram))


def random_starts(start: Any, seeds: list[int], dimension: int) -> np.ndarray:
    """(seeds, d) random part of the start; a random start has the same law in every basis."""
    size = np.sqrt(random_variance(start) / dimension)
    if size == 0:
        return np.zeros((len(seeds), dimension))
    return np.stack([size * stream(seed, START_PURPOSE).standard_normal(dimension) for seed in seeds])


def dense_starts(law: DenseLaw, start: Any, seeds: list[int]) -> np.ndarray:
    """(seeds, d) vectors."""
    return start_dense(start, law) + random_starts(start, seeds, law.dimension)


def coordinate_starts(law: EigenLaw, start: Any, seeds: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Eigen-coordinates (seeds, 1, d), and (seeds, 0): nothing is outside the basis."""
    vectors = start_in_eigenbasis(start, law) + random_starts(start, seeds, int(law.dimension))
    return vectors[:, None, :], np.zeros((len(seeds), 0))


def fixed_in_groups(
    law: EigenLaw, groups: tuple[Nodes, np.ndarray, Groups], start: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The fixed part of a start: group coordinates (A, G), and the square norm (G,) of what is outside the basis."""
    nodes, frame, grouping = groups
    vector = start_in_eigenbasis(start, law)
    coordinates = np.array([grouping.sums(vector * unit) for unit in frame]).reshape(nodes.teacher.shape)
    return coordinates, np.maximum(grouping.sums(vector**2) - np.sum(coordinates**2, axis=0), 0.0)


def group_starts(
    law: EigenLaw, groups: tuple[Nodes, np.ndarray, Groups], start: Any, seeds: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Group coordinates (seeds, A, G), and the square norm (seeds, G) of what is outside the basis.

    A fixed part, plus the law of a random start's projections.
    """
    nodes = groups[0]
    present = np.einsum("aaq->aq", nodes.gram)
    coordinates, square = fixed_in_groups(law, groups, start)
    rest = np.sqrt(square)
    free = rest_dimensions(law, nodes)
    size = np.sqrt(random_variance(start) / law.dimension)

    def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
        generator = stream(seed, START_PURPOSE)
        along = present * generator.standard_normal(coordinates.shape)
        beside = generator.standard_normal(rest.shape)
        beyond = np.where(free > 1, 2 * generator.standard_gamma(np.maximum(free - 1, 1) / 2), 0.0)
        moved = (rest + size * beside) ** 2 + size**2 * beyond
        return coordinates + size * along, np.where(free > 0, moved, 0.0)

    drawn = [draw(seed) for seed in seeds]
    return np.stack([one[0] for one in drawn]), np.stack([one[1] for one in drawn])
