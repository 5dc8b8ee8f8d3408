"""Forecasts of mixtures under an attack on single features.

Source: theory `attacks.md` sections 3 and 4.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data.points import Points, grouped, merged
from jominy.dynamics.batches import in_finite_steps
from jominy.dynamics.coordinates.closure import NormalLaws, Setting
from jominy.dynamics.coordinates.optimum import CoordinateOptimum, coordinate_optimum, minimiser
from jominy.dynamics.coordinates.plan import AT_REST, Pilot, first_time, fly, steps_along
from jominy.dynamics.coordinates.readout import coordinate_reading
from jominy.dynamics.coordinates.volumes import run_volumes
from jominy.dynamics.labelled import Method, Outcome, Training, labelled
from jominy.dynamics.laws import risk
from jominy.dynamics.laws.risk import largest_logit, risk_spec
from jominy.dynamics.laws.stability import divergent_rate, mixture_rate_limits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.other_attacks import OtherAttack, read_under
from jominy.dynamics.population.errors import relative_differences
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, past_divergence, population_variables
from jominy.dynamics.start import random_variance, start_in_eigenbasis
from jominy.dynamics.students import Observation, diverged
from jominy.errors import InputError
from jominy.losses import OrderParameters
from jominy.numerics.gaussian import gaussian_rule
from jominy.results import Status
from jominy.schedules import Schedule

MOST_POINTS = 160
"""Points of the joint law that are followed: more are merged."""
CELLS, MOST_CELLS = 40, 640
"""Of the coarsest solve, and of the finest."""
ACCEPTED = 5e-5
"""Estimated relative error of all variables that is good enough."""
LEFT = 1 / 8
"""What is left of the change from the limit told by half as many cells and steps, once that is led on again.

Measured on the cases of `attacks.md` section 7: errors of limits fall by 8 to 17 from one to the next.
"""


class CoordinateSolution(NamedTuple):
    """A forecast before it becomes a result."""

    variables: Variables
    error: float
    cells: int
    found: CoordinateOptimum
    points: Points
    lost: np.ndarray
    orders: tuple[OrderParameters, OrderParameters]
    setting: risk.RiskSpec


def coordinate_forecast(
    problem: Problem, schedule: Schedule, plan: Plan, start: Any, others: Sequence[OtherAttack] = ()
):
    """The forecast as a labelled result; see `forecast`."""
    sized = [_known_size(problem, other) for other in others]
    if in_finite_steps(plan.batch_size, problem.data.dimension, plan.grid[-1]):
        raise InputError(
            "Finite batches under an l_inf attack are not known: each weight then makes jumps of its own",
            f"batch_size={plan.batch_size}",
            "Leave batch_size out, or use `simulate(..., batch_size=...)`",
        )
    solved = solve_coordinates(problem, schedule, plan, start)
    record = solved.found.record
    told, told_classes = solved.variables, problem.data.classification
    if others:
        coarse, fine = (
            read_under(others, [getattr(order, name) for name in sized], solved.setting, order, told_classes)
            for order in solved.orders
        )
        told = told | _led_on(coarse, fine)
    variables = past_divergence(told, solved.lost)
    status, advice = _status(problem, schedule, record, variables, solved.lost, len(plan.times))
    distinct = grouped(problem.law, _start(problem, start)).points.shares.size  # type: ignore[arg-type]
    merging = "" if solved.points.shares.size == distinct else f" for {distinct} distinct features"
    notes = [*problem.attack.remarks(problem.final_radius, problem.data.dimension), *record.notes()]
    if record.collapse_feature is not None and problem.final_radius > 0:
        notes.append(
            f"The collapse radius {record.collapse_radius:.6g} is set by single features, number "
            f"{record.collapse_feature} being the first: do not extrapolate it to other dimensions."
        )
    words = f"the law of each weight on {solved.cells} cells, {solved.points.shares.size} points{merging}"
    return labelled(
        Method("forecast", words, solved.error),
        Training(problem, schedule, start, plan.evaluate_at, others),
        variables,
        plan.times[: len(solved.lost)],
        record,
        Outcome(status, advice, notes),
    )


def _known_size(problem: Problem, other: OtherAttack) -> str:
    """Which order parameter is the size of another attack: the norm for l2, the same budgets' own."""
    if other.attack.isotropic:
        return "norm"
    if not other.attack.quadratic:
        law, same = problem.law.in_eigenbasis, other.attack.of(problem.mixture.law).in_eigenbasis
        if np.array_equal(law.budgets, same.budgets):  # type: ignore[arg-type]
            return "size"
    raise InputError(
        "After training under l_inf on a mixture other attacks are known in l2, and with the same budgets",
        other.label,
        "Use `L2()`, or samples of the law, on which every attack is known",
    )


