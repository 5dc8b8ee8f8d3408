"""Points to forecast, made ready to be solved as lanes of one compiled program."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.batches import batch_count, in_finite_steps
from jominy.dynamics.laws.dense import DenseFlow
from jominy.dynamics.laws.representations import Representation
from jominy.dynamics.laws.risk import RiskSpec, largest_logit, risk_spec
from jominy.dynamics.laws.spectral import SpectralFlow
from jominy.dynamics.laws.systems import FlowParts, Point, flow, initial
from jominy.dynamics.optima.optimum import PopulationOptimum, population_optimum
from jominy.dynamics.optima.students import optimum_students
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii
from jominy.dynamics.times import report_times, whole_steps
from jominy.errors import InputError
from jominy.numerics.gaussian import FULL, GaussianRule, gaussian_rule
from jominy.numerics.ode import LOOSE
from jominy.numerics.side_by_side import SideBySide
from jominy.schedules import Schedule

TIGHTEST, LOOSEST = 1e-14, 0.1
"""Tolerances that a solve can have: below, rounding is larger; above, one step crosses what the curve does."""
COARSER = 3
"""Factor on the tolerance of the second solve, whose difference from the first is the error estimate."""


class Plan(NamedTuple):
    """How forecasts are made and read out: the times reported, further radii, tolerance and batch size."""

    times: np.ndarray
    evaluate_at: np.ndarray
    rtol: float
    batch_size: int = 1

    @classmethod
    def of(
        cls,
        dimension: float,
        time: Any,
        times: Any,
        evaluate_at: Sequence[float] | np.ndarray,
        rtol: float,
        batch_size: int,
    ) -> "Plan":
        """The plan that a user's settings ask for, checked."""
        if not (isinstance(rtol, (int, float)) and TIGHTEST <= rtol <= LOOSEST):
            raise InputError(
                f"rtol must be a relative tolerance from {TIGHTEST:g} to {LOOSEST:g}", rtol, "1e-9 is the default"
            )
        size = batch_count(batch_size, dimension)
        grid = report_times(time, times, dimension / size, early=True)
        if in_finite_steps(size, dimension, grid[-1]):
            grid = whole_steps(grid, dimension / size)
        return cls(grid, evaluation_radii(evaluate_at), rtol, size)

    @property
    def accuracy(self) -> float:
        """Of the expectations over margins: far below the tolerance."""
        return FULL if self.rtol < LOOSE else self.rtol / 1000

    @property
    def grid(self) -> np.ndarray:
        """The times reported, after the beginning; the solver wants an interval."""
        grid = self.times if self.times[0] == 0 else np.concatenate([[0.0], self.times])
        return grid if len(grid) > 1 else np.array([0.0, 1e-9])


class Prepared(NamedTuple):
    """What the lanes of one problem on one representation share.

    Attributes:
        problem, found: and its optimum, which is sought while a program is compiled for these shapes.
        setting: of the moments, with a quadrature that resolves the logits at the optimum.
        fine, coarse: the system's parts on the geometry, and on the coarser one.
        both: these two side by side, without a quadrature, for a point that is solved alone.
        jumps: times at which the radius jumps.
        attacked: whether the final radius is above zero.
        kind: what lanes of one program have in common.
    """

    problem: Problem
    found: PopulationOptimum | None
    setting: RiskSpec
    fine: FlowParts
    coarse: FlowParts
    both: SideBySide
    jumps: tuple[float, ...]
    attacked: bool
    kind: Any

    @property
    def optimum(self) -> PopulationOptimum:
        """The problem's, once it is found."""
        assert self.found is not None
        return self.found


