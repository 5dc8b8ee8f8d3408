"""What the third tab asks for: regimes over radius and rate, with the borders of the theory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.explore.answers import plain
from jominy.explore.asked import Map
from jominy.explore.forecasts import Forecasts
from jominy.study.sweeps.engines import share_loaded

if TYPE_CHECKING:
    import xarray as xr

    from jominy.study.scenario import Scenario

SAMPLES_MAP = 20.0
"""Seconds that forecasts made one by one for a map may take together, as estimated from one of them."""
FEWEST = 5
"""Values of each field below which a map says nothing."""


def phase_result(forecasts: Forecasts, asked: Map) -> xr.Dataset:
    """The phase diagram as a labelled result: radius by constant rate."""
    from dataclasses import replace

    from jominy.study.sweeps import phase
    from jominy.study.sweeps.phase import chosen_range

    scenario = forecasts.scenario(asked.state.model_copy(update={"schedule": "constant"}))
    if not isinstance(scenario.radius, float):
        raise InputError(
            "the map moves the radius, and that of your scenario follows a schedule of its own", None,
            "start the explorer on a copy with a number as radius",
        )  # fmt: skip
    points = asked.points
    if scenario.loaded is not None:
        scenario = _lean(scenario, asked.state.horizon)
    if (
        scenario.loaded is not None or not forecasts.problem(scenario).attack.of_inner_products
    ):  # forecasts that are made one by one
        points = _affordable(scenario, asked)
    over = {name: replace(chosen_range(scenario, name), points=points) for name in ("radius", "rate")}
    return phase(scenario, over, progress=False)


def _lean(scenario: Scenario, horizon: float) -> Scenario:
    """The same study, of which only the end is reported, at its own radius: half the work on samples."""
    made = scenario.changed(times=[horizon], evaluate_at=[])
    share_loaded(scenario, made)
    return made


def _affordable(scenario: Scenario, asked: Map) -> int:
    """So many values of each field that a map whose forecasts are made one by one keeps its time."""
    taken = []
    for radius in (asked.state.radius, 0.9 * asked.state.radius + 0.05):  # the first one compiles
        there = scenario.changed(radius=radius)
        if scenario.loaded is not None:
            share_loaded(scenario, there)
        begin = time.perf_counter()
        there.forecast()
        taken.append(time.perf_counter() - begin)
    points = min(asked.points, int(np.sqrt(SAMPLES_MAP / min(taken))))
    if points < FEWEST:
        raise InputError(
            f"one of these forecasts takes {min(taken):.1f} s, so a map of {FEWEST} by {FEWEST} of them takes "
            f"more than the {SAMPLES_MAP:.0f} s that the page gives it",
            None,
            "use jominy phase on the command line, which keeps what it has computed",
        )
    return points


def phase_map(forecasts: Forecasts, asked: Map) -> dict[str, Any]:
    """Radii, rates, how each forecast ends, its last risk, and where the borders of the theory are."""
    told = phase_result(forecasts, asked)
    last = told.isel(time=-1)
    over = ("radius", "rate")
    risk = np.asarray(last["adversarial_risk"].transpose(*over).values, dtype=float)
    status = last["status"].transpose(*over).values.astype(str)
    return plain(
        {
            "radius": last["radius"].values,
            "rate": last["rate"].values,
            "status": status.tolist(),
            "risk": np.where(status == "diverged", np.nan, risk),
            "lines": {
                "collapse_radius": _border(told, "radius", "radius_over_collapse"),
                "stable_rate": _border(told, "rate", "rate_over_stable"),
                "divergent_rate": _border(told, "rate", "rate_over_divergent"),
            },
            "limits": told.attrs.get("rate_limits", ""),
        }
    )


def _border(told: xr.Dataset, field: str, ratios: str) -> float:
    """Where a ratio is one: the same all along the other field. NaN where there is no such border."""
    shares = (told[ratios] / told[field]).values.ravel()
    known = shares[np.isfinite(shares) & (shares > 0)]
    return 1 / float(known[0]) if known.size else np.nan
