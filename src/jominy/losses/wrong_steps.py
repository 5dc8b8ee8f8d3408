"""What a training does whose gradients are clipped or whose weights decay, beside the loss that it is measured by.

Both are losses of score and shift like any other, so that every engine takes them; risks are read by the loss inside
(`Loss.measured`). One sample's gradient is Psi_r x + h X: as d grows its length is |Psi_r| ||x||, so clipping it to a
length clips the slope of the loss (derived here from theory `dynamics.md` section 1). Weights that decay at a rate
lambda per unit of the learning rate feel h + lambda in the place of h = radius Psi_s / ||X||.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp

from jominy.losses.base import Loss, MarginLoss, ResidualLoss
from jominy.losses.expectations import Moments, OrderParameters
from jominy.losses.steps import StepMoments
from jominy.losses.wrapped import WrappedLoss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.precision import double_precision


class Clipping(NamedTuple):
    """How the slopes of a loss can be clipped: from the point `bend` on, which lies between `lowest` and `highest`.

    unclipped : a bend beyond all that is met
    usual : bends that are
    """

    loss: Loss
    unclipped: float
    lowest: float
    highest: float
    usual: tuple[float, ...]

    def at(self, bend: float) -> Loss:
        """The loss that is straight from there on."""
        if isinstance(self.loss, MarginLoss):
            return ClippedMarginLoss(self.loss, bend)
        assert isinstance(self.loss, ResidualLoss)
        return ClippedResidualLoss(self.loss, bend)

    @double_precision
    def slope(self, bend: float) -> float:
        """The steepest slope that is left."""
        assert isinstance(self.loss, MarginLoss | ResidualLoss)
        return abs(float(self.loss.slope(jnp.asarray(bend))))


def clipping_of(loss: Loss, scale: float) -> Clipping | None:
    """How the slopes of a loss can be clipped, residuals being of size `scale`; None for other losses."""
    if isinstance(loss, MarginLoss):
        return Clipping(loss, -20.0, -20.0, 8.0, (-1.0, 0.0, 0.5, 1.0, 2.0))
    if isinstance(loss, ResidualLoss):
        return Clipping(loss, 20 * scale, 0.02 * scale, 20 * scale, (0.25 * scale, 0.5 * scale, scale, 2 * scale))
    return None


class ClippedMarginLoss(MarginLoss):
    """Another loss of the margin, straight below the margin `bend`: no slope is steeper than that there.

    >>> import jax.numpy as jnp
    >>> from jominy.losses import SquaredHingeLoss
    >>> clipped = ClippedMarginLoss(SquaredHingeLoss(), 0.0)
    >>> float(clipped(jnp.array(-1.0), jnp.array(1.0))), float(clipped.slope(jnp.array(-1.0)))
    (1.5, -1.0)
    """

    loss: MarginLoss
    bend: float
    bounded_slope: ClassVar[bool] = True

    def __init__(self, loss: MarginLoss, bend: float) -> None:
        self.loss, self.bend = loss, bend
        self.growth, self.sharpness = loss.growth, loss.sharpness

    @property
    def bends(self) -> tuple[Any, ...]:
        return tuple(jnp.sort(jnp.stack([*(jnp.asarray(kink, dtype=float) for kink in self.loss.kinks), self.bend])))

    @property
    def measured(self) -> Loss:
        return self.loss.measured

    def profile(self, margin: Array) -> Array:
        held = jnp.maximum(margin, self.bend)
        return self.loss.profile(held) + (margin - held) * self.loss.slope(held)

    def slope(self, margin: Array) -> Array:
        return self.loss.slope(jnp.maximum(margin, self.bend))


class ClippedResidualLoss(ResidualLoss):
    """Another loss of the residual, straight beyond the attacked residual `bend`: no slope is steeper than that there.

    >>> import jax.numpy as jnp
    >>> from jominy.losses import SquaredLoss
    >>> float(ClippedResidualLoss(SquaredLoss(), 1.0)(jnp.array(3.0), jnp.array(0.0)))  # Huber's
    2.5
    """

    loss: ResidualLoss
    bend: float
    bounded_slope: ClassVar[bool] = True

    def __init__(self, loss: ResidualLoss, bend: float) -> None:
        self.loss, self.bend = loss, bend
        self.growth, self.sharpness = loss.growth, loss.sharpness

    @property
    def bends(self) -> tuple[Any, ...]:
        return tuple(jnp.sort(jnp.stack([*(jnp.asarray(kink, dtype=float) for kink in self.loss.kinks), self.bend])))

    @property
    def measured(self) -> Loss:
        return self.loss.measured

    def profile(self, residual: Array) -> Array:
        size = jnp.abs(residual)
        held = jnp.minimum(size, self.bend)
        return self.loss.profile(held) + (size - held) * self.loss.slope(held)


class DecayedLoss(WrappedLoss):
    """Another loss with `ridge` * shift^2 / 2 beside it: weights that decay at ridge * radius^2, radius > 0."""

    ridge: float
    closed_form: ClassVar[bool] = False

    def __init__(self, loss: Loss, ridge: float) -> None:
        super().__init__(loss)
        self.ridge = ridge

    @property
    def plain(self) -> Loss:
        return self

    @property
    def measured(self) -> Loss:
        return self.loss.measured

    @property
    def steps_known(self) -> bool:  # type: ignore[override]
        return self.loss.steps_known

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return self.loss.adversarial(score, shift, target) + self.ridge * shift**2 / 2

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        slope, along = self.loss.adversarial_slopes(score, shift, target)
        return slope, along + self.ridge * shift

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        found, pull = self.loss.moments(order, labels, shift, rule), self.ridge * shift
        return found._replace(
            value=found.value + self.ridge * shift**2 / 2,
            shift_slope=found.shift_slope + pull,
            slope_shift_slope=found.slope_shift_slope + pull * found.slope,
            shift_slope_squared=found.shift_slope_squared + 2 * pull * found.shift_slope + pull**2,
        )

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        told = self.loss.step_moments(labels, order, radius, rule)
        means = self.loss.moments(order, labels, radius * order.size, rule)
        decay = self.ridge * radius**2
        # Of the features (Psi_r, Psi_r u, h, Psi_r^2) the third is h + decay; E Psi_r u = E Psi_rr sd by Stein's lemma.
        along = means.curvature / jnp.maximum(jnp.abs(told.directions[:, 0, 0]), 1e-300)
        ridge = radius * means.shift_slope / jnp.maximum(order.size, 1e-300)
        first = jnp.stack([means.slope, along, ridge, means.slope_squared], axis=1)
        unit = jnp.zeros(4).at[2].set(decay)
        more = first[:, :, None] * unit + unit[:, None] * first[:, None, :] + unit[:, None] * unit
        return told._replace(second=told.second + more)
