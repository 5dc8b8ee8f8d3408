"""The problems of an audit as PyTorch modules that remember at which inputs they were asked, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jominy.audits.cases import Case, LinearScores
from jominy.audits.deep import Deep
from jominy.audits.paths import Ask
from jominy.audits.relu_plane import Plane

MOST_ROWS = 40_000
"""Rows that are remembered; passes are counted on."""


@dataclass
class Trace:
    """All passes of an attack: `rows` counts inputs, `trained` those in training mode."""

    asked: list[Ask] = field(default_factory=list)
    rows: int = 0
    gradient_rows: int = 0
    trained: int = 0

    def add(self, inputs: Tensor, training: bool) -> None:
        """Remember a pass."""
        gradient = torch.is_grad_enabled() and inputs.requires_grad
        self.rows += len(inputs)
        self.gradient_rows += len(inputs) * gradient
        self.trained += len(inputs) * training
        if self.rows <= MOST_ROWS:
            kept = inputs.detach().flatten(1).cpu().double().numpy()
            self.asked.append(Ask(kept, training, gradient))


class Linear(nn.Module):
    """Scores W x + b."""

    def __init__(self, scores: LinearScores) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(scores.weights, dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(scores.bias, dtype=torch.float32))

    def forward(self, rows: Tensor) -> Tensor:
        return nn.functional.linear(rows, self.weight, self.bias)


class Bent(nn.Module):
    """The ReLU network on a plane."""

    def __init__(self, plane: Plane) -> None:
        super().__init__()

        def single(values: Any) -> nn.Parameter:
            return nn.Parameter(torch.tensor(values, dtype=torch.float32))

        self.projection, self.centre = single(plane.projection), single(plane.centre)
        self.lines, self.offsets, self.sizes = single(plane.lines), single(plane.offsets), single(plane.sizes)
        self.slope, self.offset = single(plane.slope), single(plane.offset)

    def forward(self, rows: Tensor) -> Tensor:
        points = (rows - self.centre) @ self.projection.T
        value = torch.relu(points @ self.lines.T + self.offsets) @ self.sizes + points @ self.slope + self.offset
        return torch.stack([value, -value], dim=1) / 2


class Layered(nn.Sequential):
    """The deep ReLU network."""

    def __init__(self, network: Deep) -> None:
        parts: list[nn.Module] = []
        for weight, bias in zip(network.weights, network.biases, strict=True):
            parts += [Linear(LinearScores(weight, bias)), nn.ReLU()]
        super().__init__(*parts[:-1])


class Mask(nn.Module):
    """Half of the entries around the middle of the inputs are dropped at random in every pass, whatever the mode."""

    def __init__(self, middle: float, seed: int) -> None:
        super().__init__()
        self.middle, self.draw = middle, torch.Generator().manual_seed(seed)

    def forward(self, rows: Tensor) -> Tensor:
        kept = (torch.rand(rows.shape, generator=self.draw) < 0.5).to(rows)
        return self.middle + (rows - self.middle) * kept * 2


class Quantised(nn.Module):
    """Inputs rounded to a grid: the same function almost everywhere around, without a slope."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self.step = step

    def forward(self, rows: Tensor) -> Tensor:
        return self.step * torch.round(rows / self.step)


class Scaled(nn.Module):
    """Scores times a factor: the same decisions, and a softmax without a slope."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, scores: Tensor) -> Tensor:
        return scores * self.factor


class Victim(nn.Module):
    """A case as a module from inputs of a shape to scores, with the trace of its passes."""

    def __init__(self, case: Case, middle: float, seed: int) -> None:
        super().__init__()
        self.trace, self.classes = Trace(), case.scores(case.inputs[:1]).shape[1]
        inner: nn.Module
        if case.linear is not None:
            inner = Linear(case.linear)
        elif case.deep is not None:
            inner = Layered(case.deep)
        else:
            inner = Bent(_plane(case))
        parts: list[nn.Module] = [inner]
        for layer in case.layers:
            if layer == "dropout":  # in evaluation mode, in which it is handed over, it does nothing
                parts = [nn.Dropout(0.5), *parts]
            elif layer == "mask":
                parts = [Mask(middle, seed), *parts]
            elif layer == "quantised":
                parts = [Quantised(case.settings["step"]), *parts]
            elif layer == "scaled":
                parts = [*parts, Scaled(case.settings["factor"])]
        self.parts = nn.Sequential(*parts)
        self.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        self.trace.add(inputs, self.training)
        return self.parts(inputs.flatten(1))


def _plane(case: Case) -> Plane:
    assert case.plane is not None
    return case.plane


def victim(case: Case, middle: float, seed: int) -> Victim:
    """The module of a case, in evaluation mode, not yet asked anything."""
    return Victim(case, middle, seed)


def as_tensors(case: Case, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Inputs (n, ...) and labels (n,) of a case."""
    inputs = torch.tensor(case.inputs, dtype=torch.float32).view(len(case.labels), *shape)
    return inputs, torch.tensor(np.asarray(case.labels), dtype=torch.int64)
