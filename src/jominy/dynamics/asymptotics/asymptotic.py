"""How fast Polyak's rate and exact line search approach the optimum in the end."""

from dataclasses import dataclass

import numpy as np

from jominy.dynamics.laws.representations import representations
from jominy.dynamics.least_squares import MEAN_ABS, is_centred_least_squares
from jominy.dynamics.optima.optimum import population_optimum
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.schedules import ExactLineSearch, Polyak, Schedule


@dataclass(frozen=True)
class AsymptoticRate:
    """The law of the square distance D^2 to the optimum at late times.

    Attributes
    ----------
    kind : "inverse time" (t D^2 tends to `value`) or "exponential" (D^2 falls like exp(-value t))
    value : float
    """

    kind: str
    value: float


@double_precision
def asymptotic_rate(problem: Problem, schedule: Schedule) -> AsymptoticRate:
    """The end of training under Polyak's rate or exact line search, for isotropic least squares (K = I, one class).

    In the shrink regime t D^2 -> 2 R0 / (A + B)^2 under both, with R0 the optimum's risk and A, B = E Psi_rr and
    E Psi_rho / rho there. In the interpolating regime (no label noise) D^2 falls exponentially, with c = sqrt(2/pi):
    Polyak ((3 c - sqrt(c^2 + 8 eps^2)) / 2)^2; line search r = (2 G/c)(c - eps a) - G^2/c^2,
    G = c^2 - 2 c a eps + eps^2, with a the root of -G a + G eps/c + r a/2 = 0.

    Source: theory `dynamics.md` section 5, asymptotics (derived there, not in the paper).

    Raises
    ------
    InputError
        Another problem, another schedule, or a radius at or beyond the collapse.

    Examples
    --------
    >>> import jominy as jm
    >>> clean = jm.LinearTeacher(jm.identity(400))
    >>> round(jm.asymptotic_rate(jm.Problem(clean, jm.SquaredLoss(), 0.2), jm.Polyak()).value, 6)
    0.50097
    """
    if not isinstance(schedule, Polyak | ExactLineSearch):
        raise InputError("Asymptotic rates are those of Polyak() and ExactLineSearch()", type(schedule).__name__)
    if not is_centred_least_squares(problem) or not np.all(problem.law.in_eigenbasis.eigenvalues == 1):
        raise InputError(
            "Asymptotic rates are known for least squares on one centred class with the identity as covariance",
            type(problem.data).__name__,
            "Forecast to a long time instead",
        )
    found = population_optimum(problem, representations(problem.law)[-1])
    if found.regime == "shrink":
        scalars = found.solved.scalars
        total = float(scalars.curvature[0] + scalars.ridges[0])
        return AsymptoticRate("inverse time", 2 * float(found.solved.risk) / total**2)
    if found.regime != "interpolating":
        raise InputError("Under collapse there is no such law", problem.final_radius, "Lower the radius")
    from scipy.optimize import brentq  # here, because it takes a third of a second that other commands need not pay

    c, radius = MEAN_ABS, problem.final_radius
    if isinstance(schedule, Polyak):
        return AsymptoticRate("exponential", ((3 * c - float(np.sqrt(c**2 + 8 * radius**2))) / 2) ** 2)

    def rate_and_balance(a: float) -> tuple[float, float]:
        g = c**2 - 2 * c * a * radius + radius**2
        rate = 2 * g / c * (c - radius * a) - g**2 / c**2
        return rate, -g * a + g * radius / c + rate * a / 2

    a = brentq(lambda a: rate_and_balance(a)[1], -1e-9, 1.0) if radius > 0 else 0.0
    return AsymptoticRate("exponential", float(rate_and_balance(a)[0]))
