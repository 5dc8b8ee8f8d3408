"""A schedule whose weights are averaged from some time on."""

from __future__ import annotations

from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.schedules.base import Descent, Schedule, require_number


class Averaged(Schedule):
    """The same rates, and from `begin` on what is reported is the mean of all weights since then (tail averaging).

    Source: theory `design.md` section 2.
    """

    schedule: Schedule
    begin: float

    @property
    def averaging(self) -> bool:  # type: ignore[override]
        return True

    @property
    def adaptive(self) -> bool:  # type: ignore[override]
        return self.schedule.adaptive

    @property
    def remembers(self) -> bool:  # type: ignore[override]
        return self.schedule.remembers

    @property
    def rests_at_zero(self) -> bool:  # type: ignore[override]
        return self.schedule.rests_at_zero

    @property
    def plain(self) -> Schedule:
        return self.schedule

    def rate(self, time: Array, descent: Descent) -> Array:
        return self.schedule.rate(time, descent)

    @property
    def jumps(self) -> tuple[float, ...]:
        return (*self.schedule.jumps, self.begin)

    def check(self, times: np.ndarray) -> None:
        self.schedule.check(times)
        if not self.begin < times[-1]:
            raise InputError(
                f"Averaging must begin before the last time, {times[-1]:g}",
                self.begin,
                f"Half the time is usual: `average_from={times[-1] / 2:g}`",
            )

    def describe(self) -> dict[str, Any]:
        return {**self.schedule.describe(), "average_from": float(self.begin)}


def averaged(schedule: Schedule, average_from: Any) -> Schedule:
    """The schedule with weights averaged from that time on, or, where it is None, itself."""
    if average_from is None:
        return schedule
    rule, advice = "Averaging begins at a finite time >= 0", "In units of samples / dimension; half the time is usual"
    return Averaged(schedule, require_number(average_from, rule, advice))
