"""Every file that jominy writes: replaced as a whole, so that a crash leaves the old one or the new one, never half.

A link stays a link, and what it points to is replaced. Devices and pipes (/dev/null, /dev/stdout) are written to.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from jominy.errors import InputError

PART = ".part"
_NAMED = 40  # characters of a file's name in that of the file beside it, which has to be short enough too
_LINKS = 40  # so many links in a row are followed, as the system does
_DESCRIPTOR = re.compile(r"/(?:dev|proc/(?:self|thread-self|\d+))/fd/(\d+)")


Content = bytes | Callable[[Path], object]
"""What is in a file, or what writes it at a path."""


def write_whole(target: str | os.PathLike[str], content: Content, what: str) -> Path:
    """Write a file, in a folder made if need be, and return its path.

    The content is written beside the file that `target` is, or points to, and then renamed; a device or a pipe gets it
    as it is. A file that exists keeps its permissions, and one that is protected against writing is not replaced.
    A function that writes it at a path raises ``OSError`` where it cannot.

    Raises ``InputError``, naming `what` it was, where that cannot be done: a full disk, a name too long, a folder.
    """
    path = Path(target)
    with _told(path, what):
        found = _existing(path, what)
        if (number := _descriptor(path)) is not None:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            with open(os.dup(number), "wb") as opened:
                opened.write(as_bytes(content))
        elif found is not None and not stat.S_ISREG(found.st_mode):
            with open(path, "wb") as opened:
                opened.write(as_bytes(content))
        else:
            _replace(Path(os.path.realpath(path)), content, found)
    return path


def as_bytes(content: Content) -> bytes:
    """What is in a file, as bytes."""
    if isinstance(content, bytes):
        return content
    with tempfile.TemporaryDirectory() as folder:
        content(Path(folder) / "content")
        return (Path(folder) / "content").read_bytes()


def require_place(target: str | os.PathLike[str], what: str) -> None:
    """Find out before something is computed whether `write_whole` could write it there, into a folder that exists.

    Raises ``InputError`` where not. What only shows in writing, such as a full disk, cannot be known before.
    """
    path = Path(target)
    with _told(path, what):
        found = _existing(path, what)
        folder = Path(os.path.realpath(path)).parent
        if found is None and not folder.is_dir():
            raise InputError(f"the folder of {what} must exist", str(target), "create it first")
        if (found is None or stat.S_ISREG(found.st_mode)) and _descriptor(path) is None:
            if not os.access(folder, os.W_OK | os.X_OK):
                raise InputError(f"{what} could not be written: its folder may not be written to", str(target))


def is_stream(target: str | os.PathLike[str]) -> bool:
    """Whether what is written there is passed on and not kept: a device or a pipe."""
    try:
        return not stat.S_ISREG(os.stat(target).st_mode)
    except (OSError, ValueError):
        return False


def _existing(path: Path, what: str) -> os.stat_result | None:
    """What is there, if anything; ``InputError`` for what is no file, no device and no pipe, or is protected."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{what} must be a file, not a folder", str(path), "add a file name")
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
        raise InputError(f"{what} must be a file, a device or a pipe", str(path), "choose another name")
    if not os.access(path, os.W_OK):
        raise InputError(f"{what} could not be written: the file is protected against writing", str(path))
    return found


def _descriptor(path: Path) -> int | None:
    """The number of an open file of this process that a path (such as /dev/stdout) stands for.

    Opening it anew would start at the beginning of what a shell's ``> file`` has there.
    """
    here = os.path.abspath(path)
    for _ in range(_LINKS):
        if named := _DESCRIPTOR.fullmatch(here):
            return int(named[1])
        if not os.path.islink(here):
            return None
        here = os.path.normpath(os.path.join(os.path.dirname(here), os.readlink(here)))
    return None


def _replace(target: Path, content: Content, found: os.stat_result | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{target.name[:_NAMED]}.{secrets.token_hex(6)}{PART}"
    try:
        # The permissions that the system gives new files, which those of tempfile do not have.
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "wb") as new:
            if isinstance(content, bytes):
                new.write(content)
                new.flush()
            else:
                content(part)
            os.fsync(new.fileno())
        if found is not None:
            os.chmod(part, stat.S_IMODE(found.st_mode))
        os.replace(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


@contextlib.contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    """The system's own words about a path as an ``InputError``."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{what} could not be written: {error.strerror or error}", str(path)) from error
    except ValueError as error:  # a NUL, or letters that the system's encoding of names does not have
        raise InputError(f"{what} could not be written: its name is none that a file can have", str(path)) from error
