"""The training radius that a design chooses, and the other radii that it is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from jominy.dynamics.design.alternatives import ended
from jominy.dynamics.design.radius import ConstantRadii, OverTime, best_over_time, best_radius
from jominy.dynamics.design.record import SAME, Alternative, Design
from jominy.dynamics.design.trials import TINY_EXCESS, Trials
from jominy.errors import InputError
from jominy.schedules import RadiusSchedule


@dataclass(frozen=True)
class RadiusChoice:
    """What was looked at where the training radius was to be chosen, and what else there is.

    Attributes
    ----------
    constant : the constant radii; None where it was not to be chosen
    over_time : the best one over time; None where none was sought
    alternatives : ways to train at another radius, each with its own Hill schedule
    """

    constant: ConstantRadii | None = None
    over_time: OverTime | None = None
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
        return self.over_time is not None and self.gain > SAME

    @property
    def radius(self) -> float | RadiusSchedule:
        """The radius chosen."""
        assert self.constant is not None
        return self.over_time.radius if self.over_time is not None and self.moves else self.constant.best

    def remarks(self, told: Design) -> tuple[str, ...]:
        """What there is to say of a radius over time."""
        if self.over_time is None:
            return ()
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
