"""What an adversary may add to an input, and how far that can move a score.

A linear model's score <X, x + delta> is moved by at most the margin shift s = radius * size(X), where size is the dual
norm of the set of perturbations at radius one. That is the only way in which an attack enters the theory: losses know
the shift alone, and a law of data knows what the size is.

Two kinds of size are known. The root of a quadratic form (`Attack.form`): nodes keep inner products, and everything is
linear in the weights. A sum over the single weights (`Attack.budgets`): the laws of the single weights are followed.

Source: theory `attacks.md` sections 0 to 3.
"""

from __future__ import annotations

import abc
from typing import Any, NamedTuple, NoReturn

import jax.numpy as jnp
import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.signs import sign_averages

SMALLEST = 1e-30
"""Variance below which a weight is a point."""


class Reach(Module):
    """How far each weight (d,) lets an attack on single features move a score: size(X) = sum of `weights` |X|."""

    weights: Array

    def with_weights(self, weights: np.ndarray) -> Reach:
        """The same sum with other weights."""
        return Reach(weights)

    def size(self, x: Array) -> Array:
        """size(X) of one student (d,)."""
        return self.weights @ jnp.abs(x)

    def slope(self, x: Array) -> Array:
        """(d,) its gradient, zero where that jumps."""
        return self.weights * jnp.sign(x)

    def smoothed(self, blunt: Array, x: Array) -> tuple[Array, Array, Array]:
        """The size with |X_j| rounded to sqrt(X_j^2 + blunt^2), its gradient (d,) and Hessian (d, d)."""
        lengths = jnp.sqrt(x**2 + blunt**2)
        bent = self.weights * (1 - (x / lengths) ** 2) / lengths
        return self.weights @ lengths, self.weights * x / lengths, jnp.diag(bent)

    def over_normal(self, mean: Array, variance: Array) -> NormalReach:
        """Averages over independent normal weights (d,); a variance of next to nothing is that of a point."""
        found = sign_averages(mean, variance, SMALLEST)
        # The slope of E sign X_j in the mean is twice the density at zero, and E sign^2 is one.
        slope, bend = self.weights * found.sign, self.weights * 2 * found.density
        return NormalReach(self.weights @ found.size, slope, bend, self.weights**2)

    def strongest(self, pull: np.ndarray) -> tuple[float, int | None]:
        """The largest <pull, delta> over the attack's set at radius one, and the feature that alone sets it."""
        within = np.asarray(self.weights) > 0
        each = np.where(within, np.abs(pull) / np.where(within, self.weights, 1.0), -1.0)
        return float(np.max(each)), int(np.argmax(each))


class NormalReach(NamedTuple):
    """Over normal weights: E size(X), and of its gradient (d,) the mean, the slope in the mean, and the mean square."""

    size: Array
    slope: Array
    bend: Array
    square: Array


class Attack(abc.ABC):
    """A set of perturbations {delta}, scaled by the radius.

    A new attack says its `form` where its size is the root of a quadratic form of X, or else that it is not
    `quadratic`, and its `budgets`; everything else follows.
    """

    @property
    def isotropic(self) -> bool:
        """Whether the form is the identity: what holds for l2 alone may then be used."""
        return False

    @property
    def quadratic(self) -> bool:
        """Whether size(X)^2 is a quadratic form of X; otherwise size(X) is a sum over single weights."""
        return True

    @property
    def of_inner_products(self) -> bool:
        """Whether inner products of the weights tell its size on a mixture; otherwise each weight is followed."""
        return self.quadratic

    def form(self, dimension: int) -> np.ndarray | None:
        """M with size(X)^2 = X' M X in the user's coordinates: (d,) its diagonal, (d, d), or None for the identity.

        InputError where the attack is for another dimension, or has no form.
        """
        self._refuse("a quadratic form")

    def budgets(self, dimension: float) -> np.ndarray | None:
        """(d,) b >= 0 with size(X) = sum_j b_j |X_j| / sqrt(d), or None where all are one.

        InputError where the attack is for another dimension, or is no such sum.
        """
        self._refuse("a sum over single weights")

    def of(self, law: EigenLaw | DenseLaw) -> EigenLaw | DenseLaw:
        """The law of a mixture with all that this attack needs to know of its coordinates."""
        if self.isotropic:
            return law.under_norm()
        form = self.form(int(law.dimension)) if law.listed else np.ones(1)  # which the law then refuses
        assert form is not None
        return law.under(form)

    def data_units(self, dimension: int) -> float:
        """What a radius that is given for the features of the data is multiplied by, beside their scale."""
        return 1.0

    def remarks(self, radius: float, dimension: float) -> list[str]:
        """What a reader of a result should know of this attack."""
        return []

    def on_rows(self, untouched: np.ndarray) -> np.ndarray | Reach | None:
        """What the size on rows is made of, none of it on the features (d,) that are `untouched`: a form or a reach."""
        within = np.where(untouched, 0.0, 1.0)
        if not self.quadratic:
            budgets = self.budgets(within.size)
            return self.reach(within if budgets is None else within * budgets)
        form = self.form(within.size)
        if not np.any(untouched):
            return form
        return within if form is None else within * form if form.ndim == 1 else within[:, None] * form * within

    def reach(self, budgets: np.ndarray) -> Reach:
        """What the size of an attack on single features is made of, with these budgets (d,)."""
        return Reach(budgets / np.sqrt(budgets.size))

    @property
    def rows_alone(self) -> bool:
        """Whether the size is known for one score per row alone."""
        return False

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """The attack as a JSON-able record."""

    def _refuse(self, what: str) -> NoReturn:
        raise InputError(f"The size of this attack is not {what}", type(self).__name__, "Use `L2()` or `LInf()`")
