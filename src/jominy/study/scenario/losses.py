"""Losses in a scenario file."""

from __future__ import annotations

import importlib
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from jominy.losses import LinkSquaredLoss
from jominy.losses import Loss as LossObject
from jominy.study.scenario.base import Table
from jominy.study.scenario.links import LinkTable


class _LossTable(Table):
    """A loss without settings."""

    kind: Any
    object_name: ClassVar[str]

    def build(self) -> LossObject:
        return getattr(importlib.import_module("jominy.losses"), self.object_name)()


class SquaredTable(_LossTable):
    """Half the squared error."""

    kind: Literal["squared"]
    object_name = "SquaredLoss"


class LogisticTable(_LossTable):
    """log(1 + exp(-margin)), for classes."""

    kind: Literal["logistic"]
    object_name = "LogisticLoss"


class ProbitTable(_LossTable):
    """-log Phi(margin), Phi the normal distribution function, for classes."""

    kind: Literal["probit"]
    object_name = "ProbitLoss"


class HingeTable(_LossTable):
    """max(1 - margin, 0), for classes."""

    kind: Literal["hinge"]
    object_name = "HingeLoss"


class SquaredHingeTable(_LossTable):
    """max(1 - margin, 0)^2 / 2, for classes."""

    kind: Literal["squared-hinge"]
    object_name = "SquaredHingeLoss"


class SmoothedHingeTable(_LossTable):
    """1/2 - margin up to 0, (1 - margin)^2 / 2 up to 1, then 0, for classes."""

    kind: Literal["smoothed-hinge"]
    object_name = "SmoothedHingeLoss"


class LinkSquaredTable(Table):
    """(link(score) - target)^2 / 2: a student with a link, on a mixture or a linear teacher."""

    kind: Literal["link-squared"]
    link: LinkTable

    def build(self) -> LossObject:
        return LinkSquaredLoss(self.link.build())


class ExponentialTable(_LossTable):
    """exp(-margin), for classes."""

    kind: Literal["exponential"]
    object_name = "ExponentialLoss"


Loss = Annotated[
    SquaredTable
    | LogisticTable
    | ProbitTable
    | HingeTable
    | SquaredHingeTable
    | SmoothedHingeTable
    | LinkSquaredTable
    | ExponentialTable,
    Field(discriminator="kind"),
]
