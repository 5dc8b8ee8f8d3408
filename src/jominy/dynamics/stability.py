"""Which constant learning rates keep the risk bounded: the verbs, for mixtures and for samples.

Source: theory `dynamics.md` section 4.3; for samples `realdata.md` sections 5 and 6.
"""

from jominy.dynamics.engines import engines_of
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.problem import Problem


def critical_rate(problem: Problem) -> float:
    """The constant learning rate below which the risk stays bounded, at any radius.

    gamma_max = 2 / (c max_i tr K_i / d), c the curvature of the loss far out (1 for least squares, squared hinge and
    probit); exact for one class, sufficient for several; infinity for losses of bounded slope (logistic, hinge); 0 if
    nothing is known (exponential). For `Samples` and least squares: where the mean square error over runs diverges.

    Source: theory `dynamics.md` section 4.3, derived there; for several classes `rate_limits` tells the gap.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400, scale=2.0))
    >>> round(jm.critical_rate(jm.Problem(data, jm.SquaredLoss(), radius=0.5)), 9)
    1.0
    """
    return rate_limits(problem).critical


def rate_limits(problem: Problem) -> RateLimits:
    """Largest stable rate and smallest divergent one, with the reason; see `critical_rate`."""
    return engines_of(problem).rate_limits(problem)
