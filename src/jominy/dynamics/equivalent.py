"""Adversarial least squares as standard least squares with an adaptive rate and an adaptive ridge, run as such.

Source: theory `dynamics.md` section 4.1 (the equivalence is a claim of the paper's abstract; the formulas are derived
there): the drift is the same, the noise of standard least squares lacks the factor chi in [1, pi/2].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jominy.dynamics.forecast import forecast, require_schedule
from jominy.dynamics.labelled import labelled
from jominy.dynamics.least_squares import is_centred_least_squares
from jominy.dynamics.node_sgd import NodeSGD
from jominy.dynamics.optimum import optimum_students, population_optimum, setting_of
from jominy.dynamics.population_simulation import engine_of, runs_result
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii, past_divergence, population_variables
from jominy.dynamics.representations import representations
from jominy.dynamics.ridge import EquivalentFlow, FollowedSGD, RidgeLoss, Table
from jominy.dynamics.sgd import run_sgd
from jominy.dynamics.simulate import seed_list
from jominy.dynamics.spectral import SpectralFlow
from jominy.dynamics.students import diverged
from jominy.dynamics.systems import flow, initial
from jominy.dynamics.times import report_times, whole_steps
from jominy.errors import InputError
from jominy.numerics.ode import integrate
from jominy.numerics.precision import double_precision
from jominy.results import Status
from jominy.schedules import Schedule

if TYPE_CHECKING:
    import xarray as xr

FOLLOWED = ("learning_rate", "effective_learning_rate", "effective_ridge")
"""Variables of an equivalent that are those of the adversarial forecast which it follows."""
TABLE_POINTS = 1000


@double_precision
def forecast_equivalent(
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    start: Any = None,
    evaluate_at: Sequence[float] = (),
    inflate_noise: bool = False,
    rtol: float = 1e-9,
) -> xr.Dataset:
    """The forecast of standard least squares with the rate g A(t) and the ridge B(t)/A(t) of adversarial training.

    dm = -g A (K (m - X*) + (B/A) m), d(d w)/dt = -2 g A (k + B/A) d w + chi (g A)^2 sigma^2 k with chi = 1; A and B
    are functions of the adversarial trajectory, which is solved beside it. The variables are those of `forecast`
    (risks under attack, too), so that both can be compared; `learning_rate` is g, `effective_learning_rate` g A.

    Parameters
    ----------
    problem : least squares on one centred class
    schedule, time, times, start, evaluate_at, rtol : as in `forecast`
    inflate_noise : put chi(t) back, which makes it the adversarial forecast

    Raises
    ------
    InputError
        Another problem; several classes have no such equivalent.

    Notes
    -----
    Source: theory `dynamics.md` section 4.1.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> standard = jm.forecast_equivalent(problem, jm.Constant(0.5), time=10)
    >>> adversarial = jm.forecast(problem, jm.Constant(0.5), time=10)
    >>> round(float(standard.adversarial_risk[-1] / adversarial.adversarial_risk[-1]), 3)
    0.981
    """
    require_equivalent(problem)
    require_schedule(schedule)
    radii = evaluation_radii(evaluate_at)
    grid = report_times(time, times, problem.data.dimension)
    schedule.check(grid)
    law = problem.data.law  # type: ignore[union-attr]
    representation = representations(law, start)[-1]
    found = population_optimum(problem, representation)
    setting = setting_of(law, problem)
    target, _ = optimum_students(problem, representation)
    adversarial = flow(representation.landscape, problem, schedule, target, setting.rule)
    assert isinstance(adversarial, SpectralFlow) and law.teacher is not None
    system = EquivalentFlow(adversarial, inflate_noise)
    state = initial(representation, law, start)
    solved_at = grid if grid[0] == 0 else np.concatenate([[0.0], grid])
    jumps = np.array([jump for jump in (*schedule.jumps, *problem.radius_schedule.jumps) if 0 < jump < grid[-1]])
    solved = integrate(system, (state, state), solved_at, jumps, np.asarray(rtol))
    first = len(solved_at) - len(grid)
    seen = jax.tree.map(lambda leaf: np.asarray(leaf)[first : int(solved.reached)], solved.observations)
    teacher = float(np.linalg.norm(law.teacher))
    variables = population_variables(
        problem, setting, grid[: len(seen.rate)], seen, radii, found.solved, teacher, ("time",)
    )
    lost = np.logical_or.accumulate(np.asarray(diverged(seen.order)))
    result = labelled(
        "forecast equivalent",
        problem,
        schedule,
        start,
        past_divergence(variables, lost),
        grid[: len(lost)],
        radii,
        found.record(problem.final_radius),
        Status.DIVERGED if np.any(lost) else Status.COMPLETED,
        method=representation.description,
    )
    return _following(
        result, forecast(problem, schedule, times=grid[: result.sizes["time"]].tolist(), start=start), inflate_noise
    )


@double_precision
def simulate_equivalent(
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    seeds: int | Sequence[int] = 20,
    start: Any = None,
    evaluate_at: Sequence[float] = (),
    progress: bool = True,
) -> xr.Dataset:
    """Streaming SGD of standard ridge regression whose rate and ridge follow the forecast of adversarial training.

    X <- X - (g A(t)/d) ((<X, x> - y) x + (B/A)(t) X) for a fresh sample: no attack anywhere. It follows
    `forecast_equivalent`, and adversarial training up to the factor chi in the noise.

    Parameters
    ----------
    problem : least squares on one centred class, in finite dimension
    schedule, time, times, seeds, start, evaluate_at, progress : as in `simulate`

    Raises
    ------
    InputError
        Another problem, or an infinite dimension.

    Notes
    -----
    Source: theory `dynamics.md` section 4.1. Rate and ridge are tabulated from the forecast, at every step early on.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> runs = jm.simulate_equivalent(problem, jm.Constant(0.5), time=5, seeds=50)
    >>> bool(abs(runs.adversarial_risk[:, -1].mean() - 0.519) < 0.02)  # 0.519 is its forecast
    True
    """
    require_equivalent(problem)
    require_schedule(schedule)
    radii, chosen = evaluation_radii(evaluate_at), seed_list(seeds)
    law = problem.data.law  # type: ignore[union-attr]
    if np.isinf(law.dimension):
        raise InputError("A simulation needs a finite dimension", law.dimension, "Give the spectrum a dimension")
    grid = whole_steps(report_times(time, times, law.dimension), law.dimension)
    found, setting = population_optimum(problem, representations(law)[-1]), setting_of(law, problem)
    fine = np.union1d(np.linspace(0, grid[-1], TABLE_POINTS), np.geomspace(1 / law.dimension, grid[-1], TABLE_POINTS))
    curve = forecast(problem, schedule, times=fine.tolist(), start=start)
    # At a start at zero the ridge is infinite, and multiplies zero.
    ridge = np.where(np.isfinite(curve.effective_ridge), curve.effective_ridge, 0.0)
    engine, source, states, method = engine_of(problem, schedule, setting.rule, found, start, chosen, None)
    assert isinstance(engine, NodeSGD)
    rate = Table(fine, curve.effective_learning_rate.values)
    standard = replace(engine, loss=RidgeLoss(np.zeros(()), np.ones(())), schedule=rate)
    steps = np.rint(grid * law.dimension).astype(int)
    followed = FollowedSGD(standard, Table(fine, ridge))
    record = run_sgd(followed, source, states, steps.tolist(), len(chosen), 1 / law.dimension, progress)
    result = runs_result(
        "simulate equivalent", problem, schedule, grid, chosen, start, radii, found, setting, record, method
    )
    return _following(result, forecast(problem, schedule, times=grid[: record.reached].tolist(), start=start), False)


def require_equivalent(problem: Problem) -> None:
    """Least squares on one centred class with a teacher, or an error that says so."""
    if not is_centred_least_squares(problem) or problem.data.law.teacher is None:  # type: ignore[union-attr]
        raise InputError(
            "The equivalence with standard least squares is for the squared loss on one centred class with a teacher",
            type(problem.loss).__name__,
            "Use LinearTeacher and SquaredLoss()",
        )


def _following(result: xr.Dataset, curve: xr.Dataset, inflated: bool) -> xr.Dataset:
    """The result with the rates and the ridge that it followed, and the inflation of its own noise."""
    for name in FOLLOWED:
        result[name].values[...] = curve[name].values
    result["noise_inflation"].values[...] = curve["noise_inflation"].values if inflated else 1.0
    return result
