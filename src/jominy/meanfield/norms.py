"""The norms of an attack: ||eta||_p <= radius on the input, ||.||_q on the change of the output."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from jominy.errors import InputError

NORMS = (1, 2, math.inf)
"""The exponents for which the theory has constants."""


def norm_exponent(value: Any, name: str) -> float:
    """`value` as one of 1, 2, inf; InputError naming p or q otherwise.

    >>> norm_exponent(2, "p"), norm_exponent(float("inf"), "q")
    (2.0, inf)
    """
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_) and value in NORMS:
        return float(value)
    raise InputError(f"{name} must be 1, 2 or infinity", value, f"write {name}=1, {name}=2 or {name}=numpy.inf")


def dual_exponent(p: float) -> float:
    """p* with 1/p + 1/p* = 1.

    >>> dual_exponent(1.0), dual_exponent(math.inf)
    (inf, 1.0)
    """
    return {1.0: math.inf, 2.0: 2.0, math.inf: 1.0}[p]
