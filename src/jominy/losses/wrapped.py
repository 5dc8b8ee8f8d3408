"""Losses made of another loss: clean and adversarial on the same sample, a coin between them, class weights, TRADES.

Each is a loss of score, shift and target like any other, so that every engine takes it.

Source: theory `attacks.md` section 6. A mixture on the same sample and a coin have one expected gradient, hence one
optimum and one curve as the rate goes to zero; the coin is noisier by alpha (1 - alpha) E (Psi_r - l_r)^2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp

from jominy.errors import InputError
from jominy.losses.base import Loss, SmoothedSlopes
from jominy.losses.expectations import FLOOR, Moments, OrderParameters
from jominy.losses.logistic import softplus
from jominy.losses.steps import StepMoments, averaged_steps, corners, score_step_moments
from jominy.losses.targets import Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule

if TYPE_CHECKING:
    from jominy.data import DenseLaw, EigenLaw, GaussianMixture, Samples


class WrappedLoss(Loss):
    """A loss made of another one, whose properties it has where it does not say otherwise."""

    loss: Loss

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.growth, self.sharpness, self.kinks = loss.growth, loss.sharpness, ()

    @property
    def needs_classes(self) -> bool:  # type: ignore[override]
        return self.loss.needs_classes

    @property
    def plain(self) -> Loss:
        return self.loss.plain

    @property
    def kinked(self) -> bool:
        return self.loss.kinked

    @property
    def bounded_slope(self) -> bool:  # type: ignore[override]
        return self.loss.bounded_slope

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return self.loss.convex

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return self.loss.closed_form

    @property
    def corner_at_target(self) -> bool:  # type: ignore[override]
        return self.loss.corner_at_target

    @property
    def infimum(self) -> float:
        return self.loss.infimum

    @property
    def random(self) -> bool:
        return self.loss.random

    @property
    def steps_known(self) -> bool:  # type: ignore[override]
        return self.loss.steps_known

    def __call__(self, score: Array, target: Array) -> Array:
        return self.loss(score, target)

    def check(self, data: GaussianMixture | Samples) -> None:
        self.loss.check(data)
        for name in ("label_law", "teacher_link"):
            if getattr(data, name, None) is not None:
                raise InputError(
                    "Objectives and class weights are for targets that are labels, or linear in the input",
                    getattr(data, name),
                    f"Leave {name} out, or train on the adversarial loss alone",
                )

    def targets(self, law: EigenLaw | DenseLaw) -> Targets:
        return self.loss.targets(law)

    def logit_sd(self, order: OrderParameters) -> Array:
        return self.loss.logit_sd(order)

    def unit_score(self, mean_square_target: float) -> float:
        return self.loss.unit_score(mean_square_target)

    def describe(self) -> dict[str, Any]:
        return self.loss.describe()


class MixedLoss(WrappedLoss):
    """alpha times the clean loss and 1 - alpha times the adversarial one, of the same sample."""

    clean: float

    def __init__(self, loss: Loss, clean: float) -> None:
        super().__init__(loss)
        self.clean = clean

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return self.loss.least_squares

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return self.clean * self.loss(score, target) + (1 - self.clean) * self.loss.adversarial(score, shift, target)

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        still, _ = self.loss.adversarial_slopes(score, jnp.zeros_like(shift), target)
        slope, along = self.loss.adversarial_slopes(score, shift, target)
        return self.clean * still + (1 - self.clean) * slope, (1 - self.clean) * along

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> SmoothedSlopes:
        still = self.loss.smoothed(score, jnp.zeros_like(shift), target, smoothing)
        moved = self.loss.smoothed(score, shift, target, smoothing)
        return _mixed_slopes(still, moved, self.clean)

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        still, moved = _both(self.loss, order, labels, shift, rule)
        with_slope, with_shift = self.loss.clean_times_attacked(order, labels, shift, rule)
        c, a = self.clean, 1 - self.clean
        return _mixed(still, moved, c)._replace(
            slope_squared=c**2 * still.slope_squared + a**2 * moved.slope_squared + 2 * c * a * with_slope,
            slope_shift_slope=a**2 * moved.slope_shift_slope + c * a * with_shift,
            shift_slope_squared=a**2 * moved.shift_slope_squared,
        )

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        shift = radius * order.size
        places = corners(self.loss, labels, shift) + corners(self.loss, labels, jnp.zeros_like(shift))
        return score_step_moments(self, labels, order, radius, rule, places)


class CoinLoss(MixedLoss):
    """The clean loss of a sample with probability alpha, else its adversarial loss: a mixture on average."""

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return self.loss.closed_form

    @property
    def random(self) -> bool:
        return True

    def sample_slopes(self, score: Array, shift: Array, target: Array, chance: Array) -> tuple[Array, Array]:
        attacked = jnp.where(chance < self.clean, 0.0, 1.0)
        slope, along = self.loss.sample_slopes(score, attacked * shift, target, chance)
        return slope, attacked * along

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        still, moved = _both(self.loss, order, labels, shift, rule)
        return _mixed(still, moved, self.clean)

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        radii = jnp.stack([jnp.zeros_like(radius), radius])
        told = jax.vmap(lambda one: self.loss.step_moments(labels, order, one, rule))(radii)
        return averaged_steps(told, jnp.stack([self.clean, 1 - self.clean]))


def _both(
    loss: Loss, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule
) -> tuple[Moments, Moments]:
    """Without and with attack; without one the loss does not depend on the shift."""
    still = loss.moments(order, labels, jnp.zeros_like(shift), rule)
    none = jnp.zeros_like(still.shift_slope)
    still = still._replace(shift_slope=none, slope_shift_slope=none, shift_slope_squared=none)
    return still, loss.moments(order, labels, shift, rule)


def _mixed(still: Moments, moved: Moments, clean: Any) -> Moments:
    return jax.tree.map(lambda one, other: clean * one + (1 - clean) * other, still, moved)


def _mixed_slopes(still: SmoothedSlopes, moved: SmoothedSlopes, clean: Any) -> SmoothedSlopes:
    a, none = 1 - clean, jnp.zeros_like(still.value)
    still = still._replace(by_shift=none, by_score_and_shift=none, by_shift_twice=none)
    return jax.tree.map(lambda one, other: clean * one + a * other, still, moved)


class ClassWeightedLoss(WrappedLoss):
    """A loss times the weight of the sample's class: of label -1, and of label +1."""

    negative: float
    positive: float

    def __init__(self, loss: Loss, weights: tuple[float, float]) -> None:
        super().__init__(loss)
        self.negative, self.positive = weights

    def weight(self, target: Array) -> Array:
        """That of labels, elementwise."""
        return jnp.where(target > 0, self.positive, self.negative)

    @property
    def infimum(self) -> float:
        return self.loss.infimum * max(self.negative, self.positive)

    def __call__(self, score: Array, target: Array) -> Array:
        return self.weight(target) * self.loss(score, target)

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return self.weight(target) * self.loss.adversarial(score, shift, target)

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        slope, along = self.loss.adversarial_slopes(score, shift, target)
        return self.weight(target) * slope, self.weight(target) * along

    def sample_slopes(self, score: Array, shift: Array, target: Array, chance: Array) -> tuple[Array, Array]:
        slope, along = self.loss.sample_slopes(score, shift, target, chance)
        return self.weight(target) * slope, self.weight(target) * along

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> SmoothedSlopes:
        found = self.loss.smoothed(score, shift, target, smoothing)
        return jax.tree.map(lambda part: self.weight(target) * part, found)

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        found = self.loss.moments(order, labels, shift, rule)
        once = self.weight(labels)
        twice = once**2
        return jax.tree.map(lambda part: once * part, found)._replace(
            slope_squared=twice * found.slope_squared,
            slope_shift_slope=twice * found.slope_shift_slope,
            shift_slope_squared=twice * found.shift_slope_squared,
        )

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        told = self.loss.step_moments(labels, order, radius, rule)
        once = self.weight(labels)
        # All features but the last, a square, have the weight once.
        parts = jnp.stack([once] * (told.second.shape[-1] - 1) + [once**2], axis=-1)
        return told._replace(second=told.second * parts[:, :, None] * parts[:, None, :])


