"""The optimizer in a scenario file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jominy.optimizers import SGD
from jominy.study.scenario.base import Number, Table


class SGDTable(Table):
    """SGD in the meaning and units of PyTorch: batches whose gradients are averaged, momentum, weight decay."""

    kind: Literal["sgd"] = "sgd"
    batch_size: int = Field(1, ge=1, description="samples per step, whose gradients are averaged")
    weight_decay: Number = Field(0.0, ge=0, description="added to the gradient, times the weights")
    momentum: float = Field(0.0, ge=0, lt=1, description="of the buffer of gradients")
    nesterov: bool = Field(False, description="look ahead; needs momentum")
    dampening: float = Field(0.0, ge=0, le=1, description="of what a gradient adds to the buffer")
    replacement: bool = Field(True, description="whether a batch may hold a sample twice")
    decoupled: bool = Field(False, description="shrink the weights themselves, past the momentum")

    def build(self) -> SGD:
        """The optimizer."""
        return SGD(**self.model_dump(exclude={"kind"}))
