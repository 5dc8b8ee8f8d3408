"""Logs in files: CSV (Lightning's too), JSON lines, TensorBoard's events, MLflow's and W&B's local folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jominy.data.csv_files import read_csv
from jominy.errors import InputError

Columns = dict[str, NDArray[np.float64]]
KINDS = "CSV, JSON lines, a folder of Lightning (metrics.csv), TensorBoard, MLflow or W&B"


def columns_of(path: Path) -> Columns:
    """The columns of the log at `path`, a file or a folder."""
    if not path.exists():
        raise InputError("the log must exist", str(path))
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".csv":
        return _csv(path)
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return _json_lines(path)
    if "tfevents" in path.name:
        return _tensorboard(path)
    if path.suffix == ".wandb":
        return _wandb(path)
    raise InputError("the log must be of a kind that is known", str(path), f"there are {KINDS}")


def _folder(path: Path) -> Columns:
    for pattern, read in (("metrics.csv", _csv), ("*tfevents*", _tensorboard), ("*.wandb", _wandb)):
        found = sorted(path.rglob(pattern))
        if len(found) > 1:
            raise InputError(
                "a log must be of one run",
                f"{len(found)} runs in {path}: {', '.join(str(one.relative_to(path)) for one in found[:3])}, ...",
                "hand over one of them",
            )
        if found:
            return read(found[0])
    metrics = sorted({one.parent for one in path.rglob("metrics/*") if one.is_file()})
    if len(metrics) > 1:
        raise InputError("a log must be of one run", f"{len(metrics)} runs in {path}", "hand over the folder of one")
    if metrics:
        return _mlflow(metrics[0])
    raise InputError("there must be a log in the folder", str(path), f"there are {KINDS}")


def _csv(path: Path) -> Columns:
    frame, _, _ = read_csv(path, None, None)
    return _numbers({str(name): frame[name].tolist() for name in frame.columns})


def _json_lines(path: Path) -> Columns:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise InputError("each line of the log must be a JSON object", f"{path}, line {number}: {line[:60]}")
            rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return _numbers({name: [row.get(name) for row in rows] for name in names})


def _numbers(columns: dict[str, list[Any]]) -> Columns:
    """Columns as numbers; those that hold words only are left out."""
    found: Columns = {}
    for name, values in columns.items():
        numbers = np.array([_number(value) for value in values])
        if len(numbers) and not np.all(np.isnan(numbers)):
            found[name] = numbers
    return found


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _of_events(events: dict[str, list[tuple[float, float]]]) -> Columns:
    """Series of (step, value) side by side: a row for each step."""
    steps = sorted({step for series in events.values() for step, _ in series})
    place = {step: row for row, step in enumerate(steps)}
    found: Columns = {"step": np.array(steps, dtype=float)}
    for name, series in events.items():
        found[name] = np.full(len(steps), np.nan)
        for step, value in series:
            found[name][place[step]] = value
    return found


def _tensorboard(path: Path) -> Columns:
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise InputError(
            "tensorboard is needed to read its events, and is not installed",
            None,
            "install it: pip install tensorboard",
        ) from None
    told = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    told.Reload()
    tags = told.Tags()
    events = {tag: [(one.step, one.value) for one in told.Scalars(tag)] for tag in tags["scalars"]}
    if not events:
        raise InputError("there must be scalars in the events", str(path))
    return _of_events(events)


def _mlflow(folder: Path) -> Columns:
    """MLflow's file store: a file for each metric, with lines of time stamp, value, step."""
    events: dict[str, list[tuple[float, float]]] = {}
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        if any(len(line) < 3 for line in lines):
            raise InputError("MLflow's metrics must be lines of time, value, step", str(file))
        events[str(file.relative_to(folder))] = [(float(line[2]), float(line[1])) for line in lines]
    return _of_events(events)


def _wandb(path: Path) -> Columns:
    try:
        from wandb.proto import wandb_internal_pb2
    except ImportError:
        raise InputError(
            "wandb is needed to read its files, and is not installed", None, "install it: pip install wandb"
        ) from None
    rows = []
    for data in _records(path):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            rows.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
    names = dict.fromkeys(name for row in rows for name in row)
    return _numbers({name: [row.get(name) for row in rows] for name in names})


BLOCK, HEADER = 2**15, 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def _records(path: Path) -> Iterator[bytes]:
    """The records of a W&B file: LevelDB's log format (blocks of 32 KiB, records in one or several pieces).

    Each piece has a checksum of four bytes, its length in two, and what it is of a record in one; the file begins with
    seven bytes that say what it is. A record that is cut off at the end, as of a run that goes on, is left out.
    """
    data = path.read_bytes()
    if data[:4] != b":W&B":
        raise InputError("the log must be a sound W&B file", str(path))
    at, pieces = HEADER, b""
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:  # no room for a header: the rest of the block is empty
            at += BLOCK - at % BLOCK
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        piece = data[at + HEADER : at + HEADER + size]
        at += HEADER + size
        if kind not in (WHOLE, FIRST, MIDDLE, LAST) or len(piece) < size:
            return
        pieces = piece if kind in (WHOLE, FIRST) else pieces + piece
        if kind in (WHOLE, LAST):
            yield pieces
