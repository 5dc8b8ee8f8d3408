"""Balls between the l2 and the l_inf ball, and between l1 and l2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jominy.attacks.base import Attack, NormalReach, Reach
from jominy.attacks.linf import LInf
from jominy.data.arrays import described
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.signs import power_averages

LOWEST, HIGHEST = 1.1, 50.0
"""Of p: nearer to one the shift is carried by few weights, and beyond nobody tells it from l_inf."""
LOWEST_ON_MIXTURES = 1.5
TINY = 1e-150


class PowerReach(Reach):
    """size(X) = (sum of (weights |X|)^q)^(1/q), q the dual exponent > 1."""

    power: Array

    def with_weights(self, weights: np.ndarray) -> PowerReach:
        return PowerReach(weights, self.power)

    def size(self, x: Array) -> Array:
        return self._root(self._powers(jnp.abs(x)))

    def slope(self, x: Array) -> Array:
        lengths = jnp.abs(x)
        size = jnp.maximum(self.size(x), TINY)
        return self.weights * (self.weights * lengths / size) ** (self.power - 1) * jnp.sign(x)

    def smoothed(self, blunt: Array, x: Array) -> tuple[Array, Array, Array]:
        q, lengths = self.power, jnp.sqrt(x**2 + blunt**2)
        size = jnp.maximum(self._root(self._powers(lengths)), TINY)
        rise = self.weights * (self.weights * lengths / size) ** (q - 1)  # by the lengths
        along, bent = x / lengths, (1 - (x / lengths) ** 2) / lengths
        slope = rise * along
        own = (q - 1) * rise / lengths * along**2 + rise * bent
        return size, slope, jnp.diag(own) - (q - 1) * slope[:, None] * slope / size

    def over_normal(self, mean: Array, variance: Array) -> NormalReach:
        q = self.power
        found = power_averages(mean, variance, q, TINY)
        size = jnp.maximum(self._root(self.weights**q * found.size), TINY)
        scale = self.weights**q * size ** (1 - q)
        return NormalReach(size, scale * found.slope, scale * found.bend, scale**2 * found.square)

    def strongest(self, pull: np.ndarray) -> tuple[float, int | None]:
        within, p = np.asarray(self.weights) > 0, self.power / (self.power - 1)
        each = np.where(within, np.abs(pull) / np.where(within, self.weights, 1.0), 0.0)
        largest = np.max(each)
        return float(largest * np.sum((each / largest) ** p) ** (1 / p)) if largest > 0 else 0.0, None

    def _powers(self, lengths: Array) -> Array:
        return (self.weights * lengths) ** self.power

    def _root(self, powers: Array) -> Array:
        total = jnp.sum(powers)
        return jnp.where(total > 0, jnp.where(total > 0, total, 1.0) ** (1 / self.power), 0.0)


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Lp(Attack):
    """Perturbations whose entries divided by their budgets have an l_p norm of at most radius * d^(1/p - 1/2).

    They move a score by radius * (mean of (budget |u|)^q)^(1/q) over the features, u = sqrt(d) X, with q = p / (p - 1):
    l2 at p = 2, and towards l_inf as p grows; where all |X_j| are equal, radii of every p mean the same. Between 2 and
    infinity an attack may be at home in many features at once, and still be dear in each. Below 2 it is in few.

    Forecasts, SGD, optimum and collapse radius on samples (a Gaussian closure as for l_inf) and on mixtures with
    covariances that are diagonal in the features (p from 1.5; exact, as for l_inf: risks to 3e-6); as another
    attack in `evaluate_at` on samples, and on mixtures as l_inf is.

    Parameters
    ----------
    p : from 1.1 to 50
    budget : (d,) >= 0 as in `LInf`; None: one for every feature

    Raises
    ------
    InputError
        Another p, with the way out; bad budgets.

    Notes
    -----
    Source: theory `attacks.md` sections 1, 3 and 4 (the sums with q in place of signs).

    Examples
    --------
    >>> Lp(4).describe()
    {'kind': 'Lp', 'p': 4.0}
    """

    p: float
    budget: np.ndarray | None

    def __init__(self, p: float, budget: ArrayLike | None = None) -> None:
        good = isinstance(p, (int, float, np.number)) and not isinstance(p, bool) and LOWEST <= p <= HIGHEST
        if not good:
            infinite = isinstance(p, (int, float)) and p > HIGHEST
            step = "Use `LInf()`" if infinite else "A shift in l1 is carried by the largest weight alone: take p >= 1.1"
            raise InputError(f"The p of an l_p attack is a number from {LOWEST:g} to {HIGHEST:g}", p, step)
        object.__setattr__(self, "p", float(p))
        object.__setattr__(self, "budget", LInf(budget).budget)

    @property
    def quadratic(self) -> bool:
        return False

    @property
    def rows_alone(self) -> bool:
        return True

    @property
    def power(self) -> float:
        """The dual exponent q."""
        return self.p / (self.p - 1)

    def budgets(self, dimension: float) -> np.ndarray | None:
        return LInf(self.budget).budgets(dimension)

    def reach(self, budgets: np.ndarray) -> Reach:
        power = np.asarray(self.power)
        return PowerReach(budgets * budgets.size ** (0.5 - 1 / self.power), power)

    def of(self, law: EigenLaw | DenseLaw) -> EigenLaw | DenseLaw:
        if self.p < LOWEST_ON_MIXTURES:
            raise InputError(
                f"On a mixture l_p is known for p from {LOWEST_ON_MIXTURES:g}: below, its pull on weights grows "
                "so steeply that finite volumes fail",
                f"p = {self.p:g}",
                "Draw rows, Samples(X, y), or use a larger p",
            )
        return law.moved_by_feature(self.budgets(law.dimension), self.power)

    def data_units(self, dimension: int) -> float:
        # There a radius is the l_p norm of what is added.
        return float(dimension ** (0.5 - 1 / self.p))

    def remarks(self, radius: float, dimension: float) -> list[str]:
        norm = radius * dimension ** (1 / self.p - 0.5)
        return [f"l_p at p = {self.p:g} and radius {radius:.4g}: perturbations have an l_p norm of at most {norm:.4g}."]

    def describe(self) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": "Lp", "p": self.p}
        return told if self.budget is None else told | {"budget": described(self.budget)}

    def __repr__(self) -> str:
        if self.budget is None:
            return f"Lp({self.p:g})"
        return f"Lp({self.p:g}, {len(self.budget)} features, {np.count_nonzero(self.budget == 0)} of them out of reach)"
