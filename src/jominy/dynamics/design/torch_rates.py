"""A designed schedule in the terms of a PyTorch training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jominy.dynamics.batches import batch_count
from jominy.dynamics.problem import Problem
from jominy.dynamics.times import counted_steps
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.schedules import UNKNOWN_DESCENT, RadiusSchedule, Schedule

MOST = 10**8
"""Steps of a table."""


@dataclass(frozen=True)
class TorchRates:
    """The learning rate of each step of `torch.optim.SGD`, whose batches are averaged, and the radius of its attack.

    Attributes
    ----------
    lr : (steps,) the learning rate of each step
    initial_lr : what `torch.optim.SGD` is given
    batch_size : samples per step
    units : "scaled" features, or "data" units
    radius : (steps,) the training radius of each step
    """

    lr: np.ndarray = field(repr=False)
    initial_lr: float
    batch_size: int
    units: str
    radius: np.ndarray = field(repr=False)

    @property
    def multiplier(self) -> Callable[[int], float]:
        """What `torch.optim.lr_scheduler.LambdaLR` takes: from the number of a step to lr / initial_lr.

        >>> rates = TorchRates(np.array([0.4, 0.2, 0.1]), 0.4, 1, "scaled", np.full(3, 0.3))
        >>> [rates.multiplier(step) for step in (0, 2, 7)]
        [1.0, 0.25, 0.25]
        """
        shares, last = self.lr / self.initial_lr, len(self.lr) - 1
        return lambda step: float(shares[min(max(int(step), 0), last)])


def torch_rates(
    problem: Problem, schedule: Schedule, horizon: float, batch_size: Any, units: str, planned: int
) -> TorchRates:
    """The rates of a given schedule step by step; `planned` is the batch size that it was designed for.

    A step is rate / dimension along the gradient of a batch of the planned size, and in proportion for others: for
    batches that are small beside the dimension only the rate over the batch counts at a given number of samples.

    Source: theory `dynamics.md` section 8.1 and `design.md` section 2.
    """
    if schedule.adaptive or schedule.remembers:
        raise InputError("Only a schedule that is given as a function of time has a table", schedule.describe()["kind"])
    dimension = problem.data.dimension
    size = planned if batch_size is None else batch_count(batch_size, dimension)
    if not np.isfinite(dimension):
        raise InputError("Steps need a dimension that is finite", dimension, "Give the data a dimension")
    if units not in ("scaled", "data"):
        raise InputError("Units are 'scaled' or 'data'", units)
    count = int(counted_steps(np.array([horizon]), size / dimension, MOST)[0])
    times = np.arange(max(count, 1)) * size / dimension
    rates = rates_at(schedule, times)
    radius = radii_at(problem.radius_schedule, times)
    if units == "data":
        samples = problem.samples
        lr = np.array([samples.rate_to_data_units(1.0)]) * rates
        radius = radius * (samples.radius_to_data_units(1.0) / problem.attack.data_units(samples.dimension))
    else:
        lr = rates / dimension
    lr = lr * (size / planned)
    return TorchRates(lr, float(lr[0]), size, units, radius)


@double_precision
def rates_at(schedule: Schedule, times: np.ndarray) -> np.ndarray:
    """(T,) of a schedule that is given as a function of time."""
    return np.asarray(jax.vmap(lambda time: schedule.rate(time, UNKNOWN_DESCENT))(np.asarray(times, dtype=float)))


@double_precision
def radii_at(radius: RadiusSchedule, times: np.ndarray) -> np.ndarray:
    """(T,) of a radius that is given as a function of time."""
    return np.asarray(jax.vmap(radius.at)(np.asarray(times, dtype=float)))
