"""The optimum verbs: the minimiser of the adversarial risk, and the radius at which it collapses.

Source: theory `dynamics.md` section 4.2 (derived there; the thresholds also for every loss).
"""

from jominy.dynamics.engines import engines_of
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.numerics.precision import double_precision


@double_precision
def collapse_radius(problem: Problem) -> float:
    """The radius from which on the adversarial optimum is the zero vector, for any loss.

    eps_zero = ||E[loss'(0, y) x]|| / E|loss'(0, y)|; the radius of the problem does not enter. For an attack with
    weights M the norm is that of M^-1/2. Where features cannot be touched, the optimum without the others takes the
    place of the zero vector: from this radius on no feature is used that can be attacked. Under l_inf with budgets s it
    is sqrt(d) times the largest |E[loss'(0, y) x_j]| / s_j, over E|loss'(0, y)|: one feature sets it, which
    `optimum(problem).collapse_feature` names.

    Of several classes and the softmax loss it is the smallest radius r at which balls of radius r p_c around p_c m_c,
    of the classes' shares p_c and means m_c, have a common point.

    Source: theory `dynamics.md` section 4.2 and `attacks.md` section 2, general rule.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> round(jm.collapse_radius(jm.Problem(data, jm.SquaredLoss(), radius=0.5)), 8)
    1.12099824
    """
    return engines_of(problem).collapse_radius(problem)


@double_precision
def optimum(problem: Problem) -> Optimum:
    """The adversarial optimum of a problem.

    Minimises R(X) = E max_{||delta|| <= eps} loss(<X, x + delta>, y) over X; for least squares on one centred class
    the solution is a ridge regression whose ridge solves a scalar equation. Between classes many standard deviations
    apart the risk is a tail, or below the smallest number; its logarithm is minimised there (a margin loss with labels
    that are certain; to 1e-6 in the norm at distances up to 300, checked).

    Of several classes on samples `vector` is (K, d), for the risk under the exact attack whatever training meets, and
    `slope` says how far the descent came.

    Source: theory `dynamics.md` section 4.2; for samples, a smoothed Newton method on the empirical risk.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> found = jm.optimum(jm.Problem(data, jm.SquaredLoss(), radius=0.5))
    >>> found.regime, round(found.ridge, 8), round(found.adversarial_risk, 8)
    ('shrink', 0.37107801, 0.3935504)
    """
    return engines_of(problem).optimum(problem)
