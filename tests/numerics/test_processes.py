"""Worker processes, asked what they know of Ctrl-C before any code of ours has run in them."""

import signal
from concurrent.futures import ProcessPoolExecutor

import pytest

from jominy.numerics.processes import WorkerContext


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals are blocked on Unix alone")
def test_ctrl_c_does_not_reach_a_worker_that_is_still_starting():
    with ProcessPoolExecutor(1, mp_context=WorkerContext()) as pool:
        blocked = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()
    assert signal.SIGINT in blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
