"""Solving forecasts: one or ten thousand alike, by one compiled program each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jominy.dynamics.laws.risk import RiskSpec, in_closed_form, largest_logit_of_points, risk_spec
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.optima.optimum import begin_optimum
from jominy.dynamics.population.batch import Portion, Task, portions_of, tasks_of
from jominy.dynamics.population.errors import relative_differences
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.readout import Variables, population_variables
from jominy.dynamics.students import Observation, blown_up, diverged, sizes_of
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.batched_tree import BatchedTree
from jominy.numerics.cores import cores
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.numerics.ode import Trajectories, begin_integration, compile_integration, integrate, seen_in_the_end
from jominy.numerics.precision import double_precision
from jominy.numerics.recursion import iterate

ONLY = slice(0, 1)
WORK, USUAL_STEPS = 3 * 10**7, 5000
"""Numbers of a state and its quadrature times steps that a solve may take, some half a minute, and steps that any may.

A time of 1e12 on thousands of eigenvalues would take minutes for a curve that is known by its beginning.
"""


@dataclass(frozen=True)
class ForecastBatch:
    """Solved forecasts of P points.

    Attributes:
        tasks: (P,) what was solved.
        variables: (P, T, ...); beyond the last time reached they mean nothing.
        reached: (P,) how many times the solver reached.
        steps: (P,) how many steps it took.
        lost: (P, T) whether a student had diverged by then.
        seen: what `observation` is taken from, which few ask for.
        rule: the quadrature.
        numerical_error: (P,) estimated relative error of the variables; of many on one geometry, the largest of every
            eighth point among those solved together, which are of like stiffness.
    """

    tasks: list[Task]
    variables: Variables
    reached: np.ndarray
    steps: np.ndarray
    lost: np.ndarray
    seen: Callable[[], Observation]
    rule: GaussianRule
    numerical_error: np.ndarray

    @property
    def observation(self) -> Observation:
        """(P, T, ...) what was seen, as NumPy arrays."""
        return self.seen()

    @property
    def spec(self) -> RiskSpec:
        """What the moments of the first point need."""
        return self.tasks[0].spec._replace(rule=self.rule)

    def rows(self, rows: Any) -> ForecastBatch:
        """Some of the points: a slice or indices."""
        return ForecastBatch(
            self.tasks[rows] if isinstance(rows, slice) else [self.tasks[row] for row in rows],
            self._variables_at(rows),
            self.reached[rows],
            self.steps[rows],
            self.lost[rows],
            lambda: jax.tree.map(lambda leaf: leaf[rows], self.observation),
            self.rule,
            self.numerical_error[rows],
        )

    def only(self) -> ForecastBatch:
        """The one point there is, without the leading axis, up to the last time reached."""
        count = int(self.reached[0])
        return ForecastBatch(
            self.tasks,
            self._variables_at((0, slice(count))),
            self.reached[0],
            self.steps[0],
            self.lost[0, :count],
            lambda: jax.tree.map(lambda leaf: leaf[0, :count], self.observation),
            self.rule,
            self.numerical_error[0],
        )

    def _variables_at(self, index: Any) -> Variables:
        return {name: (dims, values[index]) for name, (dims, values) in self.variables.items()}

    def held_against(self, coarse: ForecastBatch, rows: Any, places: Any) -> None:
        """Estimates the errors at `rows` from the same forecasts, solved coarser at its `places`."""
        self.reached[rows] = np.minimum(self.reached[rows], coarse.reached[places])
        known = ~self.lost[rows] & (np.arange(self.lost.shape[1]) < self.reached[rows][:, None])
        differences = relative_differences(self._variables_at(rows), coarse._variables_at(places), known)
        self.numerical_error[rows] = differences


Begun = Callable[[Any], Trajectories]
"""A solve that is under way: given the systems, now with their optima, it tells their trajectories."""


def solve(
    points: Sequence[Point],
    plan: Plan,
    arrived: Callable[[int], Any] = lambda count: None,
    begun: Begun | None = None,
) -> list[ForecastBatch]:
    """Solve every point, and some again, coarser, to estimate the error.

    `arrived` hears how many more are done; `begun` is what `begin_solve` has begun of a single point.
    """
    work = portions_of(tasks_of(points, plan), plan.times, plan.estimate)

    @double_precision
    def one(portion: Portion) -> ForecastBatch:
        solved = _solve_portion(portion, plan, begun)
        arrived(portion.own - int(np.sum(portion.coarse[: portion.own])))
        return solved

    if len(work) == 1:
        both = one(work[0])  # a point alone, and its coarser twin
        if not plan.estimate:
            return [both]
        solved = both.rows(ONLY)
        solved.held_against(both, ONLY, slice(1, 2))
        return [solved]
    with ThreadPoolExecutor(cores()) as pool:
        try:
            return _with_errors(list(pool.map(one, work)))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def begin_solve(point: Point, plan: Plan) -> Callable[[], Begun | None]:
    """Begin to solve a point alone while its optimum is sought: returns what waits for what `solve` takes as begun.

    For the first point of a process the program is compiled meanwhile. Then it runs, where the optimum is but looked
    at: no rate follows from it, and no quadrature.
    """
    if plan.finite_steps:
        return lambda: None

    def unsolved() -> list[Portion]:
        return portions_of(tasks_of([point], plan, unsolved=True), plan.times, plan.estimate)

    def arguments() -> tuple[Any, ...]:
        (portion, *_) = unsolved()
        return _integration(portion, portion.tasks[0].rule, plan)

    if (compiled := compile_integration(arguments)) is not None:
        return compiled
    begin_optimum(point.problem, point.representation)
    if point.schedule.adaptive or not in_closed_form(risk_spec(point.problem.law, point.problem)):
        return lambda: None
    (portion, *more) = unsolved()
    if more or not seen_in_the_end(portion.states, plan.grid):
        return lambda: None
    begun = begin_integration(*_integration(portion, portion.tasks[0].rule, plan))
    return lambda: begun


def _solve_portion(portion: Portion, plan: Plan, begun: Begun | None = None) -> ForecastBatch:
    tasks = portion.tasks
    rule = tasks[0].rule
    for _ in range(6):
        # Goes on while what reads it out is made ready.
        found = begun(portion.systems(rule)[0]) if begun else _trajectories(portion, rule, plan)
        read = portion.reading(rule)
        if in_closed_form(read.settings.tree):
            break
        order = jax.tree.map(np.asarray, found.observations.order)
        sound = np.flatnonzero(~np.any(diverged(order), axis=1))  # the logits of the others know no bound
        finer = gaussian_rule(_largest_logit(read.settings, order, sound), plan.accuracy)
        if finer.logit_scale <= rule.logit_scale:
            break
        rule = finer
    first, count = int(plan.times[0] > 0), len(plan.times)
    observation: Observation = found.observations
    if first or count != len(plan.grid):
        observation = jax.tree.map(lambda leaf: np.asarray(leaf)[:, first : first + count], observation)
    whole = tasks + tasks[-1:] * (len(portion.place) - portion.own)
    variables = population_variables(read, observation, plan.evaluate_at, ("time",))
    lost = diverged(sizes_of(observation.order))
    if tasks[0].problem.loss.growth:
        lost = lost | np.asarray(_runaways(read.settings, observation.order))
    solved = ForecastBatch(
        whole,
        variables,
        np.minimum(np.asarray(found.reached) - first, count),
        np.asarray(found.steps),
        np.logical_or.accumulate(lost, axis=1),
        lambda: jax.tree.map(np.asarray, observation),
        rule,
        np.full(len(portion.place), np.nan),
    )
    return solved if portion.own == len(portion.place) else solved.rows(slice(portion.own))


def _largest_logit(settings: BatchedTree, order: OrderParameters, rows: np.ndarray) -> float:
    """The largest standard deviation of a logit in some of the points."""
    if not len(rows):
        return 0.0
    some = np.resize(rows, len(order.norm))
    return largest_logit_of_points(settings.rows(some), jax.tree.map(lambda leaf: leaf[some], order))


def _with_errors(solved: list[ForecastBatch]) -> list[ForecastBatch]:
    """The points on their own geometries, with error estimates from those solved coarser."""
    where: dict[int, tuple[ForecastBatch, int]] = {}
    finished: list[ForecastBatch] = []
    for one in solved:
        coarse = np.array([task.coarse for task in one.tasks])  # a point alone in its kind has both in one portion
        where |= {one.tasks[row].place: (one, int(row)) for row in np.flatnonzero(coarse)}
        if not np.all(coarse):
            finished.append(one.rows(np.flatnonzero(~coarse)) if np.any(coarse) else one)
    for own in finished:
        pairs: dict[int, tuple[ForecastBatch, list[int], list[int]]] = {}
        for row, task in enumerate(own.tasks):
            if task.place in where:
                twin, place = where[task.place]
                _, rows, places = pairs.setdefault(id(twin), (twin, [], []))
                rows.append(row)
                places.append(place)
        for twin, rows, places in pairs.values():
            own.held_against(twin, rows, places)
        if where:
            unknown = np.isnan(own.numerical_error)
            own.numerical_error[unknown] = np.nanmax(own.numerical_error)
    return finished


@jax.jit
def _runaways(settings: BatchedTree, order: OrderParameters) -> Array:
    """(P, T) whether students have met the blowup_limiter on slopes."""

    def of_point(setting: RiskSpec, order: OrderParameters) -> Array:
        return blown_up(order, jax.vmap(setting.moments)(order))

    return jax.vmap(of_point, in_axes=(settings.axes, 0))(settings.tree, order)


def _trajectories(portion: Portion, rule: GaussianRule, plan: Plan) -> Trajectories:
    """The solves of a portion."""
    grid, count, tasks = plan.grid, len(portion.place), portion.tasks
    law = tasks[0].problem.law
    if plan.finite_steps:
        length = np.asarray(plan.batch_size / law.dimension)
        numbers = np.rint(grid / length).astype(int)
        seen = [iterate(task._replace(rule=rule).steps, task.state, numbers, length) for task in tasks]
        seen += seen[-1:] * (count - len(seen))
        joined = jax.tree.map(lambda *leaves: np.stack(leaves), *seen)
        return Trajectories(joined, np.full(count, len(grid)), np.zeros(count))
    return integrate(*_integration(portion, rule, plan))


def _integration(portion: Portion, rule: GaussianRule, plan: Plan) -> tuple[Any, ...]:
    """What `integrate` is asked."""
    systems, own = portion.systems(rule)
    first, states = portion.batch.tasks[0], portion.states
    numbers = sum(leaf[0].size for leaf in jax.tree.leaves(states))
    if not in_closed_form(first.parts.spec):
        numbers += rule.nodes.size * len(first.problem.law.weights)
    most_steps = min(first.parts.spec.targets.most_steps(first.problem.loss), max(WORK // numbers, USUAL_STEPS))
    most_steps = most_steps if plan.most_steps is None else min(most_steps, plan.most_steps)
    times = np.repeat(plan.grid[None], len(portion.place), axis=0)
    return systems, states, times, portion.jumps, plan.rtol * portion.rtol, own, most_steps
