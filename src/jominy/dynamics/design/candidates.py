"""Two kinds of schedules that stand for all that is compared, so that two compiled programs serve a whole design.

A program for each kind of schedule takes a second or two to compile, and the search itself little more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jominy.numerics.arrays import Array
from jominy.schedules import Constant, Descent, ExactLineSearch, Hill, InverseTime, Knots, Polyak, Schedule
from jominy.schedules.base import LARGEST

LAST = 1e-6
"""Share of the time at the end of which line search may be asked for its rate."""


class SmoothCandidate(Schedule):
    """A Hill schedule times a line down to zero, or Polyak's rate, or exact line search, according to its `shares`."""

    hill: Hill
    slope: float
    shares: Array
    """(2,) of Polyak's rate and of line search, 0 or 1."""

    def __init__(
        self,
        rate: float,
        half_time: float = 1.0,
        exponent: float = 1.0,
        slope: float = 0.0,
        shares: Sequence[float] = (0.0, 0.0),
    ):
        self.hill = Hill(rate, half_time, exponent)
        self.slope = float(slope)
        self.shares = np.asarray(shares, dtype=float)

    @property
    def adaptive(self) -> bool:  # type: ignore[override]
        # Within a program, which serves all of them, the shares are not known.
        return isinstance(self.shares, jax.core.Tracer) or bool(np.any(self.shares))

    def rate(self, time: Array, descent: Descent) -> Array:
        given = self.hill.rate(time, descent) * jnp.maximum(1 - self.slope * time, 0.0)
        polyak = jnp.where(self.shares[0] > 0, Polyak().rate(time, descent), 0.0)
        return given + polyak + jnp.where(self.shares[1] > 0, ExactLineSearch().rate(time, descent), 0.0)

    def describe(self) -> dict[str, Any]:
        return {"kind": "candidate", "hill": self.hill.describe(), "slope": self.slope, "shares": self.shares.tolist()}


class KnotCandidate(Schedule):
    """Knots until all but the end, and there the same, or what exact line search would take (`searched`)."""

    adaptive: ClassVar[bool] = True

    knots: Knots
    change: float
    searched: float

    def __init__(self, knots: Knots, searched: bool = False):
        self.knots = knots
        self.change = (1 - LAST) * knots.times[-1]
        self.searched = float(searched)

    def rate(self, time: Array, descent: Descent) -> Array:
        given = (jnp.asarray(time) < self.change) | (self.searched == 0)
        return jnp.where(given, self.knots.rate(time, descent), ExactLineSearch().rate(time, descent))

    @property
    def jumps(self) -> tuple[float, ...]:
        return (*self.knots.times, self.change)

    def describe(self) -> dict[str, Any]:
        return {"kind": "candidate", "knots": self.knots.describe(), "searched": bool(self.searched)}


POLYAK = SmoothCandidate(0.0, shares=(1.0, 0.0))
LINE_SEARCH = SmoothCandidate(0.0, shares=(0.0, 1.0))


def candidate_of(schedule: Schedule) -> Schedule:
    """The same rates by a candidate, for which there is a program already; the schedule itself where there is none.

    >>> candidate_of(InverseTime(2.0, decay=0.5)).describe()["hill"]["half_time"]
    2.0
    """
    for adaptive, candidate in ((Polyak(), POLYAK), (ExactLineSearch(), LINE_SEARCH)):
        if schedule.describe() == adaptive.describe():
            return candidate
    if isinstance(schedule, Constant):
        return SmoothCandidate(schedule.value, LARGEST)
    if isinstance(schedule, InverseTime) and schedule.decay * LARGEST > 1:
        return SmoothCandidate(schedule.initial, 1 / schedule.decay)
    if isinstance(schedule, Hill):
        return SmoothCandidate(schedule.initial, schedule.half_time, schedule.exponent)
    return schedule
