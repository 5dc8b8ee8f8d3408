"""Losses, schedules, radii and attacks in a scenario file: a table for each part that is declared in `jominy.parts`."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, create_model

from jominy.errors import InputError
from jominy.parts import ATTACKS, LOSSES, OBJECTIVES, OPTIMIZERS, RADII, REQUIRED, SCHEDULES, Part, Registry, Setting
from jominy.study.scenario.base import NotNegative, Number, Table
from jominy.study.scenario.links import LinkTable

ToScaled = Callable[[float], float]
"""Turns a rate or a radius as written in the file into one for scaled features."""

PER_FEATURE = "per-feature"
_KINDS: dict[str, Any] = {
    "number": Number,
    "float": float,
    "count": Annotated[int, Field(ge=0)],
    "positive": Annotated[float, Field(gt=0)],
    "not-negative": NotNegative,
    "share": Annotated[float, Field(ge=0, lt=1)],
    "closed-share": Annotated[float, Field(ge=0, le=1)],
    "number of things": Annotated[int, Field(ge=1)],
    "switch": bool,
    "floats": list[float],
    "numbers": list[Number],
    "not-negatives": list[NotNegative],
    PER_FEATURE: Annotated[list[NotNegative], Field(min_length=1)],
    "link": LinkTable,
}
"""What the file may hold for each kind of setting."""


class PartTable(Table):
    """A table whose other keys are the settings of the part that its `kind` names."""

    kind: Any
    part: ClassVar[Part]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A setting of the part."""

    def build(self, scaled: ToScaled = float, dimension: float = np.inf) -> Any:
        """The object, for features that are scaled so, of which there are so many."""
        given = {setting.name: getattr(self, setting.name) for setting in self.part.settings}
        made = {
            setting.name: _made(given[setting.name], setting, scaled, dimension)
            for setting in self.part.settings
            if given[setting.name] is not None
        }
        return self.part.load()(**made)


def _made(value: Any, setting: Setting, scaled: ToScaled, dimension: float) -> Any:
    """A value of the file as the constructor takes it."""
    if isinstance(value, LinkTable):
        return value.build()
    if setting.kind == PER_FEATURE:
        return _repeated(value, dimension, setting.name)
    if setting.power:
        return [_scaled(one, setting, scaled) for one in value] if isinstance(value, list) else _scaled(
            value, setting, scaled
        )  # fmt: skip
    return value


def _scaled(value: float, setting: Setting, scaled: ToScaled) -> float:
    return scaled(value) if setting.power == 1 else value * scaled(1.0) ** setting.power


def _repeated(pattern: list[float], dimension: float, name: str) -> np.ndarray:
    """A pattern repeated over the features."""
    what = name if name.endswith("s") else f"{name}s"
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


def _table(part: Part, suffix: str, usual: str | None) -> type[PartTable]:
    """The table of a part; `usual` is the kind that may be left out."""
    fields: dict[str, Any] = {"kind": (Literal[part.name], usual if part.name == usual else ...)}
    for setting in part.settings:
        shape = _KINDS[setting.kind]
        if setting.default is None:
            shape = shape | None
        told: dict[str, Any] = {"description": setting.description} if setting.description else {}
        fields[setting.name] = (shape, Field(setting.default if setting.default is not REQUIRED else ..., **told))
    name = "".join(word.capitalize() for word in part.name.split("-")) + suffix
    made = create_model(name, __base__=PartTable, __doc__=part.description, __module__=__name__, **fields)
    made.part = part
    return made


def _union(registry: Registry, suffix: str, usual: str | None = None) -> Any:
    """What a scenario file may hold in the place of a part."""
    tables = [_table(part, suffix, usual) for part in registry.used()]
    if len(tables) == 1:
        return tables[0]
    named = BeforeValidator(lambda given: {"kind": usual} | given if usual and isinstance(given, dict) else given)
    return Annotated[reduce(or_, tables), Field(discriminator="kind"), named]


if TYPE_CHECKING:
    Loss: TypeAlias = PartTable
    Schedule: TypeAlias = PartTable
    RadiusTable: TypeAlias = PartTable
    Attack: TypeAlias = PartTable
    Objective: TypeAlias = PartTable
    Optimizer: TypeAlias = PartTable
else:
    Loss = _union(LOSSES, "LossTable")
    Schedule = _union(SCHEDULES, "ScheduleTable")
    RadiusTable = _union(RADII, "RadiusTable")
    Attack = _union(ATTACKS, "AttackTable", "l2")
    Objective = _union(OBJECTIVES, "ObjectiveTable", "adversarial")
    Optimizer = _union(OPTIMIZERS, "OptimizerTable", "sgd")


class EvaluatedAttack(Table):
    """An attack and its radius, under which a forecast is looked at besides."""

    attack: Attack
    radius: NotNegative = Field(description="of this attack")
