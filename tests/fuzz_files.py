"""Mutated files: each is read, or refused in one line; never a traceback, a warning, a number that is none, or minutes.

    python tests/fuzz_files.py 5000 0        # how many, first seed: prints what failed, and a count by kind and outcome

`tests/data/test_fuzz_files.py` runs a few of them in the suite.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from jominy.data import Encoder, Samples, read_table
from jominy.errors import InputError
from jominy.study.scenario import NetworkScenario, Scenario

SLOW = 10.0  # seconds of CPU for one small file
SCENARIO = """
title = "fuzzed"
radius = { kind = "ramp", end = "8/255", time = 2 }
times = [0, 0.5, 2]
evaluate_at = [0, 0.25]
start = { kind = "random", norm = 0.5 }
loss = { kind = "logistic" }
schedule = { kind = "piecewise", times = [1], rates = [0.5, 0.1] }
simulation = { seeds = [1, 2], sampling = "one-pass" }
data = { kind = "file", path = "t.csv", target = "y", drop = ["b"], encode = true, classes = [["low"], ["high"]] }
[sweep.over]
rate = { low = 0.1, high = 1, points = 3 }
"""
MIXTURE = """
radius = 0.5
time = 2
loss = { kind = "squared" }
schedule = { kind = "constant", rate = 0.5 }
[data]
kind = "mixture"
dimension = 20
[[data.components]]
weight = 0.5
label = 1
mean = { kind = "pattern", values = [1, -1], norm = 2 }
covariance = { kind = "power-law", exponent = 1.5 }
[[data.components]]
weight = 0.5
label = -1
covariance = { kind = "identity", scale = 2.0 }
"""
NETWORK = """
radius = [0.5, 1]
network = { depth = 3, width = 32, input_dim = 8, output_dim = 4, weight_variance = 2.0 }
data = { kind = "gaussian-classes", cosine = 0.5 }
vary = { width = [16, 32] }
"""
PIECES = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b'"', b"'", b",", b";", b"\t", b"nan", b"inf", b"-1", b"1e999",
    b"9" * 25, b"9" * 5000, b"None", b"?", b"[" * 50, b"]", b"{", b"}", b"=", b".", b"#", b"\\", b"PK\x03\x04", b"PAR1",
    b"(" * 200, b"True", b"1/2", b"\xc3\x28", "ß€".encode(), b"\x1a", b"   ", b"0x10", b"1_000", b"2020-01-01",
)  # fmt: skip


def seeds_of(folder: Path, rng: np.random.Generator) -> dict[str, bytes]:
    """Sound files of every kind."""
    X = rng.normal(size=(12, 3)).round(3)
    y = np.array(["low", "high"] * 6)
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(kind=list("xyz") * 4, day=pd.Timestamp("2020-01-01"), y=y)
    made = {"t.toml": SCENARIO.encode(), "u.toml": MIXTURE.encode(), "n.toml": NETWORK.encode()}
    for name, write in {
        "t.csv": lambda f: frame.drop(columns="day").to_csv(f, index=False),
        "u.csv": lambda f: frame[["a", "b", "y"]].to_csv(f, sep=";", decimal=",", encoding="utf-16"),
        "t.parquet": frame.to_parquet,
        "u.parquet": lambda f: frame[["a", "c", "y"]].astype({"a": "float32"}).to_parquet(f, compression="gzip"),
        "t.npy": lambda f: np.save(f, X),
        "u.npy": lambda f: np.save(f, np.asfortranarray(X.astype(">f2"))),
        "t.npz": lambda f: np.savez(f, X=X, y=y),
        "u.npz": lambda f: np.savez_compressed(f, X=X > 0, y=np.arange(12) % 2, more=np.arange(3)),
    }.items():
        write(folder / name)
        made[name] = (folder / name).read_bytes()
    return made


def mutated(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """The content after one to four mishaps."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 2, 8, 64)))
        match rng.randrange(9):
            case 0:
                data[at:to] = bytes(rng.randrange(256) for _ in range(to - at))
            case 1:
                del data[at:]
            case 2:
                del data[at:to]
            case 3:
                data[at:at] = rng.choice(PIECES)
            case 4:
                data[at:to] = rng.choice(PIECES)
            case 5:
                data[at:at] = data[at:to] * rng.choice((1, 3, 500))
            case 6:
                data[at:to] = rng.choice(others)[at:to]
            case 7:  # a number becomes another
                numbers = list(re.finditer(rb"\d+", bytes(data)))
                if numbers:
                    found = rng.choice(numbers)
                    data[found.start() : found.end()] = rng.choice((b"0", b"-1", b"99999999999", b"1e308", b"1e-308"))
            case 8:
                if to > at:
                    data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def read(file: Path) -> None:
    """What a user does with such a file, as far as that costs little."""
    if file.suffix == ".toml":
        study = (NetworkScenario if file.name.startswith("n") else Scenario).load(file)
        if isinstance(study, Scenario):
            study.build_schedule()
            if getattr(study.data, "dimension", 1) < 10_000:
                study.problem()
                study.settings()
            if study.sweep is not None:
                study.sweep.build()
        return
    target = {".npy": 0, ".npz": None}.get(file.suffix, "y")
    encode = file.name.startswith("t")
    table = read_table(file, target, encode=encode)
    if len(table.y) > 100_000:
        return
    samples = Samples(table.X, table.y, transform=Encoder() if encode else None, notes=table.notes)
    assert np.isfinite(samples.features).all() and np.isfinite(samples.targets).all(), "not finite"


def outcome(file: Path) -> tuple[str, str]:
    """read, refused, or what went wrong and where."""
    start = time.process_time()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            read(file)
            told = "read"
        except InputError as error:
            told = "refused"
            if "\n" in str(error) or len(str(error)) > 1200:
                return "long message", str(error)[:300]
        except Exception:
            return "CRASH", traceback.format_exc()[-1500:]
    if warned:
        first = warned[0]
        return "WARNING", f"{first.category.__name__}: {first.message} ({first.filename}:{first.lineno})"
    took = time.process_time() - start
    return ("SLOW", f"{took:.1f} s") if took > SLOW else (told, "")


def fuzzed(count: int, first: int, folder: Path) -> Iterator[tuple[int, str, str, str]]:
    """Seed, file name, outcome and its words, for `count` mutated files."""
    sound = seeds_of(folder, np.random.default_rng(0))
    names = sorted(sound)
    for seed in range(first, first + count):
        rng = random.Random(seed)
        name = names[seed % len(names)]
        same = [content for other, content in sound.items() if other.endswith(name.rpartition(".")[2])]
        (folder / "t.csv").write_bytes(sound["t.csv"])  # which a scenario reads
        (folder / name).write_bytes(mutated(sound[name], same, rng))
        yield seed, name, *outcome(folder / name)


def main(count: int = 5000, first: int = 0) -> int:
    """Print what failed, and how many of each kind came out how; 1 if anything failed."""
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed, name, told, words in fuzzed(count, first, Path(folder)):
            counts[name.rpartition(".")[2], told] += 1
            if told not in ("read", "refused"):
                print(f"seed {seed} ({name}): {told}: {words}", flush=True)
    for (kind, told), number in sorted(counts.items()):
        print(f"{kind:8} {told:8} {number}")
    return int(any(told not in ("read", "refused") for _, told in counts))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
