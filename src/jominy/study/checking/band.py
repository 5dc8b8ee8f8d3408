"""Is a run normal, by the band of a finished forecast alone: nothing is known of how runs stray together in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # imports `special` when it is first asked for

from jominy.errors import InputError
from jominy.results.reading import scenario_of, table_in
from jominy.study.checking.healthy import Floats
from jominy.study.checking.logs import CHECKED, chosen_times, read_log
from jominy.study.checking.verdict import Verdict, back, scale_of, transformed

if TYPE_CHECKING:
    import xarray as xr

MANY = 1e6
"""Degrees of freedom of a spread that is computed, and not estimated from runs."""


def check_band(log: Any, told: xr.Dataset, columns: Mapping[str, str] | None, false_alarms: float) -> Verdict:
    """A log against the band of a forecast, at most 16 times of it.

    The alarm is so far out that all its numbers together have at most the probability `false_alarms` of one
    (Bonferroni): fewer false alarms than that, and a run has to be further out, than where runs are made anew.
    """
    known = [name for name in CHECKED if f"{name}_sd" in told and told[name].dims == ("time",)]
    if not known:
        raise InputError(
            "a forecast that a log is checked against must have bands",
            f"{', '.join(map(str, told.data_vars)) or 'no variables'}",
            "make it with `forecast(..., bands=True)`, of samples as it is; or hand over problem and schedule",
        )
    read = chosen_times(read_log(log, columns, _dimension(told), int(told.attrs.get("batch_size", 1))))
    names = read.names(known)
    moments = np.asarray(told["time"].values, dtype=float)
    if read.times[-1] > moments[-1] * (1 + 1e-9):
        raise InputError(
            "a forecast must reach as far as the log", f"time {moments[-1]:.4g} < {read.times[-1]:.4g}",
            "make it longer, or hand over the rows before",
        )  # fmt: skip

    def at_log(variable: str) -> Floats:
        return np.interp(read.times, moments, np.asarray(told[variable].values, dtype=float))

    bias = [at_log(f"{name}_bias") if f"{name}_bias" in told else np.zeros(len(read.times)) for name in names]
    expected = np.stack([at_log(name) for name in names], axis=1) + np.stack(bias, axis=1)
    spread = np.stack([at_log(f"{name}_sd") for name in names], axis=1)
    middle = transformed(expected, names)
    runs = int(told.attrs.get("runs", 0))
    relative = spread / scale_of(middle, names) * np.sqrt(1 + (1 / runs if runs else 0.0))
    usable = np.isfinite(relative) & (relative > 1e-9)
    if not usable.any():
        raise InputError("a band must say how runs stray", "no spread anywhere", "is the rate zero, or did it diverge?")
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.abs(transformed(read.table(names), names) - middle) / relative
    excursion = np.where(usable, out, 0.0).max(axis=1)
    freedom = runs - 1 if runs else MANY
    threshold = -float(scipy.special.stdtrit(freedom, false_alarms / (2 * usable.sum())))  # Student's
    beyond = np.flatnonzero(excursion > threshold)
    first = int(beyond[0]) if len(beyond) else None
    return Verdict(
        normal=first is None,
        step=None if first is None else float(read.steps[first]),
        time=None if first is None else float(read.times[first]),
        cause=None,
        excursion=excursion,
        threshold=threshold,
        times=read.times,
        steps=read.steps,
        names=names,
        logged=read.table(names),
        expected=back(middle, names),
        spread=spread,
        false_alarms=false_alarms,
        sought=(),
    )


def _dimension(told: xr.Dataset) -> float:
    """Of the runs that a forecast is of, which turns their steps into times."""
    found = told.attrs.get("band_dimension", table_in(scenario_of(told), "problem", "data").get("dimension"))
    if not isinstance(found, int | float | np.number):
        raise InputError("a forecast must say the dimension of its runs", found, "hand over problem and schedule")
    return float(found)
