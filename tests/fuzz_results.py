"""Mutated result files: attributes, dimensions, variables and bytes are changed, and every verb that reads them is run.

    python tests/fuzz_results.py [COUNT [SEED]]

prints how many files were accepted and refused, and every traceback, hang or warning with the seed that makes it again.
"""

from __future__ import annotations

import collections
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

import figure_zoo
import hand_made
import jominy as jm
from jominy.cli.main import main as command
from jominy.cli.output import as_json, print_json
from jominy.errors import InputError
from jominy.show import agreement, tables
from jominy.show.network_figures import plot_network
from jominy.show.network_text import network_text
from jominy.show.phase import plot_phase
from jominy.show.phase_text import phase_text
from jominy.show.picture import picture
from jominy.show.sweep_text import sweep_text
from jominy.show.sweeps import plot_sweep

LONGEST = 60  # seconds after which a verb hangs
HOSTILE = [
    "", " ", "{", "[]", "{}", "null", "3", '"text"', "[1, 2]", '{"problem": 3}', '{"problem": {"data": [1]}}',
    '{"fields": ["a"]}', '{"fields": {"a": 1}}', '{"architecture": {}}', "NaN", "[" * 3000, "9" * 5000, "completed",
    "diverged", "no such status", "jominy result 2", "\x1b[31m$\\frac{", "\udcff".encode("utf-8", "replace").decode(),
    "日本" * 500, 0, 1, -1, 1.5, float("nan"), float("inf"), -1e308, 2**40, np.arange(3), np.array([0.5]),
    np.float32(2),
    '{"radius": "x"}', '[{"a": 1}]', '["a", 3]', '{"problem": {"data": {"kind": "Samples", "report": 3}}}',
    '{"problem": {"data": {"dimension": 0}}}', '{"problem": {"data": {"dimension": -1e300}}}',
]  # fmt: skip


def zoo() -> dict[str, xr.Dataset]:
    """Results of each kind, made by hand or by closed forms: nothing is compiled."""
    told, seen = hand_made.classification(), hand_made.classification(4)
    dims = ("radius", "rate")
    phases = figure_zoo.phases()
    vary = {"width": [100, 200], "shortcut": [False, True]}
    line = phases.isel(rate=1).drop_vars(["rate", *(name for name in phases if "over" in str(name))])
    line.attrs = phases.attrs | {"sweep": json.dumps({"fields": {"radius": "radius"}})}
    line.attrs.pop("here")
    points = phases.stack(point=dims, create_index=False).assign_attrs(phases.attrs)  # noqa: PD013
    points.attrs.pop("here")
    theory = jm.network_theory(figure_zoo.NETWORK, 0.4)
    losses = {"adversarial_loss": (("network",), [0.5, 0.6, 0.7]), "operator_norm": (("network",), [1.0, 1.1, 1.2])}
    measured = jm.results.make_result(
        losses, {"network": [0, 1, 2]}, engine="measure network", scenario=json.loads(theory.attrs["scenario"]),
        status=jm.Status.COMPLETED,
    )  # fmt: skip
    geometry = jm.InputGeometry(1.0, 0.5, 0.0)
    return {
        "forecast": told, "simulation": seen, "comparison": jm.compare(told, seen), "phase": phases, "line": line,
        "points": points, "theory": theory, "measured": measured,
        "theories": jm.network_theory(figure_zoo.NETWORK, 0.4, vary=vary),
        "trainability": jm.trainability(figure_zoo.NETWORK, 0.4, geometry),
    }  # fmt: skip


