"""SGD with batches, momentum and weight decay, as `torch.optim.SGD` has them.

Source: theory `multiclass.md` section 4.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.optimizers.base import LinearStep, Optimizer, batch_of, number_of, switch_of


class SGD(Optimizer):
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

    batch_size: int = eqx.field(static=True)
    weight_decay: float = eqx.field(static=True)
    momentum: float = eqx.field(static=True)
    nesterov: bool = eqx.field(static=True)
    dampening: float = eqx.field(static=True)
    replacement: bool = eqx.field(static=True)
    decoupled: bool = eqx.field(static=True)

    usual: ClassVar[dict[str, Any]] = {
        "batch_size": 1, "weight_decay": 0.0, "momentum": 0.0, "nesterov": False, "dampening": 0.0,
        "replacement": True, "decoupled": False,
    }  # fmt: skip

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
        self.batch_size = batch_of(batch_size)
        self.weight_decay = number_of(weight_decay, "weight_decay", math.inf)
        self.momentum = number_of(momentum, "momentum", 1.0)
        self.dampening = number_of(dampening, "dampening", 1.0, including=True)
        self.nesterov, self.replacement = switch_of(nesterov, "nesterov"), switch_of(replacement, "replacement")
        self.decoupled = switch_of(decoupled, "decoupled")
        if nesterov and (self.momentum == 0 or self.dampening != 0):
            raise InputError(
                "Nesterov's momentum needs a momentum and no dampening",
                f"momentum={self.momentum:g}, dampening={self.dampening:g}",
                "Give for instance `SGD(momentum=0.9, nesterov=True)`",
            )

    @property
    def plain(self) -> bool:
        return self.batch_size == 1 and self.weight_decay == 0 and self.momentum == 0

    @property
    def rotates(self) -> bool:
        return True

    @property
    def has_flow(self) -> bool:
        return self.gain > 0

    @property
    def gain(self) -> float:
        """What becomes of a rate in the limit of many dimensions, where weights stand still while a step is remembered.

        Steps along the means of batches go 1 / batch_size as far in time, with momentum 1 / (1 - momentum) times that.
        """
        taken = 1 - self.dampening if self.momentum else 1.0
        return taken / (1 - self.momentum) / self.batch_size

    @property
    def ridge(self) -> float:
        """The weight decay in that limit: the ridge beside a risk that is descended at the rate times the gain."""
        share = 1 / self.batch_size / self.gain if self.decoupled else 1.0
        return self.weight_decay * share

    def linear(self, step_size: Array, first: Array) -> LinearStep:
        coupled, keep = self.coupled_decay, 1 - step_size * (self.weight_decay - self.coupled_decay)
        if not self.momentum:
            return LinearStep(jnp.reshape(keep - step_size * coupled, (1, 1)), jnp.reshape(-step_size, (1,)))
        taken = jnp.where(first, 1.0, 1.0 - self.dampening)
        # The weights go along the new buffer, or along the gradient and momentum times that.
        at_once, later = (1.0, self.momentum) if self.nesterov else (0.0, 1.0)
        along = at_once + later * taken
        own = [
            [keep - step_size * along * coupled, -step_size * later * self.momentum],
            [taken * coupled, self.momentum],
        ]
        return LinearStep(jnp.array(own), jnp.stack([-step_size * along, taken]))

    def buffer(self, weights: Any) -> Any:
        return 0.0 * weights if self.momentum else weights[..., :0]

    def step(
        self, weights: Array, gradient: Array, buffer: Array, step_size: Array, first: Array
    ) -> tuple[Array, Array]:
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

    def in_torch(self) -> tuple[str, dict[str, Any]]:
        names = ("momentum", "dampening", "nesterov")
        return "SGD", {"weight_decay": self.coupled_decay} | {name: getattr(self, name) for name in names}
