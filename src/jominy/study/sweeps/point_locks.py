"""Who computes what, when several processes share a store.

A claim is a lock on one byte of a file, at a place that the key of the point decides. The system gives it up when the
process ends, however it ends, so that no claim outlives a kill. Where there are no such locks (Windows), two processes
may compute a point twice; it is stored once all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class PointLocks:
    """Claims of this process on points of a store."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o666) if fcntl is not None else -1

    def take(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that no other process has claimed; they are ours from now on."""
        return [key for key in keys if self._lock(key)]

    def give_back(self, keys: Iterable[str]) -> None:
        """End claims."""
        if fcntl is None:
            return
        for key in keys:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))

    def alone(self) -> bool:
        """Whether no other process has a claim; ends ours."""
        if fcntl is None:
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End all claims."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self, key: str) -> bool:
        if fcntl is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except BlockingIOError:
            return False
        except PermissionError:  # the other errno that POSIX allows for "somebody else has it"
            return False
        return True


def _place(key: str) -> int:
    return int(key[:15], 16)
