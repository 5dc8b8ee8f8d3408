"""Where points are computed: in this process, in processes of this machine, or on any executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

from jominy.study.sweeps.engines import Engine, run_batch
from jominy.study.sweeps.records import Outcome


@dataclass(frozen=True)
class Unit:
    """Some points of one sweep, as what travels to a worker. Its `folder` must exist there if data files are read."""

    engine: Engine
    folder: Path
    given: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Answer:
    """What comes back: an outcome for each point, and the seconds that it took."""

    outcomes: list[Outcome]
    seconds: float


def run_unit(unit: Unit) -> Answer:
    """Compute a unit of work; runs in a worker."""
    started = time.perf_counter()
    scenarios = [unit.engine.of.from_mapping(given, folder=unit.folder) for given in unit.given]
    return Answer(run_batch(unit.engine, scenarios), time.perf_counter() - started)


class InProcess(Executor):
    """Computes at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future that is done; Ctrl-C is raised here."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class LocalProcesses(Executor):
    """Processes on this machine, which can be killed and started afresh.

    They need no ``if __name__ == "__main__"`` in the user's script, ignore Ctrl-C (the sweep decides) and end when the
    process that started them does, even by a kill.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Compute in one of the processes."""
        return self._pool.submit(fn, *args, **kwargs)

    def restart(self) -> None:
        """Fresh processes in place of those that died."""
        self.shutdown(cancel_futures=True)
        self._start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes; with `cancel_futures` at once, whatever they are at."""
        if cancel_futures:
            for process in self._context.started:
                if process.is_alive():
                    process.kill()
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _start(self) -> None:
        self._context = _Context()
        self._pool = ProcessPoolExecutor(self.workers, mp_context=self._context, initializer=_begin)


class _Process(SpawnProcess):
    """A process that does not import the user's script, in which nothing of ours is."""

    def start(self) -> None:
        with _main_hidden():
            super().start()


class _Context(SpawnContext):
    """Starts such processes and remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        """A process, as `multiprocessing.Process` makes it."""
        process = _Process(*args, **kwargs)
        self.started.append(process)
        return process


@contextmanager
def _main_hidden() -> Iterator[None]:
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    try:
        for name in kept:
            setattr(main, name, None)
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)


def _begin() -> None:
    """First thing in a worker: leave Ctrl-C to the sweep, and do not outlive it."""
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())  # its own lock is one of the system, which a killed process would leave behind
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
