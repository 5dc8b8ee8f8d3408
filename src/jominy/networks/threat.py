"""Where an attack may go: a ball around each input, within the box that inputs come from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from jominy.errors import InputError
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import magnitude
from jominy.networks.vectors import maximiser, project, random_point

Box: TypeAlias = tuple[float, float] | None
"""Lowest and highest value that an entry of an input can have, such as (0, 1) for images; None: no limit."""
ROUNDING = 1e-5
CHUNK = 2**22
"""Numbers in the inputs that are attacked together."""
SPARSITY = 0.05
"""Share of the coordinates that one l1 step moves."""


@dataclass(frozen=True)
class Threat:
    """What an attack may add to an input x: any eta with ||eta||_p <= radius that keeps x + eta in the box.

    Inputs and perturbations are rows (n, d). p is 1, 2 or infinity.
    """

    radius: float
    p: float
    box: Box = None

    @staticmethod
    def of(radius: float, p: float, box: Box = None) -> Threat:
        """The threat of numbers as a user gives them; InputError for a radius, norm or box that will not do."""
        return Threat(check_radius(radius), norm_exponent(p, "p"), check_box(box))

    def at(self, radius: float) -> Threat:
        """The same at another radius."""
        return replace(self, radius=radius)

    def nearest(self, eta: Tensor, rows: Tensor) -> Tensor:
        """eta brought back to what is allowed: the projection on the ball, then every entry clipped.

        The rows lie in the box, so that clipping shortens every entry of eta and leads out of no ball.

        >>> Threat(1.0, 2, (0.0, 1.0)).nearest(torch.tensor([[3.0, -4.0]]), torch.tensor([[0.5, 0.5]])).tolist()
        [[0.5, -0.5]]
        """
        eta = project(eta, self.p, self.radius)
        return eta if self.box is None else torch.clamp(rows + eta, *self.box) - rows

    def farthest(self, slopes: Tensor, rows: Tensor) -> Tensor:
        """One full step along slopes: the eta of the ball that gains most if they are the same everywhere, clipped."""
        return self.nearest(self.radius * maximiser(slopes, self.p), rows)

    def climbed(self, eta: Tensor, slopes: Tensor, stride: float, rows: Tensor) -> Tensor:
        """A step of projected ascent from eta, of length `stride` in the norm; for p = 1 over the largest slopes."""
        return self.nearest(eta + stride * _ascent_direction(slopes, self.p), rows)

    def random_start(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """A random point of the ball for each row: a random direction (a corner for p = inf) and a uniform length."""
        share = torch.rand((len(rows), 1), generator=generator, dtype=torch.float64, device=rows.device).to(rows)
        return self.nearest(self.radius * share * random_point(tuple(rows.shape), self.p, generator, rows), rows)

    def check(self, inputs: Tensor) -> None:
        """InputError for a box that does not hold the inputs, and for a radius in other units than theirs.

        A cube of half the width of the box holds every input: no label is left to learn. With inputs in [0, 1] that is
        nearly always a radius meant in pixel values from 0 to 255.
        """
        low, high = float(inputs.min()), float(inputs.max())
        if self.box is not None:
            slack = ROUNDING * (self.box[1] - self.box[0])
            if low < self.box[0] - slack or high > self.box[1] + slack:
                raise InputError(
                    f"the box must hold the inputs, from {self.box[0]:g} to {self.box[1]:g}",
                    f"inputs from {low:.4g} to {high:.4g}",
                    "give the box of the inputs as the module takes them; put normalisation into the module",
                )
        width = None if self.box is None else self.box[1] - self.box[0]
        if width is None and low >= 0 and 0.5 < high <= 1 + ROUNDING:
            width = 1.0
        sizes = {math.inf: 1.0, 2.0: math.sqrt(inputs[0].numel()), 1.0: float(inputs[0].numel())}
        if width is not None and self.radius >= width * sizes[float(self.p)]:
            norm = "_inf" if math.isinf(self.p) else f"{self.p:g}"
            raise InputError(
                "the radius must be in the units of the inputs, and smaller than the box they come from",
                f"radius {self.radius:g} in l{norm}, inputs from {low:.3g} to {high:.3g}",
                "a radius in pixel values is divided by 255: 8/255" if self.p == math.inf else "take a smaller radius",
            )


def _ascent_direction(slopes: Tensor, p: float) -> Tensor:
    """A step of length one in the norm p that climbs along `slopes` (n, d); for p = 1 over the largest 5 % of them."""
    if p != 1:
        return maximiser(slopes, p)
    count = max(1, round(SPARSITY * slopes.shape[1]))
    largest = slopes.abs().topk(count, dim=1).indices
    return torch.zeros_like(slopes).scatter_(1, largest, slopes.gather(1, largest).sign() / count)


def check_radius(radius: float) -> float:
    """A finite radius that is zero or positive, as a number; InputError otherwise."""
    checked = magnitude(radius, "radius", minimum=0.0)
    if not isinstance(checked, float):
        raise InputError("an attack takes one radius", radius, "attack once for each radius")
    return checked


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
