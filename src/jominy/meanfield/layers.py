"""Walking through the layers of many architectures at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from jominy.meanfield.architecture import Architecture
from jominy.meanfield.numbers import Numbers


def while_deep(architecture: Architecture, layer: int, new: Numbers, old: Numbers) -> Any:
    """`new` where the network has this layer (counted from 1), `old` where it has ended before."""
    if isinstance(architecture.depth, int):
        return new
    return np.where(np.asarray(architecture.depth) >= layer, new, old)


def mean_activation(architecture: Architecture, variance: Numbers) -> Any:
    """E phi(h) = b sqrt(2/pi) sd(h) for h ~ N(0, variance), where a shortcut keeps it; 0 without shortcuts.

    Without a shortcut the next layer's centred weights make the mean irrelevant: only second moments go on.
    """
    return architecture.activation.even * np.sqrt(2 / np.pi * variance) * architecture.shortcut
