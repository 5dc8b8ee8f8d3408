"""Standard least squares that follows adversarial least squares: the equivalence, as a problem and a schedule."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jominy.dynamics.forecast import forecast
from jominy.dynamics.least_squares import is_centred_least_squares
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import RidgeSquaredLoss
from jominy.numerics.arrays import Array
from jominy.schedules import FromFunction, RadiusFunction, Schedule

POINTS = 1001
"""Moments at which the adaptive rate and ridge are tabulated; between them a cubic spline."""


def least_squares_equivalent(
    problem: Problem, schedule: Schedule, time: float, *, start: Any
) -> tuple[Problem, Schedule]:
    """The standard least squares problem, with adaptive ridge and adaptive rate, to which an adversarial one amounts.

    Along the forecast of the adversarial problem the gradient is A [K (X - X*) + lambda_eff X]: that of least squares
    with the ridge lambda_eff(t), taken at the rate g_eff(t) = g A. The mean of X is then the same at every time. The
    noise is not: adversarial training has chi(t) times the variance of this problem's, chi in [1, pi / 2].

    Parameters
    ----------
    problem : adversarial least squares on one centred class
    schedule, time, start : as `forecast` takes them; a start of norm zero has an infinite ridge and is refused

    Returns
    -------
    (Problem, Schedule)
        To forecast, simulate, compare as any other until `time`. Its loss is `RidgeSquaredLoss`; its radius is the
        root of the effective ridge.

    Raises
    ------
    InputError
        Another loss, several classes, class means, a start at zero under attack.

    Notes
    -----
    Source: theory `dynamics.md` section 4.1: the equivalence is the paper's, the formulas are derived there.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> standard, rate = jm.least_squares_equivalent(problem, jm.Constant(0.5), time=5, start=0.7)
    >>> ours = jm.forecast(problem, jm.Constant(0.5), times=[5], start=0.7)
    >>> theirs = jm.forecast(standard, rate, times=[5], start=0.7)
    >>> [round(float((one.alignment * one.norm)[0]), 4) for one in (ours, theirs)]
    [0.7139, 0.7139]
    """
    if not is_centred_least_squares(problem):
        raise InputError(
            "The equivalence is for the squared loss on one centred class",
            problem,
            "Use LinearTeacher and SquaredLoss()",
        )
    times = np.linspace(0.0, float(time), POINTS)
    told = forecast(problem, schedule, times=times.tolist(), start=start)
    rates, ridges = told["effective_learning_rate"].values, told["effective_ridge"].values
    if len(rates) < POINTS or not np.all(np.isfinite(rates)) or not np.all(np.isfinite(ridges)):
        raise InputError(
            "The equivalence needs a finite ridge and rate at all times",
            f"status {told.attrs['status']}, ridge at the start {ridges[0]:g}",
            "Start at a norm > 0, at a rate that does not diverge",
        )
    root = np.sqrt(ridges)
    ridge = RadiusFunction(_spline(times, root, schedule.jumps), float(root[-1]), jumps=schedule.jumps)
    rate = FromFunction(_spline(times, rates, schedule.jumps), jumps=schedule.jumps)
    return Problem(problem.data, RidgeSquaredLoss(), ridge), rate


def _spline(times: np.ndarray, values: np.ndarray, jumps: Sequence[float]) -> Callable[[Array], Array]:
    """Cubic spline through a table (linear where values jump), traced by JAX."""
    from scipy.interpolate import CubicSpline, PPoly

    if jumps:
        slopes = np.diff(values) / np.diff(times)
        table = PPoly(np.stack([slopes, values[:-1]]), times)
    else:
        table = CubicSpline(times, values)
    knots, coefficients = np.asarray(table.x), np.asarray(table.c)

    def at(time: Array) -> Array:
        cell = jnp.clip(jnp.searchsorted(jnp.asarray(knots), time, side="right") - 1, 0, len(knots) - 2)
        within = time - jnp.asarray(knots)[cell]
        value = jnp.zeros_like(within)
        for row in coefficients:  # Horner
            value = value * within + jnp.asarray(row)[cell]
        return value

    return at
