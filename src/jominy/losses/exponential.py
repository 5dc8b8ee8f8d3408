"""The exponential loss."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from jominy.losses.base import Averages, MarginLoss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule

LARGEST_EXPONENT = 300.0
"""Exponents are cut here: a student of so large a risk has diverged, and must not overflow."""


class ExponentialLoss(MarginLoss):
    """exp(-y r) for labels y = -1, +1 (the loss of boosting).

    For a margin z ~ N(a, s^2): E l = -E l' = E l'' = exp(-a + s^2/2), E l'^2 = exp(-2 a + 2 s^2). The noise of SGD
    grows like exp(2 s^2), so that training may diverge at any rate once the student is large; averages over few runs
    are dominated by the rarest samples. Source: theory `dynamics.md` section 2.2 and pitfall 8.

    >>> import jax.numpy as jnp
    >>> round(float(ExponentialLoss()(jnp.array(1.0), jnp.array(-1.0))), 4)
    2.7183
    """

    closed_form: ClassVar[bool] = True
    growth: float = eqx.field(default=1.0, static=True, kw_only=True)

    def profile(self, margin: Array) -> Array:
        return jnp.exp(jnp.minimum(-margin, LARGEST_EXPONENT))

    def slope(self, margin: Array) -> Array:
        return -self.profile(margin)

    def curvature(self, margin: Array) -> Array:
        return self.profile(margin)

    def averages(self, mean: Array, sd: Array, rule: GaussianRule) -> Averages:
        value = jnp.exp(jnp.minimum(-mean + sd**2 / 2, LARGEST_EXPONENT))
        return Averages(value, -value, value, jnp.exp(jnp.minimum(-2 * mean + 2 * sd**2, LARGEST_EXPONENT)))
