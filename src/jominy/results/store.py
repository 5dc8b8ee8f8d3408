"""Results on disk: NetCDF, and back exactly as they were."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.interrupts import interrupts_held
from jominy.results.checks import AGAIN, check_result, require_format
from jominy.results.replaced import as_bytes, require_place, write_whole
from jominy.results.schema import FORMAT

if TYPE_CHECKING:
    import xarray as xr

# Unpacked, a file is at most so many times as large as it is, beyond what small ones may be. HDF5 keeps what was never
# written (a dimension that was edited) as nothing at all.
_LARGEST_RATIO, _LEAST_BOUND = 1000, 1 << 26
_FULL = 1 << 18  # bytes: with less free space than that, it is what a write failed for


def save(result: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write a result to a NetCDF file; :func:`load` gives it back exactly.

    It is written beside its final place and then renamed, so that a crash leaves the old file or the new one, never
    half of one; a link stays a link, and a device or a pipe is written to. Returns the path. Raises ``InputError``
    where the folder is missing or not writable, the disk full, the name none that a file can have.

    Examples
    --------
    >>> import tempfile, jominy.results as results
    >>> result = results.make_result({"norm": (("time",), [0.0, 0.6])}, {"time": [0.0, 1.0]}, engine="forecast",
    ...                              scenario={}, status=results.Status.COMPLETED)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results.load(results.save(result, folder + "/run.nc")).identical(result)
    True
    """
    import xarray as xr

    require_place(path, "the result")
    if not isinstance(result, xr.Dataset):
        raise InputError("only a result (an xarray.Dataset) can be saved", type(result).__name__)
    return write_whole(path, lambda place: _write(result, place), "the result")


def as_netcdf(result: xr.Dataset) -> bytes:
    """The content of the file that :func:`save` writes."""
    return as_bytes(lambda place: _write(result, place))


def _write(result: xr.Dataset, place: Path) -> None:
    """NetCDF at a path; written in memory it would lose the order of its variables."""
    stamped = result if result.attrs.get("format") == FORMAT else result.assign_attrs(format=FORMAT)
    encoding: dict[Any, dict[str, Any]] = {name: {"_FillValue": None} for name in stamped.variables}
    try:
        with interrupts_held():
            stamped.to_netcdf(place, engine="netcdf4", encoding=encoding)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise InputError(
            "a result that is saved may hold numbers, text and lists of them alone",
            f"{type(error).__name__}: {error}",
            "drop or convert what was added to it",
        ) from error
    except RuntimeError as error:  # of the NetCDF library, which does not say what it met
        full = shutil.disk_usage(place.parent).free < _FULL
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else OSError(str(error)) from error


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a result that :func:`save` wrote, wholly into memory.

    Raises ``InputError`` for a missing file, one that is not NetCDF, one that jominy did not write, and one that was
    edited or damaged since (:func:`jominy.results.checks.check_result`).
    """
    source = Path(path)
    if not source.is_file():
        raise InputError("the result file must exist", str(source), "save one with jominy.save or with --out")
    try:
        result = _read(source)
    except Exception as error:  # a damaged file makes xarray, NetCDF and HDF5 raise whatever they stumble over
        raise InputError("a result file must be NetCDF as jominy.save writes it", str(source)) from error
    if result is None:
        raise InputError("a result file must not claim to hold far more than fits into it", str(source), AGAIN)
    for variable in result.variables.values():
        variable.encoding = {}
    result.encoding = {}
    # NetCDF gives numeric attributes back as NumPy scalars; what went in were Python numbers.
    result.attrs = {key: _plain(value) for key, value in result.attrs.items()}
    for variable in result.variables.values():
        variable.attrs = {key: _plain(value) for key, value in variable.attrs.items()}
    try:
        require_format(result)
        return check_result(result)
    except InputError as error:
        raise InputError(f"{source}: {error.rule}", error.received, error.next_step) from error


def _read(source: Path) -> xr.Dataset | None:
    """The Dataset in a file; None where it would be far larger than the file is."""
    import xarray as xr

    with (
        warnings.catch_warnings(),
        interrupts_held(),
        xr.open_dataset(source, engine="netcdf4", mask_and_scale=False, decode_times=False) as opened,
    ):
        warnings.simplefilter("ignore")  # of xarray, about what an edited file says; what matters is checked
        if opened.nbytes > _LEAST_BOUND + _LARGEST_RATIO * source.stat().st_size:
            return None
        return opened.load()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
