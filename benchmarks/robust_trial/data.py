"""What the trial trains on: digits, Gaussian classes, and small colour images made here."""

import math

import numpy as np
import torch
from torch import Tensor

from jominy.networks import LabelledInputs, digits, gaussian_classes

COUNT = 1000
"""Training inputs."""


def data_of(kind: str, seed: int) -> LabelledInputs:
    """1000 training inputs as images (n, channels, side, side)."""
    if kind == "digits":
        found = digits(seed=seed, count=COUNT)
        return LabelledInputs(found.inputs.view(-1, 1, 8, 8), found.labels, "digits")
    if kind == "gaussian":
        found = gaussian_classes(COUNT, 64, 10, cosine=0.4, seed=seed)
        return LabelledInputs(found.inputs.view(-1, 1, 8, 8), found.labels, "Gaussian classes")
    return colour_images(COUNT, seed)


def colour_images(count: int, seed: int) -> LabelledInputs:
    """Ten classes of 3 x 12 x 12 images in [0, 1]: a smooth pattern for each class, shifted, under smooth noise."""
    draw = np.random.default_rng(seed)
    patterns = _smooth(draw, 10)
    labels = draw.permutation(np.arange(count) % 10)
    shifts = draw.integers(-1, 2, (count, 2))
    own = torch.stack(
        [torch.roll(patterns[y], (int(a), int(b)), (1, 2)) for y, (a, b) in zip(labels, shifts, strict=True)]
    )
    noise = _smooth(draw, count)
    white = torch.from_numpy(draw.standard_normal((count, 3, 12, 12))).float()
    images = (0.5 + 0.12 * own + 0.12 * noise + 0.04 * white).clamp(0, 1)
    return LabelledInputs(images, labels, "colour images")


def _smooth(draw: np.random.Generator, count: int) -> Tensor:
    """Fields (count, 3, 12, 12) of mean square one, smooth over four pixels."""
    coarse = torch.from_numpy(draw.standard_normal((count, 3, 4, 4))).float()
    fields = torch.nn.functional.interpolate(coarse, size=12, mode="bilinear", align_corners=False)
    return fields / fields.square().mean((1, 2, 3), keepdim=True).sqrt()


def l2_equivalent(radius: float, p: float, inputs: Tensor) -> float:
    """The radius in l2 of a cube as large: sqrt(d) times its own."""
    return radius * math.sqrt(inputs[0].numel()) if math.isinf(p) else radius
