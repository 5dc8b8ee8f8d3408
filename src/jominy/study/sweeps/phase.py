"""The phase verb: regimes of training over two fields, and where the theory draws their borders."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics import collapse_radius, rate_limits
from jominy.errors import InputError
from jominy.study.designs.layouts import Grid
from jominy.study.designs.ranges import Linear, Logarithmic
from jominy.study.scenario import Scenario
from jominy.study.sweeps.engines import Engine, share_loaded
from jominy.study.sweeps.plan import Plan, make_plan
from jominy.study.sweeps.sweep import sweep

if TYPE_CHECKING:
    import xarray as xr

POINTS = 21
"""So many values of a field whose range is chosen for the user."""
_BEYOND = 1.3  # the radius is looked at up to so many times the collapse radius
_RATES = (0.02, 1.5)  # the rate between these shares of the largest stable one,
_UNBOUNDED = (0.05, 10.0)  # or, where every rate is stable, of d / (mean ||x||^2)


def phase(
    scenario: Scenario,
    over: Mapping[str, Any] | None = None,
    *,
    level: float | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    store: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Forecast a scenario over two fields, and say where training collapses, diverges and arrives.

    Parameters
    ----------
    scenario : Scenario
    over : two fields -> values, as for `sweep`; None as the values of `radius` or `rate` stands for a range around the
        borders of the theory. Default: both of them
    level : an adversarial risk; `time_to` is then the first time at which a forecast is as low (interpolated between
        reported times; NaN where it never is)
    executor, workers, store, progress : as for `sweep`

    Returns
    -------
    xarray.Dataset
        What `sweep` returns, and for each point `radius_over_collapse`, the radius over the collapse radius (theory:
        the optimum is the zero vector from 1 on); `rate_over_stable` and `rate_over_divergent`, a constant rate over
        the largest that is stable and the smallest that diverges (NaN where there is none); `time_to` where a level is
        given. The attribute `here` is the scenario's own point.

    Raises
    ------
    InputError
        As `sweep`; not two fields, or values that are not numbers.

    Notes
    -----
    Source: theory `dynamics.md` sections 4.2 (collapse) and 4.3 (stability).

    Examples
    --------
    >>> import jominy as jm
    >>> scenario = jm.Scenario.from_mapping({
    ...     "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
    ...     "loss": {"kind": "squared"}, "radius": 0.5, "schedule": {"kind": "constant", "rate": 0.5}, "times": [1, 2],
    ... })
    >>> told = jm.phase(scenario, {"radius": [0.5, 1.5], "rate": [1.0, 3.0]})
    >>> told.status.values.tolist()
    [['completed', 'diverged'], ['collapsed', 'diverged']]
    >>> round(float(told.radius_over_collapse.sel(radius=1.5, rate=1.0)), 4), float(told.rate_over_stable[0, 1])
    (1.1968, 1.5)
    """
    if not isinstance(scenario, Scenario):
        raise InputError("a phase diagram needs a Scenario", type(scenario).__name__, "sweep takes network scenarios")
    over = {"radius": None, "rate": None} if over is None else over
    if len(over) != 2:
        raise InputError("a phase diagram has two fields", ", ".join(over) or "none", "such as radius and rate")
    filled = {name: chosen_range(scenario, name) if values is None else values for name, values in over.items()}
    design = Grid(filled)
    for name, axis in zip(filled, design.layout().axes or (), strict=True):
        if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in axis):
            raise InputError("the fields of a phase diagram must be numbers", f"{name}: {axis}")
    plan = make_plan(scenario, design, Engine.FORECAST)
    result = sweep(
        scenario, design, engine=Engine.FORECAST, executor=executor, workers=workers, store=store, progress=progress
    )
    shape = tuple(result.sizes[name] for name in plan.names)
    borders, limits = _borders(plan, result)
    for name, values in borders.items():
        result[name] = (plan.names, values.reshape(shape), {"long_name": name.replace("_", " "), "units": "1"})
    if level is not None:
        result["time_to"] = _time_to(result, plan.names, level)
    if limits:
        result.attrs["rate_limits"] = limits
    result.attrs["here"] = json.dumps(_here(plan))
    return result


