"""What an optimizer is: how a batch's mean gradient moves the weights, and what it remembers from step to step."""

from __future__ import annotations

import abc
import math
from typing import Any, ClassVar, NamedTuple

import equinox as eqx

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module


class LinearStep(NamedTuple):
    """A step as a linear map of weights and buffer, in parts: own (P, P) times (W, buffer), plus gradient (P,) times g.

    P is 1 where there is no buffer, else 2.
    """

    own: Array
    gradient: Array


class Optimizer(Module):
    """How a step moves weights along the mean gradient of a batch, in PyTorch's meaning and units.

    A step has the size lr = rate / dimension, where `rate` is the schedule's. A new one gives `buffer` and `step`, and
    its settings as fields, with the names and defaults of its constructor in `usual`.
    """

    batch_size: eqx.AbstractVar[int]
    replacement: eqx.AbstractVar[bool]
    weight_decay: eqx.AbstractVar[float]
    decoupled: eqx.AbstractVar[bool]

    usual: ClassVar[dict[str, Any]]
    """The settings by name, with their defaults."""

    @property
    def plain(self) -> bool:
        """Whether a step is that of one sample's gradient, and nothing else: what theory is for."""
        return False

    @property
    def has_flow(self) -> bool:
        """Whether its steps follow a flow as the dimension grows, at a `gain` and with a `ridge`."""
        return False

    @property
    def gain(self) -> float:
        """What becomes of a rate in that limit, for an optimizer that `rotates`."""
        raise NotImplementedError(type(self).__name__)

    @property
    def rotates(self) -> bool:
        """Whether steps are the same in every basis, as those of multiples and sums of gradients are."""
        return False

    def linear(self, step_size: Array, first: Array) -> LinearStep:
        """The step as a linear map, where it `rotates`; `first` says whether there was none before."""
        raise NotImplementedError(type(self).__name__)

    @abc.abstractmethod
    def buffer(self, weights: Any) -> Any:
        """What is kept beside weights (seeds, ...) from the start: arrays (seeds, ...)."""

    @abc.abstractmethod
    def step(self, weights: Array, gradient: Array, buffer: Any, step_size: Array, first: Array) -> tuple[Array, Any]:
        """Weights and buffer of one seed after a step; `first` says whether there was none before."""

    @abc.abstractmethod
    def in_torch(self) -> tuple[str, dict[str, Any]]:
        """The name of PyTorch's own, and its settings but for the rate; a decoupled decay is left to the caller."""

    @property
    def coupled_decay(self) -> float:
        """The weight decay that goes into the gradient."""
        return 0.0 if self.decoupled else self.weight_decay

    def describe(self) -> dict[str, Any]:
        """The optimizer as a JSON-able record."""
        return {"kind": type(self).__name__} | self._unusual()

    def _unusual(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name, value in self.usual.items() if getattr(self, name) != value}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._unusual().items())})"


def batch_of(batch_size: Any) -> int:
    """A batch's size, checked."""
    if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
        raise InputError("batch_size must be a whole number >= 1", batch_size, "32 is usual")
    return batch_size


def number_of(value: Any, name: str, largest: float, *, including: bool = False) -> float:
    """A number from 0 to below `largest`, checked."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    below = number <= largest if including else number < largest
    if not (number >= 0 and below and math.isfinite(number)):
        rule = f"{name} must be a number >= 0" + ("" if math.isinf(largest) else f" and {'<=' if including else '<'} 1")
        raise InputError(rule, value)
    return number


def switch_of(value: Any, name: str) -> bool:
    """True or False, checked."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False", value)
    return value
