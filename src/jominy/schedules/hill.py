"""A rate that stays, and then falls as a power of time."""

from typing import Any

import jax.numpy as jnp

from jominy.numerics.arrays import Array
from jominy.schedules.base import Descent, Schedule, require_number, require_positive, require_rate

STEEPEST = 30.0
"""The largest exponent: beyond, the rate is a jump, which `Piecewise` says better."""


class Hill(Schedule):
    """g(t) = rate / (1 + (t / half_time)^exponent): half the rate at `half_time`, then a power law.

    The shape of the best schedule for a given time of training, with three numbers: within .1 % of the excess risk of
    the best schedule of all over least-squares problems with label noise, in the median. Exponent 1 is `InverseTime`.

    Source: theory `design.md` sections 1 and 2.

    >>> round(float(Hill(1.0, half_time=2.0, exponent=1.5).rate(2.0, None)), 6)
    0.5
    """

    initial: float
    half_time: float
    exponent: float

    def __init__(self, rate: float, half_time: float, exponent: float = 1.5):
        self.initial = require_rate(rate)
        self.half_time = require_positive(half_time, "The half time of a Hill schedule")
        rule, advice = "The exponent of a Hill schedule must be a number > 0", "1 to 3 are usual"
        self.exponent = min(require_number(exponent, rule, advice, positive=True), STEEPEST)

    def rate(self, time: Array, descent: Descent) -> Array:
        share = jnp.asarray(time, dtype=float) / self.half_time
        later = share > 0  # the derivative of a power by its exponent is not a number at zero
        return self.initial / (1 + jnp.where(later, jnp.where(later, share, 1.0) ** self.exponent, 0.0))

    def describe(self) -> dict[str, Any]:
        return {"kind": "hill", "rate": self.initial, "half_time": self.half_time, "exponent": self.exponent}
