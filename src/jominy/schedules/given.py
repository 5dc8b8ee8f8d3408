"""Schedules that are given functions of time."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.traced import require_scalar_function
from jominy.schedules.base import (
    UNKNOWN_DESCENT,
    Descent,
    Schedule,
    require_increasing,
    require_positive,
    require_rate,
)


class Constant(Schedule):
    """g(t) = rate.

    >>> Constant(0.5).describe()
    {'kind': 'constant', 'rate': 0.5}
    """

    value: float

    def __init__(self, rate: float):
        self.value = require_rate(rate)

    def rate(self, time: Array, descent: Descent) -> Array:
        return jnp.asarray(self.value) + 0 * time

    def describe(self) -> dict[str, Any]:
        return {"kind": "constant", "rate": self.value}


class InverseTime(Schedule):
    """g(t) = rate / (1 + decay t).

    >>> InverseTime(1.0, decay=0.5).rate(2.0, UNKNOWN_DESCENT)
    0.5
    """

    initial: float
    decay: float

    def __init__(self, rate: float, decay: float):
        self.initial = require_rate(rate)
        self.decay = require_rate(decay, "decay")

    def rate(self, time: Array, descent: Descent) -> Array:
        return self.initial / (1 + self.decay * time)

    def describe(self) -> dict[str, Any]:
        return {"kind": "inverse-time", "rate": self.initial, "decay": self.decay}


class Cosine(Schedule):
    """g(t) falls from `rate` to `final` along half a cosine until `horizon`, then stays.

    >>> round(float(Cosine(1.0, horizon=10.0).rate(5.0, UNKNOWN_DESCENT)), 6)
    0.5
    """

    initial: float
    horizon: float
    final: float

    def __init__(self, rate: float, horizon: float, final: float = 0.0):
        self.initial = require_rate(rate)
        self.horizon = require_positive(horizon, "The horizon of a cosine schedule")
        self.final = require_rate(final, "final rate")

    def rate(self, time: Array, descent: Descent) -> Array:
        progress = jnp.clip(time / self.horizon, 0.0, 1.0)
        return self.final + (self.initial - self.final) * (1 + jnp.cos(jnp.pi * progress)) / 2

    @property
    def jumps(self) -> tuple[float, ...]:
        return (self.horizon,)  # not a jump of the rate but of its second derivative

    def describe(self) -> dict[str, Any]:
        return {"kind": "cosine", "rate": self.initial, "horizon": self.horizon, "final": self.final}


class Piecewise(Schedule):
    """g(t) = rates[k] between times[k-1] and times[k]; one more rate than times.

    >>> schedule = Piecewise(times=[5.0], rates=[1.0, 0.1])
    >>> [round(float(schedule.rate(time, UNKNOWN_DESCENT)), 6) for time in (4.9, 5.1)]
    [1.0, 0.1]
    """

    times: tuple[float, ...]
    rates: tuple[float, ...]

    def __init__(self, times: Sequence[float], rates: Sequence[float]):
        self.times = require_increasing(times, "The times of a piecewise schedule")
        self.rates = tuple(require_rate(rate) for rate in rates)
        if len(self.rates) != len(self.times) + 1:
            raise InputError(
                "A piecewise schedule needs one more rate than times",
                f"{len(self.times)} times and {len(self.rates)} rates",
                "Give the rate before the first time, between the times, and after the last",
            )

    def rate(self, time: Array, descent: Descent) -> Array:
        return jnp.asarray(self.rates)[jnp.searchsorted(jnp.asarray(self.times), time, side="right")]

    @property
    def jumps(self) -> tuple[float, ...]:
        return self.times

    def describe(self) -> dict[str, Any]:
        return {"kind": "piecewise", "times": list(self.times), "rates": list(self.rates)}


class FromFunction(Schedule):
    """g(t) = function(t), a function of yours written with `jax.numpy` (it is traced), smooth except at `jumps`.

    >>> import jax.numpy as jnp
    >>> round(float(FromFunction(lambda t: jnp.exp(-t)).rate(1.0, UNKNOWN_DESCENT)), 4)
    0.3679
    """

    function: Callable[[Array], Array] = eqx.field(static=True)
    discontinuities: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, function: Callable[[Array], Array], jumps: Sequence[float] = ()):
        if not callable(function):
            raise InputError("A schedule's function must be callable", function, "For a fixed rate use Constant(rate)")
        advice = "Use jnp.exp, jnp.where, ... on the time, and neither float(...) nor if"
        require_scalar_function(function, "A schedule's function", advice)
        self.function = function
        self.discontinuities = require_increasing(jumps, "The jumps of a schedule")

    def rate(self, time: Array, descent: Descent) -> Array:
        return jnp.asarray(self.function(time), dtype=float)

    @property
    def jumps(self) -> tuple[float, ...]:
        return self.discontinuities

    def check(self, times: np.ndarray) -> None:
        rates = np.asarray(jax.vmap(lambda time: self.rate(time, UNKNOWN_DESCENT))(jnp.asarray(times)))
        for time, rate in zip(times, rates, strict=True):
            if not (np.isfinite(rate) and rate >= 0):
                raise InputError(
                    "A learning rate must be finite and >= 0 at all times",
                    f"{rate} at time {time}",
                    "Change the schedule's function, or end the run before that time",
                )

    def describe(self) -> dict[str, Any]:
        return {"kind": "function", "function": getattr(self.function, "__qualname__", repr(self.function))}
