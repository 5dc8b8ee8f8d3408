"""The squared loss, with closed-form moments."""

from typing import ClassVar

import jax.numpy as jnp
from jax.scipy.special import erf
from jax.scipy.stats import norm

from jominy.losses.base import FLOOR, Moments, OrderParameters, ResidualLoss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule


class SquaredLoss(ResidualLoss):
    """(r - y)^2 / 2; under attack (|r - y| + shift)^2 / 2.

    Source: theory `dynamics.md` section 2.1 and, for the mixed slopes, `realdata.md` section 1.

    >>> import jax.numpy as jnp
    >>> float(SquaredLoss()(jnp.array(3.0), jnp.array(1.0)))
    2.0
    """

    closed_form: ClassVar[bool] = True
    least_squares: ClassVar[bool] = True

    def profile(self, residual: Array) -> Array:
        return residual**2 / 2

    def clean_times_attacked(
        self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule
    ) -> tuple[Array, Array]:
        b, variance = order.residual_mean, jnp.maximum(order.residual_variance, FLOOR)
        sd = jnp.sqrt(variance)
        u = b / sd
        sign, density = erf(u / jnp.sqrt(2.0)), norm.pdf(u)
        square = variance + b**2
        return square + shift * (2 * sd * density + b * sign), square * sign + 2 * b * sd * density + shift * b

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        b = order.residual_mean
        variance = jnp.maximum(order.residual_variance, FLOOR)
        sd = jnp.sqrt(variance)
        u = b / sd
        sign = erf(u / jnp.sqrt(2.0))  # E sign(e)
        size = 2 * sd * norm.pdf(u) + b * sign  # E |e|
        value = (variance + b**2 + 2 * shift * size + shift**2) / 2
        curvature = 1 + 2 * shift * norm.pdf(u) / sd
        return Moments(
            value=value,
            slope=b + shift * sign,
            curvature=curvature,
            teacher_curvature=-curvature,
            shift_slope=size + shift,
            slope_squared=2 * value,
            slope_shift_slope=(b**2 + variance) * sign + 2 * b * sd * norm.pdf(u) + 2 * shift * b + shift**2 * sign,
            shift_slope_squared=2 * value,
        )
