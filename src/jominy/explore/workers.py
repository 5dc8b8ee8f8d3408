"""Worker processes that compute for the server: one request at a time, each within a time limit, killed past it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jominy.errors import InputError
from jominy.explore.fields import Request
from jominy.numerics.processes import WorkerContext, begin_worker

MOST_WAITING = 8
"""Requests that may wait for one worker; the next one is told to come back."""
LARGEST = 3 * 2**29
"""Bytes of memory past which a worker is replaced after its answer. What is compiled for a kind of problem stays: all
kinds that the page offers take less, hostile questions would take more and more."""
GROWTH = 2**26
"""Bytes that a worker grows by, most of them while it compiles, before it hands back what is free of them."""


class Busy(Exception):
    """Too many requests wait already."""


class TooLong(Exception):
    """The computation met its time limit and was ended."""


class Failed(Exception):
    """The computation failed for a reason that is ours, not the user's."""


class Refused(Exception):
    """What was asked has no answer; the text says why."""


class Worker:
    """One process and those who wait for it; where several compete for the cores, `nice` ones stand back."""

    def __init__(self, own: Path | None, nice: int = 0) -> None:
        self._own, self._nice = own, nice
        self.last = 0.0  # when an answer was last asked for, by time.monotonic
        self._process: Any = None
        self._lock, self._waiting, self._closed = asyncio.Lock(), 0, False

    @property
    def idle(self) -> bool:
        """Nothing is computed and nobody waits."""
        return self._waiting == 0

    async def ask(
        self, job: str, asked: Request, limit: float, tell: Callable[[dict[str, Any]], None] | None = None
    ) -> Any:
        """Have a job done. `tell` is called, in another thread, with what the job tells on its way.

        Raises Busy, Refused, TooLong, Failed.
        """
        if self._waiting > MOST_WAITING:
            raise Busy
        self.last = time.monotonic()
        # A task of its own: a caller that leaves must not free the lock while its job is computed.
        task = asyncio.create_task(self._in_turn(job, asked, limit, tell))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, also when nobody waits
        return await asyncio.shield(task)

    async def _in_turn(self, *job: Any) -> Any:
        self._waiting += 1
        try:
            async with self._lock:
                return await asyncio.to_thread(self._exchange, *job)
        finally:
            self._waiting -= 1

    @property
    def stopping(self) -> bool:
        """Somebody has asked the job that is running to end."""
        return self._process is not None and self._stop.is_set()

    def stop(self) -> None:
        """Ask the job that is running to end early and keep what it has."""
        if self._process is not None:
            self._stop.set()

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._closed = True
        self._kill()

    def _exchange(self, job: str, asked: Request, limit: float, tell: Callable[[dict[str, Any]], None] | None) -> Any:
        if self._closed:
            raise Failed
        if self._process is None or not self._process.is_alive():
            self._start()
        self._stop.clear()
        late = threading.Event()

        def end() -> None:
            late.set()
            self._kill()

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            self._pipe.send((job, asked))
            while True:
                word, value, size = self._pipe.recv()
                if word != "told":
                    break
                if tell is not None:
                    tell(value)
        except (EOFError, OSError):  # the process is gone
            if late.is_set():
                raise TooLong from None
            raise Failed from None
        finally:
            timer.cancel()
            timer.join()  # a process that it kills is gone before the next job looks whether there is one
        if size > LARGEST:
            self._kill()
        if word == "refused":
            raise Refused(value)
        if word == "failed":
            print(f"jominy explore: a request failed, which is a mistake of ours\n{value}", file=sys.stderr)
            raise Failed
        return value

    def _start(self) -> None:
        context = WorkerContext()
        self._pipe, theirs = context.Pipe()
        self._stop = context.Event()
        self._process = context.Process(
            target=serve_jobs, args=(theirs, self._stop, self._own, self._nice), daemon=True
        )
        self._process.start()
        theirs.close()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()


def serve_jobs(pipe: Any, stop: Any, own: Path | None, nice: int) -> None:
    """The worker's life: receive a job, answer it, until the server is gone."""
    begin_worker()
    os.nice(nice)
    from jominy.explore.desk import Desk

    desk = Desk(own, lambda told: pipe.send(("told", told, 0)), stop.is_set)
    tidied = 0
    while True:
        try:
            job, asked = pipe.recv()
        except EOFError:
            return
        try:
            word, value = "done", desk.answer(job, asked)
        except InputError as error:
            word, value = "refused", str(error)
        except Exception:
            word, value = "failed", traceback.format_exc()
        if _memory() > tidied + GROWTH:
            _hand_back()
            tidied = _memory()
        pipe.send((word, value, _memory()))


def _hand_back() -> None:
    """Give freed memory, which the C library keeps for later, back to the system: 150 MiB after a few compilations."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def _memory() -> int:
    """Bytes of memory in use now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * 4096
