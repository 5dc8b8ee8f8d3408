"""Where points are computed: in this process, in processes of this machine, or on any executor."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jominy.numerics.interrupts import interrupts_held
from jominy.numerics.processes import WorkerContext, begin_worker
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
        with interrupts_held():  # or it would not know of a process that is being started, and wait for it for ever
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
        self._context = WorkerContext()
        self._pool = ProcessPoolExecutor(self.workers, mp_context=self._context, initializer=begin_worker)
