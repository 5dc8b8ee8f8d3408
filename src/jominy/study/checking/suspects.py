"""What can be wrong with a run: one number each, and what the run would then look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from jominy.data import GaussianMixture
from jominy.dynamics import Problem, RandomStart, forecast
from jominy.errors import InputError
from jominy.losses import Loss
from jominy.losses.wrong_steps import DecayedLoss, clipping_of
from jominy.numerics.arrays import Array
from jominy.schedules import Descent, Schedule


class Plan(NamedTuple):
    """A training as it is planned.

    problem, schedule, start, batch_size : as in `forecast`
    stretch : true time over planned time, where a batch is not the planned one
    """

    problem: Problem
    schedule: Schedule
    start: Any = None
    batch_size: int = 1
    stretch: float = 1.0


@dataclass(frozen=True)
class Suspect:
    """One number that may be other than planned.

    name : what it is called
    normal : its value where nothing is wrong: 1 of a factor, 0 of what should not be there
    lowest, highest : between which it is looked for
    planned : the number that a factor multiplies, where it is one number
    plan : from its value to the training that it makes
    starts : values from which the best one is sought besides the normal one, near which it may do nothing
    watched : whether its direction is looked in for whether a run is normal
    told : from its value to the number that users know it by; infinite where there should be none
    """

    name: str
    normal: float
    lowest: float
    highest: float
    planned: float | None
    plan: Callable[[float], Plan]
    starts: tuple[float, ...] = ()
    watched: bool = True
    told: Callable[[float], float] | None = None

    @property
    def step(self) -> float:
        """For derivatives by differences."""
        return 0.02 if self.normal else 0.005

    def cause(self, value: float, error: float) -> tuple[float, float, float | None]:
        """Value, standard error and what was planned, as users know them; None for what should not be there at all."""
        if self.told is not None:
            slope = (self.told(value + self.step / 2) - self.told(value - self.step / 2)) / self.step
            return self.told(value), abs(slope) * error, None
        factor = 1.0 if self.planned is None else self.planned
        return value * factor, error * factor, self.normal * factor


class Changed(Schedule):
    """A schedule times a factor, `stretch` times as slow, divided by 1 + decay * time, from the time `begun` on."""

    inner: Schedule
    factor: Array
    stretch: Array
    decay: Array
    begun: Array

    @property
    def adaptive(self) -> bool:  # type: ignore[override]
        return self.inner.adaptive

    @property
    def remembers(self) -> bool:  # type: ignore[override]
        return self.inner.remembers

    @property
    def rests_at_zero(self) -> bool:  # type: ignore[override]
        return self.inner.rests_at_zero

    @property
    def jumps(self) -> tuple[float, ...]:
        moved = (float(jump * self.stretch - self.begun) for jump in self.inner.jumps)
        return tuple(jump for jump in moved if jump > 0)

    def rate(self, time: Array, descent: Descent) -> Array:
        time = time + self.begun
        return self.factor * self.inner.rate(time / self.stretch, descent) / (1 + self.decay * time)

    def describe(self) -> dict[str, Any]:
        numbers = {name: float(getattr(self, name)) for name in ("factor", "stretch", "decay", "begun")}
        return {"kind": "changed", "schedule": self.inner.describe(), **numbers}


def _changed(
    schedule: Schedule, factor: float = 1.0, stretch: float = 1.0, decay: float = 0.0, begun: float = 0.0
) -> Changed:
    return Changed(schedule, *(np.asarray(float(number)) for number in (factor, stretch, decay, begun)))


def suspects_of(plan: Plan) -> list[Suspect]:
    """All numbers that can be wrong in a plan, the usual ones first."""
    problem, schedule, start = plan.problem, plan.schedule, plan.start
    fixed_radius = isinstance(problem.radius, float)

    def slowed(factor: float = 1.0, stretch: float = 1.0, decay: float = 0.0) -> Schedule:
        return _changed(schedule, factor, stretch, decay)

    several = problem.loss.several
    found = [Suspect("rate", 1.0, 0.2, 3.0, _rate(schedule), lambda c: plan._replace(schedule=slowed(c)))]
    if fixed_radius and problem.final_radius > 0:
        radius = problem.final_radius
        found.append(
            Suspect(
                "radius", 1.0, 0.0, 4.0, radius, lambda c: plan._replace(problem=replace(problem, radius=c * radius))
            )
        )
    data = problem.data
    if not data.empirical and not several and problem.mixture.noise_variance > 0:
        level = problem.mixture.noise_variance

        def noisier(c: float) -> Plan:
            return plan._replace(problem=replace(problem, data=_with(problem.mixture, noise_variance=c * level)))

        found.append(Suspect("noise", 1.0, 0.0, 6.0, level, noisier))
    size = start.norm if isinstance(start, RandomStart) else float(np.linalg.norm(start)) if start is not None else 0.0
    if size > 0:

        def elsewhere(c: float) -> Plan:
            return plan._replace(
                start=RandomStart(c * size) if isinstance(start, RandomStart) else c * np.asarray(start)
            )

        found.append(Suspect("start", 1.0, 0.01, 6.0, size, elsewhere))
    if fixed_radius and not schedule.adaptive and not (several and data.empirical):
        found.append(
            Suspect("batch", 1.0, 0.25, 4.0, None, lambda c: plan._replace(schedule=slowed(1 / c, c), stretch=c))
        )
    if fixed_radius and not schedule.adaptive:
        found.append(Suspect("decay", 0.0, 0.0, 2.0, None, lambda c: plan._replace(schedule=slowed(decay=c))))
    if not data.empirical and not several and data.classification and problem.mixture.label_law is None:

        def flipped(share: float) -> Plan:
            return plan._replace(problem=replace(problem, data=_with_flips(problem.mixture, share)))

        found.append(Suspect("label flips", 0.0, 0.0, 0.45, None, flipped))
    return [*found, *_wrong_steps(plan)]


def _wrong_steps(plan: Plan) -> list[Suspect]:
    """Weights that decay, and gradients that are clipped to a length, of losses of a margin or a residual."""
    problem, loss = plan.problem, plan.problem.loss
    if problem.data.empirical or loss.several or loss.plain is not loss or not isinstance(problem.radius, float):
        return []
    if not problem.attack.isotropic or problem.mixture.intercept:
        return []
    radius, found = problem.final_radius, []

    def with_loss(other: Loss) -> Plan:
        return plan._replace(problem=replace(problem, loss=other))

    def decayed(rate: float) -> Plan:
        return with_loss(DecayedLoss(loss, rate / radius**2)) if rate > 0 else plan

    if radius > 0 and problem.mixture.label_law is None and problem.mixture.teacher_link is None:
        found.append(Suspect("weight decay", 0.0, 0.0, 5.0, None, decayed))
    if plan.batch_size > 1 or not problem.law.commuting:
        return found  # of a batch it is the mean gradient that is clipped
    law = problem.law
    length = float(np.sqrt(law.weights @ (law.dimension * law.mean_variances + np.sum(law.means**2, axis=1))))

    begun = forecast(problem, plan.schedule, times=[0.0], start=plan.start)
    clipping = clipping_of(loss, float(np.sqrt(2 * begun["clean_risk"].values[0])))
    if clipping is None:
        return found
    _, normal, lowest, highest, usual = clipping
    gradient = Suspect(
        "clipping", normal, lowest, highest, None, lambda bend: with_loss(clipping.at(bend)), usual, watched=False,
        told=lambda bend: length * clipping.slope(bend),
    )  # fmt: skip
    return [*found, gradient]


def later(plan: Plan, time: float, start: Any) -> Plan:
    """The rest of a plan from a time on, from weights that were reached by then.

    Raises InputError for schedules with a memory, and radii that move: where they stand is not known from the weights.
    """
    if plan.schedule.remembers or not isinstance(plan.problem.radius, float):
        raise InputError(
            "the rest of a training is forecast for rates and radii that do not remember",
            type(plan.schedule).__name__,
            "hand over values instead of weights",
        )
    return plan._replace(schedule=_changed(plan.schedule, begun=time), start=start)


def _rate(schedule: Schedule) -> float | None:
    value = schedule.describe().get("rate")
    return float(value) if isinstance(value, int | float) else None


def _parts(data: GaussianMixture) -> dict[str, Any]:
    names = ("weights", "means", "covariances", "labels", "teacher")
    more = ("noise_variance", "label_law", "teacher_link", "intercept")
    return {name: getattr(data, name) for name in (*names, *more)}


def _with(data: GaussianMixture, **changes: Any) -> GaussianMixture:
    return GaussianMixture(**(_parts(data) | changes))


def _with_flips(data: GaussianMixture, share: float) -> GaussianMixture:
    """Each component once more with the other label, as often as labels are flipped."""
    if share <= 0:
        return data
    parts = _parts(data)
    parts["weights"] = np.concatenate([(1 - share) * np.asarray(data.weights), share * np.asarray(data.weights)])
    for name in ("means", "covariances"):
        parts[name] = [*parts[name], *parts[name]]
    parts["labels"] = np.concatenate([np.asarray(data.labels), -np.asarray(data.labels)])
    return GaussianMixture(**parts)
