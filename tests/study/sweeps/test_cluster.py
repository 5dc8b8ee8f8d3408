"""Sweeps on Dask, and on executors of other makes."""

import signal
import subprocess
import sys
import threading

import pytest

import jominy as jm
from jominy.study.sweeps.cluster import _deaf_to_interrupts, cluster_executor
from sweep_zoo import network

OVER = {"radius": [0.1, 0.2, 0.4], "width": [64, 128]}


def test_a_running_scheduler_computes_the_same():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None, protocol="tcp") as cluster,
        cluster_executor(cluster.scheduler_address) as executor,
    ):
        result = jm.sweep(network(), OVER, executor=executor, progress=False)
    assert result.identical(jm.sweep(network(), OVER, progress=False))


def test_a_scheduler_that_is_not_there(monkeypatch, tmp_path):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("jominy.study.sweeps.cluster._PATIENCE", 0.2)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(jm.InputError, match="must be a Dask scheduler"), cluster_executor(address):
            pass
    with pytest.raises(jm.InputError, match="brings its own workers"), cluster_executor("tcp://127.0.0.1:9", 2):
        pass
    # It has not become the place where everything else is computed: results are saved afterwards as before.
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()
    jm.save(jm.sweep(network(), OVER, progress=False), tmp_path / "after.nc")


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(jm.InputError, match=r"pip install .*'\.\[cluster\]'"), cluster_executor("local"):
        pass


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked here")
def test_what_a_local_cluster_starts_does_not_hear_ctrl_c():
    """Nor does what its threads start later; the caller does."""
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('deaf')"
    found = []

    def later():
        go.wait()
        found.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)

    go = threading.Event()
    with _deaf_to_interrupts():
        thread = threading.Thread(target=later)
        thread.start()
    go.set()
    thread.join()
    assert found == ["deaf\n"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_jobs_that_are_no_futures():
    """As submitit's: a job has done() and result(), and nobody tells when it is done."""

    class Job:
        def __init__(self, fn, unit):
            self.fn, self.unit, self.looks = fn, unit, 0

        def done(self):
            self.looks += 1
            return self.looks > 1

        def result(self):
            return self.fn(self.unit)

        def cancel(self):
            pass

    class Jobs:
        def submit(self, fn, unit):
            return Job(fn, unit)

    result = jm.sweep(network(), OVER, executor=Jobs(), progress=False)
    assert result.identical(jm.sweep(network(), OVER, progress=False))


def test_a_worker_without_jominy_is_one_message():
    class Elsewhere:
        def submit(self, fn, unit):
            from concurrent.futures import Future

            future = Future()
            future.set_exception(ModuleNotFoundError("No module named 'jominy'"))
            return future

    with pytest.raises(jm.InputError, match="a worker cannot compute: No module named 'jominy'"):
        jm.sweep(network(), OVER, executor=Elsewhere(), progress=False)
