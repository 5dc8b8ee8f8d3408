"""Solving forecasts as lanes of one compiled program: one or ten thousand alike."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.batches import in_finite_steps
from jominy.dynamics.lanes import Lane, Plan, Point, lanes_of
from jominy.dynamics.minimise import Setting
from jominy.dynamics.readout import Variables, largest_logit_of_points, population_variables, reading, stacked
from jominy.dynamics.students import Observation, diverged, runaway
from jominy.dynamics.systems import flow
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.cores import cores
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.ode import Trajectories, integrate
from jominy.numerics.precision import double_precision
from jominy.numerics.recursion import iterate
from jominy.schedules import UNKNOWN_DESCENT

CHUNK_FLOATS = 2**16
"""About as many numbers as stay in a core's cache; a chunk of lanes is solved together."""
MOST_LANES = 256
SAMPLED = 8
"""The error is estimated for every so many points on one landscape."""


class Solved(NamedTuple):
    """Solved forecasts of P points.

    Attributes:
        lanes: (P,) what was solved.
        variables: (P, T, ...); beyond the last time reached they mean nothing.
        reached: (P,) how many times the solver reached.
        lost: (P, T) whether a student had diverged by then.
        observation, setting: (P, ...) what was seen, and with which quadrature.
        numerical_error: (P,) estimated relative error of the adversarial risk; of many on one landscape, the
            largest of every eighth point among those solved together, which are of like stiffness.
    """

    lanes: list[Lane]
    variables: Variables
    reached: np.ndarray
    lost: np.ndarray
    observation: Observation
    setting: Setting
    numerical_error: np.ndarray

    def rows(self, rows: Sequence[int]) -> "Solved":
        """Some of the points."""
        variables = {name: (dims, values[rows]) for name, (dims, values) in self.variables.items()}
        rest = jax.tree.map(lambda leaf: leaf[rows], self._replace(lanes=[], variables={}))
        return rest._replace(lanes=[self.lanes[row] for row in rows], variables=variables)

    def only(self) -> "Solved":
        """The one point there is, without the leading axis, up to the last time reached."""
        count = int(self.reached[0])
        variables = {name: (dims, values[0, :count]) for name, (dims, values) in self.variables.items()}
        rest = jax.tree.map(lambda leaf: leaf[0], self._replace(lanes=[], variables={}))
        observation = jax.tree.map(lambda leaf: leaf[:count], rest.observation)
        return rest._replace(lanes=self.lanes, variables=variables, lost=rest.lost[:count], observation=observation)


