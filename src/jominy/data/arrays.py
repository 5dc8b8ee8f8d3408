"""Small helpers for the arrays of this room: checked, read-only, and short when described."""

from __future__ import annotations

import hashlib
import math
import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

Array = NDArray[np.float64]


def read_only(values: ArrayLike) -> Array:
    """A float64 copy that nobody can change: frozen objects stay frozen down to their numbers."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


LARGEST = 1e30
"""The largest number of a law: products of its powers with rates and times are numbers still."""


def finite_array(values: ArrayLike, what: str, *, largest: float = LARGEST) -> Array:
    """`values` as a read-only float64 array; InputError if they are not real numbers of one regular shape, up to
    `largest` in size."""
    try:
        array = as_numpy(values, what)
        if array.dtype.kind not in "biufO":
            raise TypeError
        array = read_only(array)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what} must be real numbers", shortened(values), "Give an array of float.") from None
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise InputError(f"{what} must be finite", f"{bad} NaN or infinite of {array.size} values")
    if (size := float(np.max(np.abs(array), initial=0.0))) > largest:
        raise InputError(f"{what} must be at most {largest:g} in size", size, "Rescale the data.")
    return array


def finite_number(value: Any, what: str, *, minimum: float = -math.inf) -> float:
    """`value` as a float >= minimum; InputError if it is not one finite real number."""
    array = finite_array(value, what)
    if array.ndim != 0:
        raise InputError(f"{what} must be one number", f"shape {array.shape}")
    if array < minimum:
        raise InputError(f"{what} must be >= {minimum:g}", float(array))
    return float(array)


def checked_dimension(dimension: int | float) -> int | float:
    """`dimension` as an int >= 1, or math.inf."""
    if isinstance(dimension, float) and dimension == math.inf:
        return math.inf
    try:
        number = operator.index(dimension)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1 or isinstance(dimension, bool):
        raise InputError("dimension must be an integer >= 1 or math.inf", dimension)
    return number


def shortened(values: object, limit: int = 60) -> str:
    """The repr of `values` in one line of at most `limit` characters, for messages."""
    text = " ".join(repr(values).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def digest(array: NDArray[Any]) -> str:
    """First 12 hex digits of the SHA-256 of the numbers, so that a result can say which data it came from.

    >>> digest(np.zeros(3))
    '9d908ecfb6b2'
    """
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]


def described(array: Array) -> Any:
    """A JSON-able description: the numbers themselves up to eight of them, else shape, l2 norm and digest.

    >>> described(np.array([1.0, 2.0]))
    [1.0, 2.0]
    >>> described(np.ones(100))["norm"]
    10.0
    """
    if array.ndim <= 1 and array.size <= 8:
        return array.tolist()
    return {"shape": list(array.shape), "norm": float(np.linalg.norm(array)), "sha256": digest(array)}
