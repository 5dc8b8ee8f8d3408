"""Worker processes that compute for the server: one request at a time, each within a time limit, killed past it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jominy.errors import InputError
from jominy.explore.fields import Request
from jominy.explore.limits import Crowded, TimeLimit, TooLong
from jominy.explore.tables import Tables
from jominy.explore.turns import CLIENT, MOST_WAITING, Busy, Client, Replaced, Turns
from jominy.numerics.processes import WorkerContext, begin_worker

STOP = "stop"
"""What is sent to a process so that its job ends early. Through the pipe: an event of the system's own would need
semaphores, which a server that is killed would leave behind."""
LARGEST = 3 * 2**29
"""Bytes of memory past which a worker is replaced after its answer. What is compiled for a kind of problem stays: all
kinds that the page offers take less, hostile questions would take more and more."""
GROWTH = 2**26
"""Bytes that a worker grows by, most of them while it compiles, before it hands back what is free of them."""


class Failed(Exception):
    """The computation failed for a reason that is ours, not the user's."""


class Refused(Exception):
    """What was asked has no answer; the text says why."""


class Worker:
    """One process and those who wait for it; where several compete for the cores, `nice` ones stand back."""

    def __init__(self, own: Path | None, nice: int = 0, tables: Tables | None = None) -> None:
        self._own, self._nice, self._tables = own, nice, tables
        self.last = 0.0  # when an answer was last asked for, by time.monotonic
        self.turns, self.at = Turns(), Client()
        self._serving: asyncio.Task[None] | None = None
        self._process: Any = None
        self._pipe: Any = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._closed, self._starting = False, threading.RLock()  # a signal may interrupt the one who holds it
        self._working, self.stopping, self._telling = False, False, threading.Lock()

    @property
    def idle(self) -> bool:
        """Nothing is computed and nobody waits."""
        return self._serving is None

    async def ask(
        self, job: str, asked: Request, limit: float, tell: Callable[[dict[str, Any]], None] | None = None
    ) -> Any:
        """Have a job done when it is the turn of the client who asks (`CLIENT`).

        `tell` is called, in another thread, with what the job tells on its way.

        A caller that leaves while it waits leaves the queue; what is being computed goes on without it.

        Raises Busy, Replaced, Refused, TooLong, Failed.
        """
        self.last = time.monotonic()
        kind = (job, getattr(asked, "what", None), getattr(asked, "form", None))
        ticket = self.turns.enter(CLIENT.get(), kind, (job, asked, limit, tell))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        try:
            return await ticket.answer
        finally:
            self.turns.leave(ticket)

    async def _serve(self) -> None:
        """One job after the other, while anybody waits."""
        try:
            while (ticket := self.turns.next()) is not None:
                self.at = ticket.client
                try:
                    value, error = await asyncio.to_thread(self._exchange, *ticket.work), None
                except Exception as raised:
                    value, error = None, raised
                if not ticket.answer.done():
                    if error is None:
                        ticket.answer.set_result(value)
                    else:
                        ticket.answer.set_exception(error)
        finally:
            self._serving = None

    def stop(self) -> None:
        """Ask the job that is running to end early and keep what it has."""
        with self._telling:
            if self._working and not self.stopping:
                self.stopping = True
                with contextlib.suppress(OSError):
                    self._pipe.send(STOP)

    def close(self) -> None:
        """End the process, whatever it is at."""
        with self._starting:
            self._closed = True
        self._kill()

    def _exchange(self, job: str, asked: Request, limit: float, tell: Callable[[dict[str, Any]], None] | None) -> Any:
        with self._starting:
            if self._closed:
                raise Busy  # the page asks again, and is told that nobody answers
            if self._process is None or not self._process.is_alive():
                self._start()
        with TimeLimit(limit, self._process.pid, self._kill) as watched:
            try:
                with self._telling:
                    self._pipe.send((job, asked))
                    self._working, self.stopping = True, False
                while True:
                    word, value, size = self._pipe.recv()
                    if word != "told":
                        break
                    if tell is not None:
                        tell(value)
            except (EOFError, OSError):  # the process is gone
                word, value, size = "gone", None, 0
            finally:
                with self._telling:
                    self._working = False
        if word == "gone":
            raise watched.error or (Busy() if self._closed else Failed())
        if size > LARGEST:
            self._kill()
        if word == "refused":
            raise Refused(value)
        if word == "failed":
            print(f"jominy explore: a request failed, which is a mistake of ours\n{value}", file=sys.stderr)
            raise Failed
        return value

    def _start(self) -> None:
        self._tidy()
        context = WorkerContext()
        self._pipe, theirs = context.Pipe()
        self._scratch = tempfile.TemporaryDirectory(prefix="jominy-", ignore_cleanup_errors=True)
        self._process = context.Process(
            target=serve_jobs,
            args=(theirs, self._own, self._nice, self._scratch.name, self._tables and self._tables.folder),
            daemon=True,
        )
        self._process.start()
        theirs.close()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._tidy()

    def _tidy(self) -> None:
        """Remove what a process that is gone may have left half written."""
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.cleanup()


def serve_jobs(pipe: Any, own: Path | None, nice: int, scratch: str, tables: Path | None) -> None:
    """The worker's life: receive a job, answer it, until the server is gone. Its temporary files are in `scratch`."""
    begin_worker()
    os.nice(nice)
    tempfile.tempdir = scratch
    from jominy.explore.request_handler import RequestHandler

    stopped = False

    def asked_to_stop() -> bool:
        nonlocal stopped
        if not stopped and pipe.poll():  # nothing else is sent while a job is done
            stopped = True
            with contextlib.suppress(EOFError):
                pipe.recv()
        return stopped

    desk = RequestHandler(own, lambda told: pipe.send(("told", told, 0)), asked_to_stop, tables)
    tidied = 0
    while True:
        try:
            received = pipe.recv()
        except EOFError:
            return
        if received == STOP:  # it came after its job
            continue
        stopped = False
        try:
            word, value = "done", desk.answer(*received)
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


__all__ = [
    "CLIENT", "MOST_WAITING", "Busy", "Client", "Crowded", "Failed", "Refused", "Replaced", "TooLong", "Worker",
]  # fmt: skip
