"""Forecasts for Gaussian mixtures: choice of nodes, solve, error estimate, status."""

from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data import GaussianMixture
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import Nodes, compressed_nodes, fixed_vectors, forecast_nodes
from jominy.dynamics.dense import DenseFlow, initial_dense_state
from jominy.dynamics.landscapes import NodeLandscape, dense_landscape, minimiser
from jominy.dynamics.optimum import PopulationOptimum, population_optimum, setting_of
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, largest_logit, past_divergence, population_variables
from jominy.dynamics.spectral import SpectralFlow, initial_state
from jominy.dynamics.start import random_variance, start_dense, start_in_eigenbasis
from jominy.dynamics.students import diverged
from jominy.losses import SquaredLoss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.numerics.ode import Trajectory, integrate
from jominy.results import Status, make_result
from jominy.schedules import Schedule

LONG_SPECTRUM = 64
"""More distinct eigenvalues than this are compressed to Chebyshev nodes."""
RESOLUTIONS = (48, 96)
ACCEPTED = 1e-7
"""Relative error estimate below which a compressed forecast is accepted."""


class Equation(NamedTuple):
    """One system to solve twice: the fine version, and a coarser one that says how far to trust it."""

    fine: Any
    coarse: Any
    state: Any


class Solution(NamedTuple):
    """A solved forecast: observations at the times, and how it ended."""

    trajectory: Trajectory
    variables: Variables
    diverged: Array
    numerical_error: float
    description: str


def population_forecast(
    problem: Problem,
    schedule: Schedule,
    times: np.ndarray,
    start: Any,
    evaluate_at: np.ndarray,
    compress: bool,
    rtol: float,
):
    """The forecast of a Gaussian mixture as a labelled result; see `forecast`."""
    assert isinstance(problem.data, GaussianMixture)
    law = problem.data.law
    found, solution = _solve_law(law, problem, schedule, times, start, evaluate_at, compress, rtol)
    kept, variables, reached = _outcome(solution, times)
    status, advice = _status(problem, law, schedule, found, solution, variables)
    coords: dict[str, Any] = {"time": kept}
    if evaluate_at.size:
        coords["evaluation_radius"] = evaluate_at
    extra: dict[str, Any] = {
        "method": solution.description,
        "optimum_risk": float(found.solved.risk),
        "optimum_norm": float(found.solved.order.norm),
        "optimum_regime": found.regime,
        "collapse_radius": found.collapse_radius,
    }
    notes = []
    if status is Status.DIVERGED and reached < len(times):
        notes.append("After the divergence risks and norms are infinite; accuracies keep their last value.")
    return make_result(
        variables,
        coords,
        engine="forecast",
        scenario={"problem": problem.describe(), "schedule": schedule.describe(), "start": describe_start(start)},
        status=status,
        advice=advice,
        numerical_error=solution.numerical_error,
        notes=notes,
        extra=extra,
    )


def describe_start(start: Any) -> Any:
    """The start as a JSON-able record."""
    if start is None:
        return "zero"
    if isinstance(start, (int, float)):
        return {"norm": float(start)}
    if hasattr(start, "norm"):
        return {"kind": "random", "norm": start.norm}
    return {"kind": "vector", "norm": float(np.linalg.norm(start))}


