"""Forecast against simulation: the difference, in standard errors and relative to the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.averages import mean_and_error
from jominy.results import Status, make_result
from jominy.results.checks import check_result
from jominy.results.reading import notes_of, scenario_of
from jominy.study.compare_networks import compare_networks
from jominy.study.z_scores import numerical_error, z_scores

if TYPE_CHECKING:
    import xarray as xr

# A mean below this share of the variable's largest mean counts as this share: a ratio to what lies beneath it would say
# nothing about the theory.
_FLOOR = 1e-7
WHERE_NONE = "NaN where a value is not finite, or the runs do not differ (standard error below the numerical error)"


def compare(forecast: xr.Dataset, simulation: xr.Dataset) -> xr.Dataset:
    """Compare a forecast with the mean over the seeds of a simulation, variable by variable and time by time.

    The theory of a network is compared with real ones, over their ``network`` dimension, by
    :func:`jominy.study.compare_networks.compare_networks`.

    Parameters
    ----------
    forecast
        Result without a ``seed`` dimension, on times that cover those of the simulation. Where the times differ it is
        interpolated by a cubic spline, and never extrapolated.
    simulation
        Result with at least two seeds.

    A forecast that is itself a mean over real runs (``<name>_standard_error``) has an error of its own: the standard
    error of the difference is reported, and ``z`` counts in those.

    Where the forecast has bands (``<name>_bias``), the forecast of the mean over runs is the curve plus the bias, and
    that is what is compared; a note says so.

    Returns
    -------
    xarray.Dataset
        Dimensions ``(variable, time)``: ``forecast``, ``mean``, ``standard_error``, ``difference`` (forecast minus
        mean) and ``z`` (difference in standard errors). Dimension ``variable``: ``largest_z`` (of ``|z|``),
        ``largest_relative_error`` (of ``|difference / mean|``) and ``rms_relative_error`` (root mean square over time
        of the difference, divided by that of the mean). Variables at several evaluation radii appear once for each, as
        ``accuracy_at_radius[0.5]``. Moments at which either side is not finite (after a divergence) are not compared:
        ``difference`` and ``z`` are NaN there. Where the runs do not differ (at the start: their standard error is
        below the numerical error) ``z`` says nothing about agreement and is NaN too, unless the difference is far
        beyond both errors. ``largest_z`` is 0 where no time has a ``z``.

    Raises
    ------
    InputError
        Arguments in the wrong order, one seed only, no common variable, times outside the forecast's range.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> def result(engine, dims, values, **coords):
    ...     return make_result({"norm": (dims, values)}, {"time": [0.0, 1.0], **coords}, engine=engine, scenario={},
    ...                        status=Status.COMPLETED)
    >>> told = result("forecast", ("time",), [0.0, 1.1])
    >>> seen = result("simulate", ("seed", "time"), [[0.0, 0.9], [0.0, 1.1]], seed=[0, 1])
    >>> report = compare(told, seen)
    >>> round(float(report["z"].sel(variable="norm", time=1.0)), 6)  # mean 1.0, standard error 0.1
    1.0
    """
    check_result(forecast), check_result(simulation)
    if "network" in simulation.dims or "network" in forecast.dims:
        return compare_networks(forecast, simulation)
    _check(forecast, simulation)
    corrected = [str(key) for key in forecast.data_vars if f"{key}_bias" in forecast]
    forecast = forecast.assign({name: forecast[name] + forecast[f"{name}_bias"] for name in corrected})
    told, seen = _common(forecast, simulation)
    time = np.asarray(simulation["time"].values, dtype=float)
    names = list(told)
    expected = np.array([_at_times(forecast["time"].values, told[name], time) for name in names])
    mean, error = (np.array(part) for part in zip(*(mean_and_error(seen[name]) for name in names), strict=True))
    error = np.hypot(error, _own_errors(forecast, names, time))
    usable = np.isfinite(expected) & np.isfinite(mean) & np.isfinite(error)
    difference = np.full_like(mean, np.nan)
    np.subtract(expected, mean, out=difference, where=usable)
    floor = _FLOOR * np.max(np.abs(mean), axis=1, where=usable, initial=np.finfo(float).tiny, keepdims=True)
    z = z_scores(difference, error, numerical_error(expected, mean, float(forecast.attrs.get("numerical_error", 0.0))))
    relative = np.zeros_like(mean)
    with np.errstate(over="ignore"):  # relative to runs that are all zero, any difference is infinite
        np.divide(np.abs(difference), np.maximum(np.abs(mean), floor), out=relative, where=usable)
        off, size = (_rms(one, usable) for one in (difference, mean))
        rms = off / np.maximum(size, floor[:, 0] / np.sqrt(max(len(time), 1)))
    both = ("variable", "time")
    status, advice = _ending(forecast, simulation)
    report = make_result(
        {
            "forecast": (both, expected),
            "mean": (both, mean),
            "standard_error": (both, error),
            "difference": (both, difference),
            "z": (both, z),
            "largest_z": (("variable",), np.max(np.abs(z), axis=1, where=~np.isnan(z), initial=0.0)),
            "largest_relative_error": (("variable",), np.max(relative, axis=1)),
            "rms_relative_error": (("variable",), rms),
        },
        {"variable": np.array(names, dtype=object), "time": time},
        engine="compare",
        scenario=_scenario(simulation),
        status=status,
        advice=advice,
        notes=_notes(forecast, simulation, status, usable, corrected),
        extra={
            "seeds": int(simulation.sizes["seed"]),
            "different": ", ".join(_different(_scenario(forecast), _scenario(simulation))),
            "bias_included": int(bool(corrected)),
            "forecast_status": str(forecast.attrs.get("status", "")),
            "simulation_status": str(simulation.attrs.get("status", "")),
            **({"title": simulation.attrs["title"]} if "title" in simulation.attrs else {}),
        },
    )
    report["z"].attrs["comment"] = WHERE_NONE
    return report


def _check(forecast: xr.Dataset, simulation: xr.Dataset) -> None:
    if "seed" in forecast.dims:
        raise InputError(
            "compare takes the forecast first and the simulation second",
            f"a first argument with {forecast.sizes['seed']} seeds",
            "write compare(forecast, simulation)",
        )
    if "seed" not in simulation.dims:
        raise InputError(
            "the second argument of compare must be a simulation, with a seed dimension",
            f"dimensions {tuple(map(str, simulation.dims))}",
        )
    if simulation.sizes["seed"] < 2:
        raise InputError(
            "a comparison needs at least two seeds, because one run has no standard error",
            simulation.sizes["seed"],
            "simulate with `seeds=20` or more",
        )
    for name, result in (("forecast", forecast), ("simulation", simulation)):
        if "time" not in result.dims or result.sizes["time"] == 0:
            raise InputError(f"the {name} must have a time dimension", f"dimensions {tuple(map(str, result.dims))}")
    told, seen = forecast["time"].values, simulation["time"].values
    slack = 1e-9 * max(1.0, abs(float(told[-1])))
    if seen.min() < told.min() - slack or seen.max() > told.max() + slack:
        raise InputError(
            "the forecast must cover the times of the simulation",
            f"forecast {told.min():g} to {told.max():g}, simulation {seen.min():g} to {seen.max():g}",
            "forecast to the same last time",
        )


def _common(forecast: xr.Dataset, simulation: xr.Dataset) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Curves by name: forecast (time,), simulation (seed, time); several radii become several names."""
    told: dict[str, np.ndarray] = {}
    seen: dict[str, np.ndarray] = {}
    for key in forecast.data_vars:
        if key not in simulation.data_vars or key == "radius":  # which is set, not found
            continue
        name, left, right = str(key), forecast[key], simulation[key]
        if left.dtype.kind not in "iufb" or right.dtype.kind not in "iufb":
            continue
        if "seed" not in right.dims:
            right = right.expand_dims(seed=simulation.sizes["seed"])
        if set(left.dims) == {"time"} and set(right.dims) == {"seed", "time"}:
            told[name], seen[name] = left.values, right.transpose("seed", "time").values
        elif set(left.dims) == {"time", "evaluation_radius"} and set(right.dims) == {"seed", *left.dims}:
            for radius in np.intersect1d(left["evaluation_radius"].values, right["evaluation_radius"].values):
                label = f"{name}[{radius:g}]"
                told[label] = left.sel(evaluation_radius=radius).values
                seen[label] = right.sel(evaluation_radius=radius).transpose("seed", "time").values
    if not told:
        raise InputError(
            "forecast and simulation must have a variable over time in common",
            f"{sorted(map(str, forecast.data_vars))} and {sorted(map(str, simulation.data_vars))}",
        )
    return told, seen