class Lane(NamedTuple):
    """One solve to make: a point on its geometry, or `again` on the coarser one.

    Attributes:
        place: the point's in the list given.
        numbers: the schedule's leaves.
        kind: what lanes of one program have in common.
    """

    place: int
    prepared: Prepared
    rule: GaussianRule
    schedule: Schedule
    numbers: list
    state: Any
    jumps: np.ndarray
    kind: Any
    again: bool = False

    @property
    def problem(self) -> Problem:
        """The point's."""
        return self.prepared.problem

    @property
    def found(self) -> PopulationOptimum:
        """The problem's optimum."""
        return self.prepared.optimum

    @property
    def setting(self) -> RiskSpec:
        """What the moments need besides the student."""
        return self.prepared.setting._replace(rule=self.rule)

    @property
    def system(self) -> SpectralFlow | DenseFlow:
        """The system solved."""
        parts = self.prepared.coarse if self.again else self.prepared.fine
        return flow(parts._replace(rule=self.rule), self.schedule)


def lanes_of(points: Sequence[Point], plan: Plan, unsolved: bool = False) -> list[Lane]:
    """Points made ready. What many share is made once: a sweep asks a thousand rates of one problem.

    `unsolved`: with the zero vector for the optimum, which takes no time and is of the same shape.
    """
    everything: dict[tuple[int, int], Prepared] = {}
    states: dict[tuple[int, Any], Any] = {}
    lanes, end = [], plan.grid[-1]
    for place, (problem, schedule, start, representation) in enumerate(points):
        there = id(problem), id(representation)
        if (prepared := everything.get(there)) is None:
            prepared = everything[there] = (_unsolved if unsolved else _prepared)(
                problem, representation, plan.accuracy
            )
        begin = id(representation), start if isinstance(start, float | None) else id(start)
        if begin not in states:
            state = initial(representation, problem.law, start)
            states[begin] = state, _shape(state)
        state, state_kind = states[begin]
        # Asking an equinox module for a property costs more than all the rest.
        every = prepared.jumps if type(schedule).jumps is Schedule.jumps else (*prepared.jumps, *schedule.jumps)
        jumps = np.array(sorted({jump for jump in every if 0 < jump < end}), dtype=float) if every else _NO_JUMPS
        numbers, structure = jax.tree.flatten(schedule)
        kind = prepared.kind, structure, tuple(map(np.shape, numbers)), state_kind, len(jumps)
        lanes.append(Lane(place, prepared, prepared.setting.rule, schedule, numbers, state, jumps, kind))
    return lanes


_NO_JUMPS = np.zeros(0)


@lru_cache(maxsize=256)
def _prepared(problem: Problem, representation: Representation, accuracy: float) -> Prepared:
    law = problem.law
    found = population_optimum(problem, representation)
    setting = risk_spec(law, problem)
    setting = setting._replace(rule=gaussian_rule(largest_logit(setting, found.solved.order), accuracy))
    return _with_optimum(problem, representation, setting, found, optimum_students(problem, representation))


def _unsolved(problem: Problem, representation: Representation, accuracy: float) -> Prepared:
    """Of the shapes of what is prepared, as far as they can be told."""
    setting = risk_spec(problem.law, problem)
    setting = setting._replace(rule=gaussian_rule(accuracy=accuracy))
    students = representation.geometry.zero(), representation.coarse.zero()
    return _with_optimum(problem, representation, setting, None, students)


def _with_optimum(
    problem: Problem, representation: Representation, setting: RiskSpec, found: PopulationOptimum | None, students: Any
) -> Prepared:
    law = problem.law
    target, coarse_target = students
    shared = (problem.loss, setting.targets, problem.radius_schedule, setting.rule)
    fine = FlowParts(representation.geometry, *shared, target)
    coarse = FlowParts(representation.coarse, *shared, coarse_target)
    has = (
        found is None or bool(np.isfinite(found.solved.order.norm)),
        law.teacher is not None and bool(np.any(law.teacher)),
    )
    jumps = tuple(problem.radius_schedule.jumps)
    kind = _shape(fine), has, law.dimension
    both = SideBySide.of([fine._replace(rule=None), coarse._replace(rule=None)], all_own=True)  # type: ignore[arg-type]
    attacked = problem.final_radius > 0
    return Prepared(problem, found, setting, fine, coarse, both, jumps, attacked, kind)


def _shape(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple(np.shape(leaf) for leaf in leaves)
