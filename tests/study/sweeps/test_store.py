"""A store survives what disks, people and other processes do to it. Networks are swept: nothing to compile."""

import errno
import json
import os
from glob import glob

import pytest
import xarray as xr

import jominy as jm
from jominy.study.sweeps import compute as computing
from jominy.study.sweeps import engines
from jominy.study.sweeps.store import FolderStore
from sweep_zoo import network

OVER = {"radius": [0.1, 0.2, 0.4], "width": [64, 128, 256, 512]}


@pytest.fixture
def store(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def counted(monkeypatch):
    """How many points were computed."""
    computed = []
    theory = engines._COMPUTE[jm.Engine.THEORY]
    monkeypatch.setitem(engines._COMPUTE, jm.Engine.THEORY, lambda study: computed.append(study) or theory(study))
    return computed


def run(store, over=OVER, **more):
    return jm.sweep(network(), over, store=store, progress=False, **more)


def test_a_repeated_sweep_is_free_and_a_larger_one_computes_the_rest(store, counted):
    fresh = run(None)
    assert run(store).identical(fresh) and len(counted) == 24
    assert run(store).identical(fresh) and len(counted) == 24
    wider = run(store, OVER | {"radius": [0.1, 0.2, 0.4, 0.8]})
    assert len(counted) == 28
    assert wider.sel(radius=[0.1, 0.2, 0.4]).drop_attrs().identical(fresh.drop_attrs())


def test_xarray_alone_opens_it(store):
    result = run(store)
    chunks = xr.concat(map(xr.open_dataset, sorted(glob(f"{store}/*.nc"))), "point")
    assert chunks.sizes["point"] == 12 and len(set(chunks["key"].values)) == 12
    stored = sorted(chunks["adversarial_loss_bound"].values.ravel())
    assert stored == sorted(result["adversarial_loss_bound"].values.ravel())
    chunks.close()


def test_ctrl_c_leaves_a_store_that_goes_on(store, monkeypatch, counted):
    theory = engines._COMPUTE[jm.Engine.THEORY]

    def stopped(study):
        if len(counted) == 7:
            raise KeyboardInterrupt
        return theory(study)

    with monkeypatch.context() as patch:
        patch.setitem(engines._COMPUTE, jm.Engine.THEORY, stopped)
        patch.setattr(computing, "TARGET", 0.0)  # one point a batch
        partial = run(store)
    assert partial.attrs["status"] == "interrupted" and "7 of 12" in partial.attrs["advice"]
    assert str(store) in partial.attrs["advice"]
    assert (partial["status"] == "not computed").sum() == 5
    assert run(store).identical(run(None)) and len(counted) == 7 + 5 + 12


def test_a_damaged_file_loses_only_its_own_points(store, monkeypatch, counted):
    monkeypatch.setattr(computing, "TARGET", 0.0)
    whole = run(store)
    first, second, *_ = sorted(store.glob("*.nc"))
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    second.write_bytes(second.read_bytes()[:1000])
    before = len(counted)
    again = run(store)
    assert len(counted) == before + 2
    note = json.loads(again.attrs["notes"])[-1]  # the others are those of every point
    assert first.name in note and second.name in note and "put aside" in note
    assert again.drop_attrs().identical(whole.drop_attrs())
    assert len(list(store.glob("*.damaged"))) == 2 and len(list(store.glob("*.nc"))) == 12


def test_a_full_disk_is_one_message_and_loses_nothing_stored(store, monkeypatch, counted):
    monkeypatch.setattr(computing, "TARGET", 0.0)
    usual, written = os.fsync, []

    def full(number):
        written.append(os.fstat(number).st_size)
        if sum(size > 0 for size in written) > 6:  # the file is there, and its content has no room
            raise OSError(errno.ENOSPC, "No space left on device")
        return usual(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(jm.InputError, match="No space left on device.*hat was stored before is safe"):
            run(store)
    assert not list(store.glob(".*.part"))
    before = len(counted)
    run(store)
    assert len(counted) == before + 7  # store.json and five of the points had been written


def test_a_store_that_cannot_be_written_says_so_before_computing(store, monkeypatch, counted):
    run(store)

    def read_only(*where):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("jominy.results.replaced.secrets.token_hex", read_only)
    run(store)  # everything is there: nothing has to be written
    with pytest.raises(jm.InputError, match="could not be written: Read-only file system"):
        run(store, OVER | {"depth": [3]})
    assert len(counted) == 12


def test_a_newer_store_and_other_folders_are_refused(store, tmp_path):
    run(store)
    (store / "store.json").write_text(json.dumps({"format": "jominy sweep store", "version": 2}))
    with pytest.raises(jm.InputError, match="newer jominy.*version 2.*[Uu]pgrade"):
        run(store)
    (store / "store.json").write_text("{")  # damaged: the results say themselves what they are
    run(store)
    assert json.loads((store / "store.json").read_text())["version"] == 1
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(jm.InputError, match="cat.jpg"):
        run(tmp_path / "photos")
    with pytest.raises(jm.InputError, match="must be a folder"):
        run(tmp_path / "photos" / "cat.jpg")


def test_what_is_stored_is_what_was_computed(store):
    study = network(radius=0.4)
    run(store)
    kept = FolderStore(store)
    from jominy.study.sweeps.keys import key_of

    record = kept.get(key_of(study, jm.Engine.THEORY))
    wide = kept.get(key_of(network(radius=0.4, network=study.network.model_dump() | {"width": 256}), jm.Engine.THEORY))
    kept.close()
    assert record.dataset().identical(study.theory()) and not record.dataset().identical(wide.dataset())


def test_a_claim_ends_with_its_process(store, tmp_path):
    """Another process holds every point; killed, it gives them up."""
    import subprocess
    import sys
    import time

    run(store, {"radius": [0.1]})
    holder = (
        "import sys, time; from pathlib import Path; from jominy.study.sweeps.point_locks import PointLocks\n"
        "claims = PointLocks(Path(sys.argv[1]) / 'claims.lock')\n"
        "assert claims.take(sys.argv[2:]) == sys.argv[2:]; print('held', flush=True); time.sleep(60)"
    )
    keys = [f"{k:064x}" for k in (1 << 240, 2 << 240, 3 << 240)]
    other = subprocess.Popen([sys.executable, "-c", holder, str(store), *keys[:2]], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        kept = FolderStore(store)
        assert kept.claim(keys) == keys[2:]
        other.kill()
        other.wait()
        deadline = time.time() + 5
        while kept.claim(keys) != keys and time.time() < deadline:
            time.sleep(0.01)
        assert kept.claim(keys) == keys
        kept.close()
    finally:
        other.kill()
        other.stdout.close()


def test_ctrl_c_while_a_file_is_written_waits_for_it(store, monkeypatch):
    """xarray closes a file under the lock that it holds: an interrupt in between used to stop everything for ever."""
    import signal

    import xarray as xr

    write, asked = xr.Dataset.to_netcdf, []

    def interrupted(self, *args, **kwargs):
        if not asked:
            asked.append(self.sizes["point"])
            signal.raise_signal(signal.SIGINT)
        return write(self, *args, **kwargs)

    monkeypatch.setattr(xr.Dataset, "to_netcdf", interrupted)
    result = jm.sweep(network(), {"radius": [0.1, 0.2]}, store=store, progress=False)
    assert result.attrs["status"] == "interrupted" and asked
    monkeypatch.undo()
    assert (jm.sweep(network(), {"radius": [0.1, 0.2]}, store=store, progress=False)["status"] == "completed").all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
