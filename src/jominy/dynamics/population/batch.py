"""Forecasts made ready to be solved by one compiled program: a batch, and the portions of it that stay in a cache.

A single forecast is a batch of one, solved twice side by side: on its own geometry and on a coarser one, whose
difference says how far to trust it. Of a thousand points that a sweep asks, what many share is made once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.laws.averaged import AveragedFlow
from jominy.dynamics.laws.flow import Flow
from jominy.dynamics.laws.optimized import MomentumSteps, Pace
from jominy.dynamics.laws.representations import Representation
from jominy.dynamics.laws.risk import RiskSpec, largest_logit, risk_spec
from jominy.dynamics.laws.systems import FlowParts, Point, flow, initial, pace_of, steps
from jominy.dynamics.optima.optimum import PopulationOptimum, population_optimum
from jominy.dynamics.optima.students import optimum_students
from jominy.dynamics.population.plan import COARSER, Plan
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Reading, reading
from jominy.numerics.batched_tree import BatchedTree
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.optimizers import SGD
from jominy.schedules import UNKNOWN_DESCENT, Schedule

CACHE_FLOATS = 2**17
"""About as many numbers as stay in a core's cache."""
MOST_TOGETHER = 256
SAMPLED = 8
"""The error is estimated for every so many points on one geometry."""
_NO_JUMPS = np.zeros(0)


class ProblemParts(NamedTuple):
    """What the forecasts of one problem on one representation share.

    Attributes:
        problem, sought: and its optimum, which may still be sought while a program is compiled for these shapes.
        spec: of the risk, with a quadrature that resolves the logits at the optimum.
        fine, coarse: the flow's parts on the geometry, and on the coarser one.
        both: these two side by side, without a quadrature, for a point that is solved alone.
        jumps: times at which the radius jumps.
        attacked: whether the final radius is above zero.
        kind: what forecasts solved by one program have in common.
    """

    problem: Problem
    sought: PopulationOptimum | None
    spec: RiskSpec
    fine: FlowParts
    coarse: FlowParts
    both: BatchedTree
    jumps: tuple[float, ...]
    attacked: bool
    kind: Any

    @property
    def optimum(self) -> PopulationOptimum:
        """The problem's, once it is found."""
        assert self.sought is not None
        return self.sought


class Task(NamedTuple):
    """One solve to make: a point on its own geometry, or on the `coarse` one.

    Attributes:
        place: the point's in the list given.
        numbers: the schedule's leaves.
        kind: what forecasts solved by one program have in common.
    """

    place: int
    parts: ProblemParts
    rule: GaussianRule
    schedule: Schedule
    numbers: list
    state: Any
    jumps: np.ndarray
    kind: Any
    optimizer: SGD
    coarse: bool = False

    @property
    def problem(self) -> Problem:
        """The point's."""
        return self.parts.problem

    @property
    def optimum(self) -> PopulationOptimum:
        """The problem's optimum."""
        return self.parts.optimum

    @property
    def spec(self) -> RiskSpec:
        """What the moments need besides the student."""
        return self.parts.spec._replace(rule=self.rule)

    @property
    def system(self) -> Flow | AveragedFlow:
        """The system solved."""
        return flow(self._parts, self.schedule, self.pace)

    @property
    def pace(self) -> Pace | None:
        """What the optimizer makes of a rate; None for plain SGD."""
        return None if self.optimizer.plain else pace_of(self.optimizer)

    @property
    def steps(self) -> Flow | MomentumSteps:
        """The map of one step, where steps are followed one by one."""
        if not self.optimizer.plain:
            return steps(self._parts, self.schedule, self.optimizer)
        system = self.system
        assert isinstance(system, Flow)
        return system

    @property
    def _parts(self) -> FlowParts:
        return (self.parts.coarse if self.coarse else self.parts.fine)._replace(rule=self.rule)


def tasks_of(points: Sequence[Point], plan: Plan, unsolved: bool = False) -> list[Task]:
    """Points made ready. What many share is made once: a sweep asks a thousand rates of one problem.

    `unsolved`: with the zero vector for the optimum, which takes no time and is of the same shape.
    """
    everything: dict[tuple[int, int], ProblemParts] = {}
    states: dict[tuple[int, bool, Any], Any] = {}
    tasks, end = [], plan.grid[-1]
    buffered = plan.finite_steps and bool(plan.optimizer.momentum)
    for place, (problem, schedule, start, representation) in enumerate(points):
        there = id(problem), id(representation)
        if (parts := everything.get(there)) is None:
            parts = everything[there] = (_unsolved if unsolved else _solved)(problem, representation, plan.accuracy)
        averaging = schedule.averaging
        begin = id(representation), averaging, start if isinstance(start, float | None) else id(start)
        if begin not in states:
            state = initial(representation, problem.law, start, averaging, buffered)
            states[begin] = state, _shape(state)
        state, state_kind = states[begin]
        every = *parts.jumps, *schedule.jumps
        jumps = np.array(sorted({jump for jump in every if 0 < jump < end}), dtype=float) if every else _NO_JUMPS
        numbers, structure = jax.tree.flatten(schedule)
        kind = parts.kind, structure, tuple(map(np.shape, numbers)), state_kind, len(jumps)
        tasks.append(Task(place, parts, parts.spec.rule, schedule, numbers, state, jumps, kind, plan.optimizer))
    return tasks


