"""The homogenize verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics.engines import PathRequest, engines_of
from jominy.dynamics.forecast import require_schedule
from jominy.dynamics.labelled import Training
from jominy.dynamics.other_attacks import require_none, split_evaluation
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii
from jominy.dynamics.simulate import seed_list
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.schedules import Schedule

if TYPE_CHECKING:
    import xarray as xr


@double_precision
def homogenize(
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    paths: int | Sequence[int] = 100,
    start: Any = None,
    evaluate_at: Sequence[float] = (),
    step: float | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Adversarial homogenized SGD: the stochastic differential equation that stands between SGD and its forecast.

    dX = -g grad R(X) dt + g sqrt((1/d) sum_i p_i E_i[Psi_r^2] K_i) dB, with X (d,) the student, g(t) the learning rate,
    R the adversarial risk at the training radius, p_i and K_i (d, d) the classes' weights and covariances, Psi_r the
    slope of the adversarial loss in the score, and B a Brownian motion in R^d; time t in samples / dimension.

    What it gets right: the mean of every reported variable over runs of SGD, up to O(1/d), and with it the forecast as
    d grows. What it does not: the spread of single runs. Its paths stray by 1/sqrt(d) as runs of SGD do, but with
    another constant (isotropic least squares at radius 0.5: 1.2 times too wide at rate 0.5, 1.4 times at rate 1),
    because it lacks the randomness of each sample's norm and takes a sample's pulls along the student and the teacher
    for independent of its size. The bias of order 1/d is another one too. For error bars use `simulate`.

    Parameters
    ----------
    problem, schedule, time, times, start, evaluate_at : as in `forecast`; finite dimension, and no `Samples`
    paths : how many paths (numbers 0, 1, ...), or which; a number makes the same path in any company
    step : the largest time step; unset, it is halved from 0.05 until the scheme alone (its limit d -> infinity) is
        within 1e-4 of the forecast's risk
    progress : show a progress bar on work of more than two seconds

    Returns
    -------
    xarray.Dataset
        As from `simulate`, a path taking the place of a seed (dimension `seed`), so that `compare` and `plot` take it.
        `numerical_error` is the relative error of the risk that the time step causes. Ctrl-C keeps what is done.

    Raises
    ------
    InputError
        As `forecast`; also an infinite dimension, `Samples`, and a step that is not a positive number.

    Notes
    -----
    Source: theory `dynamics.md` sections 1.1, 1.2 (the equation is the paper's, its coefficients are derived there) and
    8.4 (the spread). The integrator is a midpoint scheme whose error in expectations is O(step^2 + step/d^2).

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> paths = jm.homogenize(problem, jm.Constant(0.5), time=10, paths=200)
    >>> bool(abs(paths.adversarial_risk[:, -1].mean() - 0.525) < 0.02)  # 0.525 is the forecast
    True
    """
    require_schedule(schedule)
    evaluate_at, others = split_evaluation(evaluate_at)
    require_none(others, "runs are looked at under the attack they are trained under", "Use `forecast(...)`")
    radii = evaluation_radii(evaluate_at)
    chosen = seed_list(paths)
    training = Training(problem, schedule, start, radii)
    return engines_of(problem).homogenize(training, PathRequest(time, times, chosen, _step(step), progress))


def _step(step: Any) -> float | None:
    if step is None:
        return None
    try:
        number = float(step)
    except (TypeError, ValueError):
        number = np.nan
    if not (np.isfinite(number) and number > 0):
        raise InputError("A time step must be a finite number > 0", step, "Leave it out to have it chosen")
    return number
