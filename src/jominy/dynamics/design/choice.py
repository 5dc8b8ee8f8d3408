"""The training radius that a design chooses, and the other radii that it is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from jominy.dynamics.design.alternatives import ended
from jominy.dynamics.design.radius import ConstantRadii, OverTime, best_over_time, best_radius
from jominy.dynamics.design.record import SAME, Alternative, Design
from jominy.dynamics.design.trials import TINY_EXCESS, Trials
from jominy.dynamics.engines import SimulationRequest, engines_of
from jominy.errors import InputError
from jominy.schedules import RadiusSchedule, Schedule

PAIRED, PAIRED_SEED = 400, 3_000_000
"""Runs on rows that tell whether a radius over time keeps its promise; none of the seeds that forecasts use."""


class Measured(NamedTuple):
    """By how much runs of SGD end lower, paired by their seeds, and its standard error."""

    gain: float
    error: float


@dataclass(frozen=True)
class RadiusChoice:
    """What was looked at where the training radius was to be chosen, and what else there is.

    Attributes
    ----------
    constant : the constant radii; None where it was not to be chosen
    over_time : the best one over time; None where none was sought
    measured : the gain of the one over time over the best constant one in real runs; None where they are not made
    alternatives : ways to train at another radius, each with its own Hill schedule
    """

    constant: ConstantRadii | None = None
    over_time: OverTime | None = None
    measured: Measured | None = None
    alternatives: tuple[Alternative, ...] = ()

    @property
    def gain(self) -> float:
        """The share of the excess that the radius over time spares, of that of the best constant one."""
        if self.constant is None or self.over_time is None:
            return 0.0
        return 1 - math.exp(self.over_time.value - self.constant.looked_at[self.constant.best].value)

    @property
    def moves(self) -> bool:
        """Whether the radius chosen is one over time."""
        shown = self.measured is None or self.measured.gain > 3 * self.measured.error
        return self.over_time is not None and self.gain > SAME and shown

    @property
    def radius(self) -> float | RadiusSchedule:
        """The radius chosen."""
        assert self.constant is not None
        return self.over_time.radius if self.over_time is not None and self.moves else self.constant.best

    @property
    def _in_runs(self) -> str:
        assert self.constant is not None and self.over_time is not None and self.measured is not None
        constant = self.constant.looked_at[self.constant.best].value
        promised = math.exp(constant) - math.exp(self.over_time.value)
        return (
            f"in {PAIRED} paired runs of SGD it gains {self.measured.gain:.2g} +- {self.measured.error:.1g}, where the "
            f"forecast promised {promised:.2g}"
        )

    def remarks(self, told: Design) -> tuple[str, ...]:
        """What there is to say of a radius over time."""
        if self.over_time is None:
            return ()
        if not self.moves and self.measured is not None:
            return (
                f"A radius over time was promised to end {100 * self.gain:.2g} % lower than the best constant one; "
                f"{self._in_runs}, so it is left constant.",
            )
        if not self.moves:
            return ("No radius over time ends lower than the best constant one by more than .1 % of the excess.",)
        least = told.objective.floor is not None
        what = "an excess" if least else "an objective"
        sentence = (
            f"Over time the radius ends with {what} {100 * self.gain:.2g} % lower than the best constant one does."
        )
        constant = next((one for one in self.alternatives if one.name == "constant-radius"), None)
        if constant is not None and constant.value - told.value <= told.band.width:
            sentence += (
                f" That is {constant.value - told.value:.2g}, and one run at dimension {told.band.dimension:g} tells "
                f"gains from {told.band.width:.2g} on."
            )
        if self.measured is not None:
            sentence += f" {self._in_runs[0].upper()}{self._in_runs[1:]}."
        return (sentence,)


def chosen_radius(trials: Trials, over_time: bool, largest_rate: float, largest: float) -> RadiusChoice:
    """The best constant radius and, where it is wanted, the best one over time."""
    problem = trials.problem
    if not isinstance(problem.radius, float):
        raise InputError("A radius that is to be chosen is a number", problem.radius, "Give a number to set out from")
    constant = best_radius(trials, largest_rate, largest)
    best = constant.looked_at[constant.best]
    moving = None
    if over_time and np.exp(best.value) > TINY_EXCESS:
        moving = best_over_time(trials, constant, largest_rate, largest)
    choice = RadiusChoice(constant, moving)
    if moving is not None and choice.moves and problem.data.empirical and trials.objective.attack is None:
        both = (trials.at_radius(constant.best), best.schedule), (trials.at_radius(moving.radius), moving.schedule)
        constant_runs, moving_runs = (_ends_of_runs(*one) for one in both)
        with np.errstate(invalid="ignore"):  # of runs that diverge
            gains = constant_runs - moving_runs
            choice = replace(choice, measured=Measured(gains.mean(), gains.std(ddof=1) / math.sqrt(PAIRED)))
    others = []
    if problem.radius in constant.looked_at and problem.radius != choice.radius:
        given = constant.looked_at[problem.radius]
        title = f"the radius given, {problem.radius:.3g}"
        others.append(ended(trials, "given-radius", title, given.schedule, given.candidate))
    if choice.moves:
        title = f"the best constant radius, {constant.best:.3g}"
        there = trials.at_radius(constant.best)
        others.append(ended(there, "constant-radius", title, best.schedule, best.candidate))
    return replace(choice, alternatives=tuple(others))


def _ends_of_runs(trials: Trials, schedule: Schedule) -> np.ndarray:
    """(PAIRED,) the objective at the end of real runs on rows."""
    seeds = list(range(PAIRED_SEED, PAIRED_SEED + PAIRED))
    asked = SimulationRequest(None, [trials.horizon], seeds, trials.held_out, None, None, 1, False, None)
    runs = engines_of(trials.problem).simulate(trials.training(schedule), asked)
    timed = [str(name) for name in runs.data_vars if "time" in runs[name].dims]
    return trials.objective.values({name: runs[name].isel(time=-1).values for name in timed})
