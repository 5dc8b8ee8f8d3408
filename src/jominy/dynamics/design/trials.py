"""Candidates judged by what a forecast says of the end of their training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import jax
import numpy as np

from jominy.dynamics.design.candidates import KnotCandidate, SmoothCandidate
from jominy.dynamics.design.objective import Objective
from jominy.dynamics.engines import Endings, ForecastRequest, engines_of
from jominy.dynamics.labelled import Training
from jominy.dynamics.other_attacks import split_evaluation
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii
from jominy.dynamics.stability import rate_limits
from jominy.optimizers import Optimizer
from jominy.schedules import Knots, RadiusSchedule, Schedule

TINY_EXCESS = 1e-13
"""Excesses below are rounding: the distance to the optimum takes their place."""
SOON, SOON_OF_TIME = 200, 10
"""Steps of an integrator, in all and per unit of time, that usual candidates stay below: a hundred until time 20."""
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Trials:
    """Trainings of one problem from one start until one time, which differ in their schedule.

    Attributes
    ----------
    problem, horizon, start, optimizer : of the training
    objective : what is looked at in the end
    held_out : rows (X, y) on which it is looked at, or None
    runs : of an ensemble, the same ones for every candidate
    rtol : of the integrator on mixtures
    by_distance : judge by the distance to the optimum, where excesses are rounding
    seen : what was forecast already, row by row
    """

    problem: Problem
    horizon: float
    start: Any
    optimizer: Optimizer
    objective: Objective
    held_out: tuple[Any, Any] | None
    runs: int | None = None
    rtol: float = 1e-9
    by_distance: bool = False
    seen: dict[Key, Endings] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def request(self) -> ForecastRequest:
        """How forecasts are made: at the end alone."""
        plain = ForecastRequest(None, [self.horizon], self.held_out, None, None, True, self.rtol, 1, False, None, False)
        typical = self.training(SmoothCandidate(1 / rate_limits(self.problem).mean_square, self.horizon, 1.5))
        return engines_of(self.problem).for_many(typical, plain, self.runs)

    def training(self, schedule: Schedule) -> Training:
        """Of one schedule."""
        radii, others = split_evaluation(self.objective.evaluate_at)
        return Training(self.problem, schedule, self.start, evaluation_radii(radii), others, self.optimizer)

    def endings(self, schedules: Sequence[Schedule], soon: bool = False) -> Endings:
        """What P schedules end with; what is known already is not forecast again. Infinite where that is not `soon`."""
        keys = [_key(schedule) for schedule in schedules]
        unknown = [place for place, key in enumerate(keys) if key not in self.seen]
        if unknown and engines_of(self.problem).many_at_once:  # as many as before, for which there is a program
            unknown = list(range(len(keys)))
        if unknown:
            request = self.request
            if soon and request.most_steps is not None:
                request = request._replace(most_steps=SOON + SOON_OF_TIME * math.ceil(self.horizon))
            found = self._forecast([schedules[place] for place in unknown], request)
            for row, place in enumerate(unknown):
                self.seen[keys[place]] = {name: values[row] for name, values in found.items()}
        rows = [self.seen[key] for key in keys]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _forecast(self, schedules: Sequence[Schedule], request: ForecastRequest) -> Endings:
        return engines_of(self.problem).endings([self.training(schedule) for schedule in schedules], request)

    def values(self, schedules: Sequence[Schedule]) -> np.ndarray:
        """(P,) of the objective."""
        return self.objective.values(self.endings(schedules))

    def judge(self, schedules: Sequence[Schedule], soon: bool = False) -> np.ndarray:
        """(P,) logarithms of the excess, or of the distance to the optimum; infinite for what does not end `soon`."""
        return self.logarithms(self.endings(schedules, soon))

    def logarithms(self, endings: Endings) -> np.ndarray:
        """(P,) of the excess, or of the distance to the optimum, of P forecasts."""
        if self.by_distance:
            return np.log(np.maximum(endings["distance_to_optimum"], 1e-300))
        excess = self.objective.excess(self.objective.values(endings))
        with np.errstate(invalid="ignore"):
            return np.log(np.maximum(excess, TINY_EXCESS / 1e3))

    def finer(self, schedule: Schedule) -> float:
        """The objective of one schedule, integrated in much finer steps."""
        request = engines_of(self.problem).finer(self.request)
        return float(self.objective.values(self._forecast([schedule], request))[0])

    def with_bands(self, schedule: Schedule, dimension: float | None) -> tuple[dict[str, np.ndarray], str]:
        """What one schedule ends with, by variable, with how far one run strays; and whether that is to be trusted."""
        if self.problem.data.empirical:  # forecasts on rows tell it as they are
            return {name: values[0] for name, values in self.endings([schedule]).items()}, "good"
        request = self.request._replace(bands=True, dimension=dimension)
        curve = engines_of(self.problem).forecast(self.training(schedule), request)
        last = {str(name): curve[name].values[-1] for name in curve.data_vars if curve[name].dims[:1] == ("time",)}
        return last, str(curve.attrs.get("bands", "good"))

    def require_optimum_for(self, schedule: Schedule) -> None:
        """InputError for a schedule that steers towards an optimum that there is not, or is not known."""
        engines_of(self.problem).optimum(self.problem).require_for(schedule)

    def at_radius(self, radius: float | RadiusSchedule) -> Trials:
        """The same under another radius of training."""
        return replace(self, problem=replace(self.problem, radius=radius), seen={})

    def line_search(self, knots: Knots) -> tuple[float, float]:
        """The last rate of knots, and the one that exact line search would take at their last state."""
        # As many as the search asked of at once, for which there is a program.
        asked = [KnotCandidate(knots, searched) for searched in (False, *[True] * len(knots.times))]
        rates = self.endings(asked)["learning_rate"]
        return float(rates[0]), float(rates[-1])


def _key(schedule: Schedule) -> Key:
    """What tells schedules apart: their kind and their numbers."""
    leaves, structure = jax.tree.flatten(schedule)
    return (structure, *(tuple(np.ravel(leaf)) for leaf in leaves))
