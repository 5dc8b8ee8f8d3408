"""The state in which training ends, as users see it."""

from dataclasses import dataclass
from typing import Any

from jominy.results import Status


@dataclass(frozen=True)
class Stationary:
    """The state in which training at a constant rate ends.

    Attributes
    ----------
    adversarial_risk : float
    norm : float, ||X||
    distance_to_optimum : float, ||X - X0||, X0 the adversarial optimum; infinite where that is
    residual_variance : float or None, sigma^2 = E (y - <X, x>)^2 for one class and a residual loss
    ridge : float, for least squares on one centred class the limiting effective ridge, with which the mean of X is the
        ridge solution; otherwise E Psi_rho / ||X||, what the attack adds to the Hessian. Under l_inf Gamma = E Psi_rho,
        by which it pulls every weight sqrt(d) X_j of budget one towards zero
    rate, critical_rate : float, the rate, and the one from which on the risk may grow without bound
    status, advice : str, "completed", "diverged" (then all values are infinite) or "step limit reached" (no state at
        rest was found within the longest forecast; the values are those of its end), and what it means
    """

    adversarial_risk: float
    norm: float
    distance_to_optimum: float
    residual_variance: float | None
    ridge: float
    rate: float
    critical_rate: float
    status: str = Status.COMPLETED.label
    advice: str = "The state is a fixed point of the equations."

    def describe(self) -> dict[str, Any]:
        """The state as a JSON-able record."""
        return dict(vars(self))
