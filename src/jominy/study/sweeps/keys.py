"""The key of a point: the same for two scenarios that mean the same, another one wherever a number may differ."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from jominy.errors import InputError
from jominy.study.sweeps.engines import Engine

NUMERICS = 3
"""Version of the numbers. Raise it in the commit that changes a result of any engine by more than rounding (another
integrator or tolerance, another stream of random numbers, a corrected formula): stored points then no longer match."""


def canonical(scenario: Any, engine: Engine) -> str:
    """A scenario as JSON text, as the engine sees it.

    Defaults are filled in, data files stand for their content; the title, the sweep and keys
    that the engine does not use are left out.
    """
    given = scenario.model_dump()
    for name in ("title", "sweep", *engine.unused):
        given.pop(name, None)
    data = given.get("data")
    if isinstance(data, dict) and data.get("kind") == "file":
        data["path"] = content_hash(scenario._folder / data["path"])
    seeds = given.get("simulation", {}).get("seeds")
    if isinstance(seeds, list) and seeds == list(range(len(seeds))):
        given["simulation"]["seeds"] = len(seeds)
    return json.dumps(given, sort_keys=True, separators=(",", ":"))


def key_of(scenario: Any, engine: Engine) -> str:
    """Sixty-four hexadecimal digits: SHA-256 of the canonical scenario, the engine and the version of the numbers."""
    text = f"{engine.label} {NUMERICS} {canonical(scenario, engine)}"
    return hashlib.sha256(text.encode()).hexdigest()


def content_hash(path: Path) -> str:
    """SHA-256 of a file, read again when its size or time of change differ."""
    try:
        stat = path.stat()
        return _content_hash(str(path.resolve()), stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise InputError(
            f"the data file cannot be read: {error.strerror}", str(path), "data.path is relative to the scenario file"
        ) from error


@functools.lru_cache(maxsize=256)
def _content_hash(path: str, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
