"""Losses that a user might write, each as one scalar function, as plain NumPy functions beside them."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from jominy.losses import MarginLoss, ResidualLoss


class Hinge(MarginLoss):
    kinks: ClassVar[tuple[float, ...]] = (1.0,)

    def profile(self, margin):
        return jnp.maximum(1 - margin, 0.0)


class SquaredHinge(MarginLoss):
    kinks: ClassVar[tuple[float, ...]] = (1.0,)

    def profile(self, margin):
        return jnp.maximum(1 - margin, 0.0) ** 2 / 2


class SmoothedHinge(MarginLoss):
    kinks: ClassVar[tuple[float, ...]] = (0.0, 1.0)

    def profile(self, margin):
        return jnp.where(margin < 0, 0.5 - margin, jnp.maximum(1 - margin, 0.0) ** 2 / 2)


class Exponential(MarginLoss):
    def profile(self, margin):
        return jnp.exp(-margin)


class Huber(ResidualLoss):
    kinks: ClassVar[tuple[float, ...]] = (1.0,)

    def profile(self, residual):
        size = jnp.abs(residual)
        return jnp.where(size <= 1, size**2 / 2, size - 0.5)


class PlainSquare(ResidualLoss):
    """The squared loss by someone who does not know its closed forms."""

    def profile(self, residual):
        return residual**2 / 2


class LogCosh(ResidualLoss):
    def profile(self, residual):
        size = jnp.abs(residual)
        return size + jnp.log1p(jnp.exp(-2 * size)) - jnp.log(2.0)


# The profiles and their derivatives in plain NumPy.
PLAIN = {
    Hinge: (lambda z: np.maximum(1 - z, 0.0), lambda z: -1.0 * (z < 1)),
    SquaredHinge: (lambda z: np.maximum(1 - z, 0.0) ** 2 / 2, lambda z: -np.maximum(1 - z, 0.0)),
    SmoothedHinge: (
        lambda z: np.where(z < 0, 0.5 - z, np.maximum(1 - z, 0.0) ** 2 / 2),
        lambda z: -np.clip(1 - z, 0.0, 1.0),
    ),
    Exponential: (lambda z: np.exp(-z), lambda z: -np.exp(-z)),
    Huber: (lambda e: np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5), lambda e: np.clip(e, -1.0, 1.0)),
    PlainSquare: (lambda e: e**2 / 2, lambda e: e),
    LogCosh: (lambda e: np.log(np.cosh(e)), np.tanh),
}
