"""Forecasts of mixtures under an attack on single features.

Source: theory `attacks.md` sections 3 and 4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data.points import Points, grouped, merged
from jominy.dynamics.batches import in_finite_steps
from jominy.dynamics.coordinates.closure import NormalLaws, Setting
from jominy.dynamics.coordinates.optimum import (
    CoordinateOptimum,
    coordinate_optimum,
    points_at_rest,
    weights_at,
)
from jominy.dynamics.coordinates.plan import AT_REST, Course, Pilot, between, clocked, course, first_time, fly, legs
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
CELLS = 24
"""Of a law, times the parts of a solve."""
PARTS, FIRST = (2, 3, 4, 6, 8, 12, 20), 3
"""In so many steps each leg is taken, from solve to solve; and how many solves there are at least."""
ACCEPTED = 5e-5
"""Estimated relative error of all variables that is good enough."""
LEFT = 1 / 3
"""What is left of the change from one limit to the next, of solves two by two, once three are led on together.

Measured on the cases of `attacks.md` section 7: 0.08 to 0.31.
"""


class CoordinateSolution(NamedTuple):
    """A forecast before it becomes a result; `gap` is how far off the closure is in the risk, relative to it."""

    variables: Variables
    error: float
    gap: float
    cells: int
    found: CoordinateOptimum
    points: Points
    distinct: int
    lost: np.ndarray
    orders: tuple[OrderParameters, ...]
    parts: tuple[int, ...]
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
        both = {name: (dims, np.stack([coarse[name][1], values])) for name, (dims, values) in fine.items()}
        told = told | _rows(_limits(solved.parts, both, (slice(2),)), 0)
    variables = past_divergence(told, solved.lost)
    status, advice = _status(problem, schedule, record, variables, solved.lost, len(plan.times))
    merging = "" if solved.points.shares.size == solved.distinct else f" for {solved.distinct} distinct features"
    notes = [*problem.attack.remarks(problem.final_radius, problem.data.dimension), *record.notes()]
    if record.collapse_feature is not None and problem.final_radius > 0:
        notes.append(
            f"The collapse radius {record.collapse_radius:.6g} is set by single features, number "
            f"{record.collapse_feature} being the first: do not extrapolate it to other dimensions."
        )
    notes.append(
        f"With normal laws (a Gaussian closure, as on samples) the adversarial risk would be up to {solved.gap:.2g} of "
        "itself off."
    )
    words = f"the law of each weight on {solved.cells} cells, {solved.points.shares.size} points{merging}"
    return labelled(
        Method("forecast", words, solved.error),
        Training(problem, schedule, start, plan.evaluate_at, others),
        variables,
        plan.times[: len(solved.lost)],
        record,
        Outcome(status, advice, notes),
        more={"closure_gap": solved.gap},
    )


def _known_size(problem: Problem, other: OtherAttack) -> str:
    """Which order parameter is the size of another attack: the norm for l2, the same budgets' own."""
    if other.attack.isotropic:
        return "norm"
    if not other.attack.quadratic:
        law, same = problem.law.in_eigenbasis, other.attack.of(problem.mixture.law).in_eigenbasis
        if np.array_equal(law.budgets, same.budgets) and law.power == same.power:  # type: ignore[arg-type]
            return "size"
    raise InputError(
        "After training under l_inf or l_p on a mixture other attacks are known in l2, and with the same budgets",
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
        optimum = np.asarray(weights_at(points, self.found.scalars))
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


class _Walk(NamedTuple):
    """Steps that are being taken in so many parts of a leg.

    Attributes:
        time: (S,) when.
        closure: (S, G) what is seen there along the closure.
        seen: what will have been seen, a table of at least S rows.
        further: how to go from there to the times that are reported.
    """

    parts: int
    time: np.ndarray
    closure: np.ndarray
    seen: Any
    further: Any = None

    @property
    def table(self) -> np.ndarray:
        """(S, G) what was seen."""
        return np.asarray(self.seen)[: len(self.time)]


@dataclass(frozen=True)
class _Piloted:
    solver: _Solver
    setting: Setting
    static: risk.RiskSpec
    start: NormalLaws
    pilot: Pilot
    times: np.ndarray
    begin: float

    def solved(self, parts: Sequence[int]) -> tuple[Variables, list[Observation]]:
        """Variables (P, T) and what was seen (T,) on the cells and steps for each number of `parts`; 0: the closure."""
        # All are begun before anything is waited for.
        walks = [self._begun(count) if count else None for count in parts]
        read = coordinate_reading(self.solver.problem, self.static, self.solver.found, self.times, len(parts))
        closure = self._closure
        tables = np.stack([closure if walk is None else self._told(walk) for walk in walks])
        observed = self.pilot.columns.tree(tables)
        told = population_variables(read, observed, self.solver.plan.evaluate_at, ("time",))
        return told, [self.pilot.columns.tree(table) for table in tables]

    def _begun(self, parts: int) -> "_Walk | None":
        """The laws on cells, whose steps go on while other things are made ready."""
        times, late, jumps = self.times, self.times >= self.begin, self.solver.jumps
        if not np.any(late):
            return None
        way = self._usual if self._usual.parts % (2 * parts) == 0 else self._course(self._ends, parts)
        begun = self._walked(way, parts)
        # Cells differ little from the closure, so that a cubic from step to step tells by how much.
        later = jumps[jumps > begun.time[0]]
        clock = clocked(self._ends[0], np.concatenate([begun.time, times[late], later]))
        at, wanted, parting = np.split(clock, [len(begun.time), len(begun.time) + np.count_nonzero(late)])
        return begun._replace(further=between(at, wanted, parting))

    def _told(self, walk: "_Walk | None") -> np.ndarray:
        """(T, G) what is seen at the times: along the closure, and how far the laws on cells are off that."""
        told, times = self._closure, self.times
        if walk is None:
            return told
        late, exact = times >= self.begin, walk.table
        if np.any(diverged(self.pilot.columns.tree(exact).order)):
            # Here every time reported is that of a step.
            ends = legs(self.pilot, times[late], self.solver.jumps, self.begin)
            walk = self._walked(self._course(ends, walk.parts), walk.parts)
            place = np.searchsorted(walk.time, times[late] * (1 - 1e-13))
            return np.concatenate([told[~late], walk.table[place]])
        off = walk.further.of(exact - walk.closure)
        return np.concatenate([told[~late], told[late] + off])

    @cached_property
    def _closure(self) -> np.ndarray:
        """(T, G) what is seen at the times along the closure."""
        return self.pilot.seen[np.searchsorted(self.pilot.times, self.times)]

    def _course(self, ends: tuple[np.ndarray, np.ndarray], parts: int) -> Course:
        return course(self.pilot, self.setting, ends, self.solver.jumps, 2 * parts)

    @cached_property
    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        return legs(self.pilot, self.times[-1:], self.solver.jumps, self.begin)

    @cached_property
    def _usual(self) -> Course:
        """Of the first solves."""
        return self._course(self._ends, math.lcm(*PARTS[:FIRST]))

    def _walked(self, way: Course, parts: int) -> "_Walk":
        """Steps along a way, begun."""
        steps = way.steps(parts)
        first = self.start if self.begin == 0 else self._laws_at(self.begin)
        looked = run_volumes(self.setting, first, steps, CELLS * parts, bool(np.all(way.cells[0])))
        stride = way.parts // parts
        return _Walk(parts, way.time[::stride], way.seen[::stride], looked)

    def _laws_at(self, time: float) -> NormalLaws:
        # Between two times means and variances that start at a point are straight lines.
        sight, known = self.pilot.sight, self.pilot.times[: self.pilot.reached]
        mean, variance = (
            np.array([np.interp(time, known, row[: len(known)]) for row in one.T])
            for one in (sight.mean, sight.variance)
        )
        return NormalLaws(mean, variance, np.asarray(np.interp(time, known, sight.memory[: len(known)])))


def solve_coordinates(problem: Problem, schedule: Schedule, plan: Plan, start: Any) -> CoordinateSolution:
    """Solve on more cells and steps until two limits agree; what is told is led on from three solves."""
    law = problem.law.in_eigenbasis
    found = coordinate_optimum(problem)
    found.record.require_for(schedule)
    begin = _start(problem, start)
    everything = (grouped(law, begin) if np.any(begin) else points_at_rest(problem.law)).points
    jumps = np.array(sorted({*problem.radius_schedule.jumps, *schedule.jumps}), dtype=float)
    solver = _Solver(problem, schedule, plan, found, random_variance(start), jumps)
    points = merged(everything, MOST_POINTS)
    flown = solver.piloted(_filled(points))
    parts = list(PARTS[:FIRST])
    solves, (_, *seen) = flown.solved([0, *parts])  # the closure first
    while True:
        lost = np.logical_or.accumulate(np.asarray(diverged(seen[-1].order)))
        led_on = _limits(parts[-3:], _rows(solves, slice(-3, None)), (slice(2), slice(1, 3), slice(3)))
        before, limit, told = (_rows(led_on, slice(k, k + 1)) for k in range(3))
        error = LEFT * float(relative_differences(limit, before, ~lost[None])[0])
        further = PARTS[len(parts) : len(parts) + 1]
        if error < ACCEPTED or not further or np.any(lost):
            break
        parts += further
        more, looked = flown.solved(further)
        solves = {name: (dims, np.concatenate([values, more[name][1]])) for name, (dims, values) in solves.items()}
        seen += looked
    if points.shares.size < everything.shares.size:
        fewer, _ = solver.piloted(_filled(merged(everything, MOST_POINTS // 2))).solved(PARTS[:1])
        many = _rows(solves, slice(1, 2))
        count = min(len(one["radius"][1][0]) for one in (many, fewer))
        many, fewer = (_rows(one, (slice(None), slice(count))) for one in (many, fewer))
        error += float(relative_differences(many, fewer, ~lost[None, :count])[0])
    orders = tuple(one.order for one in seen[-2:])
    risk, roughly = told["adversarial_risk"][1], solves["adversarial_risk"][1][:1]
    gap = float(np.max(np.abs(roughly / risk - 1), where=~lost[None] & (risk > 0), initial=0.0))
    return CoordinateSolution(
        _rows(told, 0), error, gap, CELLS * parts[-1], found, points, everything.shares.size, lost, orders,
        tuple(parts[-2:]), flown.static,
    )  # fmt: skip


def _rows(told: Variables, index: Any) -> Variables:
    return {name: (dims, values[index]) for name, (dims, values) in told.items()}


def _limits(parts: Sequence[int], solves: Variables, choices: Sequence[slice]) -> Variables:
    """(C, ...) limits of no cells at all, each led on from a choice of the solves (P, ...) with so many `parts`.

    Errors go by even powers of the width of cells, 1 / `parts`.
    """
    squares, weights = np.square(np.asarray(parts, float)), np.zeros((len(choices), len(parts)))
    finest = [np.arange(len(parts))[chosen][-1] for chosen in choices]
    for row, chosen in zip(weights, choices, strict=True):
        inside = squares[chosen]
        row[chosen] = [np.prod([one / (one - other) for other in inside if other != one]) for one in inside]
    told: Variables = {}
    for name, (dims, values) in solves.items():
        last, share = values[finest], weights.reshape(*weights.shape, *(1,) * (values.ndim - 1))
        # The differences from the finest solve are small, where it is not infinite.
        with np.errstate(invalid="ignore"):
            off = np.sum(np.where(share != 0, share * (values - last[:, None]), 0.0), axis=1)
        limit = np.where(np.isfinite(last + off), last + off, last)
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
