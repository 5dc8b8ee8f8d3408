"""The Gaussian picture beside a forecast: what one Gaussian per class would say, and whether to believe it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

TRUSTED_GAP = 0.05
"""Up to this gap one Gaussian per class describes the samples well enough (theory ``realdata.md`` section 6)."""

_PREFIX = "gaussian_"
_ATTRIBUTES = ("gap", "gap_null", "trustworthy")


def with_picture(forecast: xr.Dataset, picture: xr.Dataset) -> xr.Dataset:
    """The forecast with the picture's curves and attributes added, on the forecast's own times.

    ``picture`` is what ``gaussian_picture`` returned: ``gaussian_...`` curves over time, and the attributes ``gap``
    (largest relative difference between the two adversarial risks), ``gap_null`` (the same for surrogate data that are
    Gaussian) and ``trustworthy`` (1 or 0).
    """
    times = forecast["time"].values
    added = {}
    for name in picture.data_vars:
        if str(name).startswith(_PREFIX) and picture[name].dims == ("time",):
            values = np.interp(times, picture["time"].values, picture[name].values)
            added[name] = ("time", values, picture[name].attrs)
    notes = [*json.loads(forecast.attrs.get("notes", "[]")), *json.loads(picture.attrs.get("notes", "[]"))]
    further = {key: picture.attrs[key] for key in _ATTRIBUTES if key in picture.attrs}
    return forecast.assign(added).assign_attrs(
        **further, notes=json.dumps(list(dict.fromkeys(notes)), ensure_ascii=False)
    )


def verdict(result: xr.Dataset) -> str:
    """In plain words: how far the Gaussian picture is off, whether that is more than chance, and what follows.

    Examples
    --------
    >>> import xarray as xr
    >>> print(verdict(xr.Dataset(attrs={"gap": 0.63, "gap_null": "[0.11, 0.09, 0.1]", "trustworthy": 0})))
    Gaussian picture: forecasting from one Gaussian per class would be off by up to 63 % in adversarial risk.
    Gaussian data of this size would give 9 to 11 %, so the samples are not Gaussian in a way that matters.
    Do not use one Gaussian per class here; the forecast above uses the samples themselves.
    """
    gap = float(result.attrs["gap"])
    null = result.attrs.get("gap_null", "[]")
    null = np.atleast_1d(np.asarray(json.loads(null) if isinstance(null, str) else null, dtype=float))
    off = f"would be off by up to {_percent(gap)} in adversarial risk."
    lines = [f"Gaussian picture: forecasting from one Gaussian per class {off}"]
    if null.size:
        span = f"{_percent(null.min())[:-2]} to {_percent(null.max())}" if null.size > 1 else _percent(null[0])
        if gap > 1.5 * null.max():
            meaning = "so the samples are not Gaussian in a way that matters."
        else:
            meaning = "so a gap of this size says nothing against Gaussian classes; it comes from having few samples."
        lines.append(f"Gaussian data of this size would give {span}, {meaning}")
    if int(result.attrs.get("trustworthy", gap <= TRUSTED_GAP)):
        lines.append(
            "One Gaussian per class is trustworthy here; the forecast above uses the samples themselves all the same."
        )
    else:
        lines.append("Do not use one Gaussian per class here; the forecast above uses the samples themselves.")
    return "\n".join(lines)


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %" if value > 0.095 else f"{100 * value:.2g} %"