def _solve_law(law, problem, schedule, times, start, evaluate_at, compress, rtol) -> tuple[PopulationOptimum, Solution]:
    if isinstance(law, DenseLaw):
        found = population_optimum(law, problem)
        landscape = dense_landscape(law)
        target = minimiser(landscape, found.solved.scalars)
        state = initial_dense_state(start_dense(start, law), random_variance(start))

        def dense(rule: GaussianRule) -> Equation:
            flow = DenseFlow(landscape, problem.loss, schedule, problem.radius, rule, target)
            return Equation(flow, flow, state)

        text = f"dense mean and covariance, dimension {law.dimension}"
        return found, _solve(dense, text, law, problem, schedule, times, evaluate_at, found, rtol)
    fixed = fixed_vectors(law, start_in_eigenbasis(start, law))
    distinct = np.unique(law.eigenvalues, axis=1).shape[1]
    for count in RESOLUTIONS if compress and distinct > LONG_SPECTRUM else ():
        fine = compressed_nodes(law, fixed, count)
        coarse = compressed_nodes(law, fixed, 3 * count // 4, padded_to=count)
        if fine is None or coarse is None:
            break
        found = population_optimum(law, problem, fine)
        text = f"{count} Chebyshev nodes for {distinct} distinct eigenvalues"
        equation = _spectral(problem, schedule, fixed, start, found, fine, coarse, law.teacher is not None)
        solution = _solve(equation, text, law, problem, schedule, times, evaluate_at, found, rtol)
        if solution.numerical_error < ACCEPTED:
            return found, solution
    nodes = forecast_nodes(law, fixed)
    found = population_optimum(law, problem, nodes)
    equation = _spectral(problem, schedule, fixed, start, found, nodes, nodes, law.teacher is not None)
    text = f"{distinct} groups of equal eigenvalues"
    return found, _solve(equation, text, law, problem, schedule, times, evaluate_at, found, rtol)


def _spectral(problem, schedule, fixed, start, found, fine: Nodes, coarse: Nodes, has_teacher: bool):
    def equation(rule: GaussianRule) -> Equation:
        def flow(nodes: Nodes) -> SpectralFlow:
            target = minimiser(NodeLandscape(nodes), found.solved.scalars)
            return SpectralFlow(nodes, problem.loss, schedule, problem.radius, rule, target)

        state = initial_state(fine, fixed.start, has_teacher, random_variance(start))
        return Equation(flow(fine), flow(coarse), state)

    return equation


def _solve(
    equation, text: str, law, problem, schedule, times, evaluate_at, found: PopulationOptimum, rtol: float
) -> Solution:
    """Solve, with a quadrature that resolves the logits met on the way, and estimate the error from a coarser solve."""
    grid = times if times[0] == 0 else np.concatenate([[0.0], times])
    if len(grid) == 1:
        grid = np.array([0.0, 1e-9])  # the solver wants an interval
    jumps = np.array([jump for jump in schedule.jumps if 0 < jump < grid[-1]])
    rule = gaussian_rule(largest_logit(problem.loss, found.solved.order))
    for _ in range(6):
        fine, coarse, state = equation(rule)
        trajectory = jax.tree.map(np.asarray, integrate(fine, state, grid, jumps, np.asarray(rtol)))
        scale = largest_logit(problem.loss, trajectory.observations.order)
        if scale <= rule.logit_scale or isinstance(problem.loss, SquaredLoss):
            break
        rule = gaussian_rule(scale)
    rough = jax.tree.map(np.asarray, integrate(coarse, state, grid, jumps, np.asarray(10 * rtol)))
    wanted = slice(0 if times[0] == 0 else 1, None)
    setting = setting_of(law, problem)._replace(rule=rule)
    teacher_norm = 0.0 if law.teacher is None else float(np.linalg.norm(law.teacher))

    def variables(solved: Trajectory) -> Variables:
        observations = jax.tree.map(lambda leaf: leaf[wanted], solved.observations)
        return population_variables(
            problem, setting, observations, evaluate_at, float(found.solved.risk), teacher_norm, ("time",)
        )

    read = variables(trajectory)
    lost = diverged(trajectory.observations.order)[wanted]
    risk, other = read["adversarial_risk"][1], variables(rough)["adversarial_risk"][1]
    sound = slice(0, min(first_true(lost), int(trajectory.reached) - wanted.start, int(rough.reached) - wanted.start))
    error = float(np.max(np.abs(risk - other)[sound] / np.maximum(np.abs(risk[sound]), 1e-300), initial=0.0))
    return Solution(trajectory, read, lost, error, text)


def first_true(flags: Array) -> int:
    """Index of the first true flag, or their number."""
    return int(np.argmax(flags)) if np.any(flags) else len(flags)


def _outcome(solution: Solution, times: np.ndarray) -> tuple[np.ndarray, Variables, int]:
    """Times kept, variables, and the number of times before a divergence."""
    solved = int(solution.trajectory.reached) - (times[0] > 0)  # the solver's own grid starts at time zero
    variables = {name: (dims, values[:solved]) for name, (dims, values) in solution.variables.items()}
    lost = solution.diverged[:solved]
    return times[:solved], past_divergence(variables, np.asarray(lost)), first_true(lost)


def _status(
    problem, law: EigenLaw | DenseLaw, schedule, found: PopulationOptimum, solution: Solution, variables: Variables
) -> tuple[Status, str | None]:
    if len(solution.diverged) > len(variables["norm"][1]):
        return Status.STEP_LIMIT, None
    rates, risks = variables["learning_rate"][1], variables["adversarial_risk"][1]
    least_squares = isinstance(problem.loss, SquaredLoss)
    threshold = 2 / float(np.min(mean_variances(law))) if np.min(mean_variances(law)) > 0 else np.inf
    growing = len(risks) > 1 and rates[-1] > threshold and risks[-1] > risks[-2]
    if np.any(solution.diverged) or (least_squares and growing):
        if least_squares:
            return Status.DIVERGED, (
                f"The learning rate is above the stability threshold 2 d / tr K = {threshold:.6g}, so the risk grows "
                "without bound, at any radius. Use a rate below it."
            )
        return Status.DIVERGED, None
    if variables["norm"][1][-1] < 1e-12 and schedule.describe()["kind"] == "exact-line-search" and problem.radius > 0:
        return Status.STUCK, None
    if found.regime == "collapse":
        return Status.COLLAPSED, (
            f"The radius {problem.radius:.6g} is at or above the collapse radius {found.collapse_radius:.6g}: the "
            "adversarial optimum is the zero vector, and training only shrinks the weights. Lower the radius."
        )
    return Status.COMPLETED, None


def mean_variances(law: EigenLaw | DenseLaw) -> np.ndarray:
    """(n,) tr K_i / d."""
    if isinstance(law, DenseLaw):
        return np.trace(law.covariances, axis1=1, axis2=2) / law.dimension
    return law.eigenvalues @ law.shares
