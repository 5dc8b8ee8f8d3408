"""Runs of SGD whose weights are averaged from some time on: what is observed is the mean of all weights since.

Source: theory `design.md` section 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jominy.dynamics.simulation.sgd import Engine
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.schedules import Averaged, Schedule

ROUNDING = 1e-6
"""Share of a step within which a time is that of the step."""


class AveragedRun(NamedTuple):
    """The state `now`, and the `mean` of its weights since the average began (before: the weights themselves)."""

    now: Any
    mean: Array

    @property
    def weights(self) -> Array:
        """The averaged weights."""
        return self.mean


class AveragedSGD(Module):
    """Another engine's steps, and the average of its weights over all steps from `begin` on."""

    engine: Any
    begin: Array
    step_time: Array

    def step(self, state: AveragedRun, noise: Any, time: Array) -> AveragedRun:
        """The other engine's step, whose weights enter the average."""
        now = self.engine.step(state.now, noise, time)
        passed = jnp.floor((time + self.step_time - self.begin) / self.step_time + ROUNDING)
        weights = now.weights
        share = 1 / jnp.maximum(passed + 1, 1.0)
        return AveragedRun(now, state.mean + share * (weights - state.mean))

    def observe(self, state: AveragedRun, time: Array) -> Any:
        """What the other engine sees of the average, at the rate of the moment."""
        seen = self.engine.observe(state.now.with_weights(state.mean), time)
        return seen._replace(rate=self.engine.observe(state.now, time).rate)


def with_average(engine: Engine, states: Any, schedule: Schedule, step_time: float) -> tuple[Engine, Any]:
    """The engine and its states (seeds, ...), with averages where the schedule asks for them."""
    if not isinstance(schedule, Averaged):
        return engine, states
    begin, step = np.asarray(schedule.begin), np.asarray(step_time)
    return AveragedSGD(engine, begin, step), AveragedRun(states, np.array(states.weights))
