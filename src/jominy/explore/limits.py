"""How long a job may take, by the work that is done for it: on a busy machine little is done in a long time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

LONGEST = 3.0
"""Times its limit that a job may take where the machine lets it work little."""
_WORKED = 0.6  # share of its limit that a job has worked which is to blame itself


class TooLong(Exception):
    """The job met its time limit and was ended."""


class Crowded(TooLong):
    """The job was ended because the machine, busy with other work, hardly let it work."""


class TimeLimit:
    """Ends a process that takes longer than `limit` seconds over what is done within the block.

    Where the system tells how much a process has worked, one that was kept from working gets up to `LONGEST` times
    the limit. `error` says afterwards why the process was ended, or None.
    """

    def __init__(self, limit: float, process: int, end: Callable[[], None]) -> None:
        self._limit, self._process, self._end = limit, process, end
        self.error: TooLong | None = None

    def __enter__(self) -> TimeLimit:
        self._begin, self._worked, self._over = time.monotonic(), seconds_worked(self._process), False
        self._changing = threading.Lock()
        self._wait(self._limit)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._over = True
            self._timer.cancel()
        self._timer.join()  # a process that it ends is gone before the next job looks whether there is one

    def _wait(self, seconds: float) -> None:
        with self._changing:
            if not self._over:
                self._timer = threading.Timer(seconds, self._due)
                self._timer.start()

    def _due(self) -> None:
        passed, now = time.monotonic() - self._begin, seconds_worked(self._process)
        worked = passed if now is None or self._worked is None else now - self._worked
        if worked >= _WORKED * self._limit:
            self.error = TooLong()
        elif passed >= LONGEST * self._limit:
            self.error = Crowded()
        else:
            return self._wait(min(self._limit - worked, LONGEST * self._limit - passed) + 0.05)
        self._end()


def seconds_worked(process: int) -> float | None:
    """CPU time of a process; None where the system does not say (it is gone, or this is not Linux)."""
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
