"""Folders that a command makes, and does not leave behind when nothing came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path


def make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it. Returns what was made, the innermost first; raises OSError where it cannot be.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> made = make_folder(root / "a" / "b")
    >>> remove_unused(made)
    >>> [path.name for path in made], list(root.iterdir())
    (['b', 'a'], [])
    """
    absolute = folder.absolute()
    missing = [path for path in (absolute, *absolute.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def remove_unused(made: Sequence[Path], of_ours: Sequence[str] = ()) -> None:
    """Remove folders that `make_folder` made and that hold nothing but files of these names in the innermost one."""
    with contextlib.suppress(OSError):  # somebody else uses them: they stay
        if made and {path.name for path in made[0].iterdir()} <= set(of_ours):
            for name in of_ours:
                (made[0] / name).unlink(missing_ok=True)
        for path in made:
            path.rmdir()
