"""Families of schedules among which the best one is sought: their numbers, bounds and beginnings.

Source: theory `design.md` section 1.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.dynamics.design.candidates import KnotCandidate, SmoothCandidate
from jominy.errors import InputError
from jominy.schedules import Averaged, Constant, Hill, InverseTime, Knots, Schedule, Tabulated, knot_times
from jominy.schedules.hill import STEEPEST
from jominy.wording import did_you_mean

LEAST_RATE = 1e-4
"""The lowest rate of a knot. It matters where there is no label noise."""
NEVER = 1e9
"""Half times of so many horizons are never."""
COUNT = 17
"""Of knots."""


@dataclass(frozen=True)
class Family(abc.ABC):
    """Schedules with a few numbers, which are sought as logarithms.

    Attributes
    ----------
    horizon : the time at which training ends, samples / dimension
    largest : the largest rate
    """

    horizon: float
    largest: float
    name = ""
    title = ""

    @property
    @abc.abstractmethod
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest numbers (n,)."""

    @property
    @abc.abstractmethod
    def beginnings(self) -> list[np.ndarray]:
        """Numbers (n,) from the best of which the search sets out."""

    def from_simpler(self, found: Mapping[str, Any]) -> list[np.ndarray]:
        """Numbers that what was found of simpler families suggests; `found` has `numbers` and a `schedule` by name."""
        return []

    @abc.abstractmethod
    def schedule(self, numbers: np.ndarray) -> Schedule:
        """The schedule of these numbers (n,)."""

    def candidate(self, numbers: np.ndarray) -> Schedule:
        """The same rates by an object of a kind that other families share, so that one compiled program serves them."""
        return self.schedule(numbers)

    @property
    def rates(self) -> tuple[float, float]:
        """Logarithms of the lowest and the highest rate at the beginning."""
        return np.log(LEAST_RATE * self.largest), np.log(self.largest)


@dataclass(frozen=True)
class OfOneRate(Family):
    """Schedules that the rate at their beginning says: its logarithm is the one number."""

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.rates
        return np.array([low]), np.array([high])

    @property
    def beginnings(self) -> list[np.ndarray]:
        return [np.array([np.log(self.largest * share)]) for share in (0.7, 0.35, 0.17, 0.08, 0.04, 0.02, 0.01)]


@dataclass(frozen=True)
class Constants(OfOneRate):
    """The same rate throughout."""

    name = "constant"
    title = "best constant"

    def schedule(self, numbers: np.ndarray) -> Schedule:
        return Constant(float(np.exp(numbers[0])))

    def candidate(self, numbers: np.ndarray) -> Schedule:
        return SmoothCandidate(float(np.exp(numbers[0])), NEVER * self.horizon)


@dataclass(frozen=True)
class InverseTimes(Family):
    """c / (1 + t / t0)."""

    name = "inverse-time"
    title = "best c/(1 + t/t0)"

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.rates
        return np.array([low, np.log(1e-3 * self.horizon)]), np.array([high, np.log(1e4 * self.horizon)])

    @property
    def beginnings(self) -> list[np.ndarray]:
        rates, shares = (0.9, 0.5, 0.2), (0.03, 0.1, 0.3, 1.0, 10.0)
        return [np.log([self.largest * rate, self.horizon * share]) for rate in rates for share in shares]

    def from_simpler(self, found: Mapping[str, Any]) -> list[np.ndarray]:
        (rate,) = np.exp(found["constant"].numbers)
        return [np.log([factor * rate, self.horizon / factor**2]) for factor in (2.0, 4.0, 8.0)]

    def schedule(self, numbers: np.ndarray) -> Schedule:
        rate, half = np.exp(numbers)
        return InverseTime(float(rate), decay=float(1 / half))

    def candidate(self, numbers: np.ndarray) -> Schedule:
        rate, half = np.exp(numbers)
        return SmoothCandidate(float(rate), float(half))


