"""Files that are replaced as a whole: a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jominy.errors import InputError


@contextlib.contextmanager
def replaced(target: Path, what: str) -> Iterator[Path]:
    """A file beside `target`, in a folder made if need be, to write to; it takes the target's place once it is written.

    InputError, naming `what` it was, where that cannot be done.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        os.close(handle)
        try:
            yield Path(name)
            _give_usual_permissions(name)
            with open(name, "rb") as written:
                os.fsync(written.fileno())
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise InputError(f"{what} could not be written: {error.strerror or error}", str(target)) from error


def _give_usual_permissions(path: str) -> None:
    """mkstemp makes a file that only its owner can read; these are ordinary files."""
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(path, 0o666 & ~mask)