def chosen_range(scenario: Scenario, name: str) -> Linear:
    """A range of the radius or the rate around the borders of the theory, in the scenario's own units."""
    if name not in ("radius", "rate"):
        raise InputError(f"the field {name!r} needs a range", None, f"such as {name}=0:1:21")
    problem = scenario.problem()
    if name == "radius":
        return Linear(0.0, _nice(_BEYOND * collapse_radius(problem) / scenario._scaled_radius(1.0)), POINTS)
    limits = rate_limits(problem)
    known = 0 < limits.critical < np.inf
    reference, (low, high) = (limits.critical, _RATES) if known else (1 / limits.mean_square, _UNBOUNDED)
    reference /= scenario._scaled_rate(1.0)
    return Logarithmic(_nice(low * reference), _nice(high * reference), POINTS)


def _nice(value: float) -> float:
    """Two digits."""
    return float(f"{value:.2g}")


def _borders(plan: Plan, result: xr.Dataset) -> tuple[dict[str, np.ndarray], str]:
    """Each point against the borders of the theory; the limits of the rate are found once for each data and loss."""
    found = {name: np.full(len(plan.given), np.nan) for name in _BORDERS}
    collapse = result["collapse_radius"].values.ravel() if "collapse_radius" in result else found[_BORDERS[0]]
    known: dict[str, Any] = {}
    for k, given in enumerate(plan.given):
        point = Scenario.from_mapping(given, folder=plan.folder)
        if point.data == plan.base.data:
            share_loaded(plan.base, point)
        law = json.dumps([given["data"], given["loss"]], sort_keys=True)
        if law not in known:
            known[law] = rate_limits(point.problem())
        limits, radius = known[law], point._radius()
        final = radius if isinstance(radius, float) else radius.final
        # Where nothing can be learnt every radius is beyond the collapse.
        found[_BORDERS[0]][k] = final / collapse[k] if collapse[k] != 0 else np.inf
        if point.schedule.kind == "constant":
            rate = point._scaled_rate(point.schedule.rate)
            found[_BORDERS[1]][k] = rate / limits.critical if 0 < limits.critical < np.inf else np.nan
            found[_BORDERS[2]][k] = rate / limits.divergent if np.isfinite(limits.divergent) else np.nan
    sentences = {limits.sentence() for limits in known.values()}
    return found, sentences.pop() if len(sentences) == 1 else ""


_BORDERS = ("radius_over_collapse", "rate_over_stable", "rate_over_divergent")


def _time_to(result: xr.Dataset, names: tuple[str, ...], level: float) -> tuple[tuple[str, ...], np.ndarray, dict]:
    """When each forecast first is at or below a level of risk."""
    if not (np.isfinite(level) and level > 0):
        raise InputError("the level of risk must be a number > 0", level)
    risks = result["adversarial_risk"].values
    times = np.broadcast_to(result["time"].values, risks.shape)
    found = np.full(risks.shape[:-1], np.nan)
    for place in np.ndindex(*found.shape):
        found[place] = first_time_below(times[place], risks[place], level)
    attrs = {"long_name": f"time to adversarial risk {level:g}", "units": "samples / dimension", "level": float(level)}
    return names, found, attrs


def first_time_below(times: np.ndarray, values: np.ndarray, level: float) -> float:
    """The first time at which values between reported ones, joined by lines, are at or below a level; else NaN.

    >>> first_time_below(np.array([0.0, 1.0, 2.0]), np.array([3.0, 2.0, 1.0]), 1.5)
    1.5
    """
    below = np.flatnonzero(values <= level)
    if not below.size:
        return np.nan
    k = int(below[0])
    if k == 0 or not np.isfinite(values[k - 1]):
        return float(times[k])
    share = (values[k - 1] - level) / (values[k - 1] - values[k])
    return float(times[k - 1] + share * (times[k] - times[k - 1]))


def _here(plan: Plan) -> dict[str, float]:
    """The scenario's own values of the two fields; empty where one of them is no number."""
    found: dict[str, float] = {}
    for name, path in zip(plan.names, plan.paths, strict=True):
        value: Any = plan.base.model_dump()
        for key in path:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and key.isdigit():
                value = value[int(key)]
            else:
                value = None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return {}
        found[name] = float(value)
    return found