def _start(problem: Problem, start: Any) -> np.ndarray:
    return start_in_eigenbasis(start, problem.law.in_eigenbasis)


class _Solver(NamedTuple):
    """What is solved again and again: on other cells, or on other points."""

    problem: Problem
    schedule: Schedule
    plan: Plan
    found: CoordinateOptimum
    variance: float
    jumps: np.ndarray

    def piloted(self, points: Points) -> "_Piloted":
        """The closure, with a quadrature that resolves the logits on its way."""
        problem = self.problem
        optimum = np.asarray(minimiser(points, self.found.scalars))
        start = NormalLaws(points.start, np.full(points.shares.size, self.variance), np.zeros(()))
        scale = largest_logit(risk_spec(problem.law, problem), self.found.order)
        for _ in range(6):
            static = risk_spec(problem.law, problem, scale)
            radius = problem.radius_schedule
            setting = Setting(points, problem.loss, static.targets, self.schedule, radius, static.rule, optimum)
            pilot = fly(setting, start, self.plan.grid, self.jumps)
            scale = max(scale, largest_logit(static, _sound(pilot)))
            if gaussian_rule(scale).logit_scale <= static.rule.logit_scale:
                break
        times = self.plan.times[self.plan.times <= pilot.times[pilot.reached - 1] * (1 + 1e-12)]
        begin = first_time(pilot, setting, self.plan.grid)
        return _Piloted(self, setting, static, start, pilot, times, begin)


def _sound(pilot: Pilot) -> OrderParameters:
    """Order parameters along the closure, as far as it has not diverged."""
    reached = np.arange(len(pilot.times)) < pilot.reached
    sound = reached & ~np.asarray(diverged(pilot.sight.order))
    return jax.tree.map(lambda leaf: leaf[sound], pilot.sight.order)


class _Piloted(NamedTuple):
    solver: _Solver
    setting: Setting
    static: risk.RiskSpec
    start: NormalLaws
    pilot: Pilot
    times: np.ndarray
    begin: float

    def solved(self, level: int) -> tuple[Variables, Observation]:
        """Variables (1, T) and what was seen (T,), on 2^level times the fewest cells and steps."""
        pilot, times, begin = self.pilot, self.times, self.begin
        early = times < begin
        seen = self._on_closure(times[early])
        if not np.all(early):
            steps, place = steps_along(pilot, self.setting, times[~early], self.solver.jumps, begin, level)
            first = self.start if begin == 0 else self._laws_at(begin)
            looked = run_volumes(self.setting, first, steps, CELLS * 2**level)
            seen = jax.tree.map(lambda one, other: np.concatenate([one, np.asarray(other)[place]]), seen, looked)
        observed = jax.tree.map(lambda leaf: leaf[None], seen)
        read = coordinate_reading(self.solver.problem, self.static, self.solver.found, times)
        return population_variables(read, observed, self.solver.plan.evaluate_at, ("time",)), seen

    def _laws_at(self, time: float) -> NormalLaws:
        # Between two times means and variances that start at a point are straight lines.
        sight, known = self.pilot.sight, self.pilot.times[: self.pilot.reached]
        mean, variance = (
            np.array([np.interp(time, known, row[: len(known)]) for row in one.T])
            for one in (sight.mean, sight.variance)
        )
        return NormalLaws(mean, variance, np.asarray(np.interp(time, known, sight.memory[: len(known)])))

    def _on_closure(self, times: np.ndarray) -> Observation:
        """What is seen before cells take over."""
        sight, points = self.pilot.sight, self.setting.points
        at = np.searchsorted(self.pilot.times, times)
        mean, variance = sight.mean[at], sight.variance[at]
        error = (variance + (mean - self.setting.optimum) ** 2) @ points.shares
        order = jax.tree.map(lambda leaf: leaf[at], sight.order)
        return Observation(order, error, mean @ (points.shares * points.teacher), sight.rate[at])


