"""What every scenario file, and every table of one, has in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from jominy.errors import InputError
from jominy.numerics.fractions import number
from jominy.numerics.interrupts import interrupts_held
from jominy.study.scenario.messages import explain
from jominy.study.scenario.toml_file import read_toml


def fraction(given: Any) -> Any:
    """The number that "8/255" says; anything else as it is, for pydantic to judge."""
    try:
        return number(given) if isinstance(given, str) and "/" in given else given
    except ValueError:
        return given


_FRACTION = Annotated[str, Field(pattern=r"^\s*[0-9.]+\s*/\s*[0-9.]+\s*$", description="a fraction, such as 8/255")]
Number = Annotated[float, BeforeValidator(fraction, json_schema_input_type=float | _FRACTION)]
NotNegative = Annotated[
    float,
    Field(ge=0),
    BeforeValidator(fraction, json_schema_input_type=Annotated[float, Field(ge=0)] | _FRACTION),
]


class Table(BaseModel):
    """A table of a scenario file: unknown keys and wrong types are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """As pydantic's. Ctrl-C comes after it: pydantic would take it for the failure of one of our functions."""
        with interrupts_held():
            return super().model_dump(**options)


class ScenarioFile(Table):
    """A whole scenario file."""

    kind_of_file: ClassVar[str]
    """What it is called."""
    told_by: ClassVar[frozenset[str]]
    """Keys that no other kind of scenario has."""
    read_by: ClassVar[str]
    """The commands that read it, and the class."""
    _folder: Path = PrivateAttr(default_factory=Path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a scenario file. Raises :class:`InputError` that names the key, what came, and what is allowed."""
        source = Path(path)
        return cls.from_mapping(read_toml(source), folder=source.parent, source=source.name)

    @classmethod
    def from_mapping(
        cls, given: Mapping[str, Any], *, folder: str | os.PathLike[str] = ".", source: str = "the scenario"
    ) -> Self:
        """Check a mapping as a scenario file is checked. Paths in it are relative to ``folder``."""
        cls._require_own_kind(given, source)
        try:
            scenario = cls.model_validate(dict(given))
        except ValidationError as error:
            raise explain(error, dict(given), source, cls) from error
        scenario._folder = Path(folder)
        scenario._check(source)
        return scenario

    @classmethod
    def _require_own_kind(cls, given: Mapping[str, Any], source: str) -> None:
        """InputError for another kind of scenario, of which it would be of no use to hear that its keys are wrong."""
        for other in ScenarioFile.__subclasses__():
            if other is not cls and other.told_by & given.keys() and not cls.told_by & given.keys():
                what = f"{source} must be {cls.kind_of_file}"
                raise InputError(what, f"{other.kind_of_file}", f"it is read by {other.read_by}")

    def _check(self, source: str) -> None:
        """Raise InputError where keys that are right each by itself do not go together."""
