"""Lanes of one kind side by side, cut into chunks that are solved together."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.laws.systems import flow
from jominy.dynamics.population.lanes import COARSER, Lane, Prepared
from jominy.dynamics.readout import Reading, reading
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.side_by_side import SideBySide
from jominy.schedules import UNKNOWN_DESCENT

CHUNK_FLOATS = 2**17
"""About as many numbers as stay in a core's cache."""
MOST_LANES = 256
SAMPLED = 8
"""The error is estimated for every so many points on one geometry."""


def _without_rule(tree: Any) -> Any:
    """Without the quadrature, which a chunk chooses for all its lanes."""
    return tree._replace(rule=None)


class Group:
    """Lanes that one program solves: of one kind."""

    def __init__(self, lanes: list[Lane], times: np.ndarray) -> None:
        distinct = {id(lane.prepared): lane.prepared for lane in lanes}
        row = {key: place for place, key in enumerate(distinct)}
        self.lanes, self.times = lanes, times
        self.prepared: list[Prepared] = list(distinct.values())
        self.which = np.array([row[id(lane.prepared)] for lane in lanes])

    @cached_property
    def schedules(self) -> SideBySide:
        """Of all lanes."""
        columns = [np.array(column) for column in zip(*(lane.numbers for lane in self.lanes), strict=True)]
        structure = jax.tree.structure(self.lanes[0].schedule)
        return SideBySide(jax.tree.unflatten(structure, columns), (True,) * len(columns))

    @cached_property
    def settings(self) -> SideBySide:
        """Of the problems, without a quadrature."""
        return SideBySide.of([_without_rule(one.setting) for one in self.prepared])

    @cached_property
    def fine(self) -> SideBySide:
        """The systems' parts without a quadrature, for each problem on its representation."""
        return SideBySide.of([_without_rule(one.fine) for one in self.prepared])

    @cached_property
    def coarse(self) -> SideBySide:
        """Likewise on the coarser geometries."""
        return SideBySide.of([_without_rule(one.coarse) for one in self.prepared])

    @cached_property
    def reading(self) -> Reading:
        """What it takes to read out students, for each problem; without a quadrature."""
        optima = [one.optimum.solved for one in self.prepared]
        return reading([one.problem for one in self.prepared], self.settings, self.times, optima)

    @cached_property
    def states(self) -> tuple[Any, np.ndarray]:
        """The distinct states, and which of them each lane begins at."""
        distinct = {id(lane.state): lane.state for lane in self.lanes}
        row = {key: place for place, key in enumerate(distinct)}
        all_own = SideBySide.of(list(distinct.values()), all_own=True)
        return all_own.tree, np.array([row[id(lane.state)] for lane in self.lanes])


class Chunk(NamedTuple):
    """The lanes at `place` (L,) of a group, on their own geometries or `again` (L,) on the coarser ones.

    The last may repeat the one before, so that all chunks of a group are of one length: the first `own` do not.
    """

    group: Group
    place: np.ndarray
    again: np.ndarray
    own: int

    @property
    def lanes(self) -> list[Lane]:
        """What is solved, without repetitions."""
        lanes = self.group.lanes
        pairs = zip(self.place[: self.own], self.again, strict=False)
        return [lanes[place]._replace(again=True) if again else lanes[place] for place, again in pairs]

    @property
    def rtol(self) -> np.ndarray:
        """(L,) in units of the plan's."""
        return np.where(self.again, COARSER, 1.0)

    @property
    def jumps(self) -> np.ndarray:
        """(L, J)."""
        return np.stack([self.group.lanes[place].jumps for place in self.place])

    @property
    def states(self) -> Any:
        """Of the starts, leaves (L, ...)."""
        states, which = self.group.states
        return jax.tree.map(lambda leaf: leaf[which[self.place]], states)

    def reading(self, rule: GaussianRule) -> Reading:
        """What it takes to read out the students."""
        read = self.group.reading.rows(self.group.which[self.place])
        return read._replace(settings=read.settings.sharing(rule=rule))

    def systems(self, rule: GaussianRule) -> SideBySide:
        """What is solved."""
        group = self.group
        if len(group.lanes) == 1:
            # A single point and its coarser twin share nothing: it costs nothing, and one program serves every problem.
            (one,) = group.prepared
            grounds = one.both if len(self.again) == 2 else one.both.rows(self.again.astype(int))
        else:
            grounds = (group.coarse if self.again[0] else group.fine).rows(group.which[self.place])
        return grounds.sharing(rule=rule).made_into(flow, group.schedules.rows(self.place))


def chunks_of(lanes: Sequence[Lane], times: np.ndarray) -> list[Chunk]:
    """All lanes in chunks, with the coarser twins of some, to be read out at `times` (T,)."""
    kinds: dict[Any, list[Lane]] = defaultdict(list)
    for lane in lanes:
        kinds[lane.kind].append(lane)
    return [chunk for same in kinds.values() for chunk in _chunks(Group(same, times))]


def _chunks(group: Group) -> list[Chunk]:
    """Those of like stiffness together, and the coarser ones."""
    lanes = group.lanes
    first = lanes[0]
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(first.state))
    if len(lanes) == 1 and 12 * size < CHUNK_FLOATS:
        return [Chunk(group, np.zeros(2, int), np.array([False, True]), 2)]
    if len(lanes) == 1:
        return [Chunk(group, np.zeros(1, int), np.array([again]), 1) for again in (False, True)]
    order = np.arange(len(lanes))
    if not first.schedule.adaptive and first.numbers:
        rates = jax.vmap(lambda schedule: schedule.rate(0.0, UNKNOWN_DESCENT))(group.schedules.tree)
        order = np.argsort(np.asarray(rates), kind="stable")
    floats = 12 * size + 4 * len(first.prepared.setting.weights) * first.rule.nodes.size
    length = 2 ** int(np.log2(np.clip(CHUNK_FLOATS // floats, 2, MOST_LANES)))
    while length > 2 and length // 2 >= len(lanes):
        length //= 2
    geometries = {id(one.fine.geometry) for one in group.prepared}
    sampled = order[:: min(SAMPLED, length) if len(geometries) == 1 else 1]
    cut = []
    for some, again in ((order, False), (sampled, True)):
        for begin in range(0, len(some), length):
            index = some[begin : begin + length]
            cut.append(Chunk(group, _filled(index, length), np.full(length, again), len(index)))
    return cut


def _filled(index: np.ndarray, length: int) -> np.ndarray:
    """Filled up by repeating the last one, so that one program serves all chunks."""
    return np.concatenate([index, np.full(length - len(index), index[-1])])
