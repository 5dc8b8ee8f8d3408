"""Theory of a network against real ones: the difference, in standard errors and relative to the mean."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from jominy.errors import InputError
from jominy.numerics.averages import mean_and_error
from jominy.results import Status, make_result
from jominy.results.reading import notes_of, scenario_of
from jominy.study.z_scores import numerical_error, z_scores

if TYPE_CHECKING:
    import xarray as xr


def compare_networks(theory: xr.Dataset, measured: xr.Dataset) -> xr.Dataset:
    """Compare a theory with the mean over real networks, entry by entry; `compare` calls it for networks.

    Every variable that both have is compared at every coordinate that both have, as ``adversarial_loss[radius=0.5]``.
    A dimension of the measurement that the theory lacks must have one value; layers beyond a network's depth, where
    both are zero, are left out, and so is what is not finite.

    Returns
    -------
    xarray.Dataset
        Dimension ``variable``: ``forecast`` (the theory), ``mean`` and ``standard_error`` over the networks,
        ``difference`` (theory minus mean), ``z`` (difference in standard errors; NaN where the networks do not differ
        and agree with the theory but for rounding) and ``largest_relative_error`` (of
        ``|difference / mean|``).

    Raises
    ------
    InputError
        One network only, no common variable, a dimension that the theory lacks.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> told = make_result({"operator_norm": ((), 1.1)}, {}, engine="theory", scenario={}, status=Status.COMPLETED)
    >>> seen = make_result({"operator_norm": (("network",), [0.9, 1.1])}, {"network": [0, 1]}, engine="measured",
    ...                    scenario={}, status=Status.COMPLETED)
    >>> round(float(compare_networks(told, seen)["z"].sel(variable="operator_norm")), 6)
    1.0
    """
    if "network" in theory.dims:
        raise InputError("compare takes the theory first and the measurement second", "a first argument with networks")
    if measured.sizes["network"] < 2:
        raise InputError(
            "a comparison needs at least two networks, because one has no standard error", measured.sizes["network"]
        )
    entries = [
        entry for name in measured.data_vars if name in theory for entry in _entries(str(name), theory, measured)
    ]
    if not entries:
        raise InputError(
            "theory and measurement must have a variable in common, at common places",
            f"{sorted(map(str, theory.data_vars))} and {sorted(map(str, measured.data_vars))}",
        )
    names, told, runs = zip(*entries, strict=True)
    expected, found = np.array(told), np.array(runs)
    mean, error = mean_and_error(found.T)
    difference = expected - mean
    with np.errstate(over="ignore"):  # relative to networks that are all zero, any difference is infinite
        relative = np.abs(difference) / np.maximum(np.abs(mean), np.finfo(float).tiny)
    z = z_scores(difference, error, numerical_error(expected[:, None], mean[:, None])[:, 0])
    ended = Status.of(measured.attrs.get("status", Status.COMPLETED.label))
    values = {
        "forecast": expected,
        "mean": mean,
        "standard_error": error,
        "difference": difference,
        "z": z,
        "largest_relative_error": relative,
    }
    report = make_result(
        {name: (("variable",), one) for name, one in values.items()},
        {"variable": np.array(names, dtype=object)},
        engine="compare",
        scenario=scenario_of(measured),
        status=ended,
        advice=measured.attrs.get("advice"),
        notes=[*notes_of(theory), *notes_of(measured)],
        extra={"networks": int(measured.sizes["network"])},
        cite=theory.attrs.get("cite", ""),
    )
    report["z"].attrs["comment"] = "NaN where the networks do not differ (standard error below the numerical error)"
    return report


def _entries(name: str, theory: xr.Dataset, measured: xr.Dataset) -> Iterator[tuple[str, float, np.ndarray]]:
    """Label, theory and the networks' values, at each place that both have."""
    told, seen = theory[name], measured[name]
    for dim in set(seen.dims) - set(told.dims) - {"network"}:
        if seen.sizes[dim] > 1:
            raise InputError(
                f"the theory of {name} must vary over {dim} as the measurement does",
                f"{seen.sizes[dim]} values of {dim}",
                f"write network_theory(..., {dim if dim in ('p', 'q') else f'vary={{{dim!r}: ...}}'}...)",
            )
        seen = seen.isel({dim: 0})
    if "network" not in seen.dims or set(told.dims) - set(seen.dims):
        return
    dims = [str(dim) for dim in told.dims]
    shared = [[one for one in told[dim].values if one in seen[dim].values] for dim in dims]
    for place in product(*shared):
        where = dict(zip(dims, place, strict=True))
        value, runs = float(told.sel(where)), seen.sel(where).values
        beyond = "layer" in dims and value == 0 and not np.any(runs)
        if np.isfinite(value) and np.all(np.isfinite(runs)) and not beyond:
            words = ", ".join(f"{dim}={_text(one)}" for dim, one in where.items())
            yield (f"{name}[{words}]" if words else name), value, runs


def _text(value: float | bool) -> str:
    return str(bool(value)) if isinstance(value, (bool, np.bool_)) else f"{value:g}"