@lru_cache(maxsize=256)
def _solved(problem: Problem, representation: Representation, accuracy: float) -> ProblemParts:
    found = population_optimum(problem, representation)
    spec = risk_spec(problem.law, problem)
    spec = spec._replace(rule=gaussian_rule(largest_logit(spec, found.solved.order), accuracy))
    return _with_optimum(problem, representation, spec, found, optimum_students(problem, representation))


def _unsolved(problem: Problem, representation: Representation, accuracy: float) -> ProblemParts:
    """Of the shapes of what is solved, as far as they can be told."""
    spec = risk_spec(problem.law, problem)._replace(rule=gaussian_rule(accuracy=accuracy))
    students = representation.geometry.zero(), representation.coarse.zero()
    return _with_optimum(problem, representation, spec, None, students)


def _with_optimum(
    problem: Problem, representation: Representation, spec: RiskSpec, found: PopulationOptimum | None, students: Any
) -> ProblemParts:
    law = problem.law
    target, coarse_target = students
    shared = (problem.loss, spec.targets, problem.radius_schedule, spec.rule)
    fine = FlowParts(representation.geometry, *shared, target)
    coarse = FlowParts(representation.coarse, *shared, coarse_target)
    has = (
        found is None or bool(np.isfinite(found.solved.order.norm)),
        law.teacher is not None and bool(np.any(law.teacher)),
    )
    leaves, structure = jax.tree.flatten(_without_rule(fine))
    twins = jax.tree.leaves(_without_rule(coarse))
    pairs = [np.array([one, twin]) for one, twin in zip(leaves, twins, strict=True)]
    both = BatchedTree(jax.tree.unflatten(structure, pairs), (True,) * len(pairs))
    kind = structure, tuple(map(np.shape, leaves)), _shape(spec.rule), has, law.dimension, spec.noise is None
    jumps = tuple(problem.radius_schedule.jumps)
    return ProblemParts(problem, found, spec, fine, coarse, both, jumps, problem.final_radius > 0, kind)