def mutate(result: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """One change to what a file says."""

    def any_of(things):
        things = list(things)
        return things[rng.integers(len(things))]

    name, value = any_of(result.variables), any_of(HOSTILE)
    dim = any_of(result.dims) if result.dims else None
    kind = rng.integers(18)
    if kind <= 3:
        named = any_of([*result.attrs, "title", "numerical_error", "seed", "sweep", "here"])
        return result.assign_attrs({named: value})
    if kind == 4:
        result = result.copy()
        result.attrs.pop(any_of(result.attrs), None)
        return result
    if kind == 5:
        result = result.copy()
        result[name].attrs[any_of(["units", "long_name", "symbol", "coordinates", "_FillValue", "dtype"])] = value
        return result
    if kind == 6:
        return result.drop_vars(name)
    if kind == 7 and dim is not None:
        return result.isel({dim: slice(0, int(rng.integers(3)))})
    if kind == 8 and dim is not None:
        return result.isel({dim: slice(None, None, -1)})
    if kind == 9 and dim is not None:
        return result.isel({dim: rng.integers(0, result.sizes[dim], result.sizes[dim])})
    if kind == 10:
        values = np.full(result[name].shape, any_of([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300, 1e-300]))
        return result.assign({name: (result[name].dims, values)})
    if kind == 11:
        values = result[name].values
        other = np.ones(values.shape, dtype=any_of(["i1", "f4", "u2", "c16", "S3", ">f8"]))
        changed = any_of([values.astype(str), other])
        return result.assign({name: (result[name].dims, changed)})
    if kind == 12:
        return result.assign({name: result[name].expand_dims(any_of(["extra", "layer", "seed", "time", "network"]))})
    if kind == 13:
        return result.assign({any_of(["mine", "norm", "alignment"]): any_of([("x", ["a"]), ((), 1j), ((), "text")])})
    if kind == 14:
        return result.rename({name: any_of(["norm", "mine", "time", "_x", "z"])})
    if kind == 15 and dim is not None:
        return result.rename_dims({dim: any_of(["extra", "seed", "step", "point"])})
    if kind == 16 and dim is not None:
        return result.isel({dim: 0})
    return result.assign({name: result[name].transpose(*reversed(result[name].dims))})


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes flipped, cut away, doubled or put in."""
    data, kind = bytearray(content), rng.integers(4)
    place = int(rng.integers(len(data)))
    if kind == 0:
        for _ in range(int(2 ** rng.integers(8))):
            data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        data[place : place + int(rng.integers(64))] = bytes(rng.integers(0, 256, 64, dtype=np.uint8))
    else:
        del data[place : place + int(rng.integers(64))]
    return bytes(data)


def verbs(path: str, name: str, whole: dict[str, xr.Dataset]):
    """Everything that reads a result, as functions."""
    found = jm.load(path)
    partner = {"forecast": "simulation", "simulation": "forecast", "theory": "measured", "measured": "theory"}.get(name)
    yield lambda: print(tables.header(found), tables.preprocessing(found))
    yield lambda: print_json(as_json(found))
    yield lambda: jm.report(found)
    yield lambda: jm.view(found)
    if partner:
        pair = (found, whole[partner]) if name in ("forecast", "theory") else (whole[partner], found)
        yield lambda: jm.compare(*pair)
        yield lambda: picture(jm.plot(*pair), "svg")
        yield lambda: jm.report(*pair)
    if name in ("forecast", "simulation"):
        yield lambda: picture(jm.plot(found), "svg")
        yield lambda: print(tables.curves(found), tables.bands(found))
    if name == "comparison":
        yield lambda: print(agreement.comparison(found), agreement.agreement(found), agreement.in_words(found))
    if name in ("phase", "line", "points") and "sweep" in found.attrs:
        yield lambda: print(sweep_text(found))
        yield lambda: picture(plot_sweep(found), "svg")
    if name == "phase" and "here" in found.attrs:
        yield lambda: print(phase_text(found))
        yield lambda: picture(plot_phase(found), "svg")
    if name in ("theory", "theories"):
        yield lambda: print(network_text(found, None))
        yield lambda: picture(plot_network(found), "svg")
    if name == "trainability":
        yield lambda: print(network_text(whole["theory"], found))
    yield lambda: command(["report", path, "-o", path + ".html"])


def _too_long(*_):
    raise TimeoutError(f"more than {LONGEST} seconds")


def run(count: int, seed: int, first: int = 0) -> collections.Counter[str]:
    """Mutate and read so many files; what happened, by kind, faults with where they arose."""
    whole, found = zoo(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file.nc")
        for index in range(first, first + count):
            rng = np.random.default_rng([seed, index])
            name = list(whole)[rng.integers(len(whole))]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    if rng.random() < 0.25:
                        Path(path).write_bytes(damage(Path(jm.save(whole[name], path)).read_bytes(), rng))
                    else:
                        changed = whole[name]
                        for _ in range(rng.integers(1, 4)):
                            changed = mutate(changed, rng)
                        Path(path).unlink(missing_ok=True)
                        changed.to_netcdf(path, engine="netcdf4")
                except Exception:  # what xarray itself does not do
                    found["not made"] += 1
                    continue
            found[_read(path, name, whole, found, f"[{seed}, {index}] {name}")] += 1
    return found


def _read(path: str, name: str, whole: dict[str, xr.Dataset], found: collections.Counter[str], where: str) -> str:
    outcome = "refused"
    shown = io.StringIO()
    signal.signal(signal.SIGALRM, _too_long)
    steps = None
    while True:
        signal.alarm(LONGEST)
        with warnings.catch_warnings(record=True) as seen, contextlib.redirect_stdout(shown), \
                contextlib.redirect_stderr(shown):  # fmt: skip
            warnings.simplefilter("always")
            try:
                steps = steps or verbs(path, name, whole)
                step = next(steps, None)
                if step is None:
                    return outcome
                outcome = "accepted"
                step()
            except InputError as error:
                if "\n" in str(error):
                    found[f"FAULT {where}: a message of several lines: {error}"] += 1
                if outcome == "refused":
                    return outcome
            except Exception as error:
                frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "jominy" in frame.filename]
                place = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(frames[-3:]))
                found[f"FAULT {where}: {type(error).__name__} {str(error)[:90]} at {place}"] += 1
                if outcome == "refused":
                    return outcome
            finally:
                signal.alarm(0)
        for warning in seen:
            place = f"{Path(warning.filename).name}:{warning.lineno}"
            found[f"FAULT {where}: warned {str(warning.message)[:90]} {place}"] += 1


def main(count: int = 300, seed: int = 0, batch: int = 50) -> int:
    """In processes of their own: a damaged file may end the NetCDF library itself, which is counted too."""
    total: collections.Counter[str] = collections.Counter()
    for first in range(0, count, batch):
        size = min(batch, count - first)
        argv = [sys.executable, __file__, "--part", str(size), str(seed), str(first)]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            total[f"FAULT [{seed}, {first}...]: the process ended with {done.returncode} {done.stderr[-300:]}"] += 1
        else:
            total.update(json.loads(done.stdout.splitlines()[-1]))
        faults = sum(number for key, number in total.items() if key.startswith("FAULT"))
        print(f"{first + size} files: {faults} faults", flush=True)
    for key, number in sorted(total.items()):
        print(f"{number:6d} {key}")
    return int(any(key.startswith("FAULT") for key in total))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        print("\n" + json.dumps(run(*map(int, sys.argv[2:]))))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
