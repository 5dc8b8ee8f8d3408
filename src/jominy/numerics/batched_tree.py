"""Trees of one structure side by side, for programs that are mapped over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np


@partial(jax.tree_util.register_dataclass, data_fields=["tree"], meta_fields=["own"])
@dataclass(frozen=True)
class BatchedTree:
    """P trees of one structure as one `tree`: leaves (P, ...) where `own` is true, and once what all of them share.

    >>> both = BatchedTree.of([(1.0, (shared := np.ones(3))), (2.0, shared)])
    >>> both.own, both.tree[0].tolist(), both.tree[1].shape
    ((True, False), [1.0, 2.0], (3,))
    >>> jax.vmap(lambda tree: tree[0] + tree[1].sum(), in_axes=(both.axes,))(both.tree).tolist()
    [4.0, 5.0]
    """

    tree: Any
    own: tuple[bool, ...]

    @classmethod
    def of(cls, trees: Sequence[Any], *, all_own: bool = False) -> "BatchedTree":
        """Leaves that are one object in all the trees are shared, unless `all_own`."""
        structure = jax.tree.structure(trees[0])
        if len(trees) == 1 and not all_own:
            return cls(trees[0], (False,) * len(jax.tree.leaves(trees[0])))
        columns = list(zip(*(jax.tree.leaves(tree) for tree in trees), strict=True))
        own = tuple(all_own or any(leaf is not column[0] for leaf in column) for column in columns)
        leaves = [np.stack(column) if differs else column[0] for column, differs in zip(columns, own, strict=True)]
        return cls(jax.tree.unflatten(structure, leaves), own)

    @property
    def flags(self) -> Any:
        """The tree with `own` in place of its leaves."""
        return jax.tree.unflatten(jax.tree.structure(self.tree), self.own)

    @property
    def axes(self) -> Any:
        """The tree with what `jax.vmap` wants of it as `in_axes` in place of its leaves."""
        return jax.tree.unflatten(jax.tree.structure(self.tree), [0 if own else None for own in self.own])

    def rows(self, index: np.ndarray) -> "BatchedTree":
        """Some of the trees."""
        leaves = [leaf[index] if own else leaf for leaf, own in zip(jax.tree.leaves(self.tree), self.own, strict=True)]
        return BatchedTree(jax.tree.unflatten(jax.tree.structure(self.tree), leaves), self.own)

    def sharing(self, **parts: Any) -> "BatchedTree":
        """With further fields that all the trees, which are named tuples, share."""
        shared = jax.tree.map(lambda leaf: False, parts)
        return BatchedTree(self.tree._replace(**parts), tuple(jax.tree.leaves(self.flags._replace(**shared))))

    def made_into(self, function: Callable[..., Any], *others: "BatchedTree") -> "BatchedTree":
        """`function`, which only rearranges, of these and other trees."""
        everyone = (self, *others)
        flags = function(*(one.flags for one in everyone))
        return BatchedTree(function(*(one.tree for one in everyone)), tuple(jax.tree.leaves(flags)))


def with_axis(tree: Any) -> Any:
    """Leaves (1, ...): one point as P = 1 points."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[None], tree)
