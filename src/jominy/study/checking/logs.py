"""Training logs: from files of the usual tools, mappings, frames and results, to steps, times and columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy
from jominy.study.checking.healthy import Floats
from jominy.study.checking.log_files import columns_of
from jominy.wording import did_you_mean

STEPS = ("step", "steps", "global_step", "_step", "iteration", "iter")
TIMES = ("time", "t")
CHECKED = ("adversarial_risk", "clean_risk", "norm", "adversarial_accuracy", "clean_accuracy", "alignment")
"""Variables of a forecast that a log is compared in."""
MOST_TIMES = 16
"""Times of a log that are looked at, evenly on a logarithmic scale."""


@dataclass(frozen=True)
class Log:
    """One run: steps and times (T,), and columns of T numbers under the names of a forecast's variables."""

    steps: Floats
    times: Floats
    columns: dict[str, Floats]

    def names(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Which of these the log has; InputError where it has none."""
        found = tuple(name for name in wanted if name in self.columns)
        if not found:
            raise InputError(
                "a log must have a column that a forecast has too",
                f"columns {', '.join(self.columns) or 'none'}",
                f"name one: columns={{'val/loss': '{wanted[0]}'}}; there are {', '.join(wanted)}",
            )
        return found

    def table(self, names: Sequence[str]) -> Floats:
        """(T, V) of these columns."""
        return np.stack([self.columns[name] for name in names], axis=1)

    def at(self, rows: np.ndarray) -> Log:
        """Some of its rows."""
        return Log(self.steps[rows], self.times[rows], {name: column[rows] for name, column in self.columns.items()})

    def decimals(self, name: str) -> int | None:
        """The decimals to which a column is rounded; None for one that is in full precision.

        >>> Log(np.zeros(2), np.zeros(2), {"norm": np.array([0.5, 0.25])}).decimals("norm")
        2
        """
        values = self.columns[name]
        return next((places for places in range(7) if np.allclose(np.round(values, places), values, atol=1e-9)), None)


def read_log(log: Any, columns: Mapping[str, str] | None, dimension: float, batch_size: int) -> Log:
    """The run in a file, a folder, a mapping, a frame or a result of one seed; see `check`.

    Raises InputError for a log without steps, with NaN among its numbers, or with two runs in it.
    """
    if isinstance(log, Log):
        return log
    found = _columns(log)
    renamed = {(columns or {}).get(name, name): values for name, values in found.items()}
    for wanted in columns or ():
        if wanted not in found:
            near = did_you_mean(wanted, list(found)).strip() or f"it has {', '.join(found)}"
            raise InputError("a column that is named must be in the log", wanted, near)
    names = [name for name in (*STEPS, *TIMES) if name in renamed]
    if not names:
        raise InputError(
            "a log must have a column of steps",
            f"columns {', '.join(found) or 'none'}",
            "call it step, or time (in samples / dimension); or name it: columns={'my_step': 'step'}",
        )
    key = names[0]
    index = renamed.pop(key)
    # Loggers write a row for each call, with the columns of that call alone: rows of one step belong together.
    index, renamed = _joined(index, renamed, "step" if key in STEPS else "time")
    steps = index if key in STEPS else np.round(index * dimension / batch_size)
    times = index * batch_size / dimension if key in STEPS else index
    return Log(steps, times, renamed)


def chosen_times(log: Log) -> Log:
    """At most `MOST_TIMES` of the times after the start, evenly on a logarithmic scale, the last one among them."""
    after = np.flatnonzero(log.times > 0)
    if len(after) < 2:
        raise InputError("a log must have at least two steps after the start", f"{len(after)}")
    if len(after) <= MOST_TIMES:
        return log.at(after)
    wanted = np.geomspace(log.times[after[0]], log.times[after[-1]], MOST_TIMES)
    nearest = {int(after[np.argmin(np.abs(log.times[after] - time))]) for time in wanted}
    return log.at(np.array(sorted(nearest)))


def _joined(index: Floats, columns: dict[str, Floats], unit: str) -> tuple[Floats, dict[str, Floats]]:
    """Rows in the order of their steps, those of one step in one; InputError for two values of one column there."""
    if not np.all(np.isfinite(index)):
        raise InputError("steps must be numbers", f"{int(np.sum(~np.isfinite(index)))} rows without one")
    falls = np.flatnonzero(np.diff(index) < 0)
    if len(falls):
        at = int(falls[0])
        raise InputError(
            "a log must be of one run, its steps in order",
            f"{unit} {index[at + 1]:g} comes after {unit} {index[at]:g}",
            "hand over one run at a time",
        )
    values = np.unique(index)
    place = np.searchsorted(values, index)
    joined: dict[str, Floats] = {}
    for name, column in columns.items():
        there = ~np.isnan(column)
        if not there.any():
            continue
        count = np.bincount(place[there], minlength=len(values))
        if len(set(zip(place[there].tolist(), column[there].tolist(), strict=True))) > np.count_nonzero(count):
            raise InputError(
                "a log must be of one run, with one value of a column at a step",
                f"{name} has {count.max()} values at {unit} {values[count.argmax()]:g}",
                "hand over one run at a time",
            )
        joined[name] = np.full(len(values), np.nan)
        joined[name][place[there]] = column[there]
    used = [name for name in CHECKED if name in joined]
    if not used:
        return values, joined
    filled = np.any([~np.isnan(joined[name]) for name in used], axis=0)
    values, joined = values[filled], {name: column[filled] for name, column in joined.items()}
    for name in used:
        missing = np.isnan(joined[name])
        if missing.any():
            raise InputError(
                f"the column {name} must have a number at every step that is logged",
                f"NaN or nothing at {unit} {values[missing][0]:g}",
                "leave the column out, or the rows without it",
            )
        if np.isinf(joined[name]).any():
            raise InputError(
                f"the column {name} must have finite numbers",
                f"infinity at {unit} {values[np.isinf(joined[name])][0]:g}, where the run has diverged",
                "hand over the rows before",
            )
    return values, joined


def _columns(log: Any) -> dict[str, Floats]:
    """Names and numbers of whatever holds them; what is no number is NaN, columns of words are left out."""
    if isinstance(log, str | Path):
        return columns_of(Path(log))
    if hasattr(log, "data_vars"):  # a result
        runs = int(log.sizes.get("seed", 1))
        if runs != 1:
            raise InputError("a log must be of one run", f"{runs} seeds", "log.isel(seed=[0])")
        one = log.isel(seed=0) if "seed" in log.sizes else log
        found = {name: as_numpy(one[name].values) for name in one.data_vars if one[name].dims == ("time",)}
        return {"time": as_numpy(one["time"].values), **{str(name): values for name, values in found.items()}}
    if hasattr(log, "to_dict") and hasattr(log, "columns"):
        log = {str(name): log[name].to_numpy() for name in log.columns}
    if not isinstance(log, Mapping):
        raise InputError("a log is a file, a mapping or frame of columns, or a result", type(log).__name__)
    try:
        return {str(name): np.asarray(as_numpy(values, str(name)), dtype=float) for name, values in log.items()}
    except (TypeError, ValueError) as error:
        raise InputError("columns of a log must be numbers", json.dumps(str(error))) from None
