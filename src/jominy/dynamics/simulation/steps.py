"""One step of streaming SGD: an engine says its gradient, and everything else is the same on every kind of data."""

import abc
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.optimizers import Optimizer
from jominy.schedules import UNKNOWN_DESCENT, Schedule

LARGEST_SQUARE = 1e14
"""Weights of a larger square norm have diverged, and stay where they are: divergence is recorded, not overflown."""


class WeightState(NamedTuple):
    """One model in training.

    Attributes:
        weights: (d,), (1, d) or (K, d).
        memory: () what the schedule remembers.
        buffer: what the optimizer keeps; of no size where it keeps nothing.
    """

    weights: Array
    memory: Array
    buffer: Any

    def with_weights(self, weights: Array) -> "WeightState":
        """The same with other weights."""
        return self._replace(weights=weights)


def weight_states(weights: np.ndarray, optimizer: Optimizer | None = None) -> WeightState:
    """States of many models (seeds, ...) at the start."""
    buffer = weights[..., :0] if optimizer is None else optimizer.buffer(weights)
    return WeightState(weights, np.zeros(len(weights)), buffer)


def divisor(optimizer: Optimizer, batch: int) -> int:
    """What a batch's sum of gradients is divided by: 1 in theory's batches on mixtures, its size in an optimizer's."""
    return 1 if optimizer.plain else batch


class StreamingSGD(Module):
    """Steps along gradients: X <- what the optimizer makes of X, the gradient, and the step size rate / d.

    An engine gives `gradient`; `rate` where an adaptive schedule sees more than its memory; and `observe`.
    """

    if TYPE_CHECKING:  # fields or properties of an engine; not fields here, which would come first in its constructor

        @property
        def schedule(self) -> Schedule: ...

        @property
        def optimizer(self) -> Optimizer: ...

    @abc.abstractmethod
    def gradient(self, state: Any, noise: Any, time: Array) -> Array:
        """The gradient of a batch's loss, attack held fixed, in the shape of the weights."""

    def rate(self, state: Any, time: Array) -> Array:
        """The learning rate of a schedule that sees the time and its own memory."""
        return self.schedule.rate(time, UNKNOWN_DESCENT._replace(memory=state.memory))

    def step(self, state: Any, noise: Any, time: Array) -> Any:
        """The state after one step at `time`."""
        weights, gradient = state.weights, self.gradient(state, noise, time)
        dimension = weights.shape[-1]
        seen = state
        if self.schedule.remembers:
            seen = state._replace(memory=state.memory + jnp.sum(gradient**2) / dimension**2)
        size = self.rate(seen, time) / dimension
        moved, buffer = self.optimizer.step(weights, gradient, state.buffer, size, time == 0)
        after = seen.with_weights(moved)._replace(buffer=buffer)
        going = jnp.sum(weights**2) < LARGEST_SQUARE
        return jax.tree.map(lambda new, old: jnp.where(going, new, old), after, state)
