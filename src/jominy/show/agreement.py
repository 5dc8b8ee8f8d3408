"""A comparison of forecast and simulation as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jominy.results import Status, describe_variable
from jominy.show.tables import MAIN, short_name
from jominy.show.text import Table, number, percent, pick, plus_minus, short, signed, table

if TYPE_CHECKING:
    import xarray as xr

_IN_FULL = (
    "adversarial_risk",
    "adversarial_accuracy",
    "held_out_adversarial_risk",
    "held_out_adversarial_accuracy",
    "norm",
)
LARGE_Z = 3.5


def comparison(report: xr.Dataset, *, rows: int = 6) -> str:
    """Forecast against the mean of SGD at about ``rows`` times, for the variables that matter most."""
    chosen = pick(report["time"].values, rows)
    blocks = []
    for name in _IN_FULL:
        if name not in report["variable"].values:
            continue
        part = report.sel(variable=name).isel(time=chosen)
        lines: list[tuple[str, ...]] = [("time", "forecast", "SGD mean ± s.e.", "z", "relative error")]
        for time, told, mean, error, z in zip(
            *(part[key].values for key in ("time", "forecast", "mean", "standard_error", "z")), strict=True
        ):
            lines.append((short(time), number(told), plus_minus(mean, error), *_difference(told, mean, z)))
        blocks.append(f"{describe_variable(name).long_name}\n{table(lines)}")
    return "\n\n".join(blocks)


def agreement(report: xr.Dataset, names: Sequence[str] | None = None) -> Table:
    """One line for each variable: the largest difference in standard errors, and the relative errors.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> from jominy.study.compare import compare
    >>> def result(engine, dims, values, **coords):
    ...     return make_result({"norm": (dims, values)}, {"time": [0.0, 1.0], **coords}, engine=engine, scenario={},
    ...                        status=Status.COMPLETED)
    >>> told = result("forecast", ("time",), [0.0, 1.1])
    >>> print(agreement(compare(told, result("simulate", ("seed", "time"), [[0.0, 0.9], [0.0, 1.1]], seed=[0, 1]))))
    over all times  largest |z|  rms relative error  largest relative error
    norm                    1.0             10.00 %                 10.00 %
    """
    if names is None:
        names = [name for name in MAIN if name in report["variable"].values and not _prescribed(report, name)]
    lines: list[tuple[str, ...]] = [("over all times", "largest |z|", "rms relative error", "largest relative error")]
    for name in names:
        part = report.sel(variable=name)
        lines.append(
            (
                short_name(name),
                signed(float(part["largest_z"])).lstrip("+"),
                percent(float(part["rms_relative_error"])),
                percent(float(part["largest_relative_error"])),
            )
        )
    return table(lines)


def in_words(report: xr.Dataset) -> str:
    """The outcome in plain sentences, and how to read ``z``."""
    seeds = int(report.attrs["seeds"])
    if report.attrs["status"] in (Status.DIVERGED.label, Status.UNSTABLE.label):
        return "No agreement can be expected here; the advice above says why."
    sentences = []
    names = report["variable"].values
    if "adversarial_risk" in names:
        rms = float(report["rms_relative_error"].sel(variable="adversarial_risk"))
        compared = np.isfinite(report["z"].sel(variable="adversarial_risk").values)
        span = "Over the whole of training"
        if not compared.all() and compared.any():
            span = f"Up to time {short(report['time'].values[compared][-1])}, after which it is not finite,"
        sentences.append(
            f"{span} the forecast adversarial risk is within {percent(rms)} (rms) of the mean of {seeds} runs of SGD."
        )
    if "adversarial_accuracy" in names:
        last = float(report["difference"].sel(variable="adversarial_accuracy")[-1])
        if np.isfinite(last):
            sentences.append(f"The forecast adversarial accuracy at the end is off by {abs(last):.4f}.")
    sentences.append(
        f"(z is the difference in standard errors of the mean over runs; beyond {LARGE_Z} it is more than chance.)"
    )
    return "\n".join(sentences)


def _difference(told: float, mean: float, z: float) -> tuple[str, str]:
    if not np.isfinite(z):
        return "-", "-"
    return signed(z), (f"{signed(100 * (told - mean) / mean, 2)} %" if mean else "-")


def _prescribed(report: xr.Dataset, name: str) -> bool:
    """Whether a variable is the same in every run, as a learning rate that was given is."""
    return bool(
        np.all(report["standard_error"].sel(variable=name) == 0) and report["largest_z"].sel(variable=name) == 0
    )
