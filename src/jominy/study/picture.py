"""The Gaussian picture beside a forecast, in one result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_PREFIX = "gaussian_"
_ATTRIBUTES = ("gap", "gap_null", "trustworthy", "verdict")


def with_picture(forecast: xr.Dataset, picture: xr.Dataset) -> xr.Dataset:
    """The forecast with the picture's curves and attributes added, on the forecast's own times.

    ``picture`` is what ``gaussian_picture`` returned: ``gaussian_...`` curves over time, and the attributes ``gap``
    (largest relative difference between the two adversarial risks), ``gap_null`` (the same for surrogate data that are
    Gaussian), ``trustworthy`` (1 or 0) and ``verdict``.
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
