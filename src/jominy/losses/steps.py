"""Expectations over one step of SGD, of one order beyond those of the forecast.

Source: theory `fluctuations.md` section 2. Given the class, the score that decides the slope is Gaussian, and a step is
affine in the features phi = (Psi_r, Psi_r u_1 .. Psi_r u_m, h, Psi_r^2): h = Psi_rho / rho, u the standardised score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from jominy.losses.expectations import FLOOR, OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule, gaussian_expectation

if TYPE_CHECKING:
    from jominy.losses.base import Loss, MarginLoss, ResidualLoss
    from jominy.losses.random_labels import RandomLabels, TeacherGiven

SLOPE = 0
"""The first feature; those along the score follow, and the last two are h and Psi_r^2."""


class StepMoments(NamedTuple):
    """What one step needs, n components.

    Attributes:
        second: (n, m + 3, m + 3) E_i[phi phi'], with E_i[Psi_r^2 (u_a u_b - delta_ab)] along the score.
        directions: (n, m, 2) the score in standard units is u_c = directions[c] @ (<X, x>, <X*, x>), centred.
    """

    second: Array
    directions: Array


def _tilt(loss: Loss, sd: Array) -> Array | None:
    """How much further the fourth power of a slope that grows exponentially reaches than a Gaussian."""
    return 4 * loss.growth * sd if loss.growth else None


def margin_step_moments(
    loss: MarginLoss, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule
) -> StepMoments:
    """Of a margin loss and given labels (n,), by quadrature split at kinks."""
    sd, up, ridge = _sd(order.margin_variance), labels[:, None], -radius / jnp.maximum(order.size, FLOOR)

    def pairs(z: Array, u: Array) -> Array:  # u of the margin z = y r - eps rho: the score's, times the label
        slope = loss.slope(z)
        return _pairs(jnp.stack([up * slope, slope * u, ridge * slope, slope**2]))

    mean = labels * order.margin_mean - radius * order.size
    second = gaussian_expectation(pairs, mean, sd, rule, loss.bends, _tilt(loss, sd))
    return StepMoments(jnp.moveaxis(second, -1, 0), jnp.stack([1 / sd, 0 * sd], axis=-1)[:, None])


def residual_step_moments(loss: ResidualLoss, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
    """Of a residual loss and a linear target, by quadrature split at kinks."""
    sd, shift, ridge = _sd(order.residual_variance), radius * order.size, radius / jnp.maximum(order.size, FLOOR)
    outer = [jnp.maximum(kink - shift, 0.0) for kink in loss.bends]
    kinks = [*(-kink for kink in reversed(outer)), jnp.zeros_like(shift), *outer]

    def pairs(e: Array, u: Array) -> Array:
        slope, shift_slope = loss.adversarial_slopes(e, shift, jnp.zeros_like(e))
        return _pairs(jnp.stack([slope, slope * u, ridge * shift_slope, slope**2]))

    second = gaussian_expectation(pairs, order.residual_mean, sd, rule, kinks, _tilt(loss, sd))
    return StepMoments(jnp.moveaxis(second, -1, 0), jnp.stack([1 / sd, -1 / sd], axis=-1)[:, None])


def corners(loss: Loss, labels: Array, shift: Array) -> list[Array]:
    """Of the attacked loss's slope, (n,) each: in the score for given labels, in the residual for a linear target."""
    if loss.needs_classes:
        return [labels * (kink + shift) for kink in loss.bends]
    outer = [jnp.maximum(kink - shift, 0.0) for kink in loss.bends]
    places = [jnp.zeros_like(shift), *outer, *(-kink for kink in outer)]
    return [place + jnp.zeros_like(labels) for place in places]


def score_step_moments(
    loss: Loss, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule, places: Sequence[Array]
) -> StepMoments:
    """Of any loss whose slopes are known score by score, by quadrature split at `places`; see `corners`."""
    shift, ridge = radius * order.size, radius / jnp.maximum(order.size, FLOOR)
    if loss.needs_classes:
        mean, sd, target, teacher = order.margin_mean, _sd(order.margin_variance), labels[:, None], 0.0
    else:
        mean, sd, target, teacher = order.residual_mean, _sd(order.residual_variance), 0.0 * labels[:, None], -1.0

    def pairs(score: Array, u: Array) -> Array:
        slope, shift_slope = loss.adversarial_slopes(score, shift, target + 0 * score)
        return _pairs(jnp.stack([slope, slope * u, ridge * shift_slope, slope**2]))

    kinks = list(jnp.sort(jnp.stack(list(places)), axis=0)[..., None]) if places else []
    second = gaussian_expectation(pairs, mean, sd, rule, kinks, _tilt(loss, sd))
    return StepMoments(jnp.moveaxis(second, -1, 0), jnp.stack([1 / sd, teacher / sd], axis=-1)[:, None])


def averaged_steps(told: StepMoments, weights: Array) -> StepMoments:
    """Of a loss that is one of several, drawn with these probabilities (K,) for every sample; leaves (K, ...)."""
    return StepMoments(jnp.tensordot(weights, told.second, 1), told.directions[0])


def random_label_step_moments(
    targets: RandomLabels,
    given: TeacherGiven,
    loss: MarginLoss,
    order: OrderParameters,
    radius: Array,
    rule: GaussianRule,
) -> StepMoments:
    """Of a margin loss and random labels.

    The teacher's score is mean + pull u_1 + sd u_2 with u_2 independent: E[pi u_2^b | u_1] are derivatives of p.
    """
    shift, ridge = radius * order.size, -radius / jnp.maximum(order.size, FLOOR)
    beside = _sd(given.variance)
    power = jnp.array([0, 0, 1, 0, 0])  # of u_2 in each feature
    both = power[:, None] + power[None]

    def pairs(r: Array, u: Array) -> Array:
        chance, slope, bend = _chance_and_derivatives(targets, given, u)
        sd = beside[:, None]
        plus = jnp.stack([chance, sd * slope, sd**2 * bend])  # E[pi 1], E[pi u_2], E[pi (u_2^2 - 1)]
        minus = jnp.stack([1 - chance, -sd * slope, -(sd**2) * bend])

        def of_label(sign: float, weight: Array) -> Array:
            along = loss.slope(sign * r - shift)
            own = sign * along
            features = jnp.stack([own, own * u, own, ridge * along, along**2])
            return _pairs(features, weight[both], weight[0])

        return of_label(1.0, plus) + of_label(-1.0, minus)

    kinks = [side * (shift + kink) for kink in loss.bends for side in (1.0, -1.0)]
    second = targets.expect(pairs, order, given, rule, kinks, _tilt(loss, given.sd))
    first = jnp.stack([1 / given.sd, 0 * given.sd], axis=-1)
    other = jnp.stack([-given.pull / (given.sd * beside), 1 / beside], axis=-1)
    return StepMoments(jnp.moveaxis(second, -1, 0), jnp.stack([first, other], axis=1))


def _chance_and_derivatives(targets: RandomLabels, given: TeacherGiven, u: Array) -> tuple[Array, Array, Array]:
    """E[pi | u_1] and its first two derivatives by the teacher's mean score."""
    mean, variance = given.mean[:, None] + given.pull[:, None] * u, given.variance[:, None]

    def averaged(centre: Array) -> tuple[Array, Array]:
        return targets.law.averaged(centre, variance, targets.inner)

    (chance, slope), (_, bend) = jax.jvp(averaged, (mean,), (jnp.ones_like(mean),))
    return chance, slope, bend


def _pairs(features: Array, weights: Array | float = 1.0, weight: Array | float = 1.0) -> Array:
    """phi phi' of the features (p, ...) times `weights` (p, p, ...), the first direction along the score corrected."""
    pairs = features[:, None] * features[None] * weights
    return jnp.asarray(pairs).at[1, 1].add(-(features[SLOPE] ** 2) * weight)


def _sd(variance: Array) -> Array:
    return jnp.sqrt(jnp.maximum(variance, FLOOR))
