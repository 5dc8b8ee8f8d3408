"""Several budgets at once: features in blocks, such as modalities or channels, each with a budget of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jominy.attacks.base import Attack, NormalReach, Reach
from jominy.data.arrays import described, finite_array
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError
from jominy.numerics.arrays import Array

TINY = 1e-150
FEW = 16
"""Of the features of a block: from so many on nobody needs to know how much its norm fluctuates."""
OFF = 6.0
"""Percent of a risk, times the features of a block; found with blocks of 1 to 16 of 240 features, least squares."""


class BlockReach(Reach):
    """size(X) = sum over blocks of the norm of (weights X) within the block; `block` (d,) numbers them from zero."""

    block: Array
    count: int = eqx.field(static=True)

    def with_weights(self, weights: np.ndarray) -> BlockReach:
        return BlockReach(weights, self.block, self.count)

    def size(self, x: Array) -> Array:
        total = self._sums((self.weights * x) ** 2)
        return jnp.sum(jnp.where(total > 0, jnp.sqrt(jnp.where(total > 0, total, 1.0)), 0.0))

    def slope(self, x: Array) -> Array:
        return self.weights**2 * x / self._norms(x**2)[self.block]

    def smoothed(self, blunt: Array, x: Array) -> tuple[Array, Array, Array]:
        norms = self._norms(x**2 + blunt**2)
        slope = self.weights**2 * x / norms[self.block]
        together = self.block[:, None] == self.block
        bent = jnp.diag(self.weights**2 / norms[self.block])
        return jnp.sum(norms), slope, bent - together * slope[:, None] * slope / norms[self.block]

    def over_normal(self, mean: Array, variance: Array) -> NormalReach:
        norms = self._norms(mean**2 + variance)
        scale = self.weights**2 / norms[self.block]
        return NormalReach(jnp.sum(norms), scale * mean, scale, scale**2 * (mean**2 + variance))

    def strongest(self, pull: np.ndarray) -> tuple[float, int | None]:
        weights, block = np.asarray(self.weights), np.asarray(self.block)
        within = weights > 0
        each = np.where(within, np.asarray(pull) / np.where(within, weights, 1.0), 0.0)
        return float(np.sqrt(np.max(np.bincount(block, each**2, self.count)))), None

    def _sums(self, values: Array) -> Array:
        return jax.ops.segment_sum(values, self.block, self.count)

    def _norms(self, squares: Array) -> Array:
        """(G,) of the blocks, from the squares of the weights X; a block at rest pulls at nothing."""
        return jnp.sqrt(jnp.maximum(self._sums(self.weights**2 * squares), TINY))


@dataclass(frozen=True, eq=False, repr=False, init=False)
class BlockL2(Attack):
    """Perturbations whose l2 norm within block g of the features is at most radius * budget_g, all blocks at once.

    For data of several sources, such as image and text, or sensors of which some are easier to reach: an attack may use
    up every budget, and moves a score by radius * sum_g budget_g ||X_g||. With one block it is `L2()`. A block that is
    not worth its price ends with weights that are all zero.

    On samples and on Gaussian mixtures, where the forecast is exact in the limit of blocks of many features: against
    streaming SGD at d = 200 (three blocks of 50 to 100 features, 300 runs, least squares and logistic) risks are within
    .6 %, 2.8 standard errors. A block of n features has a norm that fluctuates, and risks are off by up to about 6 / n
    percent. With a loss of several classes use one budget.

    Parameters
    ----------
    block : (d,) whole numbers from 0: the block of each feature
    budget : (G,) >= 0, not all zero; a block of budget 0 cannot be touched. None: one for every block

    Raises
    ------
    InputError
        Blocks that are no whole numbers from 0, another number of budgets, nothing that can be attacked.

    Notes
    -----
    Source: theory `attacks.md` section 2 (several budgets at once).

    Examples
    --------
    >>> BlockL2([0, 0, 1], budget=[1.0, 0.3])
    BlockL2(3 features in 2 blocks)
    """

    block: np.ndarray
    budget: np.ndarray

    def __init__(self, block: ArrayLike, budget: ArrayLike | None = None) -> None:
        given = finite_array(block, "blocks of an attack")
        if given.ndim != 1 or given.size == 0 or np.any(given < 0) or np.any(given != np.rint(given)):
            raise InputError(
                "The blocks of an attack are one whole number from 0 per feature", block, "Such as [0, 0, 1, 1, 1]"
            )
        numbers = given.astype(int)
        count = int(numbers.max()) + 1
        if count > numbers.size:
            raise InputError("Blocks are numbered from 0 without gaps", f"block {count - 1}", "Such as [0, 0, 1]")
        budgets = np.ones(count) if budget is None else finite_array(budget, "budgets of an attack")
        if budgets.shape != (count,) or np.any(budgets < 0) or not np.any(budgets[numbers]):
            raise InputError(
                f"An attack on {count} blocks has {count} budgets >= 0, not all of them zero", budget,
                f"Give {count} numbers; for no attack say radius=0",
            )  # fmt: skip
        object.__setattr__(self, "block", numbers)
        object.__setattr__(self, "budget", budgets)

    @property
    def quadratic(self) -> bool:
        return False

    @property
    def rows_alone(self) -> bool:
        return True

    def budgets(self, dimension: float) -> np.ndarray | None:
        if len(self.block) != dimension:
            raise InputError(
                "An attack has one block for each feature",
                f"{len(self.block)} blocks for {dimension:g} features",
                f"Give {dimension:g} numbers",
            )
        return self.budget[self.block]

    def reach(self, budgets: np.ndarray) -> Reach:
        return BlockReach(budgets, self.block, len(self.budget))

    @property
    def of_inner_products(self) -> bool:
        return True

    def of(self, law: EigenLaw | DenseLaw) -> EigenLaw | DenseLaw:
        if not law.listed:
            return law.under(np.ones(1))  # which refuses it
        budgets = self.budgets(law.dimension)
        assert budgets is not None
        return law.under_blocks(budgets**2, self.block)

    def remarks(self, radius: float, dimension: float) -> list[str]:
        smallest = int(np.min(np.bincount(self.block)[self.budget > 0]))
        if radius == 0 or smallest >= FEW:
            return []
        return [
            f"The smallest block has {smallest} features: the forecast takes the norm of a block for its root mean "
            f"square, and risks are too large by up to about {OFF / smallest:.2g} %."
        ]

    def describe(self) -> dict[str, Any]:
        return {"kind": "BlockL2", "block": described(self.block), "budget": described(self.budget)}

    def __repr__(self) -> str:
        return f"BlockL2({len(self.block)} features in {len(self.budget)} blocks)"
