"""Computing what a store does not have yet: batches of points, sent to workers and stored as they come back."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any

from jominy.errors import InputError
from jominy.study.sweeps.engines import natural_batch
from jominy.study.sweeps.plan import Plan
from jominy.study.sweeps.records import Failure
from jominy.study.sweeps.store import MemoryStore
from jominy.study.sweeps.workers import Answer, InProcess, LocalProcesses, Unit, run_unit

TARGET = 2.0
"""Seconds that a batch should take: short enough to lose little, long enough to be worth a file."""
ATTEMPTS = 3
"""How often a point is tried whose worker dies."""
_GROWTH = 4  # a batch is at most so many times as large as the one before
_AHEAD = 128  # batches sent to an executor whose size is not known
_POLL = 0.3  # seconds between looks at what cannot be waited for


def compute(plan: Plan, store: MemoryStore, executor: Executor, progress: bool) -> tuple[dict[str, str], bool]:
    """Compute every point that is not stored. Returns key -> reason of those that failed, and whether Ctrl-C came."""
    from tqdm import tqdm

    keys = dict(zip(plan.keys, plan.given, strict=True))
    missing = [key for key in keys if key not in store]
    if not missing:
        return {}, False
    store.require_writable()
    bar = tqdm(
        total=len(keys), initial=len(keys) - len(missing), desc=plan.engine.label, unit="point", delay=2,
        disable=not progress, smoothing=0.1,
    )  # fmt: skip
    work = _Work(plan, store, executor, keys, missing, bar)
    try:
        work.run()
    except KeyboardInterrupt:
        work.keep_what_is_done()
        return work.failures, True
    finally:
        bar.close()
        for future in work.waiting:
            future.cancel()
        store.close()
    return work.failures, False


class _Work:
    """What is still to do, and what is being done."""

    def __init__(
        self, plan: Plan, store: MemoryStore, executor: Executor, keys: dict[str, dict], missing: list[str], bar: Any
    ) -> None:
        self.plan, self.store, self.executor, self.keys, self.bar = plan, store, executor, keys, bar
        self.pending = deque(missing)
        self.elsewhere: list[str] = []  # another process computes them
        self.suspects: deque[str] = deque()  # were with a worker when it died; tried again one at a time
        self.deaths: Counter[str] = Counter()
        self.failures: dict[str, str] = {}
        self.waiting: dict[Future, list[str]] = {}
        self.parallel = _parallel(executor)
        self.natural = natural_batch(plan.engine, plan.base)
        self.size = 1 if self.natural is None else self._fair(self.natural)

    def run(self) -> None:
        """Until every point is stored or has failed."""
        while True:
            while self.pending and len(self.waiting) < 2 * self.parallel:
                self._send([self.pending.popleft() for _ in range(min(self.size, len(self.pending)))])
            if not self.waiting and not self.pending:
                if self.suspects:
                    self._send([self.suspects.popleft()])
                elif self.elsewhere:
                    self._look_elsewhere()
                else:
                    return
            for future in _finished(self.waiting):
                if future in self.waiting:  # a pool that breaks takes the others with it
                    self._receive(future)

    def keep_what_is_done(self) -> None:
        """Store what has come back since the last look."""
        for future in [future for future in self.waiting if future.done() and not future.cancelled()]:
            if future.exception() is None:
                self._receive(future)

    def _send(self, keys: list[str]) -> None:
        mine = self.store.claim(keys)
        for key in keys:
            if key not in mine:
                if key in self.store:
                    self.bar.update()
                else:
                    self.elsewhere.append(key)
        if not mine:
            return
        unit = Unit(self.plan.engine, self.plan.folder, tuple(self.keys[key] for key in mine))
        try:
            self.waiting[self.executor.submit(run_unit, unit)] = mine
        except RuntimeError as error:  # also BrokenExecutor
            if isinstance(self.executor, LocalProcesses):
                self.suspects.extend(mine)
                self._restart(self.executor)
                return
            raise InputError(
                f"the executor takes no more work: {error}", type(self.executor).__name__, "what is stored is safe"
            ) from error

    def _receive(self, future: Future) -> None:
        keys = self.waiting.pop(future)
        try:
            answer: Answer = future.result()
        except ImportError as error:
            raise InputError(
                f"a worker cannot compute: {error}", type(self.executor).__name__, "install jominy where it runs"
            ) from error
        except Exception as error:
            self._lost(keys, error)
            return
        records = {}
        for key, outcome in zip(keys, answer.outcomes, strict=True):
            if isinstance(outcome, Failure):
                self.failures[key] = outcome.reason
            else:
                records[key] = outcome
        self.store.write(records)
        self.store.give_back(keys)
        self.bar.update(len(keys))
        self._set_size(answer.seconds / len(keys))

    def _set_size(self, seconds: float) -> None:
        """Batches of `TARGET` seconds, and enough of them for every worker until the end."""
        if self.natural is not None:
            self.size = self._fair(self.natural)
            return
        wanted = int(TARGET / max(seconds, 1e-6))
        self.size = self._fair(min(wanted, _GROWTH * self.size))

    def _fair(self, size: int) -> int:
        """No more than leaves something for every worker."""
        if self.parallel == 1:
            return max(1, size)
        return max(1, min(size, -(-len(self.pending) // (2 * self.parallel))))

    def _lost(self, keys: list[str], error: Exception) -> None:
        """A worker died with a batch: which of its points did it is found out one by one."""
        if len(keys) == 1 and not self.waiting:
            self.deaths[keys[0]] += 1
        if isinstance(error, BrokenExecutor) and isinstance(self.executor, LocalProcesses):
            for others in self.waiting.values():
                self.suspects.extend(others)
            self.waiting.clear()
            self._restart(self.executor)
        for key in keys:
            if self.deaths[key] < ATTEMPTS:
                self.suspects.append(key)
            else:
                self.failures[key] = f"its worker died {ATTEMPTS} times, perhaps for want of memory ({error})"
                self.store.give_back([key])
                self.bar.update()

    def _restart(self, executor: LocalProcesses) -> None:
        executor.restart()

    def _look_elsewhere(self) -> None:
        """Points of other processes: stored by now, still computed, or left by a process that died."""
        time.sleep(_POLL)
        self.store.refresh()
        waiting, self.elsewhere = self.elsewhere, []
        stored = [key for key in waiting if key in self.store]
        self.bar.update(len(stored))
        self.pending.extend(key for key in waiting if key not in self.store)


def _parallel(executor: Executor) -> int:
    """How many batches are computed at a time."""
    if isinstance(executor, InProcess):
        return 1
    return executor.workers if isinstance(executor, LocalProcesses) else _AHEAD // 2


def _finished(waiting: Iterable[Future]) -> list[Future]:
    """Those that are done, at least one if there are any. Futures of other makes (submitit) are looked at in turn."""
    futures = list(waiting)
    if not futures:
        return []
    if all(isinstance(future, Future) for future in futures):
        return list(wait(futures, return_when=FIRST_COMPLETED).done)
    while not (done := [future for future in futures if future.done()]):
        time.sleep(_POLL)
    return done
