"""SGD with batches, momentum and weight decay, as `torch.optim.SGD` has them.

Source: theory `multiclass.md` section 4.
"""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jominy.errors import InputError
from jominy.numerics.arrays import Array


class SGD(eqx.Module):
    """Stochastic gradient descent in the meaning and units of `torch.optim.SGD`.

    A step of size lr = rate / dimension, where `rate` is the schedule's, along the mean gradient g of a batch:

        g <- g + weight_decay W;  buffer <- momentum buffer + (1 - dampening) g  (the first time: g);
        W <- W - lr buffer  (nesterov: W - lr (g + momentum buffer))

    Time counts samples whatever the batch: a step takes batch_size / dimension.

    Parameters
    ----------
    batch_size : samples per step, whose gradients are averaged
    weight_decay : added to the gradient, times the weights
    momentum : from 0 to below 1
    nesterov : whether to look ahead; needs momentum, and no dampening
    dampening : of what a gradient adds to the buffer
    replacement : whether a batch may hold a sample twice, where samples are drawn with replacement
    decoupled : shrink the weights by lr * weight_decay before the step instead, past the momentum (as AdamW does)

    Raises
    ------
    InputError
        A number out of its range.

    Examples
    --------
    >>> SGD(momentum=0.9, batch_size=16)
    SGD(batch_size=16, momentum=0.9)
    """

    batch_size: int = eqx.field(default=1, static=True)
    weight_decay: float = eqx.field(default=0.0, static=True)
    momentum: float = eqx.field(default=0.0, static=True)
    nesterov: bool = eqx.field(default=False, static=True)
    dampening: float = eqx.field(default=0.0, static=True)
    replacement: bool = eqx.field(default=True, static=True)
    decoupled: bool = eqx.field(default=False, static=True)

    def __init__(
        self,
        batch_size: int = 1,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        nesterov: bool = False,
        dampening: float = 0.0,
        replacement: bool = True,
        *,
        decoupled: bool = False,
    ) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
            raise InputError("batch_size must be a whole number >= 1", batch_size, "32 is usual")
        self.batch_size = batch_size
        self.weight_decay = _number(weight_decay, "weight_decay", math.inf)
        self.momentum = _number(momentum, "momentum", 1.0)
        self.dampening = _number(dampening, "dampening", 1.0, including=True)
        for name, value in (("nesterov", nesterov), ("replacement", replacement), ("decoupled", decoupled)):
            if not isinstance(value, bool):
                raise InputError(f"{name} must be True or False", value)
        if nesterov and (self.momentum == 0 or self.dampening != 0):
            raise InputError(
                "Nesterov's momentum needs a momentum and no dampening",
                f"momentum={self.momentum:g}, dampening={self.dampening:g}",
                "Give for instance `SGD(momentum=0.9, nesterov=True)`",
            )
        self.nesterov, self.replacement, self.decoupled = nesterov, replacement, decoupled

    @property
    def plain(self) -> bool:
        """Whether a step is that of one sample's gradient, and nothing else."""
        return self.batch_size == 1 and self.weight_decay == 0 and self.momentum == 0

    def buffer(self, weights: Any) -> Any:
        """What belongs to the weights beside them at the start: zeros of their shape, or nothing without momentum."""
        return 0.0 * weights if self.momentum else weights[..., :0]

    def step(
        self, weights: Array, gradient: Array, buffer: Array, step_size: Array, first: Array
    ) -> tuple[Array, Array]:
        """Weights and buffer after a step along the mean gradient; `first` says whether there was none before."""
        if self.weight_decay and self.decoupled:
            weights = weights * (1 - step_size * self.weight_decay)
        elif self.weight_decay:
            gradient = gradient + self.weight_decay * weights
        if not self.momentum:
            return weights - step_size * gradient, buffer
        taken = jnp.where(first, 1.0, 1.0 - self.dampening)
        buffer = self.momentum * buffer + taken * gradient
        along = gradient + self.momentum * buffer if self.nesterov else buffer
        return weights - step_size * along, buffer

    def describe(self) -> dict[str, Any]:
        """The optimizer as a JSON-able record."""
        return {"kind": type(self).__name__} | self._unusual()

    def _unusual(self) -> dict[str, Any]:
        usual = {"batch_size": 1, "weight_decay": 0.0, "momentum": 0.0, "nesterov": False, "dampening": 0.0,
                 "replacement": True, "decoupled": False}  # fmt: skip
        return {name: getattr(self, name) for name, value in usual.items() if getattr(self, name) != value}

    def __repr__(self) -> str:
        return f"SGD({', '.join(f'{name}={value!r}' for name, value in self._unusual().items())})"


def from_torch(optimizer: Any, batch_size: int = 1, *, replacement: bool = False) -> SGD:
    """The same SGD as a `torch.optim.SGD`, whose batches are its data loader's.

    Parameters
    ----------
    optimizer : torch.optim.SGD with one group of parameters. Its learning rate belongs to the schedule: a rate of
        lr * dimension, `Constant(lr * samples.dimension)`
    batch_size : of the data loader
    replacement : whether a batch may hold a sample twice, which those of a data loader do not

    Raises
    ------
    InputError
        Another optimizer, whose theory is not known, such as Adam; groups that differ; `maximize`.

    Examples
    --------
    >>> import torch
    >>> torch_sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(3))], lr=0.1, momentum=0.9, weight_decay=1e-3)
    >>> from_torch(torch_sgd, batch_size=16, replacement=True)
    SGD(batch_size=16, weight_decay=0.001, momentum=0.9)
    """
    name = type(optimizer).__name__
    if name != "SGD" or not hasattr(optimizer, "param_groups"):
        raise InputError("The optimizer must be a torch.optim.SGD", name, "Forecasts know no other optimizer yet")
    names = ("weight_decay", "momentum", "nesterov", "dampening", "maximize")
    groups = [{name: group.get(name, False) for name in names} for group in optimizer.param_groups]
    if any(group != groups[0] for group in groups):
        raise InputError("All groups of parameters must have the same settings", f"{len(groups)} groups that differ")
    settings = groups[0]
    if settings.pop("maximize"):
        raise InputError("Training minimises the risk", "maximize=True", "Leave maximize out")
    return SGD(batch_size=batch_size, replacement=replacement, **settings)


def _number(value: Any, name: str, largest: float, *, including: bool = False) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    below = number <= largest if including else number < largest
    if not (number >= 0 and below and math.isfinite(number)):
        rule = f"{name} must be a number >= 0" + ("" if math.isinf(largest) else f" and {'<=' if including else '<'} 1")
        raise InputError(rule, value)
    return number
