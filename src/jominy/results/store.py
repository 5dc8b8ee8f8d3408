"""Results on disk: NetCDF, and back exactly as they were."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.interrupts import interrupts_held
from jominy.results.replaced import as_bytes, require_place, write_whole
from jominy.results.schema import FORMAT

if TYPE_CHECKING:
    import xarray as xr

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

    Raises ``InputError`` for a missing file, one that is not NetCDF, and one that jominy did not write.
    """
    import xarray as xr

    source = Path(path)
    if not source.is_file():
        raise InputError("the result file must exist", str(source), "save one with jominy.save or with --out")
    try:
        with (
            interrupts_held(),
            xr.open_dataset(source, engine="netcdf4", mask_and_scale=False, decode_times=False) as opened,
        ):
            result = opened.load()
    except (OSError, ValueError) as error:
        raise InputError("a result file must be NetCDF as jominy.save writes it", str(source)) from error
    if result.attrs.get("format") != FORMAT:
        raise InputError(
            f"this file was not written by jominy.save (its format must be {FORMAT!r})",
            result.attrs.get("format", "no format"),
            "open it with xarray.open_dataset instead",
        )
    for variable in result.variables.values():
        variable.encoding = {}
    result.encoding = {}
    # NetCDF gives numeric attributes back as NumPy scalars; what went in were Python numbers.
    result.attrs = {key: _plain(value) for key, value in result.attrs.items()}
    for variable in result.variables.values():
        variable.attrs = {key: _plain(value) for key, value in variable.attrs.items()}
    return result


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
