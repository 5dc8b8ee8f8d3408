"""The problem: data, loss and radius. Every engine starts from it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.data import GaussianMixture, Samples
from jominy.errors import InputError
from jominy.losses import Loss


@dataclass(frozen=True)
class Problem:
    """Adversarial training of x -> <X, x> on `data` with `loss` under attacks of l2 norm at most `radius`.

    Minimises R(X) = E max_{||delta|| <= radius} loss(<X, x + delta>, y).

    Parameters
    ----------
    data : GaussianMixture, LinearTeacher or Samples
    loss : a loss object, such as SquaredLoss() or LogisticLoss()
    radius : float, the l2 norm of the attack in the data's scaled units (||x||^2 ~ d)

    Raises
    ------
    InputError
        Negative radius; data or loss of the wrong kind; a classification loss without labels -1, +1.

    Examples
    --------
    >>> import jominy as jm
    >>> Problem(jm.LinearTeacher(jm.identity(100)), jm.SquaredLoss(), radius=0.5).radius
    0.5
    """

    data: GaussianMixture | Samples
    loss: Loss
    radius: float

    def __post_init__(self) -> None:
        if not isinstance(self.data, GaussianMixture | Samples):
            raise InputError(
                "The data of a problem must be a GaussianMixture, a LinearTeacher or Samples",
                type(self.data).__name__,
                "Wrap your own arrays as Samples(X, y)",
            )
        if not isinstance(self.loss, Loss):
            raise InputError(
                "The loss of a problem must be a loss object",
                self.loss,
                "Use for instance SquaredLoss() or LogisticLoss()",
            )
        object.__setattr__(self, "radius", require_radius(self.radius))
        if self.loss.needs_classes and not self.data.classification:
            raise InputError(
                f"{type(self.loss).__name__} is a classification loss and needs labels -1 and +1",
                "targets without such labels",
                "Give labels=[...] for the components (or two kinds of y in Samples), or use SquaredLoss()",
            )

        self.loss.check(self.data)

    def describe(self) -> dict[str, Any]:
        """The problem as a JSON-able record."""
        return {"data": self.data.describe(), "loss": self.loss.describe(), "radius": self.radius}


def require_radius(value: Any) -> float:
    """A finite radius >= 0, or an error that says so."""
    try:
        radius = float(value)
    except (TypeError, ValueError):
        radius = np.nan
    if not (np.isfinite(radius) and radius >= 0):
        raise InputError(
            "A radius must be a finite number >= 0",
            value,
            "It is the l2 norm of the attack in units where ||x||^2 is about the dimension; values of 0 to 2 are usual",
        )
    return radius
