"""How much is measured, and what the claims about networks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jominy.meanfield import Architecture

if TYPE_CHECKING:
    import xarray as xr

DIM, CLASSES = 64, 10


@dataclass(frozen=True)
class NetworkEffort:
    """Networks for each number, their width, inputs of each, and pairs of trainings for the ranking of claim (c)."""

    networks: int
    width: int
    inputs: int
    trainings: int


QUICK = NetworkEffort(networks=5, width=1000, inputs=6, trainings=16)
THOROUGH = NetworkEffort(networks=10, width=2000, inputs=24, trainings=128)


def plain(
    width: int, depth: int = 4, bias_variance: float = 0.0, input_dim: int = DIM, output_dim: int = CLASSES
) -> Architecture:
    """Without shortcuts, at the weight variance that keeps the signal."""
    return Architecture(depth, width, input_dim, output_dim, weight_variance=2.0, bias_variance=bias_variance)


def residual(width: int, depth: int = 8, bias_variance: float = 0.0, input_dim: int = DIM) -> Architecture:
    """With shortcuts, and omega^L = 2."""
    variance = 2 * (2 ** (1 / depth) - 1)
    return Architecture(
        depth, width, input_dim, CLASSES, weight_variance=variance, bias_variance=bias_variance, shortcut=True
    )


def over_networks(result: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean over networks and its standard error."""
    values = result[name].values
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
