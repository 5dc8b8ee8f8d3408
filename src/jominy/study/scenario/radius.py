"""The radius of the attack in a scenario file: a number, or a schedule over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from jominy.schedules import RadiusPiecewise, RadiusRamp
from jominy.study.scenario.base import NotNegative, Table

Radius = NotNegative


class RampTable(Table):
    """From `start` straight to `end` at `time`, then the same."""

    kind: Literal["ramp"]
    start: Radius = 0.0
    end: Radius
    time: float = Field(gt=0, description="in samples / dimension")

    def build(self, scaled: Callable[[float], float]) -> Any:
        return RadiusRamp(scaled(self.start), scaled(self.end), self.time)


class PiecewiseRadiusTable(Table):
    """Constant between the given times."""

    kind: Literal["piecewise"]
    times: list[float] = Field(description="moments at which the radius changes")
    radii: list[Radius] = Field(description="one more than there are times")

    def build(self, scaled: Callable[[float], float]) -> Any:
        return RadiusPiecewise(self.times, [scaled(radius) for radius in self.radii])


RadiusTable = Annotated[RampTable | PiecewiseRadiusTable, Field(discriminator="kind")]
