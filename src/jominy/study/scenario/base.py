"""What every scenario file, and every table of one, has in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from jominy.numerics.interrupts import interrupts_held
from jominy.study.scenario.messages import explain
from jominy.study.scenario.toml_file import read_toml


class Table(BaseModel):
    """A table of a scenario file: unknown keys and wrong types are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """As pydantic's. Ctrl-C comes after it: pydantic would take it for the failure of one of our functions."""
        with interrupts_held():
            return super().model_dump(**options)


class ScenarioFile(Table):
    """A whole scenario file."""

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
        try:
            scenario = cls.model_validate(dict(given))
        except ValidationError as error:
            raise explain(error, dict(given), source, cls) from error
        scenario._folder = Path(folder)
        scenario._check(source)
        return scenario

    def _check(self, source: str) -> None:
        """Raise InputError where keys that are right each by itself do not go together."""
