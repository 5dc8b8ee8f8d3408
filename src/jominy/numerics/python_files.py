"""What a user has written in a Python file, by its name."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jominy.errors import InputError


def named_in(reference: str, what: str, how: str, make: Callable[[Any], Any] = lambda found: found) -> Any:
    """The object that `reference`, "file.py:name", names, or what `make` makes of it.

    `what` says what it is ("attack", "module"), `how` how to write it. Only the file itself is run, with its folder at
    the head of the path, so that it can import its neighbours.

    Raises InputError where the file or the name is missing, and where the file, or `make`, fails or exits.
    """
    file, _, name = reference.rpartition(":")
    path = Path(file)
    if not file or not name:
        raise InputError(f"the {what} is named by its file and a name in it", reference, how)
    if not os.path.isfile(path):
        raise InputError(f"the file of the {what} must exist", file, how)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"the {what} must be in a Python file", file, how)
    code = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(code)
        found = getattr(code, name, None)
        made = make(found)
    except (Exception, SystemExit) as error:  # whatever goes wrong in there is the user's code
        raise InputError(
            f"{file} must run without an error or an exit", f"{type(error).__name__}: {error}", how
        ) from error
    finally:
        sys.path.pop(0)
    if found is None:
        raise InputError(f"{file} must define {name}", "nothing of that name", how)
    return made
