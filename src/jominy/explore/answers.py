"""Numbers on their way to the page: as JSON knows them, and as short as an eye can use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_DIGITS = 7


def plain(value: Any) -> Any:
    """A number, array or collection of them for strict JSON, to seven digits; what is not finite becomes null.

    >>> plain({"risk": np.array([0.123456789, np.inf])})
    {'risk': [0.1234568, None]}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def variables(result: xr.Dataset, dimension: str = "time", suffixes: tuple[str, ...] = ("",)) -> dict[str, list]:
    """The variables over one dimension alone, those whose names end in one of the suffixes."""
    named = [str(name) for name, values in result.data_vars.items() if values.dims == (dimension,)]
    endings = ("_sd", "_bias")
    if suffixes == ("",):
        named = [name for name in named if not name.endswith(endings)]
    else:
        named = [name for name in named if name.endswith(suffixes)]
    return {name: plain(result[name].values) for name in named}
