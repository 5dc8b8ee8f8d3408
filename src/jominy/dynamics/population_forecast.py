"""Forecasts for Gaussian mixtures: solve, error estimate, status."""

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data import GaussianMixture
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.dynamics.batches import in_finite_steps
from jominy.dynamics.dense import DenseFlow
from jominy.dynamics.fluctuations import Bands, population_bands
from jominy.dynamics.labelled import labelled
from jominy.dynamics.minimise import Setting
from jominy.dynamics.optimum import PopulationOptimum, optimum_students, population_optimum, setting_of
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, largest_logit, past_divergence, population_variables
from jominy.dynamics.representations import Representation, representations
from jominy.dynamics.spectral import SpectralFlow
from jominy.dynamics.stability import mean_variances, rate_limits
from jominy.dynamics.students import Observation, diverged, runaway
from jominy.dynamics.systems import flow, initial
from jominy.losses import SquaredLoss
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.ode import Trajectory, integrate
from jominy.numerics.recursion import iterate
from jominy.numerics.together import side_by_side
from jominy.results import Status
from jominy.schedules import Schedule

COARSER = 3
"""Factor on the tolerance of the second solve, whose difference from the first is the error estimate."""
ACCEPTED = 1e-7
"""Relative error estimate below which a compressed forecast is accepted."""

STRAIGHT = (
    "The integrator used all its steps before the last time; the values up to there are valid. Exact line search takes "
    "steps without limit where the risk is all but straight, such as that of the hinge loss near zero: start farther "
    "from zero (start=0.5), or use Polyak() or Constant(0.5)."
)
"""Advice where line search stops the integrator."""


class Solution(NamedTuple):
    """A solved forecast at the times that the solver reached (at least the start), and whether it had diverged by then.

    Also what the bands need: the system solved, its observations, and the setting of the readout.
    """

    variables: Variables
    times: np.ndarray
    lost: np.ndarray
    numerical_error: float
    description: str
    system: SpectralFlow | DenseFlow
    observation: Observation
    setting: Setting


def population_forecast(
    problem: Problem,
    schedule: Schedule,
    times: np.ndarray,
    start: Any,
    evaluate_at: np.ndarray,
    compress: bool | int,
    rtol: float,
    band_dimension: float | None = None,
    batch_size: int = 1,
):
    """The forecast of a Gaussian mixture as a labelled result; see `forecast`. `band_dimension` asks for bands."""
    assert isinstance(problem.data, GaussianMixture)
    law = problem.data.law
    for representation in representations(law, start, compress):
        found = population_optimum(problem, representation)
        found.record(problem.final_radius).require_for(schedule)
        solution = solution_on(representation, found, problem, schedule, times, start, evaluate_at, rtol, batch_size)
        if solution.numerical_error < ACCEPTED:
            break
    status, advice = _status(problem, law, schedule, found, solution, times[-1])
    notes = found.record(problem.final_radius).notes()
    if np.any(solution.lost):
        notes.append("After the divergence risks and norms are infinite; accuracies keep their last value.")
    variables = past_divergence(solution.variables, solution.lost)
    more: dict[str, Any] = {} if batch_size == 1 else {"batch_size": batch_size}
    if batch_size > 1 and not in_finite_steps(batch_size, law.dimension, times[-1]):
        notes.append(
            f"Batches of {batch_size} are a share of {batch_size / law.dimension:.1g} of the dimension: the curve is "
            "that of single samples, off by about as much."
        )
    if band_dimension is not None:
        bands = _bands(problem, representation, start, evaluate_at, solution, band_dimension, rtol)
        variables, more, notes = variables | bands.variables, bands.attributes, notes + bands.notes
    return labelled(
        "forecast",
        problem,
        schedule,
        start,
        variables,
        solution.times,
        evaluate_at,
        found.record(problem.final_radius),
        status,
        method=solution.description,
        advice=advice,
        numerical_error=solution.numerical_error,
        notes=notes,
        more=more,
    )


def _bands(problem, representation, start, evaluate_at, solution: Solution, dimension: float, rtol) -> Bands:
    law = problem.data.law
    assert isinstance(solution.system, SpectralFlow)
    return population_bands(
        problem,
        solution.system,
        representation,
        start,
        solution.times,
        solution.observation,
        ~solution.lost,
        solution.setting,
        evaluate_at,
        _teacher_norm(law),
        dimension,
        initial(representation, law, start),
        rtol,
    )


def _teacher_norm(law: EigenLaw | DenseLaw) -> float:
    return 0.0 if law.teacher is None else float(np.linalg.norm(law.teacher))


