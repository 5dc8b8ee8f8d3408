"""Reading a TOML file, with a plain word where that cannot be."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from jominy.errors import InputError

_DEEPEST = 40  # tables and lists within each other; scenarios have 5, and Python's own stack ends near 1000


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a scenario file says, with or without a byte order mark.

    Raises :class:`InputError` where it is missing, unreadable, no TOML text in UTF-8, or nested beyond sense.
    """
    source = Path(path)
    if not os.path.isfile(source):
        raise InputError("the scenario file must exist", str(source), "examples/ holds some to start from")
    try:
        given = tomllib.loads(source.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError("the scenario file must be readable", f"{source.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError("a scenario file must be TOML text in UTF-8", source.name) from error
    except RecursionError:
        raise _too_deep(source) from None
    except ValueError as error:  # TOMLDecodeError, and Python's own on an integer of thousands of digits
        raise InputError(f"{source.name} is not valid TOML: {str(error).split('; use sys')[0]}") from None
    level: list[Any] = [given]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return given
    raise _too_deep(source)


def _inside(outer: Any) -> list[Any]:
    held = outer.values() if isinstance(outer, dict) else outer
    return [one for one in held if isinstance(one, (dict, list))]


def _too_deep(source: Path) -> InputError:
    return InputError(f"tables and lists of a scenario may be nested {_DEEPEST} deep", f"{source.name} with more")
