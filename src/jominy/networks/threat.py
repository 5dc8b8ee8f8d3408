"""Where an attack may go: a ball around each input, within the box that inputs come from."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from jominy.errors import InputError
from jominy.networks.vectors import project, random_point

Box: TypeAlias = tuple[float, float] | None
"""Lowest and highest value that an entry of an input can have, such as (0, 1) for images; None: no limit."""
ROUNDING = 1e-5
CHUNK = 2**22
"""Numbers in the inputs that are attacked together."""


def into_ball_and_box(eta: Tensor, rows: Tensor, p: float, radius: float, box: Box) -> Tensor:
    """eta with ||eta||_p <= radius and rows + eta in the box: the projection on the ball, then every entry clipped.

    The rows lie in the box, so that clipping shortens every entry of eta and leads out of no ball.

    >>> into_ball_and_box(torch.tensor([[3.0, -4.0]]), torch.tensor([[0.5, 0.5]]), 2, 1.0, (0.0, 1.0)).tolist()
    [[0.5, -0.5]]
    """
    eta = project(eta, p, radius)
    return eta if box is None else torch.clamp(rows + eta, *box) - rows


def chunks(inputs: Tensor) -> tuple[Tensor, ...]:
    """The inputs in parts that go through a network together: up to 512, fewer of large ones, so that they fit memory.

    >>> [len(part) for part in chunks(torch.zeros(1000, 3, 32, 32))], len(chunks(torch.zeros(64, 3, 224, 224))[0])
    ([512, 488], 27)
    """
    if not isinstance(inputs, Tensor) or not inputs.ndim or not inputs.numel():
        return (inputs,)  # refused, with words, by what takes it next
    return inputs.split(max(8, min(512, CHUNK // max(inputs[0].numel(), 1))))


def seeded(like: Tensor, seed: int) -> torch.Generator:
    """A source of random numbers on the device of a tensor, so that nothing is drawn elsewhere and moved."""
    return torch.Generator(device=like.device).manual_seed(seed)


def random_start(rows: Tensor, p: float, radius: float, box: Box, generator: torch.Generator | None) -> Tensor:
    """A random point of the ball for each row: a random direction (a corner for p = inf) and a uniform length."""
    share = torch.rand((len(rows), 1), generator=generator, dtype=torch.float64, device=rows.device).to(rows)
    return into_ball_and_box(radius * share * random_point(tuple(rows.shape), p, generator, rows), rows, p, radius, box)


def check_box(box: Box) -> Box:
    """The box as two floats; InputError where it is not two finite numbers, the lower one first.

    >>> check_box((0, 1))
    (0.0, 1.0)
    """
    if box is None:
        return None
    try:
        low, high = (float(bound) for bound in box)
    except (TypeError, ValueError):
        raise InputError(
            "a box is two numbers, the lowest and the highest value of an entry", box, "for images: (0, 1)"
        ) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            "a box must be finite and its lower bound below its upper one", (low, high), "for images: (0, 1)"
        )
    return low, high


def check_threat(inputs: Tensor, radius: float, p: float, box: Box) -> None:
    """InputError for a box that does not hold the inputs, and for a radius in other units than theirs.

    A cube of half the width of the box holds every input: no label is left to learn. With inputs in [0, 1] that is
    nearly always a radius meant in pixel values from 0 to 255.
    """
    low, high = float(inputs.min()), float(inputs.max())
    if box is not None:
        slack = ROUNDING * (box[1] - box[0])
        if low < box[0] - slack or high > box[1] + slack:
            raise InputError(
                f"the box must hold the inputs, from {box[0]:g} to {box[1]:g}",
                f"inputs from {low:.4g} to {high:.4g}",
                "give the box of the inputs as the module takes them; put normalisation into the module",
            )
    width = None if box is None else box[1] - box[0]
    if width is None and low >= 0 and 0.5 < high <= 1 + ROUNDING:
        width = 1.0
    sizes = {math.inf: 1.0, 2.0: math.sqrt(inputs[0].numel()), 1.0: float(inputs[0].numel())}
    if width is not None and radius >= width * sizes[float(p)]:
        raise InputError(
            "the radius must be in the units of the inputs, and smaller than the box they come from",
            f"radius {radius:g} in l{'_inf' if math.isinf(p) else f'{p:g}'}, inputs from {low:.3g} to {high:.3g}",
            "a radius in pixel values is divided by 255: 8/255" if p == math.inf else "take a smaller radius",
        )


def nearest_class_distance(inputs: Tensor, labels: Tensor, p: float, *, most: int = 500) -> float:
    """Mean over inputs of the p-norm distance to the nearest input of another class: twice what an attack may use.

    Of the first `most` inputs. Infinite where there is one class only.

    >>> nearest_class_distance(torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([0, 0, 1]), 2)
    2.3333333...
    """
    rows, classes = inputs[:most].flatten(1).double(), labels[:most]
    found = []
    for part, own in zip(rows.split(50), classes.split(50), strict=True):
        distance = torch.cdist(part, rows, p=float(p))
        distance[own.unsqueeze(1) == classes] = math.inf
        found.append(distance.amin(1))
    return float(np.mean(torch.cat(found).cpu().numpy()))
