"""Reading a TOML file, with a plain word where that cannot be."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from jominy.errors import InputError


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a scenario file says. Raises :class:`InputError` where it is missing or no TOML text in UTF-8."""
    source = Path(path)
    if not source.is_file():
        raise InputError("the scenario file must exist", str(source), "examples/ holds some to start from")
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source.name} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError("a scenario file must be TOML text in UTF-8", source.name) from error
