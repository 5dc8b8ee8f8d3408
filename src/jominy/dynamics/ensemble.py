"""A forecast as an ensemble of real runs: as many as the wanted standard error takes, or a stated budget allows.

Where no recursion is known (several classes, momentum, batches of samples), or where it is dearer than the runs that it
spares, the mean over compiled real runs is the forecast. Its runs have seeds of their own, so that runs that a user
simulates are independent of it.

Source: theory `multiclass.md` sections 0 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.averages import mean_and_spread
from jominy.results import Status, make_result
from jominy.results.reading import notes_of, scenario_of

if TYPE_CHECKING:
    import xarray as xr

FIRST_SEED = 1_000_000_000
"""Of an ensemble; users' own runs have smaller seeds."""
FIRST_RUNS = 50
"""After which the spread of runs is known well enough to say how many are needed."""
FEWEST_RUNS, MOST_RUNS = 20, 4000
BUDGET = 6e10
"""Multiplications of an ensemble that are not exceeded unless a number of runs is asked for: some ten seconds."""
PRECISION = 0.005
"""Standard error of the adversarial risk, relative to it, at every time that is reported."""
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
_IN_QUANTILES = ("adversarial_risk", "clean_risk", "adversarial_accuracy", "clean_accuracy", "norm")

Variables = dict[str, tuple[tuple[str, ...], np.ndarray]]
Runs = Callable[[list[int]], Any]
"""A simulation of these seeds: a result over seed and time."""