class TradesLoss(WrappedLoss):
    """l(y r) + beta max KL(sigmoid(r) || sigmoid(r')) over attacked scores r', l the logistic loss.

    The worst r' moves towards zero: with a = |r| and L the softplus K = L(a - s) - L(a) + s sigmoid(a). The gradient
    goes through both arguments.
    """

    convex: ClassVar[bool] = False
    closed_form: ClassVar[bool] = False
    beta: float

    def __init__(self, loss: Loss, beta: float) -> None:
        super().__init__(loss)
        self.beta = beta

    @property
    def kinked(self) -> bool:
        return True

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return self.loss(score, target) + self.beta * _divergence(jnp.abs(score), shift)

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        own, _ = self.loss.adversarial_slopes(score, jnp.zeros_like(shift), target)
        size = jnp.abs(score)
        still, moved = jax.nn.sigmoid(size), jax.nn.sigmoid(size - shift)
        along = moved - still + shift * still * (1 - still)
        return own + self.beta * jnp.sign(score) * along, self.beta * (still - moved)

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> SmoothedSlopes:
        def psi(r: Array, s: Array) -> Array:
            return self.loss(r, target) + self.beta * _divergence(jnp.sqrt(r**2 + smoothing**2), s)

        return SmoothedSlopes.of(psi, score, shift)

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        sd = jnp.sqrt(jnp.maximum(order.margin_variance, FLOOR))
        labels = labels[:, None]

        def integrand(r: Array, u: Array) -> tuple[Array, ...]:
            slope, along = self.adversarial_slopes(r, shift, labels)
            value = self.adversarial(r, shift, labels)
            # Stein's lemma: the corner at r = 0 counts in the curvature.
            return value, slope, slope * u, along, slope**2, slope * along, along**2

        kink = (jnp.zeros_like(shift),)
        value, slope, curved, along, square, mixed, other = self.expect(integrand, order.margin_mean, sd, rule, kink)
        return Moments(value, slope, curved / sd, jnp.zeros_like(slope), along, square, mixed, other)

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        return score_step_moments(self, labels, order, radius, rule, [jnp.zeros_like(labels)])


