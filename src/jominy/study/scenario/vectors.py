"""Means, teachers and starts in a scenario file: a number, a list, or a rule that makes the vector."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag

from jominy.errors import InputError
from jominy.study.scenario.base import Table


class Pattern(Table):
    """Values repeated over the coordinates, then scaled to the norm: [1, -1] points along +, -, +, -, ..."""

    kind: Literal["pattern"]
    values: list[float] = Field(description="repeated over the coordinates")
    norm: float = Field(1.0, description="l2 norm of the vector; negative for the opposite direction")

    def build(self, dimension: int) -> np.ndarray:
        """The vector, shape (dimension,)."""
        values = np.resize(np.asarray(self.values, dtype=float), dimension) if self.values else np.zeros(dimension)
        return _scaled(values, self.norm, "a pattern needs a value that is not zero", self.values)


class RandomDirection(Table):
    """A direction drawn uniformly at random, the same for the same seed."""

    kind: Literal["random-direction"]
    norm: float = Field(1.0, description="l2 norm of the vector")
    seed: int = Field(0, ge=0, description="seed of the direction")

    def build(self, dimension: int) -> np.ndarray:
        """The vector, shape (dimension,)."""
        return _scaled(np.random.default_rng(self.seed).standard_normal(dimension), self.norm, "", None)


class RandomStartTable(Table):
    """Independent Gaussian coordinates: another start for every seed."""

    kind: Literal["random"]
    norm: float = Field(gt=0, description="l2 norm, in expectation of the square")


def _shape(value: Any) -> str | None:
    """Which of the ways to write a vector this is; None lets pydantic name what is allowed."""
    if isinstance(value, (bool, str)):
        return None
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, list):
        return "list"
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if kind in ("pattern", "random-direction", "random") else None


_ALLOWED = {
    "custom_error_type": "vector",
    "custom_error_message": (
        "must be a number (the norm of a vector spread evenly over the coordinates), a list of one number per "
        'coordinate, or a table such as { kind = "pattern", values = [1, -1], norm = 0.7 } '
        'or { kind = "random-direction", norm = 0.7, seed = 1 }'
    ),
}

_Number = Annotated[float, Tag("number")]
_List = Annotated[list[float], Tag("list")]
_Pattern = Annotated[Pattern, Tag("pattern")]
_Random = Annotated[RandomDirection, Tag("random-direction")]

Vector = Annotated[_Number | _List | _Pattern | _Random, Discriminator(_shape, **_ALLOWED)]
Start = Annotated[
    _Number | _List | _Pattern | _Random | Annotated[RandomStartTable, Tag("random")],
    Discriminator(_shape, **_ALLOWED),
]


def build_vector(value: Any, dimension: int | float) -> float | np.ndarray:
    """A number as it is, anything else as an array of shape (dimension,)."""
    if isinstance(value, (Pattern, RandomDirection)):
        if not np.isfinite(dimension):
            raise InputError(
                "in infinite dimension a vector must be a number, its norm",
                value.kind,
                "give a finite dimension, or a number",
            )
        return value.build(int(dimension))
    return np.asarray(value, dtype=float) if isinstance(value, list) else float(value)


def _scaled(values: np.ndarray, norm: float, rule: str, received: object) -> np.ndarray:
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        raise InputError(rule, received)
    if not 1e-100 < largest < 1e100:  # whose square is no number
        values = values / largest
    length = float(np.linalg.norm(values))
    return values * (norm / length)