def ensemble_forecast(
    simulated: Runs, runs: int | None, precision: float, work: float, progress: bool = False, *,
    at_once: int = FIRST_RUNS,
) -> xr.Dataset:  # fmt: skip
    """The mean over real runs as a forecast, with standard errors, spread and quantiles of single runs.

    Args:
        simulated: makes runs of given seeds.
        runs: exactly so many; None for as many as the precision takes, within the budget.
        precision: wanted relative standard error of the adversarial risk, at every time reported.
        work: multiplications of one run, about.
        progress: show how many runs are done, on work of more than two seconds.
        at_once: runs of one part, after which it is looked how many are needed.
    """
    from tqdm import tqdm

    most = int(min(MOST_RUNS, max(FEWEST_RUNS, BUDGET / max(work, 1.0))))
    wanted = min(at_once, most) if runs is None else _checked_runs(runs)
    if runs is None and not (math.isfinite(precision) and precision > 0):
        raise InputError("precision must be a number > 0", precision, "0.005 is half a per cent of the risk")
    parts: list[Any] = []
    done = 0
    with tqdm(total=wanted, delay=2, unit="run", desc="forecast by real runs", disable=not progress) as bar:
        while done < wanted:
            # Parts of one size: the program for another would be compiled anew.
            part = simulated([FIRST_SEED + k for k in range(done, min(done + at_once, wanted))])
            if part.attrs["status"] == Status.INTERRUPTED.label:
                parts = parts or [part]  # one that was cut short ends at an earlier time than the others
                break
            parts.append(part)
            bar.update(part.sizes["seed"])
            done += part.sizes["seed"]
            if done == wanted and runs is None and part.attrs["status"] == Status.COMPLETED.label:
                needed = _runs_needed(_joined(parts, "adversarial_risk"), precision)
                wanted = min(-(-needed // at_once) * at_once, most)
                bar.total = max(done, wanted)
    return _as_forecast(parts, precision if runs is None else None, most, interrupted=done < wanted)


def _checked_runs(runs: Any) -> int:
    if not isinstance(runs, (int, np.integer)) or isinstance(runs, bool) or not 2 <= runs <= 1_000_000:
        raise InputError("runs must be a whole number from 2 to 1,000,000", runs, "200 is usual; None is until precise")
    return int(runs)


def _joined(parts: list[Any], name: str) -> np.ndarray:
    """(runs, ...) a variable of all parts, with the seed first."""
    return np.concatenate([part[name].transpose("seed", ...).values for part in parts])


def _relative_error(risk: np.ndarray) -> np.ndarray:
    """(T,) standard error of risks (runs, T) over their mean; zero where both are."""
    mean, spread = mean_and_spread(risk)
    error = spread / math.sqrt(len(risk))
    return np.divide(error, np.abs(mean), out=np.zeros_like(error), where=np.isfinite(error) & (error > 0))


def _runs_needed(risk: np.ndarray, precision: float) -> int:
    """So many runs for this precision, with a margin for what is not known of the spread yet."""
    worst = float(np.max(_relative_error(risk)))
    return math.ceil(len(risk) * (worst / precision) ** 2 * (1.1 if worst > precision else 1.0))


def _as_forecast(parts: list[Any], precision: float | None, most: int, interrupted: bool) -> xr.Dataset:
    first = parts[0]
    count = sum(part.sizes["seed"] for part in parts)
    variables, coords = _averaged(parts)
    worst = float(np.max(_relative_error(_joined(parts, "adversarial_risk")), initial=0.0))
    reached = f"standard error of the risk at most {100 * worst:.2g} %"
    notes = notes_of(first)
    notes.insert(0, f"this forecast is the mean of {count} real runs of SGD, from seeds of its own: {reached}")
    if precision is not None and worst > precision and count >= most:
        notes.insert(
            1,
            f"the budget of {most} runs ended before the standard error was {100 * precision:.2g} % at every time: "
            "`runs=1000` asks for more",
        )
    if interrupted:
        notes.insert(1, "Ctrl-C ended it before all runs that were asked for")
    ended = next((part for part in parts if part.attrs["status"] != Status.COMPLETED.label), first)
    more = {
        "method": f"ensemble of {count} real runs: {first.attrs['method']}",
        "runs": count,
        "first_seed": FIRST_SEED,
        "relative_standard_error": worst,
    }
    return _told(first, ended, variables, coords, notes, more)


def forecast_of_draws(drawn: Any, notes: Sequence[str]) -> xr.Dataset:
    """The mean over weights drawn from a law that is known, a result over seeds, as a forecast with its spread.

    What the draws leave open is not told as a standard error: it is the same at all times and for all rates.
    """
    variables, coords = _averaged([drawn], errors=False)
    return _told(drawn, drawn, variables, coords, [*notes, *notes_of(drawn)], {"method": drawn.attrs["method"]})


def _averaged(parts: list[Any], errors: bool = True) -> tuple[Variables, dict[str, np.ndarray]]:
    """Mean and spread over the runs of all parts, standard `errors` and quantiles, and their coordinates."""
    first = parts[0]
    count = sum(part.sizes["seed"] for part in parts)
    variables: Variables = {}
    for key in first.data_vars:
        name, dims = str(key), tuple(str(dim) for dim in first[key].dims if dim != "seed")
        if "seed" not in first[key].dims:
            variables[name] = (dims, first[key].values)
            continue
        runs = _joined(parts, name)
        mean, spread = mean_and_spread(runs)
        variables[name] = (dims, mean)
        if name == "learning_rate" and not np.any(spread):
            continue
        variables[f"{name}_sd"] = (dims, spread)
        if errors:
            variables[f"{name}_standard_error"] = (dims, spread / math.sqrt(count))
        if name.removeprefix("held_out_") in _IN_QUANTILES:
            variables[f"{name}_quantile"] = ((*dims, "quantile"), np.moveaxis(_quantiles(runs), 0, -1))
    coords = {str(name): first[name].values for name in first.coords if name != "seed"}
    return variables, coords | {"quantile": np.array(QUANTILES)}


_REPLACED = ("format", "engine", "scenario", "versions", "status", "advice", "notes", "cite", "seed", "method")


def _told(
    first: Any, ended: Any, variables: Variables, coords: dict[str, np.ndarray], notes: list[str], more: dict[str, Any]
) -> xr.Dataset:  # fmt: skip
    """The forecast, with what the first part of its runs says of the problem and the one that `ended` of the end."""
    status = Status.of(ended.attrs["status"])
    told = {"advice": ended.attrs["advice"]} if status is not Status.COMPLETED else {}
    extra = {name: value for name, value in first.attrs.items() if name not in _REPLACED} | more
    return make_result(
        variables, coords, engine="forecast", scenario=scenario_of(first), status=status, notes=notes, extra=extra,
        **told,
    )  # fmt: skip


def _quantiles(runs: np.ndarray) -> np.ndarray:
    """(Q, ...) quantiles over runs (n, ...), which may be infinite: then they are read off, not interpolated."""
    if np.all(np.isfinite(runs)):
        return np.quantile(runs, QUANTILES, axis=0)
    return np.quantile(runs, QUANTILES, axis=0, method="nearest")
