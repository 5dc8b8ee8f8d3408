"""A learning rate given as a table."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.schedules.base import Descent, Schedule, require_increasing, require_rate


class Tabulated(Schedule):
    """g(t) interpolated linearly between (times, rates); constant outside.

    >>> from jominy.schedules.base import UNKNOWN_DESCENT
    >>> float(Tabulated([0.0, 2.0], [1.0, 0.5]).rate(1.0, UNKNOWN_DESCENT))
    0.75
    """

    times: tuple[float, ...]
    rates: tuple[float, ...]

    def __init__(self, times: Sequence[float], rates: Sequence[float]):
        self.times = require_increasing(times, "The times of a table")
        self.rates = tuple(require_rate(rate) for rate in rates)
        if len(self.rates) != len(self.times) or not self.times:
            raise InputError("A table needs one rate per time", f"{len(self.times)} times, {len(self.rates)} rates")

    def rate(self, time: Array, descent: Descent) -> Array:
        return jnp.interp(jnp.asarray(time, dtype=float), jnp.asarray(self.times), jnp.asarray(self.rates))

    @property
    def jumps(self) -> tuple[float, ...]:
        return self.times  # corners, which the integrator should step onto

    def describe(self) -> dict[str, Any]:
        return {"kind": "tabulated", "times": list(self.times), "rates": list(self.rates)}
