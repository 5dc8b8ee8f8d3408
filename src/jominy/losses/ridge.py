"""The squared loss with a ridge instead of an attack."""

from typing import ClassVar

from jominy.losses.base import ResidualLoss
from jominy.losses.expectations import Moments, OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule


class RidgeSquaredLoss(ResidualLoss):
    """(r - y)^2 / 2 + radius^2 ||X||^2 / 2: ridge regression, the problem's `radius` being the root of the ridge.

    Adversarial least squares is this under an adaptive rate and an adaptive ridge, up to the size of the noise:
    `least_squares_equivalent` makes it. What results call adversarial risk is here the risk with the ridge's term.

    Source: theory `dynamics.md` section 4.1.

    >>> import jax.numpy as jnp
    >>> [float(part) for part in RidgeSquaredLoss().adversarial_slopes(jnp.array(3.0), jnp.array(0.5), 1.0)]
    [2.0, 0.5]
    """

    closed_form: ClassVar[bool] = True
    corner_at_target: ClassVar[bool] = False

    def profile(self, residual: Array) -> Array:
        return residual**2 / 2

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return (score - target) ** 2 / 2 + shift**2 / 2

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        return score - target, shift

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        mean, square = order.residual_mean, order.residual_variance + order.residual_mean**2
        one = 1 + 0 * mean
        return Moments(
            value=(square + shift**2) / 2,
            slope=mean,
            curvature=one,
            teacher_curvature=-one,
            shift_slope=shift * one,
            slope_squared=square,
            slope_shift_slope=shift * mean,
            shift_slope_squared=shift**2 * one,
        )
