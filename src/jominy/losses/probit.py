"""The probit loss."""

import jax.numpy as jnp
from jax.scipy.stats import norm

from jominy.losses.base import MarginLoss
from jominy.numerics.arrays import Array

TAIL = 3.0
"""Below -TAIL the continued fraction of the Mills ratio is used; above, the normal distribution function itself."""
TERMS = 36
"""Terms of the fraction: the error is about exp(-2 t sqrt(2 TERMS)), 1e-22 at t = TAIL."""


class ProbitLoss(MarginLoss):
    """-log Phi(y r), Phi the normal distribution function, for labels y = -1, +1.

    With the inverse Mills ratio h = phi/Phi: slope -h(z), curvature h(z) (h(z) + z), both accurate for every z.
    Source: theory `dynamics.md` section 2.2.

    >>> import jax.numpy as jnp
    >>> round(float(ProbitLoss()(jnp.array(0.0), jnp.array(1.0))), 4)
    0.6931
    """

    def profile(self, margin: Array) -> Array:
        t = jnp.maximum(-margin, TAIL)
        lost = t**2 / 2 + jnp.log(jnp.sqrt(2 * jnp.pi) * (t + _excess(t)))
        low = -jnp.log(norm.cdf(jnp.clip(margin, -TAIL, 0.0)))
        high = -jnp.log1p(-norm.cdf(-jnp.maximum(margin, 0.0)))
        return jnp.where(margin < -TAIL, lost, jnp.where(margin < 0, low, high))

    def slope(self, margin: Array) -> Array:
        return -_ratio(margin)[0]

    def curvature(self, margin: Array) -> Array:
        ratio, excess = _ratio(margin)
        return ratio * excess


def _ratio(margin: Array) -> tuple[Array, Array]:
    """h = phi/Phi at the margin z, and h + z without cancellation."""
    t = jnp.maximum(-margin, TAIL)
    z = jnp.maximum(margin, -TAIL)
    far, near = _excess(t), norm.pdf(z) / norm.cdf(z)
    lost = margin < -TAIL
    return jnp.where(lost, t + far, near), jnp.where(lost, far, near + z)


def _excess(t: Array) -> Array:
    """h - t = 1/(t + 2/(t + 3/(t + ...))), the continued fraction of Laplace, for t >= TAIL."""
    tail = t
    for k in range(TERMS, 1, -1):
        tail = t + k / tail
    return 1 / tail
