"""The hinge losses: plain, squared and smoothed, with closed-form averages.

Source: theory `dynamics.md` section 2.2; the averages of the smoothed hinge are derived here from truncated moments.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.stats import norm

from jominy.losses.base import Averages, MarginLoss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule


class HingeLoss(MarginLoss):
    """max(1 - y r, 0) for labels y = -1, +1.

    With u = (1 - a)/s for a margin z ~ N(a, s^2): E l = (1 - a) Phi(u) + s phi(u), E l' = -Phi(u),
    E l'' = phi(u)/s (the density of the margin at the kink), E l'^2 = Phi(u).

    >>> import jax.numpy as jnp
    >>> float(HingeLoss()(jnp.array(0.25), jnp.array(1.0)))
    0.75
    """

    bounded_slope: ClassVar[bool] = True
    closed_form: ClassVar[bool] = True
    kinks: tuple[float, ...] = eqx.field(default=(1.0,), static=True, kw_only=True)

    def profile(self, margin: Array) -> Array:
        return jnp.maximum(1 - margin, 0.0)

    def slope(self, margin: Array) -> Array:
        return jnp.where(margin < 1, -1.0, 0.0)

    def averages(self, mean: Array, sd: Array, rule: GaussianRule) -> Averages:
        u = (1 - mean) / sd
        below, density = norm.cdf(u), norm.pdf(u)
        return Averages((1 - mean) * below + sd * density, -below, density / sd, below)


class SquaredHingeLoss(MarginLoss):
    """max(1 - y r, 0)^2 / 2 for labels y = -1, +1.

    With u = (1 - a)/s, m1 = (1 - a) Phi(u) + s phi(u) and m2 = ((1 - a)^2 + s^2) Phi(u) + (1 - a) s phi(u):
    E l = m2/2, E l' = -m1, E l'' = Phi(u), E l'^2 = m2.

    >>> import jax.numpy as jnp
    >>> float(SquaredHingeLoss()(jnp.array(-1.0), jnp.array(1.0)))
    2.0
    """

    closed_form: ClassVar[bool] = True
    kinks: tuple[float, ...] = eqx.field(default=(1.0,), static=True, kw_only=True)

    def profile(self, margin: Array) -> Array:
        return jnp.maximum(1 - margin, 0.0) ** 2 / 2

    def slope(self, margin: Array) -> Array:
        return -jnp.maximum(1 - margin, 0.0)

    def averages(self, mean: Array, sd: Array, rule: GaussianRule) -> Averages:
        u = (1 - mean) / sd
        below, density = norm.cdf(u), norm.pdf(u)
        first = (1 - mean) * below + sd * density
        second = jnp.maximum(((1 - mean) ** 2 + sd**2) * below + (1 - mean) * sd * density, 0.0)
        return Averages(second / 2, -first, below, second)


class SmoothedHingeLoss(MarginLoss):
    """1/2 - z for z <= 0, (1 - z)^2 / 2 for 0 <= z <= 1, and 0 beyond; z = y r for labels y = -1, +1.

    With the truncated moments T_k = E[(1 - z)^k; 0 < z < 1] and P = Pr(z < 0), z ~ N(a, s^2):
    E l = T_2/2 + E[1/2 - z; z < 0], E l' = -T_1 - P, E l'' = T_0, E l'^2 = T_2 + P.

    >>> import jax.numpy as jnp
    >>> float(SmoothedHingeLoss()(jnp.array(0.0), jnp.array(1.0)))
    0.5
    """

    bounded_slope: ClassVar[bool] = True
    closed_form: ClassVar[bool] = True
    kinks: tuple[float, ...] = eqx.field(default=(0.0, 1.0), static=True, kw_only=True)

    def profile(self, margin: Array) -> Array:
        inside = jnp.clip(1 - margin, 0.0, 1.0)
        return inside**2 / 2 + jnp.maximum(-margin, 0.0)

    def slope(self, margin: Array) -> Array:
        return -jnp.clip(1 - margin, 0.0, 1.0)

    def averages(self, mean: Array, sd: Array, rule: GaussianRule) -> Averages:
        low, high = -mean / sd, (1 - mean) / sd
        wrong, at_low, at_high = norm.cdf(low), norm.pdf(low), norm.pdf(high)
        # Pr(0 < z < 1) from the tail in which it does not cancel.
        between = jnp.where(low > 0, norm.cdf(-low) - norm.cdf(-high), norm.cdf(high) - wrong)
        first = (1 - mean) * between + sd * (at_high - at_low)
        second = ((1 - mean) ** 2 + sd**2) * between + sd * ((1 - mean) * (at_high - 2 * at_low) - mean * at_low)
        second = jnp.maximum(second, 0.0)
        value = second / 2 + (0.5 - mean) * wrong + sd * at_low
        return Averages(value, -first - wrong, between, second + wrong)
