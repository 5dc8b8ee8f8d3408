"""What is known of an adversarial optimum."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.schedules import Polyak, Schedule

FOUND = 1e-4
"""Relative slopes below which a descent is at its end: the risk is then right to about the product with the weights."""


@dataclass(frozen=True)
class Optimum:
    """The minimiser X0 of the adversarial risk.

    Attributes
    ----------
    adversarial_risk : float, R(X0)
    norm : float, ||X0||
    regime : "interpolating" (X0 is the teacher), "shrink" or "collapse" (X0 = 0) for least squares; "interior" or
        "collapse" for other losses; "separable" where the risk falls to its infimum only at infinity
    radius : float, the radius of the problem
    collapse_radius : float, the radius from which on X0 = 0; NaN where it is not known (several classes)
    ridge : float or None, for one centred class and the squared loss: X0 = (K + ridge I)^{-1} K X*
    vector : (d,) array or None, X0 in the coordinates of the data (None in infinite dimension); (K, d) of K classes
    collapse_feature : int or None, the feature that sets the collapse radius, where one alone does (l_inf attacks): the
        last one to be used as the radius grows
    slope : float or None, of the risk where its descent ended, relative to that at zero, told of several classes. Where
        it is not small the attack itself has many local maxima, and the risk is that of the best weights found
    """

    adversarial_risk: float
    norm: float
    regime: str
    radius: float
    collapse_radius: float
    ridge: float | None
    vector: np.ndarray | None
    collapse_feature: int | None = None
    slope: float | None = None

    @property
    def found(self) -> bool:
        """Whether this is the optimum, and not only the best that a descent came to."""
        return self.slope is None or self.slope < FOUND

    def require_for(self, schedule: Schedule) -> None:
        """InputError for a schedule that steers towards an optimum that there is not."""
        if self.regime == "separable" and isinstance(schedule, Polyak):
            raise InputError(
                "Polyak's rate needs an adversarial optimum, and this risk has none: it falls with the norm",
                f"classes that can be separated at radius {self.radius:g}",
                "Use a larger radius, or another schedule such as `Constant(0.5)`",
            )

    def notes(self) -> list[str]:
        """What a reader of a result should know about the optimum."""
        if not self.found:
            return [
                f"The descent to the optimum ended early (slope {self.slope:.1g} of that at zero): the attack has many "
                "local maxima, or many weights sit at corners. The risk is an upper bound of the least one."
            ]
        if self.regime == "interior" and self.adversarial_risk == 0 and self.slope is None:
            return ["The classes are so far apart that the risk of the optimum is below the smallest number, 1e-308."]
        if self.regime != "separable":
            return []
        return [
            f"At radius {self.radius:g} the classes can be separated: the risk falls to its infimum as the norm grows, "
            "so there is no adversarial optimum and no distance to it."
        ]

    def describe(self) -> dict[str, Any]:
        """Everything but the vector, JSON-able."""
        names = ("adversarial_risk", "norm", "regime", "radius", "collapse_radius", "ridge")
        told = {name: getattr(self, name) for name in names}
        if np.isnan(self.collapse_radius):
            told["collapse_radius"] = None
        more = {"collapse_feature": self.collapse_feature, "slope": self.slope}
        return told | {name: value for name, value in more.items() if value is not None}
