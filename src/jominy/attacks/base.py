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

import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError


class Reach(NamedTuple):
    """How far each weight (d,) lets an attack on single features move a score: size(X) = sum of `weights` |X|."""

    weights: np.ndarray


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
            return Reach((within if budgets is None else within * budgets) / np.sqrt(within.size))
        form = self.form(within.size)
        if not np.any(untouched):
            return form
        return within if form is None else within * form if form.ndim == 1 else within[:, None] * form * within

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """The attack as a JSON-able record."""

    def _refuse(self, what: str) -> NoReturn:
        raise InputError(f"The size of this attack is not {what}", type(self).__name__, "Use `L2()` or `LInf()`")
