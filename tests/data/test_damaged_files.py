"""Damaged, hostile and oversized data files: one sentence, nothing left open, and no time spent on unpacking."""

import io
import os
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest

import fuzz_files
from jominy.data import frame_files, numpy_files, read_table
from jominy.errors import InputError
from jominy.networks.loading import load_inputs
from jominy.networks.random_network import RandomNetwork
from jominy.study.scenario import NetworkScenario

X, Y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 0, 1])
NETWORK = {"network": {"depth": 2, "width": 8, "input_dim": 3, "output_dim": 2, "weight_variance": 2.0}, "radius": 1.0}


def packed(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def plain(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def member(name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("y.npy", plain(Y))
        archive.writestr(name, content)
    return buffer.getvalue()


def with_byte(content, signature, offset, value):
    """The content with one byte of each record of this signature changed."""
    data, at = bytearray(content), content.find(signature)
    while at >= 0:
        data[at + offset] = value
        at = content.find(signature, at + 1)
    return bytes(data)


def header(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


SOUND = packed(X=X, y=Y)
NPZ = {
    "truncated": SOUND[:-30],
    "half": SOUND[: len(SOUND) // 2],
    "flipped": SOUND[:70] + bytes(b ^ 85 for b in SOUND[70:120]) + SOUND[120:],
    "encrypted": with_byte(with_byte(SOUND, b"PK\x01\x02", 8, 1), b"PK\x03\x04", 6, 1),
    "unknown method": with_byte(with_byte(SOUND, b"PK\x01\x02", 10, 99), b"PK\x03\x04", 8, 99),
    "no array": member("X", b"hello"),
    "no array of that name": member("X.npy", b"hello"),
    "objects": packed(X=X, y=np.array([1, "a", None, 2], dtype=object)),
    "raw": packed(X=X.view("V8"), y=Y),
    "fields": packed(X=np.zeros(4, dtype=[("a", float), ("b", int)]), y=Y),
    "complex": packed(X=X + 1j, y=Y),
    "dates": packed(X=X.astype("datetime64[D]"), y=Y),
    "no rows": packed(X=X[:0], y=Y[:0]),
    "a number": packed(X=np.float64(3), y=Y),
    "infinite": packed(X=np.where(X == 3, np.inf, X), y=Y),
    "huge targets": packed(X=X, y=np.array([1e300, 2e300, 1.0, 3.0])),
    "a huge shape": member("X.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (90000000000, 3)}\n")),
    "a nested header": member("X.npy", header("(" * 3000 + ")" * 3000)),
    "an open header": member("X.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3L), '''\n")),
    "text": b"hello",
    "empty": b"",
    "a directory": None,
}


def open_files(folder):
    """Files of a folder that this process holds open."""
    held = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return [file for file in held if str(folder) in file]


@pytest.mark.parametrize("damage", NPZ)
def test_damaged_archives(tmp_path, damage):
    file = tmp_path / "t.npz"
    file.mkdir() if NPZ[damage] is None else file.write_bytes(NPZ[damage])
    with pytest.raises(InputError) as caught:
        read_table(file)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert not os.path.exists("/proc/self/fd") or not open_files(tmp_path)


@pytest.mark.parametrize("content", [plain(X)[:-9], plain(X)[:20], b"\x93NUMPY\x09\x00", b"", SOUND, plain(X)[6:]])
def test_damaged_arrays(tmp_path, content):
    (tmp_path / "t.npy").write_bytes(content)
    with pytest.raises(InputError, match="t.npy must"):
        read_table(tmp_path / "t.npy", 0)


@pytest.mark.parametrize("damage", ["encrypted", "unknown method", "flipped", "a nested header", "no array", "text"])
def test_inputs_of_networks_too(tmp_path, damage):
    (tmp_path / "t.npz").write_bytes(NPZ[damage].replace(b"X.npy", b"x.npy").replace(b"y.npy", b"w.npy"))
    study = NetworkScenario.from_mapping({**NETWORK}, folder=tmp_path)
    with pytest.raises(InputError, match="the data of a network must be a .npz file with numbers x and labels y"):
        NetworkScenario.from_mapping(NETWORK | {"data": {"kind": "file", "path": "t.npz"}}, folder=tmp_path)
    network = RandomNetwork(study.architecture(), seed=0)
    with pytest.raises(InputError, match="inputs must be a .npy or .npz file of numbers"):
        load_inputs(str(tmp_path / "t.npz"), network, 4)


def test_what_is_unpacked_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_files, "LARGEST", 1000)
    zeros = np.zeros((200, 3), dtype=np.int8)
    for X, size in ((zeros.astype(float), 4800 + 128), (zeros, 4800)):  # too large as stored, too large as float64
        (tmp_path / "t.npz").write_bytes(packed(X=X, y=np.arange(100, dtype=np.int8)))
        with pytest.raises(InputError, match=f"array 'X' of t.npz must unpack to at most .*{size / 2**30:.3g} GiB"):
            read_table(tmp_path / "t.npz")
    np.savez(tmp_path / "t.npz", X=zeros.astype(float), y=np.arange(200) % 2)
    assert read_table(tmp_path / "t.npz").X.shape == (200, 3)  # not packed: as large on the disk
    frame = pd.DataFrame(np.zeros((9000, 3)), columns=list("aby"))
    frame.to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(frame_files, "LARGEST", 1000)
    with pytest.raises(InputError, match="t.parquet must unpack to at most"):
        read_table(tmp_path / "t.parquet", "y")
    monkeypatch.setattr(frame_files, "MOST_COLUMNS", 2)
    with pytest.raises(InputError, match=r"at most 2 columns .*3 in t.parquet"):
        read_table(tmp_path / "t.parquet", "y")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [[1.0], [2.0]], "y": [0, 1]}), "other values in column 'a'"),
        (pd.DataFrame({"a": [{"b": 1}, {"b": 2}], "y": [0, 1]}), "other values in column 'a'"),
        (pd.DataFrame({"a": [1, 2], "y": [[0], [1]]}), "y must be all numbers or all strings"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01", "2020-01-02"]), "y": [0, 1]}), "X must be real numbers"),
        (pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "y": [0, 1]}), "X must be finite"),
        (pd.DataFrame({"a": [1, 2], "y": [None, "b"]}), "y must not have missing values"),
    ],
)
def test_parquet_of_other_things(tmp_path, frame, message):
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "t.parquet", "y")


def test_mutated_files_are_read_or_refused(tmp_path):
    """A few of `python tests/fuzz_files.py`, seeds 0 to 131: twelve of each sound file."""
    for seed, name, told, words in fuzz_files.fuzzed(132, 0, tmp_path):
        assert told in ("read", "refused"), f"seed {seed} ({name}): {words}"
