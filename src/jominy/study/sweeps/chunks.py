"""Files of results: NetCDF, many points to a file, each file named by the checksum of what it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.numerics.interrupts import interrupts_held
from jominy.results.replaced import PART as PART
from jominy.results.replaced import write_whole
from jominy.study.sweeps.records import Labelled, Record

CHUNK_FORMAT = "jominy sweep chunk 1"
ENDING = ".nc"
_POINT = "point"


class DamagedError(Exception):
    """A file is not what it was when it was written."""


def write_chunks(folder: Path, records: Mapping[str, Record]) -> list[Path]:
    """Store records under their keys; points of one structure share a file.

    Raises `InputError` where they cannot be written.
    """
    groups: dict[Any, list[str]] = {}
    for key, record in records.items():
        groups.setdefault(_structure(record), []).append(key)
    return [_write(folder, keys, [records[key] for key in keys]) for keys in groups.values()]


def read_chunk(path: Path) -> dict[str, Record]:
    """The records in a file, by key. Raises `DamagedError` where it is not what was written."""
    import xarray as xr

    content = path.read_bytes()
    if _name(content) != path.name:
        raise DamagedError(path.name)
    with (
        interrupts_held(),
        xr.open_dataset(content, engine="netcdf4", mask_and_scale=False, decode_times=False) as opened,
    ):
        stored = opened.load()
    if stored.attrs.get("format") != CHUNK_FORMAT:
        raise InputError(
            "this store holds results of a newer jominy", stored.attrs.get("format", "no format"), "upgrade jominy"
        )
    attributes = [json.loads(text) for text in stored["attributes"].values]
    variables = {str(name): _labelled(one) for name, one in stored.data_vars.items() if name != "attributes"}
    coords = {str(name): _labelled(one) for name, one in stored.coords.items() if name != "key"}
    return {
        str(key): Record(
            {
                name: Labelled(dims[1:], np.asarray(values[k], values.dtype), attrs)
                for name, (dims, values, attrs) in variables.items()
            },
            coords,
            attributes[k],
        )
        for k, key in enumerate(stored["key"].values)
    }


def _labelled(stored: Any) -> Labelled:
    attrs = {name: value.item() if isinstance(value, np.generic) else value for name, value in stored.attrs.items()}
    return Labelled(tuple(map(str, stored.dims)), stored.values, attrs)


def _structure(record: Record) -> Any:
    """Equal for records that can share a file: names, dimensions, sizes, types, and coordinates."""
    variables = tuple(
        (name, one.dims, one.values.shape, str(one.values.dtype)) for name, one in record.variables.items()
    )
    coords = tuple((name, one.dims, str(one.values.dtype), _bytes(one.values)) for name, one in record.coords.items())
    return variables, coords


def _bytes(values: np.ndarray) -> Any:
    return tuple(values.ravel().tolist()) if values.dtype == object else values.tobytes()


def _write(folder: Path, keys: list[str], records: list[Record]) -> Path:
    import xarray as xr

    first = records[0]
    variables: dict[str, Any] = {
        name: ((_POINT, *one.dims), np.stack([record.variables[name].values for record in records]), one.attrs)
        for name, one in first.variables.items()
    }
    texts = [json.dumps(record.attrs, ensure_ascii=False) for record in records]
    variables["attributes"] = ((_POINT,), np.array(texts, dtype=object))
    coords: dict[str, Any] = {name: tuple(one) for name, one in first.coords.items()}
    coords["key"] = ((_POINT,), np.array(keys, dtype=object))
    chunk = xr.Dataset(variables, coords=coords, attrs={"format": CHUNK_FORMAT})
    encoding: dict[Any, dict[str, Any]] = {name: {"_FillValue": None} for name in chunk.variables}
    with interrupts_held():
        content = bytes(chunk.to_netcdf(engine="netcdf4", encoding=encoding))
    return place(folder, _name(content), content)


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32] + ENDING


def place(folder: Path, name: str, content: bytes) -> Path:
    """Write a file that is there as a whole or not at all."""
    return write_whole(folder / name, content, "the store")
