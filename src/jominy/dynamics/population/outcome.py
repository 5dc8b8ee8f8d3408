"""How a forecast of a Gaussian mixture ended, and what to do about it."""

import numpy as np

from jominy.dynamics.labelled import Outcome
from jominy.dynamics.laws.stability import divergent_rate, mixture_rate_limits, thresholds
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.optima.optimum import PopulationOptimum
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.population.solve import ForecastBatch
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables
from jominy.results import Status
from jominy.schedules import Schedule


def outcome_of(point: Point, solved: ForecastBatch, plan: Plan) -> Outcome:
    """How the forecast of the one point solved ended."""
    problem, schedule, found = point.problem, point.schedule, solved.tasks[0].optimum
    (status,), solution = statuses(solved), solved.only()
    notes = problem.attack.remarks(problem.final_radius, problem.data.dimension)
    notes += found.record(problem.final_radius).notes()
    if np.any(solution.lost):
        notes.append("After the divergence risks and norms are infinite; accuracies keep their last value.")
    remembered = plan.batch_size / (1 - plan.optimizer.momentum)
    if remembered > 1 and not plan.finite_steps:
        notes.append(
            f"A step's effect lasts {remembered:.3g} samples, a share of {remembered / problem.data.dimension:.1g} of "
            "the dimension: the curve is that of single samples, off by about as much."
        )
    return Outcome(status, advice_for(status, problem, schedule, found, solution.variables), notes)


def statuses(solved: ForecastBatch) -> list[Status]:
    """The status of each of P forecasts, up to the last time that it reached."""
    every, wanted = np.arange(len(solved.tasks)), solved.lost.shape[1]
    last, before = np.maximum(solved.reached - 1, 0), np.maximum(solved.reached - 2, 0)
    rates, risks, norms = (solved.variables[name][1] for name in ("learning_rate", "adversarial_risk", "norm"))
    rate, risk, norm = rates[every, last], risks[every, last], norms[every, last]
    collapse = np.array([task.optimum.regime == "collapse" for task in solved.tasks])
    attacked = np.array([task.parts.attacked for task in solved.tasks])
    diverged = np.array(solved.lost[every, last])
    for place in np.flatnonzero(~diverged & (last > 0) & (risk > risks[every, before])):
        diverged[place] = rate[place] > divergent_rate(solved.tasks[place].problem)
    told = np.full(len(every), Status.COMPLETED, dtype=object)
    sizes = np.asarray(solved.observation.order.sizes)[every, last]
    cornered = np.any(sizes < 1e-12, axis=-1) & (rate == 0)  # such as a block of features
    for place in np.flatnonzero(((norm < 1e-12) | cornered) & attacked):
        if solved.tasks[place].schedule.rests_at_zero:
            told[place] = Status.STUCK
    told[collapse] = Status.COLLAPSED
    told[diverged] = Status.DIVERGED
    told[solved.reached < wanted] = Status.STEP_LIMIT
    return list(told)


STRAIGHT = (
    "The integrator used all its steps before the last time; the values up to there are valid. Exact line search takes "
    "steps without limit where the risk is all but straight, such as that of the hinge loss near zero: start farther "
    "from zero (`start=0.5`), or use `Polyak()` or `Constant(0.5)`."
)
"""Advice where line search stops the integrator."""


def advice_for(
    status: Status, problem: Problem, schedule: Schedule, found: PopulationOptimum, variables: Variables
) -> str | None:
    """What to do, where it says more than the status does."""
    if status is Status.STEP_LIMIT and schedule.rests_at_zero:
        return STRAIGHT
    if status is Status.STEP_LIMIT and found.regime == "collapse":
        return (
            f"The radius {problem.final_radius:.6g} is at or above the collapse radius {found.collapse_radius:.6g}: "
            "training takes the weights to zero, and near zero the integrator's steps are as small as the weights. It "
            "used all of them before the last time; the values up to there are valid. Ask for earlier times, or lower "
            "the radius."
        )
    if status is Status.COLLAPSED:
        return (
            f"The radius {problem.final_radius:.6g} is at or above the collapse radius {found.collapse_radius:.6g}: "
            "the adversarial optimum is the zero vector, and training only shrinks the weights. Lower the radius."
        )
    if status is not Status.DIVERGED:
        return None
    if not problem.loss.least_squares:
        return f"{mixture_rate_limits(problem).sentence()} Lower the rate, or start nearer to zero."
    safe, threshold = thresholds(problem)
    if np.max(variables["learning_rate"][1]) <= threshold:
        return (
            "At this learning rate the risk grows without bound. Rates below 2 d / tr K of the widest class, "
            f"{safe:.6g}, are stable at any radius."
        )
    return (
        f"The learning rate is above the stability threshold 2 d / tr K = {threshold:.6g}, so the risk grows "
        "without bound, at any radius. Use a rate below it."
    )
