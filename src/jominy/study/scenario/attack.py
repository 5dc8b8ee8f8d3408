"""The attack in a scenario file: in l2, in l_inf, or with a weight for each feature."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from jominy.attacks import L2, LInf, Mahalanobis
from jominy.errors import InputError
from jominy.study.scenario.base import NotNegative, Table


class L2Table(Table):
    """Perturbations of l2 norm at most the radius."""

    kind: Literal["l2"] = "l2"

    def build(self, dimension: float) -> L2:
        return L2()

    def data_units(self, dimension: int) -> float:
        """What a radius that is given for the features of the data is multiplied by, beside their scale."""
        return 1.0


class LInfTable(Table):
    """Every feature is moved on its own, by at most radius * budget / sqrt(dimension)."""

    kind: Literal["linf"]
    budget: list[NotNegative] | None = Field(
        None, min_length=1, description="one per feature, repeated over all of them; 0 cannot be touched (default: 1)"
    )

    def build(self, dimension: float) -> LInf:
        return LInf() if self.budget is None else LInf(_repeated(self.budget, dimension, "budgets"))

    def data_units(self, dimension: int) -> float:
        """A radius in data units is by how much each feature may be moved."""
        return float(np.sqrt(dimension))


class MahalanobisTable(Table):
    """A budget for each feature, radius * sqrt(weight); weight 0 is a feature that nobody can touch."""

    kind: Literal["mahalanobis"]
    weights: list[NotNegative] = Field(min_length=1, description="one per feature, repeated over all of them")

    def build(self, dimension: float) -> Mahalanobis:
        return Mahalanobis(_repeated(self.weights, dimension, "weights"))

    def data_units(self, dimension: int) -> float:
        """As in l2."""
        return 1.0


def _repeated(pattern: list[float], dimension: float, what: str) -> np.ndarray:
    """A pattern repeated over the features."""
    if not np.isfinite(dimension):
        raise InputError(
            f"{what} of single features need a finite dimension", "an infinite one", "give the data a dimension"
        )
    if dimension % len(pattern):
        raise InputError(
            f"the {what} of an attack are repeated over the features, so their number must divide the dimension",
            f"{len(pattern)} {what} for {dimension:g} features",
            f"give {dimension:g} {what}, or a pattern of them",
        )
    return np.resize(pattern, int(dimension))


Attack = Annotated[L2Table | LInfTable | MahalanobisTable, Field(discriminator="kind")]
