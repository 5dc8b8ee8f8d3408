"""Adam and AdamW, as `torch.optim` has them.

Source: Kingma and Ba, Adam (ICLR 2015); Loshchilov and Hutter, Decoupled weight decay (ICLR 2019). No theory here
forecasts them: what is said of them is the mean of real runs.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jominy.numerics.arrays import Array
from jominy.optimizers.base import Optimizer, batch_of, number_of, switch_of


class AdamBuffer(NamedTuple):
    """Decaying averages of the gradient and of its square, as the weights are shaped, and the number of steps ()."""

    mean: Array
    square: Array
    steps: Array


class Adam(Optimizer):
    """Adam in the arithmetic of `torch.optim.Adam`, for real runs on samples.

    A step of size lr = rate / dimension, where `rate` is the schedule's, along the mean gradient g of a batch:

        g <- g + weight_decay W;  m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
        W <- W - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)

    Each weight moves by about lr, whatever the size of the gradients: lr = 1e-3 is `Constant(1e-3 * dimension)`.
    Time counts samples: a step takes batch_size / dimension. Forecasts are means of real runs, for no recursion of
    mean and covariance knows the quotient of two averages.

    Parameters
    ----------
    batch_size : samples per step, whose gradients are averaged
    beta1, beta2 : of the averages, from 0 to below 1
    eps : added to the root of the average square
    weight_decay : added to the gradient, times the weights
    replacement : whether a batch may hold a sample twice, where samples are drawn with replacement
    decoupled : shrink the weights by lr * weight_decay before the step instead: AdamW

    Raises
    ------
    InputError
        A number out of its range.

    Examples
    --------
    >>> Adam(batch_size=16, beta2=0.99)
    Adam(batch_size=16, beta2=0.99)
    """

    batch_size: int = eqx.field(static=True)
    beta1: float = eqx.field(static=True)
    beta2: float = eqx.field(static=True)
    eps: float = eqx.field(static=True)
    weight_decay: float = eqx.field(static=True)
    replacement: bool = eqx.field(static=True)
    decoupled: bool = eqx.field(static=True)

    usual: ClassVar[dict[str, Any]] = {
        "batch_size": 1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "replacement": True,
        "decoupled": False,
    }  # fmt: skip

    def __init__(
        self,
        batch_size: int = 1,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        replacement: bool = True,
        *,
        decoupled: bool = False,
    ) -> None:
        self.batch_size = batch_of(batch_size)
        self.beta1, self.beta2 = number_of(beta1, "beta1", 1.0), number_of(beta2, "beta2", 1.0)
        self.eps, self.weight_decay = number_of(eps, "eps", np.inf), number_of(weight_decay, "weight_decay", np.inf)
        self.replacement = switch_of(replacement, "replacement")
        self.decoupled = switch_of(decoupled, "decoupled")

    def buffer(self, weights: Any) -> AdamBuffer:
        return AdamBuffer(0.0 * weights, 0.0 * weights, np.zeros(len(weights)))

    def step(
        self, weights: Array, gradient: Array, buffer: AdamBuffer, step_size: Array, first: Array
    ) -> tuple[Array, AdamBuffer]:
        if self.weight_decay and self.decoupled:
            weights = weights * (1 - step_size * self.weight_decay)
        elif self.weight_decay:
            gradient = gradient + self.weight_decay * weights
        steps = buffer.steps + 1
        mean = self.beta1 * buffer.mean + (1 - self.beta1) * gradient
        square = self.beta2 * buffer.square + (1 - self.beta2) * gradient**2
        root = jnp.sqrt(square / (1 - self.beta2**steps)) + self.eps
        # A weight that has never had a gradient rests, also without eps.
        along = jnp.where(root > 0, mean / jnp.where(root > 0, root, 1.0), 0.0)
        return weights - step_size / (1 - self.beta1**steps) * along, AdamBuffer(mean, square, steps)

    def in_torch(self) -> tuple[str, dict[str, Any]]:
        return "Adam", {"weight_decay": self.coupled_decay, "betas": (self.beta1, self.beta2), "eps": self.eps}
