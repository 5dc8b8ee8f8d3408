"""A radius that is drawn anew for every sample: losses averaged over shifts, each with the noise of one draw.

On average a sample's loss is a mixture of its losses at all shifts; the noise of a step is that of the one drawn, as
with a coin. Averages over the draw are sums over the nodes of a Gauss rule.

Source: theory `attacks.md` section 6 (a coin between two shifts; here there are many).
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri

from jominy.losses.base import Loss, SmoothedSlopes
from jominy.losses.expectations import Moments, OrderParameters
from jominy.losses.steps import StepMoments, averaged_steps
from jominy.losses.wrapped import WrappedLoss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule

NODES, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(12))
"""On [-1/2, 1/2]: a smooth loss is averaged to rounding, one with corners to 1e-6."""
FAR = 8.0
"""Standard deviations of a normal law beyond which nothing is drawn."""


class DrawnShiftLoss(WrappedLoss):
    """A loss whose shift is the full one times a share, drawn for every sample."""

    @abc.abstractmethod
    def rule(self) -> tuple[Array, Array]:
        """Nodes (K,) and weights (K,) of the law of the share."""

    @abc.abstractmethod
    def share(self, chance: Array) -> Array:
        """The quantile function of the share."""

    @property
    def random(self) -> bool:
        return True

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return self._mean(lambda share: self.loss.adversarial(score, share * shift, target))

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        def at(share: Array) -> tuple[Array, Array]:
            slope, along = self.loss.adversarial_slopes(score, share * shift, target)
            return slope, share * along

        return self._mean(at)

    def sample_slopes(self, score: Array, shift: Array, target: Array, chance: Array) -> tuple[Array, Array]:
        share = self.share(chance)
        slope, along = self.loss.sample_slopes(score, share * shift, target, chance)
        return slope, share * along

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> SmoothedSlopes:
        def at(share: Array) -> SmoothedSlopes:
            found = self.loss.smoothed(score, share * shift, target, smoothing)
            return found._replace(
                by_shift=share * found.by_shift,
                by_score_and_shift=share * found.by_score_and_shift,
                by_shift_twice=share**2 * found.by_shift_twice,
            )

        return self._mean(at)

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        def at(share: Array) -> Moments:
            found = self.loss.moments(order, labels, share * shift, rule)
            return found._replace(
                shift_slope=share * found.shift_slope,
                slope_shift_slope=share * found.slope_shift_slope,
                shift_slope_squared=share**2 * found.shift_slope_squared,
            )

        return self._mean(at)

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        nodes, weights = self.rule()
        told = jax.vmap(lambda share: self.loss.step_moments(labels, order, share * radius, rule))(nodes)
        return averaged_steps(told, weights)

    def _mean(self, at: Callable[[Array], Any]) -> Any:
        nodes, weights = self.rule()
        return jax.tree.map(lambda part: jnp.tensordot(weights, part, 1), jax.vmap(at)(nodes))


class UniformShiftLoss(DrawnShiftLoss):
    """Shares uniform from `lowest` to 1."""

    lowest: float

    def __init__(self, loss: Loss, lowest: float) -> None:
        super().__init__(loss)
        self.lowest = lowest

    def rule(self) -> tuple[Array, Array]:
        return self.share(jnp.asarray(NODES + 0.5)), jnp.asarray(WEIGHTS)

    def share(self, chance: Array) -> Array:
        return self.lowest + (1 - self.lowest) * chance


class NormalShiftLoss(DrawnShiftLoss):
    """Shares |N(0, spread^2)|, drawn again where above 1."""

    spread: float

    def __init__(self, loss: Loss, spread: float) -> None:
        super().__init__(loss)
        self.spread = spread

    def rule(self) -> tuple[Array, Array]:
        nodes = jnp.minimum(1.0, FAR * self.spread) * (NODES + 0.5)
        density = WEIGHTS * jnp.exp(-((nodes / self.spread) ** 2) / 2)
        return nodes, density / jnp.sum(density)

    def share(self, chance: Array) -> Array:
        return self.spread * ndtri(0.5 + chance * (ndtr(1 / self.spread) - 0.5))


__all__ = ["DrawnShiftLoss", "NormalShiftLoss", "UniformShiftLoss"]
