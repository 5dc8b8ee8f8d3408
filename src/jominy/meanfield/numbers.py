"""Checked numbers: scalars stay Python numbers, everything else becomes an array that broadcasts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

Numbers: TypeAlias = Any
"""A number, or a NumPy array of numbers that broadcasts against the other parameters."""
LARGEST = 1e30
"""The largest magnitude of a parameter; its inverse is the smallest."""
MOST = 1e15
"""The largest whole number: larger ones are not exact as floats."""


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


def magnitude(value: ArrayLike, name: str, *, minimum: float | None = None) -> Numbers:
    """`finite`, and zero or of a size that the theory's products (squares of it, times gains) can hold.

    >>> magnitude(1e300, "radius", minimum=0.0)
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: the radius must be zero or between 1e-30 and 1e+30 in size (received: 1e+300). Choose ...
    """
    checked = finite(value, name, minimum=minimum)
    sizes = np.abs(np.asarray(checked))
    beyond = (sizes > LARGEST) | ((sizes > 0) & (sizes < 1 / LARGEST))
    if np.any(beyond):
        raise InputError(
            f"the {name} must be zero or between {1 / LARGEST:g} and {LARGEST:g} in size",
            _offender(np.asarray(checked), beyond),
            "choose other units: beyond that its products leave what floating point holds",
        )
    return checked


def positive_integer(value: ArrayLike, name: str) -> Numbers:
    """An int, or an array of whole numbers as floats (so that their products cannot overflow); InputError otherwise.

    >>> positive_integer(3, "depth")
    3
    """
    array = finite(value, name)
    if np.any(np.asarray(array) != np.round(array)):
        raise InputError(f"the {name} must be a whole number", value, f"pass a {name} such as 10")
    for wrong, rule in (
        (np.asarray(array) < 1, "at least 1"),
        (np.asarray(array) > MOST, f"at most {MOST:g}"),
    ):
        if np.any(wrong):
            raise InputError(f"the {name} must be {rule}", _offender(np.asarray(array), wrong))
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
