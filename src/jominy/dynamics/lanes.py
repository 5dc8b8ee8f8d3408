"""Points to forecast, made ready to be solved as lanes of one compiled program."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data import GaussianMixture
from jominy.dynamics.batches import batch_count, in_finite_steps
from jominy.dynamics.dense import DenseFlow
from jominy.dynamics.minimise import Setting
from jominy.dynamics.optimum import PopulationOptimum, optimum_students, population_optimum, setting_of
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii, largest_logit
from jominy.dynamics.representations import Representation
from jominy.dynamics.spectral import SpectralFlow
from jominy.dynamics.systems import Ground, flow, initial
from jominy.dynamics.times import report_times, whole_steps
from jominy.numerics.gaussian import FULL, GaussianRule, gaussian_rule
from jominy.numerics.ode import LOOSE
from jominy.schedules import Schedule

COARSER = 3
"""Factor on the tolerance of the second solve, whose difference from the first is the error estimate."""


class Point(NamedTuple):
    """One forecast to be made, on what stands for its law."""

    problem: Problem
    schedule: Schedule
    start: Any
    representation: Representation


class Plan(NamedTuple):
    """How forecasts are made and read out: the times reported, further radii, tolerance and batch size."""

    times: np.ndarray
    evaluate_at: np.ndarray
    rtol: float
    batch_size: int = 1

    @classmethod
    def of(
        cls, dimension: float, time: Any, times: Any, evaluate_at: Sequence[float], rtol: float, batch_size: int
    ) -> "Plan":
        """The plan that a user's settings ask for, checked."""
        size = batch_count(batch_size, dimension)
        grid = report_times(time, times, dimension / size)
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


class Lane(NamedTuple):
    """One solve to make: a point's system on its landscape, or once more on the `coarser` one.

    `kind` is what lanes of one program have in common; `place` is the point's in the list given.
    """

    place: int
    problem: Problem
    found: PopulationOptimum
    setting: Setting
    ground: Ground
    schedule: Schedule
    state: Any
    jumps: np.ndarray
    kind: Any
    coarser: Ground | None

    @property
    def system(self) -> SpectralFlow | DenseFlow:
        """The system solved."""
        return flow(self.ground, self.schedule)

    @property
    def once_more(self) -> "Lane":
        """The solve whose difference from this one is the error estimate."""
        assert self.coarser is not None
        return self._replace(ground=self.coarser, coarser=None)

    @property
    def rtol(self) -> float:
        """In units of the plan's."""
        return 1.0 if self.coarser is not None else COARSER

    def with_rule(self, rule: GaussianRule) -> "Lane":
        """With another quadrature."""
        coarser = None if self.coarser is None else self.coarser._replace(rule=rule)
        return self._replace(
            setting=self.setting._replace(rule=rule), ground=self.ground._replace(rule=rule), coarser=coarser
        )


def lanes_of(points: Sequence[Point], plan: Plan) -> list[Lane]:
    """Points made ready. What many share is made once: a sweep asks a thousand rates of one problem."""
    grounds: dict[tuple[int, int], tuple] = {}
    states: dict[tuple[int, Any], Any] = {}
    lanes, end = [], plan.grid[-1]
    for place, (problem, schedule, start, representation) in enumerate(points):
        there = id(problem), id(representation)
        if there not in grounds:
            grounds[there] = _ground(problem, representation, plan.accuracy)
        found, setting, fine, coarse, ground_kind = grounds[there]
        begin = id(representation), start if isinstance(start, float | None) else id(start)
        if begin not in states:
            state = initial(representation, problem.data.law, start)  # type: ignore[union-attr]
            states[begin] = state, _shape(state)
        state, state_kind = states[begin]
        jumps = _NO_JUMPS
        if every := {*schedule.jumps, *problem.radius_schedule.jumps}:
            jumps = np.array(sorted(jump for jump in every if 0 < jump < end), dtype=float)
        kind = ground_kind, _shape(schedule), state_kind, len(jumps)
        lanes.append(Lane(place, problem, found, setting, fine, schedule, state, jumps, kind, coarse))
    return lanes


_NO_JUMPS = np.zeros(0)


@lru_cache(maxsize=64)
def _ground(
    problem: Problem, representation: Representation, accuracy: float
) -> tuple[PopulationOptimum, Setting, Ground, Ground, Any]:
    """Optimum, setting with a quadrature that resolves the logits there, and the system's parts on both landscapes."""
    assert isinstance(problem.data, GaussianMixture)
    law = problem.data.law
    found = population_optimum(problem, representation)
    setting = setting_of(law, problem)
    setting = setting._replace(rule=gaussian_rule(largest_logit(setting, found.solved.order), accuracy))
    target, coarse_target = optimum_students(problem, representation)
    shared = (problem.loss, setting.targets, problem.radius_schedule, setting.rule)
    fine = Ground(representation.landscape, *shared, target)
    coarse = Ground(representation.coarse, *shared, coarse_target)
    has = bool(np.isfinite(found.solved.order.norm)), law.teacher is not None and bool(np.any(law.teacher))
    return found, setting, fine, coarse, (_shape(fine), has, law.dimension)


def _shape(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple(np.shape(leaf) for leaf in leaves)