def _own_errors(forecast: xr.Dataset, names: list[str], time: np.ndarray) -> np.ndarray:
    """(variable, time) standard errors of a forecast by real runs; zero where it is none."""
    errors = np.zeros((len(names), len(time)))
    for place, label in enumerate(names):
        name, _, radius = label.partition("[")
        if f"{name}_standard_error" in forecast:
            own = forecast[f"{name}_standard_error"]
            if radius:
                own = own.sel(evaluation_radius=float(radius.rstrip("]")), method="nearest")
            errors[place] = np.interp(time, forecast["time"].values, own.values)
    return errors


def _at_times(given: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if len(given) == len(wanted) and np.allclose(given, wanted, rtol=1e-9, atol=1e-12):
        return np.asarray(values, dtype=float)
    same = np.clip(np.searchsorted(given, wanted), 0, len(given) - 1)
    if np.allclose(given[same], wanted, rtol=1e-9, atol=1e-12):  # each of them is a time of the forecast's own
        return np.asarray(values, dtype=float)[same]
    from scipy.interpolate import CubicSpline

    finite = np.isfinite(values)
    result = np.full(len(wanted), np.nan)
    if np.count_nonzero(finite) < 2:
        return result
    last, first = given[finite].max(), given[finite].min()
    slack = 1e-9 * max(1.0, abs(last))
    inside = (wanted >= first - slack) & (wanted <= last + slack)
    result[inside] = CubicSpline(given[finite], values[finite])(np.clip(wanted[inside], first, last))
    return result


def _rms(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Root mean square over time, of what is usable: (variable, time) -> (variable,); no square overflows."""
    kept = np.where(usable, values, 0.0)
    largest = np.max(np.abs(kept), axis=1, initial=np.finfo(float).tiny, keepdims=True)
    return largest[:, 0] * np.sqrt(np.mean((kept / largest) ** 2, axis=1))


def _ending(forecast: xr.Dataset, simulation: xr.Dataset) -> tuple[Status, str | None]:
    """The status that matters most, with its own advice: an interruption, else what the theory found, else SGD's."""
    endings = [(_status(result), result.attrs.get("advice")) for result in (forecast, simulation)]
    for status, advice in endings:
        if status is Status.INTERRUPTED:
            return status, advice
    return next((ending for ending in endings if ending[0] is not Status.COMPLETED), endings[0])


def _status(result: xr.Dataset) -> Status:
    return Status.of(result.attrs.get("status", Status.COMPLETED.label))


def _different(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Which parts of two studies are not the same, of those that both tell.

    >>> _different({"problem": {"radius": 0.5}, "start": "zero"}, {"problem": {"radius": 0.5}, "start": {"norm": 0.7}})
    ['start']
    """
    problems = [part.get("problem") for part in (one, other)]
    inner = [problem if isinstance(problem, dict) else {} for problem in problems]
    flat, against = inner[0] | one, inner[1] | other
    named = ("data", "loss", "radius", "schedule", "start")
    return [name for name in named if name in flat and name in against and flat[name] != against[name]]


def _scenario(simulation: xr.Dataset) -> dict[str, Any]:
    return scenario_of(simulation)


def _notes(
    forecast: xr.Dataset, simulation: xr.Dataset, told: Status, usable: np.ndarray, corrected: list[str]
) -> list[str]:
    notes = [*notes_of(forecast), *notes_of(simulation)]
    for name, result in (("forecast", forecast), ("simulation", simulation)):
        if _status(result) not in (Status.COMPLETED, told):
            notes.append(f"The {name} ended as: {_status(result).label}. {result.attrs.get('advice', '')}".strip())
    if corrected:
        dimension = forecast.attrs.get("band_dimension", np.nan)
        notes.append(f"The forecast compared is the curve plus its 1/d bias at dimension {dimension:.10g}.")
    left_out = int(np.count_nonzero(~usable.any(axis=0)))
    if left_out:
        notes.append(f"{left_out} of {usable.shape[1]} times are not compared: a value there is not finite.")
    return list(dict.fromkeys(notes))
