"""What a sweep varies, in a scenario file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jominy.study.designs import Design, Linear, Logarithmic
from jominy.study.designs.named import named_design
from jominy.study.scenario.base import Number, Table, fraction

EngineName = Literal["forecast", "simulate", "homogenize", "optimum", "stationary", "theory", "trainability", "measure"]
DesignName = Literal["grid", "zipped", "random", "sobol", "halton", "latin-hypercube"]


class RangeTable(Table):
    """From `low` to `high`."""

    low: Number
    high: Number
    points: int | None = Field(None, ge=2, description="how many, both ends included; needed in a grid")
    scale: Literal["linear", "log"] = "linear"
    whole: bool = Field(False, description="round to whole numbers")

    def build(self) -> Linear:
        """The range."""
        return (Logarithmic if self.scale == "log" else Linear)(self.low, self.high, self.points, self.whole)


def _flat(given: Any) -> Any:
    """`schedule.rate = [...]` without quotes is a table within a table in TOML; here it is one path."""
    if not isinstance(given, dict):
        return given
    found: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, dict) and not value.keys() & RangeTable.model_fields.keys():
            found |= {f"{name}.{rest}": inner for rest, inner in _flat(value).items()}
        else:
            found[name] = value
    return found


class SweepTable(Table):
    """Fields that `jominy sweep` varies."""

    over: Annotated[dict[str, list[Any] | RangeTable], BeforeValidator(_flat)] = Field(
        description="field -> list of values, or a range { low, high, points, scale }; "
        "a field is a dotted path or a name that is unambiguous, such as rate"
    )
    engine: EngineName | None = Field(None, description="what is computed (default: forecast, or theory of a network)")
    design: DesignName = Field(
        "grid", description="all combinations, lists side by side (zipped), or points scattered in the ranges"
    )
    points: int | None = Field(None, ge=1, description="how many scattered points")
    seed: int = Field(0, ge=0, description="of scattered points")

    def build(self) -> Design:
        """The design."""
        over = {
            name: one.build() if isinstance(one, RangeTable) else [fraction(value) for value in one]
            for name, one in self.over.items()
        }
        return named_design(self.design, over, self.points, self.seed)
