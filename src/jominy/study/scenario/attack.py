"""The attack in a scenario file: in l2, or with a budget for each feature."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from jominy.attacks import L2, Mahalanobis
from jominy.errors import InputError
from jominy.study.scenario.base import NotNegative, Table


class L2Table(Table):
    """Perturbations of l2 norm at most the radius."""

    kind: Literal["l2"] = "l2"

    def build(self, dimension: float) -> L2:
        return L2()


class MahalanobisTable(Table):
    """A budget for each feature, radius * sqrt(weight); weight 0 is a feature that nobody can touch."""

    kind: Literal["mahalanobis"]
    weights: list[NotNegative] = Field(min_length=1, description="one per feature, repeated over all of them")

    def build(self, dimension: float) -> Mahalanobis:
        if not np.isfinite(dimension):
            raise InputError(
                "weights of single features need a finite dimension", "an infinite one", "give the data a dimension"
            )
        if dimension % len(self.weights):
            raise InputError(
                "the weights of an attack are repeated over the features, so their number must divide the dimension",
                f"{len(self.weights)} weights for {dimension:g} features",
                f"give {dimension:g} weights, or a pattern of them",
            )
        return Mahalanobis(np.resize(self.weights, int(dimension)))


Attack = Annotated[L2Table | MahalanobisTable, Field(discriminator="kind")]