def _shape(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple(map(np.shape, leaves))


def _without_rule(tree: Any) -> Any:
    """Without the quadrature, which a portion chooses for all its tasks."""
    return tree._replace(rule=None)


class Batch:
    """Tasks that one program solves: of one kind."""

    def __init__(self, tasks: list[Task], times: np.ndarray) -> None:
        distinct = {id(task.parts): task.parts for task in tasks}
        row = {key: place for place, key in enumerate(distinct)}
        self.tasks, self.times = tasks, times
        self.parts: list[ProblemParts] = list(distinct.values())
        self.which = np.array([row[id(task.parts)] for task in tasks])

    @cached_property
    def schedules(self) -> BatchedTree:
        """Of all tasks."""
        columns = [np.array(column) for column in zip(*(task.numbers for task in self.tasks), strict=True)]
        structure = jax.tree.structure(self.tasks[0].schedule)
        return BatchedTree(jax.tree.unflatten(structure, columns), (True,) * len(columns))

    @cached_property
    def specs(self) -> BatchedTree:
        """Of the problems' risks, without a quadrature."""
        return BatchedTree.of([_without_rule(one.spec) for one in self.parts])

    @cached_property
    def fine(self) -> BatchedTree:
        """The flows' parts without a quadrature, for each problem on its representation."""
        return BatchedTree.of([_without_rule(one.fine) for one in self.parts])

    @cached_property
    def coarse(self) -> BatchedTree:
        """Likewise on the coarser geometries."""
        return BatchedTree.of([_without_rule(one.coarse) for one in self.parts])

    @cached_property
    def reading(self) -> Reading:
        """What it takes to read out students, for each problem; without a quadrature."""
        optima = [one.optimum.solved for one in self.parts]
        return reading([one.problem for one in self.parts], self.specs, self.times, optima)

    @cached_property
    def states(self) -> tuple[Any, np.ndarray]:
        """The distinct states, and which of them each task begins at."""
        distinct = {id(task.state): task.state for task in self.tasks}
        row = {key: place for place, key in enumerate(distinct)}
        all_own = BatchedTree.of(list(distinct.values()), all_own=True)
        return all_own.tree, np.array([row[id(task.state)] for task in self.tasks])


class Portion(NamedTuple):
    """The tasks at `place` (L,) of a batch, on their own geometries or where `coarse` (L,) on the coarser ones.

    The last may repeat the one before, so that all portions of a batch are of one length: the first `own` do not.
    """

    batch: Batch
    place: np.ndarray
    coarse: np.ndarray
    own: int

    @property
    def tasks(self) -> list[Task]:
        """What is solved, without repetitions."""
        tasks = self.batch.tasks
        pairs = zip(self.place[: self.own].tolist(), self.coarse.tolist(), strict=False)
        return [tasks[place]._replace(coarse=True) if coarse else tasks[place] for place, coarse in pairs]

    @property
    def rtol(self) -> np.ndarray:
        """(L,) in units of the plan's."""
        return np.where(self.coarse, COARSER, 1.0)

    @property
    def jumps(self) -> np.ndarray:
        """(L, J)."""
        return np.array([self.batch.tasks[place].jumps for place in self.place])

    @property
    def states(self) -> Any:
        """Of the starts, leaves (L, ...)."""
        states, which = self.batch.states
        return jax.tree.map(lambda leaf: leaf[which[self.place]], states)

    def reading(self, rule: GaussianRule) -> Reading:
        """What it takes to read out the students."""
        read = self.batch.reading.rows(self.batch.which[self.place])
        return read._replace(settings=read.settings.sharing(rule=rule))

    def systems(self, rule: GaussianRule) -> tuple[Any, tuple[bool, ...] | None]:
        """What is solved, leaves (L, ...) but for those that all share, and which leaves are not; None: no leaf is."""
        batch = self.batch
        if len(batch.tasks) == 1:
            # A single point and its coarser twin share nothing: it costs nothing, and one program serves every problem.
            (parts,), (task,), count = batch.parts, batch.tasks, len(self.coarse)
            tree = parts.both.tree if count == 2 else parts.both.rows(self.coarse.astype(int)).tree
            shared = (rule, task.schedule, task.pace)
            rule, schedule, pace = jax.tree.map(lambda leaf: np.array([leaf] * count), shared)
            return flow(tree._replace(rule=rule), schedule, pace), None
        several = (batch.coarse if self.coarse[0] else batch.fine).rows(batch.which[self.place])
        pace = BatchedTree.of([batch.tasks[0].pace])
        made = several.sharing(rule=rule).made_into(flow, batch.schedules.rows(self.place), pace)
        return made.tree, made.own


def portions_of(tasks: Sequence[Task], times: np.ndarray, twins: bool = True) -> list[Portion]:
    """All tasks in portions, with the coarser `twins` of some where wanted, to be read out at `times` (T,)."""
    kinds: dict[Any, list[Task]] = defaultdict(list)
    for task in tasks:
        kinds[task.kind].append(task)
    return [portion for alike in kinds.values() for portion in _portions(Batch(alike, times), twins)]


def _portions(batch: Batch, twins: bool) -> list[Portion]:
    """Those of like stiffness together, and the coarser ones."""
    tasks = batch.tasks
    first = tasks[0]
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(first.state))
    if twins and len(tasks) == 1 and 12 * size < CACHE_FLOATS:
        return [Portion(batch, np.zeros(2, int), np.array([False, True]), 2)]
    if twins and len(tasks) == 1:
        return [Portion(batch, np.zeros(1, int), np.array([coarse]), 1) for coarse in (False, True)]
    floats = 12 * size + 4 * len(first.parts.spec.weights) * first.rule.nodes.size
    length = 2 ** int(np.log2(np.clip(CACHE_FLOATS // floats, 2, MOST_TOGETHER)))
    while length > 2 and length // 2 >= len(tasks):
        length //= 2
    order = np.arange(len(tasks))
    if len(tasks) > length and not first.schedule.adaptive and first.numbers:
        rates = jax.vmap(lambda schedule: schedule.rate(0.0, UNKNOWN_DESCENT))(batch.schedules.tree)
        order = np.argsort(np.asarray(rates), kind="stable")
    geometries = {id(one.fine.geometry) for one in batch.parts}
    sampled = order[:: min(SAMPLED, length) if len(geometries) == 1 else 1]
    cut = []
    for some, coarse in ((order, False), (sampled if twins else order[:0], True)):
        for begin in range(0, len(some), length):
            index = some[begin : begin + length]
            cut.append(Portion(batch, _filled(index, length), np.full(length, coarse), len(index)))
    return cut


def _filled(index: np.ndarray, length: int) -> np.ndarray:
    """Filled up by repeating the last one, so that one program serves all portions."""
    return np.concatenate([index, np.full(length - len(index), index[-1])])
