"""Trees of numbers as rows of a table, for programs that take a step for each: one array is handed over, not dozens."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.numerics.arrays import Array


class Columns(NamedTuple):
    """Which columns of a table are which leaf of a tree.

    >>> columns = Columns.of({"a": 1.0, "b": np.zeros(2)})
    >>> table = columns.table({"a": np.arange(3.0), "b": np.ones((3, 2))})
    >>> table.shape, columns.tree(table)["a"].tolist(), columns.tree(table[0])["b"].tolist()
    ((3, 3), [0.0, 1.0, 2.0], [1.0, 1.0])
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, row: Any) -> "Columns":
        """Of a tree such as stands in one row."""
        leaves, structure = jax.tree.flatten(row)
        return cls(structure, tuple(np.shape(leaf) for leaf in leaves))

    def table(self, tree: Any) -> np.ndarray:
        """The (T, F) table of a tree of NumPy arrays (T, ...)."""
        leaves = [np.asarray(leaf, dtype=float) for leaf in jax.tree.leaves(tree)]
        return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)

    def row(self, tree: Any) -> Array:
        """The (F,) row of a tree, within a program."""
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(tree)])

    def tree(self, table: Any) -> Any:
        """The tree of a table (..., F), or of one row within a program."""
        leaves, at = [], 0
        for shape in self.shapes:
            size = math.prod(shape)
            leaves.append(table[..., at : at + size].reshape((*table.shape[:-1], *shape)))
            at += size
        return jax.tree.unflatten(self.structure, leaves)