def _divergence(size: Array, shift: Array) -> Array:
    """max KL(sigmoid(r) || sigmoid(r')) over |r' - r| <= shift, at |r| = size."""
    return softplus(size - shift) - softplus(size) + shift * jax.nn.sigmoid(size)


class TradesSquaredLoss(WrappedLoss):
    """(r - y)^2 / 2 + beta max (r - r')^2 / 2: a ridge, and no corner."""

    beta: float

    def __init__(self, loss: Loss, beta: float) -> None:
        super().__init__(loss)
        self.beta = beta

    @property
    def corner_at_target(self) -> bool:  # type: ignore[override]
        return False

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return (score - target) ** 2 / 2 + self.beta * shift**2 / 2

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        return score - target, self.beta * shift + jnp.zeros_like(score)

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> SmoothedSlopes:
        return SmoothedSlopes.of(lambda r, s: self.adversarial(r, s, target), score, shift)

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        mean, square = order.residual_mean, order.residual_variance + order.residual_mean**2
        one, push = jnp.ones_like(mean), self.beta * shift
        return Moments(
            value=(square + self.beta * shift**2) / 2,
            slope=mean,
            curvature=one,
            teacher_curvature=-one,
            shift_slope=push * one,
            slope_squared=square,
            slope_shift_slope=push * mean,
            shift_slope_squared=push**2 * one,
        )

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        return score_step_moments(self, labels, order, radius, rule, [])


__all__ = ["ClassWeightedLoss", "CoinLoss", "MixedLoss", "TradesLoss", "TradesSquaredLoss", "WrappedLoss"]
