"""The radius of the attack over training: fixed, in ramps, in steps, between knots, or a function of time."""

import abc
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.traced import require_scalar_function
from jominy.schedules.base import require_increasing, require_number, require_positive


class RadiusSchedule(Module):
    """The training radius eps(t), in the l2 norm of the input; t in samples / dimension."""

    @abc.abstractmethod
    def at(self, time: Array) -> Array:
        """The radius at `time`; traced by JAX."""

    @property
    @abc.abstractmethod
    def final(self) -> float:
        """The radius that training ends with; the optimum and what is measured from it refer to it."""

    @property
    def jumps(self) -> tuple[float, ...]:
        """Times at which the radius is not smooth."""
        return ()

    def check(self, times: np.ndarray) -> None:
        """Raise InputError if the radius is void at one of `times`."""
        return

    @abc.abstractmethod
    def describe(self) -> Any:
        """The schedule as a JSON-able record."""


class FixedRadius(RadiusSchedule):
    """eps(t) = radius: what a plain number means."""

    value: float

    def at(self, time: Array) -> Array:
        return jnp.asarray(self.value) + 0 * time

    @property
    def final(self) -> float:
        return float(self.value)

    def describe(self) -> float:
        return self.value


class RadiusRamp(RadiusSchedule):
    """eps(t) goes straight from `start` to `end` until `time`, then stays: a warm-up (or the opposite).

    >>> [float(RadiusRamp(0.0, 0.5, time=5.0).at(t)) for t in (0.0, 2.5, 9.0)]
    [0.0, 0.25, 0.5]
    """

    initial: float
    end: float
    time: float

    def __init__(self, start: float, end: float, time: float):
        self.initial = require_radius(start)
        self.end = require_radius(end)
        self.time = require_positive(time, "The time of a ramp of the radius")

    def at(self, time: Array) -> Array:
        return self.initial + (self.end - self.initial) * jnp.clip(time / self.time, 0.0, 1.0)

    @property
    def final(self) -> float:
        return float(self.end)

    @property
    def jumps(self) -> tuple[float, ...]:
        return (self.time,)  # a corner

    def describe(self) -> dict[str, Any]:
        return {"kind": "ramp", "start": self.initial, "end": self.end, "time": self.time}


class RadiusPiecewise(RadiusSchedule):
    """eps(t) = radii[k] between times[k-1] and times[k]; one more radius than times.

    >>> schedule = RadiusPiecewise(times=[5.0], radii=[0.1, 0.5])
    >>> [round(float(schedule.at(t)), 6) for t in (4.9, 5.1)]
    [0.1, 0.5]
    """

    times: tuple[float, ...]
    radii: tuple[float, ...]

    def __init__(self, times: Sequence[float], radii: Sequence[float]):
        self.times = require_increasing(times, "The times of a piecewise radius")
        self.radii = tuple(require_radius(radius) for radius in radii)
        if len(self.radii) != len(self.times) + 1:
            raise InputError(
                "A piecewise radius needs one more radius than times",
                f"{len(self.times)} times and {len(self.radii)} radii",
                "Give the radius before the first time, between the times, and after the last",
            )

    def at(self, time: Array) -> Array:
        return jnp.asarray(self.radii)[jnp.searchsorted(jnp.asarray(self.times), time, side="right")]

    @property
    def final(self) -> float:
        return float(self.radii[-1])

    @property
    def jumps(self) -> tuple[float, ...]:
        return self.times

    def describe(self) -> dict[str, Any]:
        return {"kind": "piecewise", "times": list(self.times), "radii": list(self.radii)}


class RadiusKnots(RadiusSchedule):
    """eps(t) interpolated linearly between (times, radii); constant outside.

    What the best radius over time is sought among (`design(..., train_radius="over-time")`).

    >>> [round(float(RadiusKnots([0.0, 5.0, 10.0], [0.2, 0.0, 0.5]).at(t)), 6) for t in (0.0, 2.5, 20.0)]
    [0.2, 0.1, 0.5]
    """

    times: tuple[float, ...]
    radii: tuple[float, ...]

    def __init__(self, times: Sequence[float], radii: Sequence[float]):
        self.times = require_increasing(times, "The times of a radius between knots")
        self.radii = tuple(require_radius(radius) for radius in radii)
        if len(self.radii) != len(self.times) or not self.times:
            raise InputError(
                "Knots of a radius need one radius per time",
                f"{len(self.times)} times and {len(self.radii)} radii",
                "Give the radius at each time; between them it goes straight",
            )

    def at(self, time: Array) -> Array:
        radii = jnp.stack([jnp.asarray(radius, dtype=float) for radius in self.radii])
        return jnp.interp(jnp.asarray(time, dtype=float), jnp.asarray(self.times), radii)

    @property
    def final(self) -> float:
        return float(self.radii[-1])

    @property
    def jumps(self) -> tuple[float, ...]:
        return self.times  # corners

    def describe(self) -> dict[str, Any]:
        return {"kind": "knots", "times": list(self.times), "radii": list(self.radii)}


class RadiusFunction(RadiusSchedule):
    """eps(t) = function(t), a function of yours written with `jax.numpy`, smooth except at `jumps`; ends at `final`.

    >>> import jax.numpy as jnp
    >>> schedule = RadiusFunction(lambda t: 0.5 * (1 - jnp.exp(-t)), final=0.5)
    >>> round(float(schedule.at(1.0)), 4)
    0.3161
    """

    function: Callable[[Array], Array] = eqx.field(static=True)
    end: float
    discontinuities: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, function: Callable[[Array], Array], final: float, jumps: Sequence[float] = ()):
        advice = "Use jnp.exp, jnp.where, ... on the time; for a fixed radius give the number itself"
        require_scalar_function(function, "A radius as a function of time", advice)
        self.function = function
        self.end = require_radius(final)
        self.discontinuities = require_increasing(jumps, "The jumps of a radius")

    def at(self, time: Array) -> Array:
        return jnp.asarray(self.function(time), dtype=float)

    @property
    def final(self) -> float:
        return float(self.end)

    @property
    def jumps(self) -> tuple[float, ...]:
        return self.discontinuities

    def check(self, times: np.ndarray) -> None:
        for time in times:
            require_radius(self.at(jnp.asarray(time)))

    def describe(self) -> dict[str, Any]:
        name = getattr(self.function, "__qualname__", repr(self.function))
        return {"kind": "function", "function": name, "final": self.end}


def require_radius(value: Any) -> float:
    """A finite radius >= 0, or an error that says so."""
    advice = "It is the l2 norm of the attack in units where ||x||^2 is about the dimension; values of 0 to 2 are usual"
    return require_number(value, "A radius must be a finite number >= 0", advice)
