"""Learning rate and sampling in a scenario file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from jominy.dynamics import OnePass, ReshuffledEpochs, WithReplacement
from jominy.schedules import AdaGradNorm, Constant, Cosine, ExactLineSearch, InverseTime, Piecewise, Polyak
from jominy.study.scenario.base import Number, Table

ToScaled = Callable[[float], float]
"""Turns a rate as written in the file into one for scaled features."""


_RATE = Field(description="step times dimension")


class ConstantTable(Table):
    """The same learning rate throughout."""

    kind: Literal["constant"]
    rate: Number = _RATE

    def build(self, scaled: ToScaled) -> Any:
        return Constant(scaled(self.rate))


class InverseTimeTable(Table):
    """rate / (1 + decay * time)."""

    kind: Literal["inverse-time"]
    rate: Number = _RATE
    decay: float

    def build(self, scaled: ToScaled) -> Any:
        return InverseTime(scaled(self.rate), self.decay)


class CosineTable(Table):
    """Half a cosine from `rate` down to `final` at `horizon`."""

    kind: Literal["cosine"]
    rate: Number = _RATE
    horizon: float
    final: Number = 0.0

    def build(self, scaled: ToScaled) -> Any:
        return Cosine(scaled(self.rate), self.horizon, scaled(self.final))


class PiecewiseTable(Table):
    """Constant between the given times."""

    kind: Literal["piecewise"]
    times: list[float] = Field(description="moments at which the rate changes")
    rates: list[Number] = Field(description="one more than there are times")

    def build(self, scaled: ToScaled) -> Any:
        return Piecewise(self.times, [scaled(rate) for rate in self.rates])


class PolyakTable(Table):
    """The rate that shrinks the distance to the adversarial optimum fastest."""

    kind: Literal["polyak"]

    def build(self, scaled: ToScaled) -> Any:
        return Polyak()


class ExactLineSearchTable(Table):
    """The rate that shrinks the adversarial risk fastest."""

    kind: Literal["exact-line-search"]

    def build(self, scaled: ToScaled) -> Any:
        return ExactLineSearch()


class AdaGradNormTable(Table):
    """rate / sqrt(offset^2 + the square norms of all gradients so far, over dimension^2)."""

    kind: Literal["adagrad-norm"]
    rate: Number = _RATE
    offset: float = Field(1.0, description="the larger, the later the rate begins to fall")

    def build(self, scaled: ToScaled) -> Any:
        # Features s times as large have gradients s times as large (and a rate s^2 times as large).
        factor = scaled(1.0)
        return AdaGradNorm(self.rate * factor**1.5, self.offset * factor**0.5)


Schedule = Annotated[
    ConstantTable
    | InverseTimeTable
    | CosineTable
    | PiecewiseTable
    | PolyakTable
    | ExactLineSearchTable
    | AdaGradNormTable,
    Field(discriminator="kind"),
]


class SimulationTable(Table):
    """How SGD itself is run."""

    seeds: int | list[int] = Field(20, description="how many runs, or the seeds themselves")
    sampling: Literal["with-replacement", "one-pass", "reshuffled-epochs"] = Field(
        "with-replacement", description="how samples of your own are drawn"
    )
    full_vectors: bool | None = Field(
        None,
        description="run on full vectors (true) or exactly in law over groups of eigenvalues (false); unset chooses",
    )

    def build_sampling(self) -> Any:
        """The sampling object."""
        return {
            "with-replacement": WithReplacement,
            "one-pass": OnePass,
            "reshuffled-epochs": ReshuffledEpochs,
        }[self.sampling]()
