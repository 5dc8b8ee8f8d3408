"""What the third tab asks for: regimes over radius and rate, with the borders of the theory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.explore.answers import plain
from jominy.explore.asked import Map
from jominy.explore.forecasts import Forecasts

if TYPE_CHECKING:
    import xarray as xr


def phase_result(forecasts: Forecasts, asked: Map) -> xr.Dataset:
    """The phase diagram as a labelled result: radius by constant rate."""
    from dataclasses import replace

    from jominy.study.sweeps import phase
    from jominy.study.sweeps.phase import chosen_range

    scenario = forecasts.scenario(asked.state.model_copy(update={"schedule": "constant"}))
    if scenario.loaded is not None:
        raise InputError(
            "the explorer's map is for Gaussian mixtures", scenario.data.kind, "use jominy phase on the command line"
        )
    over = {name: replace(chosen_range(scenario, name), points=asked.points) for name in ("radius", "rate")}
    return phase(scenario, over, progress=False)


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
