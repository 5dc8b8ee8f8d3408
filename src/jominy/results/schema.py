"""The one contract of every engine: names, units and attributes of a labelled result."""

from __future__ import annotations

import functools
import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.results.status import Status
from jominy.results.variables import describe_variable

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

CITE = (
    "Homogenization of l2-Adversarial Training in High-Dimensions: Exact Dynamics under Stochastic Gradient Descent, "
    "arXiv:2607.00207"
)
CITE_NETWORKS = "Adversarial Training from Mean Field Perspective, arXiv:2505.14021"
FORMAT_NAME = "jominy result"
FORMAT = f"{FORMAT_NAME} 1"


def make_result(
    variables: Mapping[str, tuple[tuple[str, ...], ArrayLike]],
    coords: Mapping[str, ArrayLike],
    *,
    engine: str,
    scenario: Mapping[str, Any],
    status: Status,
    advice: str | None = None,
    numerical_error: float | None = None,
    seed: int | Sequence[int] | None = None,
    notes: Sequence[str] = (),
    extra: Mapping[str, float | int | str | list] | None = None,
    cite: str = CITE,
) -> xr.Dataset:
    """Build the labelled result that every engine returns.

    Parameters
    ----------
    variables
        ``name -> (dimensions, values)``; every name must be in the schema (:func:`describe_variable`).
    coords
        ``dimension -> values``: ``time`` in samples / dimension, ``seed``, ``evaluation_radius``.
    engine
        ``"forecast"``, ``"simulate"``, ...
    scenario
        JSON-able description of what was computed.
    status, advice
        How it ended; ``advice`` replaces the status's own sentence.
    numerical_error
        Estimated relative error of the numbers, if the engine has one.
    seed, notes, extra
        Seed or seeds; sentences for the reader; further attributes (numbers, text, lists of either).
    cite
        The paper whose theory it is; ``CITE_NETWORKS`` for wide random networks.

    Returns
    -------
    xarray.Dataset
        No time stamps or machine names: the same call gives the same result, bit by bit.

    Raises
    ------
    KeyError
        A variable that the schema does not know: a programming error, not a user's.

    Examples
    --------
    >>> result = make_result({"norm": (("time",), [0.0, 0.6])}, {"time": [0.0, 1.0]}, engine="forecast",
    ...                      scenario={"radius": 0.5}, status=Status.COMPLETED)
    >>> result["norm"].attrs["long_name"], result.attrs["status"]
    ('norm of the weights', 'completed')
    """
    import xarray as xr

    return xr.Dataset(
        {
            name: (tuple(dims), np.require(values, requirements="W"), labels(name))
            for name, (dims, values) in variables.items()
        },
        coords={name: (name, np.asarray(values), labels(name)) for name, values in coords.items()},
        attrs=attributes(
            engine=engine,
            scenario=scenario,
            status=status,
            advice=advice,
            numerical_error=numerical_error,
            seed=seed,
            notes=notes,
            extra=extra,
            cite=cite,
        ),
    )


def attributes(
    *,
    engine: str,
    scenario: Mapping[str, Any],
    status: Status,
    advice: str | None = None,
    numerical_error: float | None = None,
    seed: int | Sequence[int] | None = None,
    notes: Sequence[str] = (),
    extra: Mapping[str, float | int | str | list] | None = None,
    cite: str = CITE,
) -> dict[str, Any]:
    """The attributes of a result; see `make_result`."""
    attrs: dict[str, Any] = {
        "format": FORMAT,
        "engine": engine,
        "scenario": _to_json(scenario),
        "versions": _to_json(versions()),
        "status": status.label,
        "advice": status.advice if advice is None else advice,
        "notes": _to_json(list(notes)),
        "cite": cite,
    }
    if numerical_error is not None:
        attrs["numerical_error"] = float(numerical_error)
    if seed is not None:
        attrs["seed"] = _to_json(seed)
    for key, value in (extra or {}).items():
        attrs[key] = _attribute(value)
    return attrs


def labels(name: str) -> dict[str, str]:
    """The attributes of a variable or coordinate: what it is called, its units, its symbol."""
    entry = describe_variable(name)
    return {"long_name": entry.long_name, "units": entry.units, "symbol": entry.symbol}


@functools.cache
def versions() -> dict[str, str]:
    """Versions of what computed a result, by name; ``"unknown"`` where a package is not installed as one."""
    found = {"python": platform.python_version()}
    for package in ("jominy", "numpy", "jax", "xarray"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def _attribute(value: float | int | str | list) -> Any:
    """What NetCDF can hold and gives back unchanged: numbers and text as such, everything else as JSON text."""
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    return value if isinstance(value, str) else _to_json(value)


def _to_json(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """NumPy values as the Python values that JSON knows."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} cannot be stored in a result's attributes: {value!r}")
