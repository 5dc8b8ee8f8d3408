"""Where training starts."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from jominy.data.arrays import LARGEST
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy


@dataclass(frozen=True)
class RandomStart:
    """X_0 ~ N(0, norm^2 I / d): the usual random initialisation, of norm `norm`.

    >>> RandomStart(0.5).norm
    0.5
    """

    norm: float

    def __post_init__(self) -> None:
        if not (isinstance(self.norm, Real) and np.isfinite(self.norm) and self.norm > 0):
            raise InputError("The norm of a random start must be finite and > 0", self.norm, "For zero leave start out")
        if self.norm > LARGEST:
            raise InputError(f"The norm of a random start must be at most {LARGEST:g}", self.norm, "Start nearer")


Start = RandomStart | np.ndarray | float | None


def start_vector(start: Any, dimension: float) -> np.ndarray | float:
    """The fixed part of a start: an array (d,), or a number s that means s times the evenly spread unit vector."""
    if start is None or isinstance(start, RandomStart):
        return 0.0
    try:
        vector = as_numpy(start, "start").astype(float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            "A start must be numbers", start, "Give an array, one number, `RandomStart(norm)`, or nothing for zero"
        ) from None
    if not np.all(np.isfinite(vector)):
        raise InputError("A start must be finite", start, "Remove NaN and infinite entries")
    if np.max(np.abs(vector), initial=0.0) > LARGEST:
        raise InputError(f"A start must be at most {LARGEST:g} in size", float(np.max(np.abs(vector))), "Start nearer")
    if vector.ndim == 0:
        return float(vector)
    if vector.shape != (dimension,):
        raise InputError(
            f"A start must have one entry per input dimension, shape ({dimension},)",
            f"shape {vector.shape}",
            "Give such an array, one number (its norm, spread evenly), `RandomStart(norm)`, or nothing for zero",
        )
    return vector


def start_in_classes(start: Any, classes: int, dimension: int) -> np.ndarray:
    """(K, d) the fixed part of a start of several classes: an array of that shape, or zeros."""
    if start is None or isinstance(start, RandomStart):
        return np.zeros((classes, dimension))
    shape = f"({classes}, {dimension})"
    step = f"Give an array {shape}, `RandomStart(norm)`, or nothing for zero"
    try:
        weights = as_numpy(start, "start").astype(float)
    except (TypeError, ValueError, OverflowError):
        raise InputError("A start must be numbers", start, step) from None
    if weights.ndim == 0 and weights == 0:
        return np.zeros((classes, dimension))
    if weights.shape != (classes, dimension):
        raise InputError(
            f"A start of several classes must have one row per class, shape {shape}", f"shape {weights.shape}", step
        )
    if not np.all(np.abs(weights) <= LARGEST):
        raise InputError(f"A start must be finite, and at most {LARGEST:g} in size", "larger numbers, or NaN", step)
    return weights


def start_in_eigenbasis(start: Any, law: EigenLaw) -> np.ndarray:
    """(Q,) coordinates of the fixed part of the start in the shared eigenbasis."""
    vector = start_vector(start, law.dimension)
    if isinstance(vector, np.ndarray) and not law.listed:
        raise InputError(
            "A start on a spectrum given as nodes is a number or random",
            f"an array of shape {vector.shape}",
            "Give its norm (spread evenly), `RandomStart(norm)`, or nothing for zero",
        )
    if isinstance(vector, float):
        if law.basis is None:
            return vector * np.sqrt(law.shares)
        vector = np.full(int(law.dimension), vector / np.sqrt(law.dimension))
    return vector if law.basis is None else law.basis.T @ vector


def start_dense(start: Any, law: DenseLaw) -> np.ndarray:
    """(d,) the fixed part of the start."""
    vector = start_vector(start, law.dimension)
    return np.full(law.dimension, vector / np.sqrt(law.dimension)) if isinstance(vector, float) else vector


def random_variance(start: Any) -> float:
    """Total variance of a random start, 0 for a fixed one."""
    return start.norm**2 if isinstance(start, RandomStart) else 0.0


def describe_start(start: Any) -> Any:
    """The start as a JSON-able record."""
    if start is None:
        return "zero"
    if isinstance(start, (int, float)):
        return {"norm": float(start)}
    if isinstance(start, RandomStart):
        return {"kind": "random", "norm": start.norm}
    return {"kind": "vector", "norm": float(np.linalg.norm(as_numpy(start, "start").astype(float)))}
