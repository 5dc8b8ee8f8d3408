"""Dask distributed as the executor of a sweep: a scheduler that runs somewhere, or one of our own on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from jominy.errors import InputError
from jominy.numerics.cores import cores

LOCAL = "local"
_PATIENCE = 15  # seconds for a scheduler to answer


@contextmanager
def cluster_executor(address: str, workers: int | None = None) -> Iterator[Executor]:
    """An executor on the Dask cluster whose scheduler is at `address` (`tcp://host:port`), or `"local"`.

    A local cluster has as many worker processes as asked for (default: one for each core) and ends with the block.
    Raises `InputError` where Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(
            "a cluster needs Dask, which is not installed", address, "Install it: pip install 'jominy[cluster]'"
        ) from None
    if address == LOCAL:
        with (
            LocalCluster(
                n_workers=workers or cores(),
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client.get_executor()
        return
    if workers is not None:
        raise InputError("a running cluster brings its own workers", f"workers {workers}", "leave --workers out")
    try:
        client = Client(address, timeout=_PATIENCE)
    except (OSError, ValueError) as error:  # a refused connection, a time-out; an address that is none
        raise InputError(
            "there must be a Dask scheduler at the address of the cluster",
            address,
            "start one with `dask scheduler`, workers with `dask worker ADDRESS`; or use `local`",
        ) from error
    with client:
        yield client.get_executor()
