"""What a phase diagram shows, in words."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from jominy.show.phase import REGIMES
from jominy.show.sweep_text import best_point, failures, flattened
from jominy.show.text import short, wrapped

if TYPE_CHECKING:
    import xarray as xr

_BORDERS = {
    "radius_over_collapse": ("collapse radius", "training shrinks the weights to zero from there on"),
    "rate_over_stable": ("largest stable constant rate", "the risk may grow without bound above it"),
}


def phase_text(result: xr.Dataset) -> str:
    """How many points are in each regime, where the borders are, the lowest risk."""
    names, flat = flattened(result)
    counts = Counter(str(word) for word in flat["status"].values)
    title = str(result.attrs.get("title", ""))
    axes = " x ".join(f"{name} {short(result[name].values[0])} to {short(result[name].values[-1])}" for name in names)
    lines = [f"{title}\nphases over {axes}" if title else f"phases over {axes}", ""]
    lines += [f"{counts[name]:6d} {look.words}" for name, look in REGIMES.items() if counts[name]]
    lines += ["", *(_border(flat, names, name) for name in _BORDERS)]
    if "time_to" in flat:
        reached = np.isfinite(flat["time_to"].values)
        told = flat["time_to"].attrs["long_name"]
        lines.append(f"{told}: reached at {int(reached.sum())} of {reached.size} points")
        if reached.any():
            best = int(np.nanargmin(flat["time_to"].values))
            where = ", ".join(f"{name} {short(flat[name].values[best])}" for name in names)
            lines[-1] += f", soonest {short(flat['time_to'].values[best])} at {where}"
    if here := json.loads(result.attrs["here"]):
        lines.append("this scenario: " + ", ".join(f"{name} {short(value)}" for name, value in here.items()))
    return "\n\n".join(["\n".join(lines), *failures(flat), *best_point(flat, names)])


def _border(flat: xr.Dataset, names: list[str], border: str) -> str:
    """The border in one line; a border that moves with the other field is given as a range."""
    what, meaning = _BORDERS[border]
    if border == "rate_over_stable" and "rate_limits" in flat.attrs:
        return wrapped(str(flat.attrs["rate_limits"]))
    ratios = flat[border].values
    field = "radius" if border.startswith("radius") else "rate"
    known = np.isfinite(ratios) & (ratios > 0)
    if not known.any():
        return wrapped(str(flat.attrs.get("rate_limits", ""))) if field == "rate" else f"{what}: not known"
    if field not in names:
        return wrapped(f"{what}: {int((ratios[known] >= 1).sum())} of {known.sum()} points are beyond it; {meaning}")
    places = flat[field].values[known] / ratios[known]
    low, high = short(places.min()), short(places.max())
    return wrapped(f"{what}: {low if low == high else f'{low} to {high}'}; {meaning}")
