import os
import signal

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import hand_made
from jominy import InputError, Status, compare, load, save
from jominy.results import make_result


@given(
    values=arrays.arrays(np.float64, (2, 3), elements=st.floats(width=64)),
    number=st.floats(allow_nan=False) | st.integers(-(2**31), 2**31 - 1),
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip_is_exact(values, number, text, tmp_path):
    result = make_result(
        {"norm": (("seed", "time"), values)},
        {"time": [0.0, 0.5, np.inf], "seed": np.array([3, 5])},
        engine="simulate",
        scenario={"title": text},
        status=Status.DIVERGED,
        seed=[3, 5],
        notes=[text],
        extra={"number": number, "text": text or "-"},
    )
    again = load(save(result, tmp_path / "run.nc"))
    xr.testing.assert_identical(result, again)
    for name in result.variables:
        assert again[name].dtype == result[name].dtype
        assert again[name].values.tobytes() == result[name].values.tobytes()
    assert {key: type(value) for key, value in again.attrs.items()} == {
        key: type(value) for key, value in result.attrs.items()
    }


def test_comparisons_can_be_stored_too(tmp_path):
    report = compare(hand_made.forecast(), hand_made.simulation({"norm": [[0, 1, 2, 3], [0, 1, 2, 4]]}))
    again = load(save(report, tmp_path / "report.nc"))
    xr.testing.assert_identical(report, again)
    assert float(again["mean"].sel(variable="norm", time=4.0)) == 3.5


def test_nothing_is_left_behind(tmp_path):
    save(hand_made.forecast(), tmp_path / "a.nc")
    save(hand_made.forecast(norm=[0, 0, 0, 1.0]), tmp_path / "a.nc")
    assert os.listdir(tmp_path) == ["a.nc"]
    assert float(load(tmp_path / "a.nc")["norm"][-1]) == 1.0


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    save(hand_made.forecast(), tmp_path / "a.nc")
    before = (tmp_path / "a.nc").read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    with pytest.raises(InputError, match="No space left on device"):
        save(hand_made.forecast(), tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.nc"]


def test_same_result_same_file_permissions_as_others(tmp_path):
    path = save(hand_made.forecast(), tmp_path / "a.nc")
    (tmp_path / "other").write_text("")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_bad_paths(tmp_path):
    with pytest.raises(InputError, match="folder of the result must exist"):
        save(hand_made.forecast(), tmp_path / "nowhere" / "a.nc")
    with pytest.raises(InputError, match="must be a file, not a folder"):
        save(hand_made.forecast(), tmp_path)
    with pytest.raises(InputError, match="result file must exist"):
        load(tmp_path / "a.nc")
    with pytest.raises(InputError, match="only a result"):
        save({"norm": 1}, tmp_path / "a.nc")


def test_files_that_are_not_results(tmp_path):
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(InputError, match="must be NetCDF"):
        load(tmp_path / "text.nc")
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "foreign.nc", engine="netcdf4")
    with pytest.raises(InputError, match="not written by jominy"):
        load(tmp_path / "foreign.nc")


def test_ctrl_c_while_a_result_is_saved_leaves_the_old_file(tmp_path, monkeypatch):
    """xarray closes a file under the lock that it holds: an interrupt in between would stop everything for ever."""
    path = save(hand_made.forecast(), tmp_path / "run.nc")
    before, write, written = path.read_bytes(), xr.Dataset.to_netcdf, []

    def interrupted(self, *args, **kwargs):
        signal.raise_signal(signal.SIGINT)
        written.append(write(self, *args, **kwargs))
        return written[-1]

    monkeypatch.setattr(xr.Dataset, "to_netcdf", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(hand_made.forecast(), path)
    assert written and path.read_bytes() == before and os.listdir(tmp_path) == ["run.nc"]