@dataclass(frozen=True)
class Hills(Family):
    """c / (1 + (t / t0)^p)."""

    name = "hill"
    title = "best Hill"

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.rates
        return (
            np.array([low, np.log(1e-3 * self.horizon), np.log(0.05)]),
            np.array([high, np.log(1e4 * self.horizon), np.log(STEEPEST)]),
        )

    @property
    def beginnings(self) -> list[np.ndarray]:
        exponents = ((0.1, 1.5), (0.3, 1.5), (0.5, 2.0), (0.7, 4.0), (0.9, 8.0))
        return [
            np.log([self.largest * rate, self.horizon * share, exponent])
            for rate in (0.9, 0.4)
            for share, exponent in exponents
        ]

    def from_simpler(self, found: Mapping[str, Any]) -> list[np.ndarray]:
        rate, half = found["inverse-time"].numbers
        return [np.array([rate, half, np.log(exponent)]) for exponent in (1.0, 1.3)]

    def schedule(self, numbers: np.ndarray) -> Schedule:
        rate, half, exponent = np.exp(numbers)
        return Hill(float(rate), float(half), float(exponent))

    def candidate(self, numbers: np.ndarray) -> Schedule:
        rate, half, exponent = np.exp(numbers)
        return SmoothCandidate(float(rate), float(half), float(exponent))


@dataclass(frozen=True)
class Linears(OfOneRate):
    """A straight line down to zero at the horizon."""

    name = "linear"
    title = "best straight line to zero"

    def schedule(self, numbers: np.ndarray) -> Schedule:
        return Tabulated([0.0, self.horizon], [float(np.exp(numbers[0])), 0.0])

    def candidate(self, numbers: np.ndarray) -> Schedule:
        return SmoothCandidate(float(np.exp(numbers[0])), NEVER * self.horizon, slope=1 / self.horizon)

    def from_simpler(self, found: Mapping[str, Any]) -> list[np.ndarray]:
        return [found["constant"].numbers + np.log(factor) for factor in (2.0, 3.0)]


@dataclass(frozen=True)
class AveragedConstants(Family):
    """The same rate throughout, and the mean of all weights since some time."""

    name = "averaged-constant"
    title = "best constant, tail-averaged"

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.rates
        return np.array([low, np.log(0.01)]), np.array([high, np.log(0.98)])

    @property
    def beginnings(self) -> list[np.ndarray]:
        return [np.log([self.largest * rate, share]) for rate in (0.5, 0.25, 0.1, 0.05) for share in (0.3, 0.6)]

    def schedule(self, numbers: np.ndarray) -> Schedule:
        rate, share = np.exp(numbers)
        return Averaged(Constant(float(rate)), float(share * self.horizon))

    def candidate(self, numbers: np.ndarray) -> Schedule:
        rate, share = np.exp(numbers)
        return Averaged(SmoothCandidate(float(rate), NEVER * self.horizon), float(share * self.horizon))


@dataclass(frozen=True)
class KnotSchedules(Family):
    """Seventeen knots, between which the logarithm of the rate is linear: the best schedule of all, to 3e-5."""

    name = "knots"
    title = f"best {COUNT} knots"

    @property
    def times(self) -> np.ndarray:
        """(17,) of the knots."""
        return knot_times(self.horizon, COUNT)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return np.full(COUNT, np.log(min(LEAST_RATE, self.largest))), np.full(COUNT, np.log(self.largest))

    @property
    def beginnings(self) -> list[np.ndarray]:
        return [np.full(COUNT, np.log(self.largest * share)) for share in (0.7, 0.35, 0.1)]

    def from_simpler(self, found: Mapping[str, Any]) -> list[np.ndarray]:
        return [self.along(found["hill"].schedule)]

    def along(self, schedule: Schedule) -> np.ndarray:
        """The numbers nearest to a schedule that is given as a function of time."""
        low, high = self.bounds
        rates = np.array([float(schedule.rate(time, None)) for time in self.times])  # type: ignore[arg-type]
        return np.clip(np.log(np.maximum(rates, 1e-300)), low, high)

    def schedule(self, numbers: np.ndarray) -> Schedule:
        return Knots(self.times.tolist(), np.exp(numbers).tolist())

    def candidate(self, numbers: np.ndarray) -> Schedule:
        return KnotCandidate(Knots(self.times.tolist(), np.exp(numbers).tolist()))


FAMILIES: dict[str, type[Family]] = {
    family.name: family for family in (Hills, KnotSchedules, InverseTimes, Constants, Linears, AveragedConstants)
}


def family_named(name: str) -> type[Family]:
    """The family of this name, or an error that says which there are."""
    if name not in FAMILIES:
        known = ", ".join(repr(one) for one in FAMILIES)
        step = did_you_mean(name, list(FAMILIES)).strip() if isinstance(name, str) else ""
        raise InputError("A family of schedules must be one that is known", name, step or f"Choose from {known}")
    return FAMILIES[name]
