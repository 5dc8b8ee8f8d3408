"""A comparison of forecast and simulation as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jominy.results import Status, describe_variable
from jominy.results.reading import scenario_of, table_in
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
FALSE_ALARM = 1e-3
"""How often chance alone may make a variable, over all its times, look as if it were off."""
SHOWN = 3
"""Variables named of those that are off by more than chance."""
DIFFERENCES = ("excess_risk",)
"""Off by as much as another variable, and of a mean near zero."""
NEGLIGIBLE = 1e-4
"""A relative difference that nobody needs to know of, however significant."""
USUAL = 2.0
"""Relative differences up to so many times 1/d are those of a finite dimension (theory `fluctuations.md` section 6)."""


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
                signed(float(part["largest_z"])).lstrip("+") if np.isfinite(part["z"]).any() else "-",
                percent(float(part["rms_relative_error"])),
                percent(float(part["largest_relative_error"])),
            )
        )
    return table(lines)


def in_words(report: xr.Dataset) -> str:
    """The outcome in plain sentences, and how to read ``z``."""
    seeds = int(report.attrs["seeds"])
    if report.attrs.get("status") in (Status.DIVERGED.label, Status.UNSTABLE.label):
        return "No agreement can be expected here; the advice above says why."
    sentences = []
    names = report["variable"].values
    if "adversarial_risk" in names:
        rms = float(report["rms_relative_error"].sel(variable="adversarial_risk"))
        compared = np.isfinite(report["difference"].sel(variable="adversarial_risk").values)
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
    times = report.sizes["time"]
    limit = _chance(seeds, times)
    off = _off(report, limit)
    if off:
        sentences.append(f"More than chance: {', '.join(_told(one) for one in off[:SHOWN])}.")
        different = report.attrs.get("different", "")
        if different not in ("", "data"):  # other data: such as the limit of large dimension
            sentences.append(
                f"Forecast and simulation are of different studies, which may be why: not the same {different}."
            )
        else:
            sentences.append(_reason(report, off[0]))
    sentences.append(
        f"(z is the difference in standard errors of the mean over runs. The largest of {times} times is more than "
        f"chance beyond {limit:.1f}. Where the runs do not differ, as at the start, there is none.)"
    )
    return "\n".join(sentences)


def in_short(report: xr.Dataset) -> str:
    """Whether forecast and simulation agree, in a sentence."""
    seeds, times = int(report.attrs["seeds"]), report.sizes["time"]
    if report.attrs.get("status") in (Status.DIVERGED.label, Status.UNSTABLE.label):
        return "Forecast and SGD are not expected to agree here; the advice above says why."
    if not np.isfinite(report["z"].values).any():
        return "Forecast and SGD cannot be compared: nothing in the runs is random."
    limit = _chance(seeds, times)
    off = _off(report, limit)
    if not off:
        return f"Forecast and SGD agree: no variable is off by more than chance over {times} times and {seeds} runs."
    return f"Forecast and SGD differ by more than chance, the most in: {_told(off[0])}."


class _Off(NamedTuple):
    """A difference that is more than chance: the largest of a variable, relative to the mean over runs."""

    name: str
    share: float
    z: float
    time: float


def _chance(seeds: int, times: int) -> float:
    """|z| that the largest of so many exceeds once in 1 / FALSE_ALARM; of few runs the error is itself uncertain.

    Student's t, divided among the times as if they were independent: they are not, so that chance is rarer still.

    >>> round(_chance(1000, 1), 2), round(_chance(20, 100), 2)
    (3.3, 5.95)
    """
    from scipy.special import stdtrit

    return float(stdtrit(seeds - 1, 1 - FALSE_ALARM / 2 / times))


def _off(report: xr.Dataset, limit: float) -> list[_Off]:
    """For each variable that the terminal shows its largest relative difference beyond chance, largest first."""
    found = []
    for name in MAIN:
        if name not in report["variable"].values or name in DIFFERENCES or _prescribed(report, name):
            continue
        part = report.sel(variable=name)
        z, mean = part["z"].values, np.abs(part["mean"].values)
        share = np.abs(part["difference"].values) / np.where(mean > 0, mean, np.inf)
        share = np.where(np.abs(z) > limit, share, 0.0)  # z is NaN where nothing is compared
        worst = int(np.argmax(share))
        if share[worst] > NEGLIGIBLE:
            found.append(_Off(name, float(share[worst]), float(z[worst]), float(report["time"].values[worst])))
    return sorted(found, key=lambda one: -one.share)


def _told(one: _Off) -> str:
    return f"{short_name(one.name)} off by {percent(one.share)} at time {short(one.time)} (z {signed(one.z)})"


def _reason(report: xr.Dataset, worst: _Off) -> str:
    """Whether a finite dimension explains the largest difference, and what to do."""
    data = table_in(scenario_of(report), "problem", "data")
    if data.get("kind") == "Samples":
        return (
            "The forecast takes the weights, over all orders of the rows, as Gaussian; with few features, heavy tails "
            "or a large rate they are not, and SGD is what holds."
        )
    dimension = data.get("dimension")
    if not isinstance(dimension, int | float) or not dimension > 0:
        return "The forecast is that of infinite dimension; SGD is what holds."
    d, share = f"{dimension:.10g}", percent(1 / dimension)
    if report.attrs.get("bias_included"):
        rest = percent(1 / dimension**2)
        if worst.share <= USUAL / dimension**2:
            return f"The 1/d bias is included; what is left at d = {d} is about 1/d^2 ({rest})."
        return (
            f"The 1/d bias is included, and what is left at d = {d} is usually about 1/d^2 ({rest}): this is more. "
            "The rate may be close to the largest stable one, or d too small for the theory; SGD is what holds."
        )
    if worst.share <= USUAL / dimension:
        return (
            f"That is what a finite dimension does: at d = {d} the mean over runs differs from the forecast, which is "
            f"the limit of large d, by about 1/d ({share}). Bands (--bands) add that bias to the forecast."
        )
    return (
        f"That is more than the 1/d ({share}) by which the mean over runs usually differs at d = {d} from the "
        "forecast, which is the limit of large d: d is too small, or the rate close to the largest stable one. "
        "SGD is what holds; bands (--bands) say how far the theory can be trusted."
    )


def _difference(told: float, mean: float, z: float) -> tuple[str, str]:
    """In standard errors, if there are any, and relative to the mean."""
    known = np.isfinite(told) and np.isfinite(mean) and mean
    return ("-" if np.isnan(z) else signed(z)), (f"{signed(100 * (told - mean) / mean, 2)} %" if known else "-")


def _prescribed(report: xr.Dataset, name: str) -> bool:
    """Whether a variable is the same in every run and in the forecast, as a learning rate that was given is."""
    part = report.sel(variable=name)
    rounding = 1e-12 * np.abs(part["mean"])
    return bool(np.all(part["standard_error"] <= rounding) and np.all(np.abs(part["difference"]) <= rounding))
