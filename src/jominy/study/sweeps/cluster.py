"""Dask distributed as the executor of a sweep: a scheduler that runs somewhere, or one of our own on this machine."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from jominy.errors import InputError
from jominy.numerics.cores import cores
from jominy.numerics.processes import begin_worker
from jominy.wording import install

LOCAL = "local"
_PATIENCE = 15  # seconds for a scheduler to answer
_GRACE = 1.0  # seconds for a worker of ours to end by itself


@contextmanager
def cluster_executor(address: str, workers: int | None = None) -> Iterator[Executor]:
    """An executor on the Dask cluster whose scheduler is at `address` (`tcp://host:port`), or `"local"`.

    A local cluster has as many worker processes as asked for (default: one for each core) and ends with the block.
    Raises `InputError` where Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client, LocalCluster, WorkerPlugin
    except ImportError:
        raise InputError("a cluster needs Dask, which is not installed", address, install("cluster")) from None
    if address == LOCAL:
        with _deaf_to_interrupts():
            cluster = LocalCluster(
                n_workers=workers or cores(),
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )

        class Begin(WorkerPlugin):
            def setup(self, worker: Any) -> None:
                begin_worker()

        with cluster, Client(cluster, set_as_default=False) as client:
            client.register_plugin(Begin())
            try:
                yield client.get_executor()
            finally:
                cluster.sync(_end_workers, cluster)
        return
    if workers is not None:
        raise InputError("a running cluster brings its own workers", f"workers {workers}", "leave --workers out")
    try:
        # Not as Dask's default, which it would stay though it fails: whatever is saved afterwards would go there.
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:  # a refused connection, a time-out; an address that is none
        raise InputError(
            "there must be a Dask scheduler at the address of the cluster",
            address,
            "start one with `dask scheduler`, workers with `dask worker ADDRESS`; or use `local`",
        ) from error
    with client:
        yield client.get_executor()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes and threads started within the block, and by those, never see Ctrl-C: whoever started them decides.

    Signals that a thread blocks are blocked in all that it starts, from their first moment on. Ctrl-C itself waits
    until the block ends. Where signals cannot be blocked (Windows) nothing changes.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # Python unblocks the signal where it starts this process, so that comes first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def _end_workers(cluster: Any) -> None:
    """End the workers of a local cluster, whatever they are at: Dask itself waits for what they compute."""
    await asyncio.gather(*(worker.close(timeout=_GRACE) for worker in cluster.workers.values()), return_exceptions=True)
