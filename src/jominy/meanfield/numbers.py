"""Checked numbers: scalars stay Python numbers, everything else becomes an array that broadcasts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

Numbers: TypeAlias = Any
"""A number, or a NumPy array of numbers that broadcasts against the other parameters."""


def finite(value: ArrayLike, name: str, *, minimum: float | None = None) -> Numbers:
    """A finite float or float array, at least `minimum` where one is given; InputError otherwise.

    >>> finite(2, "radius", minimum=0.0)
    2.0
    """
    try:
        given = as_numpy(value, f"the {name}")
        if given.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, InputError):
        raise InputError(f"the {name} must be a number or an array of numbers", value) from None
    array = np.array(given, dtype=float)
    array.flags.writeable = False  # frozen objects stay frozen down to their numbers
    if not np.all(np.isfinite(array)):
        raise InputError(f"the {name} must be finite", _offender(array, ~np.isfinite(array)))
    if minimum is not None and np.any(array < minimum):
        rule = "zero or positive" if minimum == 0 else f"at least {minimum:g}"
        raise InputError(
            f"the {name} must be {rule}", _offender(array, array < minimum), f"pass a {name} >= {minimum:g}"
        )
    return _scalar(array)


def positive_integer(value: ArrayLike, name: str) -> Numbers:
    """An int, or an array of whole numbers as floats (so that their products cannot overflow); InputError otherwise.

    >>> positive_integer(3, "depth")
    3
    """
    array = finite(value, name)
    if np.any(np.asarray(array) != np.round(array)):
        raise InputError(f"the {name} must be a whole number", value, f"pass a {name} such as 10")
    if np.any(np.asarray(array) < 1):
        raise InputError(f"the {name} must be at least 1", _offender(np.asarray(array), np.asarray(array) < 1))
    return int(array) if np.ndim(array) == 0 else array


def flag(value: Any, name: str) -> Any:
    """True, False or an array of those; InputError otherwise."""
    array = np.asarray(value)
    if array.dtype != bool:
        raise InputError(f"{name} must be True or False", value)
    return bool(array) if array.ndim == 0 else array


def plain(value: Numbers) -> Any:
    """JSON-able: a number as it is, a short array as a list, a long one by its range."""
    array = np.asarray(value)
    if array.ndim == 0:
        return array.item()
    if array.size <= 64:
        return array.tolist()
    return {"shape": list(array.shape), "smallest": array.min().item(), "largest": array.max().item()}


def _scalar(array: np.ndarray) -> Numbers:
    return float(array) if array.ndim == 0 else array


def _offender(array: np.ndarray, bad: np.ndarray) -> float:
    return float(array[bad].flat[0]) if array.ndim else float(array)
