"""A learning rate whose logarithm is linear between knots."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.schedules.base import Descent, Schedule, require_increasing, require_positive, require_rate

EARLY, LEAST_PACE, PACES = 0.05, 0.5, 20


class Knots(Schedule):
    """log g(t) interpolated linearly between (times, log rates); constant outside.

    What the best schedule is sought among: with seventeen knots it is 3e-5 of the excess risk above that with 65.

    Source: theory `design.md` section 1 (the knots' times) and section 2 (how many are enough).

    >>> round(float(Knots([0.0, 2.0], [1.0, 0.25]).rate(1.0, None)), 6)
    0.5
    """

    times: tuple[float, ...]
    rates: tuple[float, ...]

    def __init__(self, times: Sequence[float], rates: Sequence[float]):
        self.times = require_increasing(times, "The times of knots")
        self.rates = tuple(require_rate(rate) for rate in rates)
        if len(self.rates) != len(self.times) or not self.times:
            raise InputError("Knots need one rate per time", f"{len(self.times)} times, {len(self.rates)} rates")
        if not min(self.rates) > 0:
            raise InputError(
                "The rates of knots must be > 0", rates, "Their logarithm is interpolated; take 1e-6 for 0"
            )

    def rate(self, time: Array, descent: Descent) -> Array:
        logs = jnp.log(jnp.stack([jnp.asarray(rate, dtype=float) for rate in self.rates]))
        return jnp.exp(jnp.interp(jnp.asarray(time, dtype=float), jnp.asarray(self.times), logs))

    @property
    def jumps(self) -> tuple[float, ...]:
        return self.times  # corners, which the integrator should step onto

    def describe(self) -> dict[str, Any]:
        return {"kind": "knots", "times": list(self.times), "rates": list(self.rates)}


def knot_times(horizon: float, count: int = 17) -> np.ndarray:
    """(count,) times from 0 to the horizon: logarithmic at both ends and linear in the middle.

    Even steps of u(t), the integral of 1 / min(t + .05, horizon - t + .05, max(horizon / 20, .5)).

    Source: theory `design.md` section 1.

    >>> knot_times(20.0, 5).round(3).tolist()
    [0.0, 3.977, 10.0, 16.023, 20.0]
    """
    horizon = require_positive(horizon, "The horizon of knots")
    fine = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 2000)]) * horizon / 2
    pace = np.minimum(fine + EARLY, max(horizon / PACES, LEAST_PACE))
    along = np.concatenate([[0.0], np.cumsum(np.diff(fine) * (1 / pace[1:] + 1 / pace[:-1]) / 2)])
    half = np.interp(np.linspace(0, 2, count)[: (count + 1) // 2] * along[-1], along, fine)
    later = horizon - half[: count // 2][::-1]
    return np.concatenate([half, later])
