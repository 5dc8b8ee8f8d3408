"""Solving forecasts as lanes of one compiled program: one or ten thousand alike."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.batches import in_finite_steps
from jominy.dynamics.laws.risk import RiskSpec, in_closed_form, largest_logit_of_points
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.population.chunks import Chunk, chunks_of
from jominy.dynamics.population.errors import relative_differences
from jominy.dynamics.population.lanes import Lane, Plan, lanes_of
from jominy.dynamics.readout import Variables, population_variables
from jominy.dynamics.students import Observation, diverged, runaway
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.cores import cores
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.numerics.ode import Trajectories, compile_integration, integrate
from jominy.numerics.precision import double_precision
from jominy.numerics.recursion import iterate
from jominy.numerics.side_by_side import SideBySide


class Solved(NamedTuple):
    """Solved forecasts of P points.

    Attributes:
        lanes: (P,) what was solved.
        variables: (P, T, ...); beyond the last time reached they mean nothing.
        reached: (P,) how many times the solver reached.
        steps: (P,) how many steps it took.
        lost: (P, T) whether a student had diverged by then.
        observation: (P, T, ...) what was seen.
        rule: the quadrature.
        numerical_error: (P,) estimated relative error of the variables; of many on one geometry, the largest of every
            eighth point among those solved together, which are of like stiffness.
    """

    lanes: list[Lane]
    variables: Variables
    reached: np.ndarray
    steps: np.ndarray
    lost: np.ndarray
    observation: Observation
    rule: GaussianRule
    numerical_error: np.ndarray

    @property
    def setting(self) -> RiskSpec:
        """What the moments of the first point need."""
        return self.lanes[0].setting._replace(rule=self.rule)

    def rows(self, rows: Any) -> "Solved":
        """Some of the points: a slice or indices."""
        return self._replace(
            lanes=self.lanes[rows] if isinstance(rows, slice) else [self.lanes[row] for row in rows],
            variables={name: (dims, values[rows]) for name, (dims, values) in self.variables.items()},
            reached=self.reached[rows],
            steps=self.steps[rows],
            lost=self.lost[rows],
            observation=jax.tree.map(lambda leaf: leaf[rows], self.observation),
            numerical_error=self.numerical_error[rows],
        )

    def only(self) -> "Solved":
        """The one point there is, without the leading axis, up to the last time reached."""
        count = int(self.reached[0])
        return self._replace(
            variables={name: (dims, values[0, :count]) for name, (dims, values) in self.variables.items()},
            reached=self.reached[0],
            steps=self.steps[0],
            lost=self.lost[0, :count],
            observation=jax.tree.map(lambda leaf: leaf[0, :count], self.observation),
            numerical_error=self.numerical_error[0],
        )


def solve(points: Sequence[Point], plan: Plan, arrived: Callable[[int], Any] = lambda count: None) -> list[Solved]:
    """Solve every point, and some again, coarser, to estimate the error. `arrived` hears how many more are done."""
    work = chunks_of(lanes_of(points, plan), plan.times)

    @double_precision
    def one(chunk: Chunk) -> Solved:
        solved = _solve_chunk(chunk, plan)
        arrived(chunk.own - int(np.sum(chunk.again[: chunk.own])))
        return solved

    if len(work) == 1:
        return _with_errors([one(work[0])])
    with ThreadPoolExecutor(cores()) as pool:
        try:
            return _with_errors(list(pool.map(one, work)))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def compile_solve(point: Point, plan: Plan) -> Callable[[], None]:
    """Compile what solves a point alone while its optimum is sought; returns what waits for the end."""
    if in_finite_steps(plan.batch_size, point.problem.data.dimension, plan.grid[-1]):
        return lambda: None

    def arguments() -> tuple[Any, ...]:
        chunk = chunks_of(lanes_of([point], plan, unsolved=True), plan.times)[0]
        return _integration(chunk, chunk.lanes[0].rule, plan)

    return compile_integration(arguments)


def _solve_chunk(chunk: Chunk, plan: Plan) -> Solved:
    lanes = chunk.lanes
    rule = lanes[0].rule
    for _ in range(6):
        read = chunk.reading(rule)
        found = _trajectories(chunk, rule, plan)
        order = found.observations.order
        if in_closed_form(read.settings):
            break
        sound = np.flatnonzero(~np.any(diverged(order), axis=1))  # the logits of the others know no bound
        finer = gaussian_rule(_largest_logit(read.settings, order, sound), plan.accuracy)
        if finer.logit_scale <= rule.logit_scale:
            break
        rule = finer
    first = int(plan.times[0] > 0)
    wanted = slice(first, first + len(plan.times))
    observation: Observation = jax.tree.map(lambda leaf: leaf[:, wanted], found.observations)
    whole = lanes + lanes[-1:] * (len(chunk.place) - chunk.own)
    variables = population_variables(read, observation, plan.evaluate_at, ("time",))
    lost = np.asarray(diverged(observation.order))
    if lanes[0].problem.loss.growth:
        lost = lost | np.asarray(_runaways(read.settings, observation.order))
    lost = np.logical_or.accumulate(lost, axis=1)
    reached = np.minimum(found.reached - first, len(plan.times))
    unknown = np.full(len(chunk.place), np.nan)
    return Solved(whole, variables, reached, np.asarray(found.steps), lost, observation, rule, unknown).rows(
        slice(chunk.own)
    )


def _largest_logit(settings: SideBySide, order: OrderParameters, rows: np.ndarray) -> float:
    """The largest standard deviation of a logit in some of the lanes."""
    if not len(rows):
        return 0.0
    some = np.resize(rows, len(order.norm))
    return largest_logit_of_points(settings.rows(some), jax.tree.map(lambda leaf: leaf[some], order))


def _with_errors(solved: list[Solved]) -> list[Solved]:
    """The points on their own geometries, with error estimates from those solved again."""
    finished: list[Solved] = []
    where: dict[int, tuple[Solved, int]] = {}
    for one in solved:
        again = np.array([lane.again for lane in one.lanes])
        where |= {lane.place: (one, row) for row, lane in enumerate(one.lanes) if again[row]}
        finished += [one.rows(np.flatnonzero(~again)) if np.any(again) else one] if not np.all(again) else []
    for own in finished:
        pairs: dict[int, tuple[Solved, list[int], list[int]]] = {}
        for row, lane in enumerate(own.lanes):
            if lane.place in where:
                twin, place = where[lane.place]
                _, rows, places = pairs.setdefault(id(twin), (twin, [], []))
                rows.append(row)
                places.append(place)
        for twin, rows, places in pairs.values():
            own.reached[rows] = np.minimum(own.reached[rows], twin.reached[places])
            known = ~own.lost[rows] & (np.arange(own.lost.shape[1]) < own.reached[rows][:, None])
            own.numerical_error[rows] = relative_differences(_at(own, rows), _at(twin, places), known)
        unknown = np.isnan(own.numerical_error)
        own.numerical_error[unknown] = np.nanmax(own.numerical_error)
    return finished


def _at(solved: Solved, rows: list[int]) -> Variables:
    return {name: (dims, values[rows]) for name, (dims, values) in solved.variables.items()}


@jax.jit
def _runaways(settings: SideBySide, order: OrderParameters) -> Array:
    """(P, T) whether students have met the brake on slopes."""

    def of_point(setting: RiskSpec, order: OrderParameters) -> Array:
        return runaway(order, jax.vmap(setting.moments)(order))

    return jax.vmap(of_point, in_axes=(settings.axes, 0))(settings.tree, order)


def _trajectories(chunk: Chunk, rule: GaussianRule, plan: Plan) -> Trajectories:
    """The solves of a chunk."""
    grid, count, lanes = plan.grid, len(chunk.place), chunk.lanes
    law = lanes[0].problem.law
    if in_finite_steps(plan.batch_size, law.dimension, grid[-1]):
        length = np.asarray(plan.batch_size / law.dimension)
        numbers = np.rint(grid / length).astype(int)
        seen = [iterate(lane._replace(rule=rule).system, lane.state, numbers, length) for lane in lanes]
        seen += seen[-1:] * (count - len(seen))
        joined = jax.tree.map(lambda *leaves: np.stack(leaves), *seen)
        return Trajectories(joined, np.full(count, len(grid)), np.zeros(count))
    return jax.tree.map(np.asarray, integrate(*_integration(chunk, rule, plan)))


def _integration(chunk: Chunk, rule: GaussianRule, plan: Plan) -> tuple[Any, ...]:
    """What `integrate` is asked."""
    systems = chunk.systems(rule)
    most_steps = systems.tree.targets.most_steps(systems.tree.loss)
    times = np.repeat(plan.grid[None], len(chunk.place), axis=0)
    return systems.tree, chunk.states, times, chunk.jumps, plan.rtol * chunk.rtol, systems.own, most_steps
