"""The stationary verb: where training at a constant rate ends.

Source: theory `dynamics.md` sections 4.2 and 4.3.
"""

from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.engines import engines_of
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.schedules.base import require_rate


@double_precision
def stationary(problem: Problem, rate: float) -> Stationary:
    """Where training ends under a constant learning rate g: the fixed point of the deterministic equivalent.

    Least squares on one centred class: one scalar equation in kappa = eps ||X|| / sigma,
    kappa^2 b0 = eps^2 [a0 (1 - g q b1) + g q b0 a1] (sums on the theory page). Every other loss and mixture: the mean
    of X minimises the quadratic model of E Psi_r, E Psi_rr, E Psi_{r r*} (one each per class) and the ridge
    E Psi_rho / ||X||, the variance is (g/2) sum_i p_i E_i[Psi_r^2] lambda_i / (d alpha), and the scalars are those of
    that state; Newton's method starts where a forecast has arrived. Covariances may or may not commute. Under l_inf
    the law of each weight at rest is piecewise normal, in a self-consistent field of a few scalars; under l_p that law
    has no such form, and its averages are quadratures.

    Parameters
    ----------
    problem : Problem on a Gaussian mixture
    rate : float > 0

    Returns
    -------
    Stationary
        Where training diverges, or comes to no rest, the status says so.

    Raises
    ------
    InputError
        Samples, or a rate that is not > 0.

    Notes
    -----
    Source: theory `dynamics.md` section 4.3 (derived there for least squares; for the others from 0.2 and 1.2).
    Beyond the collapse radius the end is small but not zero: ||X|| is proportional to the rate.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> end = jm.stationary(jm.Problem(data, jm.SquaredLoss(), radius=0.5), rate=0.5)
    >>> round(end.adversarial_risk, 8), round(end.ridge, 8)
    (0.52521416, 0.40045187)
    """
    rate = require_rate(rate)
    if rate == 0:
        raise InputError("A stationary state needs a rate > 0", rate, "Without steps training stays where it starts")
    return engines_of(problem).stationary(problem, rate)