def solve_coordinates(problem: Problem, schedule: Schedule, plan: Plan, start: Any) -> CoordinateSolution:
    """Solve on more cells and steps until two solves agree; what is told is led on from both."""
    law = problem.law.in_eigenbasis
    found = coordinate_optimum(problem)
    found.record.require_for(schedule)
    everything = grouped(law, _start(problem, start)).points
    jumps = np.array(sorted({*problem.radius_schedule.jumps, *schedule.jumps}), dtype=float)
    solver = _Solver(problem, schedule, plan, found, random_variance(start), jumps)
    points = merged(everything, MOST_POINTS)
    flown = solver.piloted(_filled(points))
    (lowest, _), (low, seen) = flown.solved(0), flown.solved(1)
    solves = [lowest, low]
    limit, level = _led_on(lowest, low), 1
    while True:
        level += 1
        coarser = seen
        fine, seen = flown.solved(level)
        lost = np.logical_or.accumulate(np.asarray(diverged(seen.order)))
        before, limit = limit, _led_on(solves[-1], fine)
        solves.append(fine)
        told = _led_on(before, limit, FASTER)
        error = LEFT * float(relative_differences(limit, before, ~lost[None])[0])
        if error < ACCEPTED or CELLS * 2**level >= MOST_CELLS or np.any(lost):
            break
    if points.shares.size < everything.shares.size:
        fewer, _ = solver.piloted(_filled(merged(everything, MOST_POINTS // 2))).solved(0)
        count = min(len(one["radius"][1][0]) for one in (solves[0], fewer))
        many, few = (
            {name: (dims, values[:, :count]) for name, (dims, values) in one.items()} for one in (solves[0], fewer)
        )
        error += float(relative_differences(many, few, ~lost[None, :count])[0])
    variables = {name: (dims, values[0]) for name, (dims, values) in told.items()}
    return CoordinateSolution(
        variables, error, CELLS * 2**level, found, points, lost, (coarser.order, seen.order), flown.static
    )


FASTER = 16.0
"""Errors of the limits told by two solves are of fourth order."""


def _led_on(coarse: Variables, fine: Variables, order: float = 4.0) -> Variables:
    """The limit of no cells at all: errors are a quarter (`order`) of what they were."""
    told: Variables = {}
    for name, (dims, values) in fine.items():
        with np.errstate(invalid="ignore"):
            limit = values + (values - coarse[name][1]) / (order - 1)
        limit = np.where(np.isfinite(limit), limit, values)
        if "accuracy" in name:
            limit = np.clip(limit, 0.0, 1.0)
        elif name == "alignment":
            limit = np.clip(limit, -1.0, 1.0)
        elif name != "excess_risk":
            limit = np.maximum(limit, 0.0)
        told[name] = (dims, limit)
    return told


def _filled(points: Points) -> Points:
    """Filled up with points of no share, so that few programs are compiled."""
    count = points.shares.size
    size = next((size for size in (4, 8, 16, 32, 48, 64, 96, 128, 160) if size >= count), count)

    def filled(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.repeat(values[..., -1:], size - count, axis=-1)], axis=-1)

    names = ("eigenvalues", "means", "teacher", "budgets", "start")
    shares = np.concatenate([points.shares, np.zeros(size - count)])
    return points._replace(shares=shares, **{name: filled(getattr(points, name)) for name in names})


def _status(
    problem: Problem, schedule: Schedule, found: Optimum, variables: Variables, lost: np.ndarray, wanted: int
) -> tuple[Status, str | None]:
    if not len(lost) or len(lost) < wanted:
        return Status.STEP_LIMIT, None
    risk, rate = variables["adversarial_risk"][1], variables["learning_rate"][1]
    grows = len(risk) > 1 and risk[-1] > risk[-2] and rate[-1] > divergent_rate(problem)
    if lost[-1] or grows:
        return Status.DIVERGED, f"{mixture_rate_limits(problem).sentence()} Lower the rate, or start nearer to zero."
    if found.regime == "collapse":
        return Status.COLLAPSED, (
            f"The radius {problem.final_radius:.6g} is at or above the collapse radius {found.collapse_radius:.6g}: "
            "the adversarial optimum is the zero vector, and training only shrinks the weights. Lower the radius."
        )
    if problem.final_radius > 0 and schedule.adaptive and variables["norm"][1][-1] < AT_REST:
        return Status.STUCK, None
    return Status.COMPLETED, None