def solve(points: Sequence[Point], plan: Plan, arrived: Callable[[int], Any] = lambda count: None) -> list[Solved]:
    """Solve every point, and some again, coarser, to estimate the error. `arrived` hears how many more are done."""
    kinds: dict[Any, list[Lane]] = defaultdict(list)
    for lane in lanes_of(points, plan):
        kinds[lane.kind].append(lane)
    work = [chunk for same in kinds.values() for chunk in _chunks(same)]

    @double_precision
    def one(chunk: list[Lane]) -> Solved:
        solved = _solve_chunk(chunk, plan)
        arrived(len({lane.place for lane in chunk if lane.coarser is not None}))
        return solved

    if len(work) == 1:
        return _with_errors([one(work[0])])
    with ThreadPoolExecutor(cores()) as pool:
        try:
            return _with_errors(list(pool.map(one, work)))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _chunks(same: list[Lane]) -> list[list[Lane]]:
    """Lanes of one kind in chunks of equal length, those of like stiffness together, and the coarser ones."""
    first = same[0]
    if len(same) == 1:
        return [[first, first.once_more]]
    if not first.schedule.adaptive and jax.tree.leaves(first.schedule):
        every = stacked([lane.schedule for lane in same])
        rates = np.asarray(jax.vmap(lambda schedule: schedule.rate(0.0, UNKNOWN_DESCENT))(every))
        same = [same[place] for place in np.argsort(rates, kind="stable")]
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(first.state))
    floats = 12 * size + 4 * len(first.setting.weights) * first.setting.rule.nodes.size
    length = 2 ** int(np.log2(np.clip(CHUNK_FLOATS // floats, 2, MOST_LANES)))
    while length > 2 and length // 2 >= len(same):
        length //= 2
    alike = all(lane.ground.landscape is first.ground.landscape for lane in same)
    again = [lane.once_more for lane in same[:: min(SAMPLED, length) if alike else 1]]
    chunks = [lanes[begin : begin + length] for lanes in (same, again) for begin in range(0, len(lanes), length)]
    # The last ones are filled up with repetitions, so that one program serves all.
    return [chunk + chunk[-1:] * (length - len(chunk)) for chunk in chunks]


def _solve_chunk(chunk: list[Lane], plan: Plan) -> Solved:
    for _ in range(6):
        settings = stacked([lane.setting for lane in chunk])
        found = _trajectories(chunk, plan)
        order = found.observations.order
        sound = np.flatnonzero(~np.any(diverged(order), axis=1))  # the logits of the others know no bound
        finer = gaussian_rule(_largest_logit(settings, order, sound), plan.accuracy)
        if finer.logit_scale <= settings.rule.logit_scale:
            break
        chunk = [lane.with_rule(finer) for lane in chunk]
    first = int(plan.times[0] > 0)
    wanted = slice(first, first + len(plan.times))
    observation: Observation = jax.tree.map(lambda leaf: leaf[:, wanted], found.observations)
    optima = [lane.found.solved for lane in chunk]
    read = reading([lane.problem for lane in chunk], settings, plan.times, optima)
    variables = population_variables(read, observation, plan.evaluate_at, ("time",))
    lost = np.asarray(diverged(observation.order))
    if chunk[0].problem.loss.growth:
        lost = lost | np.asarray(_runaways(settings, observation.order))
    lost = np.logical_or.accumulate(lost, axis=1)
    reached = np.minimum(found.reached - first, len(plan.times))
    unknown = np.full(len(chunk), np.nan)
    solved = Solved(chunk, variables, reached, lost, observation, settings, unknown)
    return solved.rows([row for row, lane in enumerate(chunk) if row == 0 or lane is not chunk[row - 1]])


def _largest_logit(settings: Setting, order: OrderParameters, rows: np.ndarray) -> float:
    """The largest standard deviation of a logit in some of the lanes."""
    if not len(rows):
        return 0.0
    return largest_logit_of_points(*jax.tree.map(lambda leaf: leaf[np.resize(rows, len(leaf))], (settings, order)))


def _with_errors(solved: list[Solved]) -> list[Solved]:
    """The points on their own landscapes, with error estimates from those solved again."""
    again: dict[int, tuple[np.ndarray, int]] = {}
    for one in solved:
        risk = one.variables["adversarial_risk"][1]
        for row, lane in enumerate(one.lanes):
            if lane.coarser is None:
                again[lane.place] = risk[row], int(one.reached[row])
    finished = []
    for one in solved:
        own = one.rows([row for row, lane in enumerate(one.lanes) if lane.coarser is not None])
        if not own.lanes:
            continue
        risk, errors = own.variables["adversarial_risk"][1], own.numerical_error
        for row, lane in enumerate(own.lanes):
            if lane.place in again:
                other, reached = again[lane.place]
                own.reached[row] = min(own.reached[row], reached)
                known = ~own.lost[row] & (np.arange(len(other)) < own.reached[row])
                change = np.abs(risk[row] - other)[known] / np.maximum(np.abs(risk[row][known]), 1e-300)
                errors[row] = np.max(change, initial=0.0)
        errors = np.where(np.isnan(errors), np.nanmax(errors), errors)
        finished.append(own._replace(numerical_error=errors))
    return finished


@jax.jit
def _runaways(settings: Setting, order: OrderParameters) -> Array:
    """(P, T) whether students have met the brake on slopes."""

    def of_point(setting: Setting, order: OrderParameters) -> Array:
        return runaway(order, jax.vmap(setting.moments)(order))

    return jax.vmap(of_point)(settings, order)


def _trajectories(chunk: list[Lane], plan: Plan) -> Trajectories:
    """The solves of a chunk."""
    grid, count = plan.grid, len(chunk)
    law = chunk[0].problem.data.law  # type: ignore[union-attr]
    if in_finite_steps(plan.batch_size, law.dimension, grid[-1]):
        length = np.asarray(plan.batch_size / law.dimension)
        numbers = np.rint(grid / length).astype(int)
        seen = [iterate(lane.system, lane.state, numbers, length) for lane in chunk]
        return jax.tree.map(np.asarray, Trajectories(stacked(seen), np.full(count, len(grid)), np.zeros(count)))
    grounds = {id(lane.ground): lane.ground for lane in chunk}
    known = {key: jax.tree.leaves(ground) for key, ground in grounds.items()}
    rows = [(*known[id(lane.ground)], *jax.tree.leaves(lane.schedule)) for lane in chunk]
    columns = list(zip(*rows, strict=True))
    structure = jax.tree.structure((chunk[0].ground, chunk[0].schedule))
    # What all lanes of a sweep share is given once. The two of a single point have everything of their own: it costs
    # nothing there, and one program serves every problem.
    own = [count == 2 or any(leaf is not column[0] for leaf in column) for column in columns]
    leaves = [np.stack(column) if differs else column[0] for column, differs in zip(columns, own, strict=True)]
    solved = integrate(
        flow(*jax.tree.unflatten(structure, leaves)),
        stacked([lane.state for lane in chunk]),
        np.repeat(grid[None], count, axis=0),
        np.stack([lane.jumps for lane in chunk]),
        plan.rtol * np.array([lane.rtol for lane in chunk]),
        tuple(jax.tree.leaves(flow(*jax.tree.unflatten(structure, own)))),
    )
    return jax.tree.map(np.asarray, solved)
