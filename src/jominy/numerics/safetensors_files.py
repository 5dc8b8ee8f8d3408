"""Files of arrays in the safetensors format: a header in JSON, then the numbers; NumPy alone.

Source: the format's own description, https://huggingface.co/docs/safetensors: eight bytes with the header's length, the
header with the type, shape and place of each array and free text under `__metadata__`, the arrays one after the other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "BOOL": "|b1"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
_LONGEST = 100_000_000
"""Bytes of a header: the format's own limit."""


def written(arrays: Mapping[str, NDArray], text: Mapping[str, str]) -> bytes:
    """The content of a file with these arrays of floats, whole numbers or truth values, and text by name.

    >>> arrays, text = read(written({"a": np.arange(3.0)}, {"told": "so"}))
    >>> arrays["a"].tolist(), text
    ([0.0, 1.0, 2.0], {'told': 'so'})
    """
    header: dict[str, object] = {"__metadata__": dict(text)}
    parts, place = [], 0
    for name, values in arrays.items():
        body = np.ascontiguousarray(values).tobytes()
        header[name] = {
            "dtype": _NAMES[values.dtype], "shape": list(values.shape), "data_offsets": [place, place + len(body)],
        }  # fmt: skip
        parts.append(body)
        place += len(body)
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    return len(told).to_bytes(8, "little") + told + b"".join(parts)


def read(content: bytes) -> tuple[dict[str, NDArray], dict[str, str]]:
    """Arrays and text of such a file; ValueError for what is none, or holds other types."""
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(_LONGEST, len(content) - 8):
        raise ValueError("no header")
    header = json.loads(content[8 : 8 + length])
    body = memoryview(content)[8 + length :]
    text = header.pop("__metadata__", {})
    arrays = {}
    for name, told in header.items():
        kind, (first, last) = np.dtype(_TYPES[told["dtype"]]), told["data_offsets"]
        shape = tuple(int(size) for size in told["shape"])
        if not 0 <= first <= last <= len(body) or last - first != kind.itemsize * math.prod(shape):
            raise ValueError(f"{name} is cut short")
        arrays[name] = np.frombuffer(body[first:last], dtype=kind).reshape(shape)
    return arrays, text
