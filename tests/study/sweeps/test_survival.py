"""What kills processes does not lose or repeat a point. The long versions are marked slow."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future

import numpy as np
import pytest

import jominy as jm
from jominy.study.sweeps.chunks import read_chunk
from jominy.study.sweeps.store import FolderStore
from jominy.study.sweeps.workers import LocalProcesses, run_unit
from sweep_zoo import network, plain

SCENARIO = """
radius = 0.3
times = [0.5, 1.0]
data = { kind = "linear-teacher", dimension = 30, covariance = { kind = "identity" }, noise_variance = 0.25 }
loss = { kind = "squared" }
schedule = { kind = "constant", rate = 0.5 }
simulation = { seeds = 2 }
sweep = { engine = "simulate", over = { rate = { low = 0.1, high = 1.9, points = COLUMNS }, \
radius = { low = 0.0, high = 1.0, points = 40 } } }
"""


MAIN = "import sys; from jominy.cli.main import main; sys.exit(main())"  # as the command does


def run(folder, *arguments, **further):
    """`jominy sweep study.toml ...` in a process of its own, which finds jominy wherever this one does."""
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    command = [sys.executable, "-c", MAIN, "sweep", "study.toml", *arguments]
    settings = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True} | further
    return subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, **settings)


def finish(process):
    """To the end; what it says is read meanwhile, or a full pipe would stop it."""
    told = process.communicate()[1]
    assert process.returncode == 0, told


def poisoned(unit):
    """A worker that dies of one radius."""
    if any(given["radius"] == 0.4 for given in unit.given):
        os._exit(1)
    return run_unit(unit)


class Fragile(Executor):
    """An executor whose workers die of that radius, and of nothing else; nothing is computed twice."""

    def submit(self, fn, unit):
        future = Future()
        if any(given["radius"] == 0.4 for given in unit.given):
            future.set_exception(OSError("worker killed"))
        else:
            future.set_result(fn(unit))
        return future


class Poisoned(LocalProcesses):
    def submit(self, fn, unit):
        return super().submit(poisoned, unit)


def chunk_keys(store):
    """Every key of a store, as often as it is there."""
    return [key for path in store.glob("*.nc") for key in read_chunk(path)]


def records(store):
    kept = FolderStore(store)
    kept.close()
    return kept._records


def same_bits(one, other):
    assert one.keys() == other.keys()
    for key, record in one.items():
        assert record.variables.keys() == other[key].variables.keys()
        for name, labelled in record.variables.items():
            assert labelled.values.tobytes() == other[key].variables[name].values.tobytes(), name


def test_a_point_that_kills_its_worker_fails_alone(tmp_path):
    over = {"radius": [0.1, 0.2, 0.4, 0.8], "width": [64, 128]}
    result = jm.sweep(network(), over, executor=Fragile(), store=tmp_path, progress=False)
    assert (result["status"].sel(radius=0.4) == "failed").all()
    assert (result["status"].drop_sel(radius=0.4) == "completed").all()
    assert "died 3 times" in str(result["reason"].sel(radius=0.4, width=64).values)
    assert len(chunk_keys(tmp_path)) == 6


@pytest.mark.slow
def test_a_point_that_kills_its_process_fails_alone():
    over = {"radius": [0.1, 0.2, 0.4, 0.8], "width": [64, 128]}
    with Poisoned(2) as pool:
        result = jm.sweep(network(), over, executor=pool, progress=False)
    assert (result["status"].sel(radius=0.4) == "failed").all()
    assert (result["status"].drop_sel(radius=0.4) == "completed").all()


@pytest.mark.slow
def test_twenty_kills_of_2000_simulations(tmp_path):
    """Killed in the middle of computing or storing, mostly, and a few times while it starts."""
    (tmp_path / "study.toml").write_text(SCENARIO.replace("COLUMNS", "50"))
    store, rng = tmp_path / "killed", random.Random(5)

    def start(folder, workers):
        return run(tmp_path, "--workers", str(workers), "--store", folder.name)

    for kill in range(20):
        process = start(store, 2 * (kill % 2))
        before, give_up = len(list(store.glob("*.nc"))), time.time() + 120
        if kill % 5:
            while len(list(store.glob("*.nc"))) == before and time.time() < give_up and process.poll() is None:
                time.sleep(0.02)
        time.sleep(rng.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    survived = len(chunk_keys(store))
    assert 0 < survived < 2000
    done = start(store, 2)
    finish(done)
    keys = chunk_keys(store)
    assert len(keys) == len(set(keys)) == 2000
    undisturbed = start(tmp_path / "undisturbed", 0)
    finish(undisturbed)
    same_bits(records(store), records(tmp_path / "undisturbed"))


@pytest.mark.slow
def test_two_processes_share_a_store(tmp_path):
    (tmp_path / "study.toml").write_text(SCENARIO.replace("COLUMNS", "10"))
    both = [run(tmp_path, "--workers", "0", "--out", name, stderr=None) for name in ("a.nc", "b.nc")]
    assert [process.wait() for process in both] == [0, 0]
    keys = chunk_keys(tmp_path / "study.sweep")
    assert len(keys) == len(set(keys)) == 400
    assert jm.load(tmp_path / "a.nc").identical(jm.load(tmp_path / "b.nc"))


@pytest.mark.slow
@pytest.mark.parametrize("where", [["--workers", "2"], ["--cluster", "local", "--workers", "2"]])
def test_ctrl_c_is_one_line_and_the_store_goes_on(tmp_path, where):
    """As a terminal sends it: to the command and to all that it has started."""
    if "--cluster" in where:
        pytest.importorskip("distributed")
    (tmp_path / "study.toml").write_text(SCENARIO.replace("COLUMNS", "10"))
    process = run(tmp_path, *where, start_new_session=True)
    while len(list((tmp_path / "study.sweep").glob("*.nc"))) < 2 and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    told = [line for line in process.communicate()[1].splitlines() if not line.startswith(("\r", "simulate:"))]
    assert process.returncode == 130
    assert len([line for line in told if line]) == 1 and "The sweep was stopped with" in told[-1], told
    stored = records(tmp_path / "study.sweep")
    assert 0 < len(stored) < 400
    assert len(chunk_keys(tmp_path / "study.sweep")) == len(stored)
    done = run(tmp_path, "--workers", "2")
    finish(done)
    keys = chunk_keys(tmp_path / "study.sweep")
    assert len(keys) == len(set(keys)) == 400


@pytest.mark.slow
def test_a_dask_worker_killed_in_the_middle(tmp_path):
    distributed = pytest.importorskip("distributed")
    over = {"rate": jm.Linear(0.1, 1.9, 10), "radius": jm.Linear(0.0, 1.0, 20)}
    settings = {"engine": jm.Engine.SIMULATE, "progress": False}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):

        def kill_one():
            while len(list((tmp_path / "runs").glob("*.nc"))) < 3:
                time.sleep(0.02)
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

        killed: list[int] = []
        killer = threading.Thread(target=kill_one)
        killer.start()
        result = jm.sweep(plain(), over, executor=client.get_executor(), store=tmp_path / "runs", **settings)
        killer.join()
    assert killed and (result["status"] == "completed").all()
    keys = chunk_keys(tmp_path / "runs")
    assert len(keys) == len(set(keys)) == 200
    jm.sweep(plain(), over, store=tmp_path / "alone", workers=0, **settings)
    same_bits(records(tmp_path / "runs"), records(tmp_path / "alone"))


@pytest.mark.slow
def test_a_disk_with_room_for_little(tmp_path):
    """The system itself refuses to write more: a limit on the size of files."""
    code = """
import resource, signal, sys
import jominy as jm
from sweep_zoo import network
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    jm.sweep(network(), {"radius": [0.1, 0.2]}, store=sys.argv[1], progress=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    jm.sweep(network(), {"radius": [0.1, 0.2, 0.3]}, store=sys.argv[1], progress=False)
except jm.InputError as error:
    print(error)
"""
    path = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=os.environ | {"PYTHONPATH": path},
                          capture_output=True, text=True)  # fmt: skip
    assert "could not be written: File too large" in done.stdout, done.stderr
    assert len(chunk_keys(tmp_path)) == 2
    result = jm.sweep(network(), {"radius": [0.1, 0.2, 0.3]}, store=tmp_path, progress=False)
    assert np.isfinite(result["adversarial_loss_bound"]).all()
