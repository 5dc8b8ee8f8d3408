"""The training radius as something to be chosen: one number, or a few over time.

Source: theory `design.md` section 2: it is the larger lever. A radius over time gains some per cent of the excess over
the best constant one, and has local minima (section 4, fourth trap): the search sets out from several, of which the
best constant radius is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from jominy.dynamics.design.families import Family, Hills
from jominy.dynamics.design.search import Found, best_of
from jominy.dynamics.design.trials import Trials
from jominy.dynamics.engines import engines_of
from jominy.schedules import RadiusKnots, RadiusSchedule, Schedule, knot_times

SHARES = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
"""Of the largest radius, that are looked at first."""
CLOSE, NEAR = 0.01, 0.04
"""Share of the largest radius to which the best one is found; and where each forecast takes its time: the objective
there is 1e-4 above the least."""
GLANCE = 3e-4
"""The gain of a step at which the search at one radius of many ends, where each forecast takes its time."""
MOST, FIRST_STEPS = 200, 4
"""Steps of a search over time; and of each beginning's, the best of which goes on, where each forecast takes its
time."""
RADIUS_KNOTS = 5
"""Of a radius over time: seventeen end with an excess .6 % lower where the start is of norm .7, and no lower near zero
(least squares, two eigenvalues 16:1, noise .25, T = 20)."""


class ConstantRadii(NamedTuple):
    """The training radii that were looked at, each with its best Hill schedule, and the best one of them."""

    best: float
    looked_at: dict[float, Found]

    @property
    def table(self) -> np.ndarray:
        """(R, 2) radii in order, and the excess that each ends with."""
        return np.array([[radius, np.exp(self.looked_at[radius].value)] for radius in sorted(self.looked_at)])


def best_radius(trials: Trials, largest_rate: float, largest: float) -> ConstantRadii:
    """The training radius whose best Hill schedule ends lowest, of those up to the `largest`.

    A grid, on which the radii of the training and of the test are, and then golden sections around its best point.
    """
    import scipy.optimize

    seen: dict[float, Found] = {}
    family = Hills(trials.horizon, largest_rate)
    starts: list[np.ndarray] = []
    quick = engines_of(trials.problem).many_at_once

    def at(radius: float) -> float:
        radius = float(min(max(radius, 0.0), largest))
        if radius not in seen:
            found = best_of(
                family,
                trials.at_radius(radius).judge,
                starts[-1:],
                grid=not starts and quick,
                sparing=not quick,
                rough=GLANCE,
            )
            starts.append(found.numbers)
            seen[radius] = found
        return seen[radius].value

    given = [min(one, largest) for one in (trials.problem.final_radius, trials.objective.radius)]
    grid = sorted({*(share * largest for share in SHARES), *given})
    values = [at(radius) for radius in grid]
    best = int(np.argmin(values))
    below, above = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if below < above:
        scipy.optimize.minimize_scalar(
            at, bounds=(below, above), method="bounded", options={"xatol": (CLOSE if quick else NEAR) * largest}
        )
    if not quick:
        for radius in {min(seen, key=lambda radius: seen[radius].value), *given}:
            seen[radius] = best_of(family, trials.at_radius(radius).judge, [seen[radius].numbers], sparing=True)
    return ConstantRadii(min(seen, key=lambda radius: seen[radius].value), seen)


class Pair(NamedTuple):
    """A schedule of the rate and one of the training radius."""

    schedule: Schedule
    radius: RadiusSchedule


@dataclass(frozen=True)
class RadiiOverTime(Family):
    """Hill schedules of the rate, with a radius that goes straight between five knots, in units of the largest."""

    largest_radius: float = 1.0
    name = "radius-over-time"
    title = "best radius over time"

    @property
    def times(self) -> np.ndarray:
        """(5,) of the knots of the radius."""
        return knot_times(self.horizon, RADIUS_KNOTS)

    @property
    def hills(self) -> Hills:
        """Of the rate."""
        return Hills(self.horizon, self.largest)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.hills.bounds
        return np.append(low, np.zeros(RADIUS_KNOTS)), np.append(high, np.ones(RADIUS_KNOTS))

    @property
    def beginnings(self) -> list[np.ndarray]:
        return [np.append(numbers, np.full(RADIUS_KNOTS, 0.5)) for numbers in self.hills.beginnings]

    def around(self, constant: float, rates: np.ndarray) -> list[np.ndarray]:
        """Beginnings that the best constant radius and the numbers of its rate suggest: it, and a rise and a fall."""
        shapes = (np.ones(RADIUS_KNOTS), [0.0, 0.0, 0.5, 1.25, 2.0], [4.0, 1.0, 0.5, 1.0, 1.0])
        share = constant / self.largest_radius
        return [np.append(rates, np.clip(share * np.asarray(shape), 0.0, 1.0)) for shape in shapes]

    def schedule(self, numbers: np.ndarray) -> Schedule:
        return self.hills.schedule(numbers[:-RADIUS_KNOTS])

    def radius(self, numbers: np.ndarray) -> RadiusKnots:
        """The radius over time of these numbers."""
        return RadiusKnots(self.times.tolist(), (self.largest_radius * numbers[-RADIUS_KNOTS:]).tolist())

    def candidate(self, numbers: np.ndarray) -> Pair:  # type: ignore[override]
        return Pair(self.hills.candidate(numbers[:-RADIUS_KNOTS]), self.radius(numbers))


class OverTime(NamedTuple):
    """The best radius over time, and the logarithmic objective that its best Hill schedule ends with."""

    radius: RadiusKnots
    value: float
    schedule: Schedule


def best_over_time(trials: Trials, constant: ConstantRadii, largest_rate: float, largest: float) -> OverTime:
    """The radius over time that ends lowest together with a Hill schedule of the rate; nowhere above the `largest`."""
    engines = engines_of(trials.problem)

    def judge(pairs: Sequence[Pair]) -> np.ndarray:
        trainings = [
            trials.training(one.schedule)._replace(problem=replace(trials.problem, radius=one.radius)) for one in pairs
        ]
        return trials.logarithms(engines.endings(trainings, trials.request))

    family = RadiiOverTime(trials.horizon, largest_rate, largest)
    first, *others = family.around(constant.best, constant.looked_at[constant.best].numbers)
    if not engines.many_at_once:  # each forecast takes its time
        others = [others[int(np.argmin(judge([family.candidate(one) for one in others])))]]
    quick = engines.many_at_once

    def sought(start: np.ndarray, most: int) -> Found:
        return best_of(family, judge, [start], grid=False, sparing=not quick, most=most)  # type: ignore[arg-type]

    found = [sought(start, MOST if quick else FIRST_STEPS) for start in (first, *others)]
    best = min(found, key=lambda one: one.value)
    if not quick:
        best = sought(best.numbers, MOST)
    return OverTime(family.radius(best.numbers), best.value, family.schedule(best.numbers))
