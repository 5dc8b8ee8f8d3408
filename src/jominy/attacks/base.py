"""What an adversary may add to an input, and how far that can move a score.

A linear model's score <X, x + delta> is moved by at most the margin shift s = radius * size(X), where size is the dual
norm of the set of perturbations at radius one. That is the only way in which an attack enters the theory: losses know
the shift alone, and a law of data knows which quadratic form the size is.

Source: theory `attacks.md` sections 0 and 2.
"""

from __future__ import annotations

import abc
from typing import Any

import numpy as np


class Attack(abc.ABC):
    """A set of perturbations {delta}, scaled by the radius, whose size is the root of a quadratic form of X.

    A new attack of this kind says its `form`; everything else follows.
    """

    @abc.abstractmethod
    def form(self, dimension: int) -> np.ndarray | None:
        """M with size(X)^2 = X' M X in the user's coordinates: (d,) its diagonal, (d, d), or None for the identity.

        InputError where the attack is for another dimension.
        """

    @property
    def isotropic(self) -> bool:
        """Whether the form is the identity: what holds for l2 alone may then be used."""
        return False

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """The attack as a JSON-able record."""