def solution_on(
    representation: Representation,
    found: PopulationOptimum,
    problem: Problem,
    schedule: Schedule,
    times: np.ndarray,
    start: Any,
    evaluate_at: np.ndarray,
    rtol: float,
    batch_size: int = 1,
) -> Solution:
    """Solve with a quadrature that resolves the logits met on the way, and again, coarser, to estimate the error."""
    assert isinstance(problem.data, GaussianMixture)
    law = problem.data.law
    grid = times if times[0] == 0 else np.concatenate([[0.0], times])
    if len(grid) == 1:
        grid = np.array([0.0, 1e-9])  # the solver wants an interval
    jumps = np.unique([jump for jump in (*schedule.jumps, *problem.radius_schedule.jumps) if 0 < jump < grid[-1]])
    state = initial(representation, law, start)
    setting = setting_of(law, problem)
    rule = gaussian_rule(largest_logit(setting, found.solved.order))

    target, coarse_target = optimum_students(problem, representation)

    def solve(system: SpectralFlow | DenseFlow, tolerance: float) -> Trajectory:
        if in_finite_steps(batch_size, law.dimension, grid[-1]):
            length = np.asarray(batch_size / law.dimension)
            seen = iterate(system, state, np.rint(grid / length).astype(int), length)
            return Trajectory(jax.tree.map(np.asarray, seen), np.asarray(len(grid)), np.asarray(0))
        return _with_start(integrate(system, state, grid, jumps, np.asarray(tolerance)), system, state, grid[0])

    for _ in range(6):
        system = flow(representation.landscape, problem, schedule, target, rule)
        coarser = flow(representation.coarse, problem, schedule, coarse_target, rule)
        fine, coarse = side_by_side(partial(solve, system, rtol), partial(solve, coarser, COARSER * rtol))
        order = fine.observations.order
        finer = gaussian_rule(largest_logit(setting, order))
        if finer.logit_scale <= rule.logit_scale or np.any(diverged(order)):
            break
        rule = finer
    first = int(times[0] > 0)
    reached = min(int(fine.reached), int(coarse.reached), first + len(times))
    wanted = slice(min(first, reached - 1), reached)  # the start, where no other time was reached
    both: Observation = jax.tree.map(
        lambda *leaves: np.stack([leaf[wanted] for leaf in leaves]), fine.observations, coarse.observations
    )
    setting = setting._replace(rule=rule)
    read = population_variables(
        problem, setting, grid[wanted], both, evaluate_at, found.solved, _teacher_norm(law), ("resolution", "time")
    )
    lost = np.asarray(diverged(both.order))[0]
    if problem.loss.growth:
        order = jax.tree.map(lambda leaf: leaf[0], both.order)
        lost |= np.asarray(jax.jit(lambda one: runaway(one, jax.vmap(setting.moments)(one)))(order))
    lost = np.logical_or.accumulate(lost)
    risk, other = read["adversarial_risk"][1][:, ~lost]
    error = float(np.max(np.abs(risk - other) / np.maximum(np.abs(risk), 1e-300), initial=0.0))
    variables = {
        name: (dims[1:], values[0]) if dims[0] == "resolution" else (dims, values)
        for name, (dims, values) in read.items()
    }
    seen = jax.tree.map(lambda leaf: leaf[0], both)
    return Solution(variables, grid[wanted], lost, error, representation.description, system, seen, setting)


def _with_start(found: Trajectory, system: SpectralFlow | DenseFlow, state: Any, begin: float) -> Trajectory:
    """The trajectory as NumPy arrays, with the start seen even where the solver could not take a single step."""
    found = jax.tree.map(np.asarray, found)
    if found.reached > 0:
        return found
    start = jax.jit(lambda flow, at: flow.observe(begin, at))(system, state)
    seen = jax.tree.map(lambda one, rest: np.concatenate([np.asarray(one)[None], rest[1:]]), start, found.observations)
    return found._replace(observations=seen, reached=np.asarray(1))


def _status(
    problem, law: EigenLaw | DenseLaw, schedule, found: PopulationOptimum, solution: Solution, horizon: float
) -> tuple[Status, str | None]:
    variables = solution.variables
    if solution.times[-1] < horizon:
        return Status.STEP_LIMIT, STRAIGHT if schedule.describe()["kind"] == "exact-line-search" else None
    rates, risks = variables["learning_rate"][1], variables["adversarial_risk"][1]
    least_squares = isinstance(problem.loss, SquaredLoss)
    with np.errstate(divide="ignore"):
        safe, threshold = (2 / mean_variances(law).max(), 2 / mean_variances(law).min())
    growing = len(risks) > 1 and rates[-1] > threshold and risks[-1] > risks[-2]
    if np.any(solution.lost) or (least_squares and growing):
        if least_squares and np.max(rates) <= threshold:
            return Status.DIVERGED, (
                "At this learning rate the risk grows without bound. Rates below 2 d / tr K of the widest class, "
                f"{safe:.6g}, are stable at any radius."
            )
        if least_squares:
            return Status.DIVERGED, (
                f"The learning rate is above the stability threshold 2 d / tr K = {threshold:.6g}, so the risk grows "
                "without bound, at any radius. Use a rate below it."
            )
        return Status.DIVERGED, f"{rate_limits(problem).sentence()} Lower the rate, or start nearer to zero."
    if found.regime == "collapse":
        return Status.COLLAPSED, (
            f"The radius {problem.final_radius:.6g} is at or above the collapse radius {found.collapse_radius:.6g}: "
            "the adversarial optimum is the zero vector, and training only shrinks the weights. Lower the radius."
        )
    if (
        variables["norm"][1][-1] < 1e-12
        and schedule.describe()["kind"] == "exact-line-search"
        and problem.final_radius > 0
    ):
        return Status.STUCK, None
    return Status.COMPLETED, None
