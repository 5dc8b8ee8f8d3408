"""The tables of a network scenario: the network itself, what varies, training, measurement."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jominy.meanfield import LayerVariances, ReLULike
from jominy.study.scenario.base import NotNegative, Table

Natural = Annotated[int, Field(ge=1)]


def _exponent(value: Any) -> Any:
    """TOML's own inf, and 1.0 or 2.0, as what they mean."""
    if isinstance(value, float) and value in (1, 2, math.inf):
        return "inf" if math.isinf(value) else int(value)
    return value


Exponent = Annotated[Literal[1, 2, "inf"], BeforeValidator(_exponent)]


def exponents(given: int | str | list[int | str]) -> float | list[float]:
    """The norms of a scenario as numbers."""
    return [float(one) for one in given] if isinstance(given, list) else float(given)


class SlopesTable(Table):
    """An activation that is linear on either side of zero."""

    u: float = Field(1.0, description="slope above zero")
    v: float = Field(0.0, description="slope below zero")


class NetworkTable(Table):
    """A random network with fully connected layers of one width."""

    depth: Natural = Field(description="hidden layers, L")
    width: Natural = Field(description="units per layer, N")
    input_dim: Natural | None = Field(None, description="inputs, d; default: the data's own")
    output_dim: Natural | None = Field(None, description="outputs, K; default: the classes of the data")
    activation: Literal["relu"] | SlopesTable = Field("relu", description='"relu", or slopes { u = ..., v = ... }')
    weight_variance: NotNegative | list[NotNegative] = Field(
        description="N times the variance of a weight; a list has one number for each layer"
    )
    bias_variance: NotNegative = Field(0.0, description="variance of a bias")
    shortcut: bool = Field(False, description="whether every layer adds its input")

    def build_activation(self) -> ReLULike:
        """The activation as an object."""
        return ReLULike() if isinstance(self.activation, str) else ReLULike(self.activation.u, self.activation.v)

    def build_variance(self) -> float | LayerVariances:
        """One variance for all layers, or one each."""
        variance = self.weight_variance
        return LayerVariances(tuple(variance)) if isinstance(variance, list) else variance


class NetworkTrainingTable(Table):
    """Plain gradient descent on cross-entropy plus the adversarial loss."""

    learning_rate: float | None = Field(None, gt=0, description="with steps: are the steps enough?")
    steps: Natural | None = Field(None, description="training steps planned")
    adversarial_weight: NotNegative = Field(1.0, description="weight of the adversarial loss beside the cross-entropy")


class VaryTable(Table):
    """Values of fields; all combinations are computed."""

    depth: list[Natural] | None = Field(None, min_length=1)
    width: list[Natural] | None = Field(None, min_length=1)
    input_dim: list[Natural] | None = Field(None, min_length=1)
    output_dim: list[Natural] | None = Field(None, min_length=1)
    weight_variance: list[NotNegative] | None = Field(None, min_length=1)
    bias_variance: list[NotNegative] | None = Field(None, min_length=1)
    shortcut: list[bool] | None = Field(None, min_length=1)
    radius: list[NotNegative] | None = Field(None, min_length=1)
    adversarial_weight: list[NotNegative] | None = Field(None, min_length=1)


class MeasureTable(Table):
    """How the real networks are measured."""

    networks: Natural = Field(5, description="random networks; their spread is the standard error")
    seed: int = Field(0, ge=0, description="seed of the first network, and of the data drawn")
    inputs: Natural = Field(32, description="inputs at which Jacobians and attacks are measured")
