"""Where constant-rate training of least squares ends.

Source: theory `dynamics.md` section 4.3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.data import Samples
from jominy.data.laws import EigenLaw
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import SquaredLoss
from jominy.schedules.base import require_rate

MEAN_ABS = float(np.sqrt(2 / np.pi))


@dataclass(frozen=True)
class Stationary:
    """The state in which training at a constant rate ends.

    Attributes
    ----------
    adversarial_risk : float
    norm : float, ||X||
    residual_variance : float, sigma^2 = E (y - <X, x>)^2
    ridge : float, the limiting effective ridge; the mean of X is the ridge solution with it
    rate, critical_rate : float, the rate and the one from which on the risk grows without bound
    """

    adversarial_risk: float
    norm: float
    residual_variance: float
    ridge: float
    rate: float
    critical_rate: float

    def describe(self) -> dict[str, Any]:
        """The state as a JSON-able record."""
        return dict(vars(self))


def stationary(problem: Problem, rate: float) -> Stationary:
    """Where least squares on one centred class ends under a constant learning rate: one scalar equation.

    kappa^2 b0 = eps^2 [a0 (1 - g q b1) + g q b0 a1], kappa = eps rho / sigma; see the theory page for the sums.

    Raises
    ------
    InputError
        Another loss, several classes or class means, radius 0 or rate 0, or a rate at or above 2 d / tr K.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> end = jm.stationary(jm.Problem(data, jm.SquaredLoss(), radius=0.5), rate=0.5)
    >>> round(end.adversarial_risk, 8), round(end.ridge, 8)
    (0.52521416, 0.40045187)
    """
    law = None if isinstance(problem.data, Samples) else problem.data.law
    if not (
        isinstance(law, EigenLaw)
        and isinstance(problem.loss, SquaredLoss)
        and len(law.weights) == 1
        and not np.any(law.means)
        and law.teacher is not None
        and problem.radius > 0
    ):
        raise InputError(
            "The stationary state is for least squares on one centred class with a teacher, at a radius > 0",
            problem,
            "Use LinearTeacher and SquaredLoss(), or forecast over a long time",
        )
    import scipy.optimize  # here, because it takes a third of a second that other commands need not pay

    rate = require_rate(rate)
    k, mass, shares = law.eigenvalues[0], law.teacher**2, law.shares
    critical = 2 / float(k @ shares)
    if not 0 < rate < critical:
        raise InputError(f"A stationary state needs a rate between 0 and 2 d / tr K = {critical:.6g}", rate)
    eps2 = problem.radius**2

    def sums(kappa: float) -> tuple[float, float, float, float, float, float]:
        grown = 1 + MEAN_ABS * kappa
        ridge = eps2 * (kappa + MEAN_ABS) / (kappa * grown)
        kick = rate * (1 + 2 * MEAN_ABS * kappa + kappa**2) / (2 * grown)
        shrink = k / (k + ridge)
        a0 = float(mass @ shrink**2)
        b0 = float(law.noise_variance + (k * mass) @ (ridge / (k + ridge)) ** 2)
        return a0, b0, float(shares @ shrink), float(shares @ (k * shrink)), kick, ridge

    def balance(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        a0, b0, a1, b1, kick, _ = sums(kappa)
        return kappa**2 * b0 - eps2 * (a0 * (1 - kick * b1) + kick * b0 * a1)

    # The admissible states have g q b1 < 1, which holds up to some kappa; the balance is negative for small kappa.
    grid = np.linspace(-30.0, 12.0, 2001) + 1e-5 * np.pi  # offset: exact zeros on round numbers are lost by sign tests
    values = np.array([balance(point) for point in grid])
    changes = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    log_kappa = next(
        root
        for root in (scipy.optimize.brentq(balance, grid[i], grid[i + 1], xtol=1e-14) for i in changes)
        if (found := sums(np.exp(root)))[4] * found[3] < 1
    )
    kappa = float(np.exp(log_kappa))
    a0, b0, a1, b1, kick, ridge = sums(kappa)
    variance = b0 / (1 - kick * b1)
    norm = kappa * np.sqrt(variance) / problem.radius
    risk = (variance + 2 * MEAN_ABS * problem.radius * norm * np.sqrt(variance) + eps2 * norm**2) / 2
    return Stationary(float(risk), float(norm), float(variance), float(ridge), rate, critical)
