"""Mutated store folders of sweeps and mutated checkpoints: what is damaged is computed again, or refused in one line.

    python tests/fuzz_stores.py [COUNT [SEED]]

prints how many went on and how many were refused, and every fault with the seed and number that make it again.
"""

from __future__ import annotations

import collections
import json
import shutil
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import nn

import jominy as jm
import sweep_zoo
from fuzz_results import damage
from jominy.errors import InputError
from jominy.networks.checkpoints import FORMAT, Progress, read_checkpoint, write_checkpoint

OVER = {"radius": [0.1, 0.2]}
SETTINGS = {"seed": 3, "width": 4}
JSONS = (
    "", "{", "3", "null", "[]", "[1]", "{}", '"text"', "NaN", "[" * 3000, "9" * 5000, '{"version": null}',
    '{"version": "x"}', '{"version": [1]}', '{"version": 1e400}', '{"version": -1}', '{"version": 99}', "\x00\x1b[31m",
)  # fmt: skip
VALUES = (None, "x", [], {}, -1, 3, 1.5, 2**80, [1, "a"], float("nan"), True)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def sweep(folder: Path) -> str:
    """The risks of a sweep with this store, as text."""
    found = jm.sweep(sweep_zoo.network(), OVER, store=folder, progress=False)
    return repr(found["adversarial_loss"].values.tolist())


def spoil_store(folder: Path, draw: np.random.Generator) -> None:
    """One change to a store."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    path, kind = files[draw.integers(len(files))], draw.integers(8)
    if kind <= 2:
        content = path.read_bytes() or b"x"
        path.write_bytes(damage(content, draw))
    elif kind <= 4:
        (folder / "store.json").write_text(JSONS[draw.integers(len(JSONS))], encoding="utf-8")
    elif kind == 5:
        path.unlink()
        if draw.random() < 0.5:
            path.mkdir()
    elif kind == 6:
        shutil.copy(path, folder / f"{'.' * int(draw.integers(2))}copy{path.suffix}")
    else:
        path.write_bytes(b"")


def spoiled_checkpoint(content: bytes, draw: np.random.Generator) -> bytes:
    """Bytes that are damaged, or a sound file that says something else of the run."""
    if draw.random() < 0.4:
        return damage(content, draw)
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    state = json.loads(metadata["state"])
    kind = draw.integers(4)
    if kind == 0:
        return save(load(content), metadata={"format": FORMAT, "state": JSONS[draw.integers(len(JSONS))]})
    name = list(state)[draw.integers(len(state))]
    if kind == 1:
        state.pop(name)
    else:
        state[name] = VALUES[draw.integers(len(VALUES))]
    return save(load(content), metadata={"format": FORMAT, "state": json.dumps(state)})


def try_store(sound: Path, told: str, folder: Path, draw: np.random.Generator) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    for _ in range(draw.integers(1, 3)):
        spoil_store(folder, draw)
    return "went on" if sweep(folder) == told else "other numbers"


def try_checkpoint(sound: bytes, path: Path, draw: np.random.Generator) -> str:
    path.write_bytes(spoiled_checkpoint(sound, draw))
    fresh = network()
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    try:
        progress = read_checkpoint(path, fresh, SETTINGS)
    except InputError:
        same = all(torch.equal(value, before[name]) for name, value in fresh.state_dict().items())
        if not same:
            return "refused, but loaded"
        raise
    sound_parts = isinstance(progress.step, int) and len(progress.records) == len(progress.recorded)
    return "went on" if sound_parts else "a progress that is none"


def run(count: int, seed: int) -> collections.Counter[str]:
    """What happened to `count` stores and checkpoints, by kind; faults with where they arose."""
    found: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as place:
        sound, folder, path = Path(place) / "sound", Path(place) / "store", Path(place) / "run.safetensors"
        told = sweep(sound)
        records = [{"loss": np.array([1.0, 2.0])}, {"loss": np.array([0.5, 1.0])}]
        write_checkpoint(path, network(), Progress(20, [0, 20], records), SETTINGS)
        content = path.read_bytes()
        for index in range(count):
            draw = np.random.default_rng([seed, index])
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    stored = draw.random() < 0.5
                    what = try_store(sound, told, folder, draw) if stored else try_checkpoint(content, path, draw)
                except InputError as error:
                    what = "FAULT: a message of several lines" if "\n" in str(error) else "refused"
                except Exception as error:
                    own = [one for one in traceback.extract_tb(error.__traceback__) if "jominy" in one.filename]
                    where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
                    what = f"FAULT {type(error).__name__} {str(error)[:80]} at {where}"
            if what not in ("went on", "refused"):
                what = f"FAULT [{seed}, {index}] {what}"
            found[what] += 1
    return found


if __name__ == "__main__":
    count, seed = [*map(int, sys.argv[1:]), *(500, 0)[len(sys.argv) - 1 :]]
    for key, number in sorted(run(count, seed).items()):
        print(f"{number:6d} {key}")
