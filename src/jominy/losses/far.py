"""A margin loss on classes so far apart that its averages lie in the tail of the margin, or below the smallest number.

With means twenty standard deviations apart the adversarial risk of the optimum is about 1e-21 and comes from margins
that no quadrature around their mean ever visits; at eighty it is below 1e-308. The optimum is as definite as any other.
Source: ours. With z = mean + sd u and u = shift + n, E f(z) = exp(-shift^2 / 2) E_n[f(z) exp(-shift n)]: the same
quadrature around the place where the average is made, with a known factor.
"""

import equinox as eqx
import jax.numpy as jnp

from jominy.losses.base import Averages, MarginLoss
from jominy.losses.exponential import ExponentialLoss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule, gaussian_expectation

PLACES = 256
"""At so many margins the place is looked for at which an average is made."""
LARGEST_EXPONENT = 700.0


class TailScaledLoss(MarginLoss):
    """`loss` in units in which nothing underflows: what an optimum asks for.

    The averages of slope and curvature are divided by the mean size of the slope over all classes, which changes no
    optimum; the value is the same for every class, the logarithm of the risk.
    """

    loss: MarginLoss
    weights: Array
    kinks: tuple[float, ...] = eqx.field(default=(), static=True, kw_only=True)

    def profile(self, margin: Array) -> Array:
        return self.loss.profile(margin)

    def averages(self, mean: Array, sd: Array, rule: GaussianRule) -> Averages:
        if isinstance(self.loss, ExponentialLoss):
            logarithm = sd**2 / 2 - mean
            relative = jnp.exp(logarithm - jnp.max(logarithm))
            return self._in_units(relative, -relative, relative, -jnp.max(logarithm))
        shift, exponent = _where(self.loss, mean, sd)
        least = jnp.min(exponent)
        factor = jnp.exp(jnp.minimum(least - shift**2 / 2, LARGEST_EXPONENT))

        def expect(function) -> Array:
            def tilted(z: Array, n: Array) -> Array:
                return function(z, shift[:, None] + n) * jnp.exp(jnp.minimum(-shift[:, None] * n, LARGEST_EXPONENT))

            centre = (mean + sd * shift)[None]  # two-dimensional, so that nodes are the last axis for any number
            return factor * gaussian_expectation(tilted, centre, sd[None], rule, self.loss.kinks)[0]

        value, slope = expect(lambda z, u: self.loss.profile(z)), expect(lambda z, u: self.loss.slope(z))
        if self.loss.kinks:  # Stein's lemma, as in `MarginLoss`
            return self._in_units(value, slope, expect(lambda z, u: self.loss.slope(z) * u) / sd, least)
        return self._in_units(value, slope, expect(lambda z, u: self.loss.curvature(z)), least)

    def _in_units(self, value: Array, slope: Array, curvature: Array, exponent: Array) -> Averages:
        size, risk = self.weights @ jnp.abs(slope), self.weights @ value
        logarithm = jnp.where(risk > 0, jnp.log(risk), jnp.nan) - exponent  # below the smallest number after all
        return Averages(jnp.full_like(value, logarithm), slope / size, curvature / size, jnp.zeros_like(slope))


def far_margins(loss: MarginLoss, weights: Array) -> TailScaledLoss:
    """The loss for classes with these weights (n,).

    >>> import numpy as np
    >>> from jominy.losses import LogisticLoss
    >>> from jominy.numerics.gaussian import gaussian_rule
    >>> from jominy.numerics.precision import double_precision
    >>> averages = double_precision(far_margins(LogisticLoss(), np.ones(1)).averages)
    >>> found = averages(np.array([5000.0]), np.array([100.0]), gaussian_rule(128))
    >>> round(float(found.value[0]), 2), round(float(found.curvature[0]), 6)  # log E l; E l'' / E |l'|
    (-1253.69, 0.5)
    """
    return TailScaledLoss(loss, weights, kinks=loss.kinks, growth=loss.growth, sharpness=loss.sharpness)


def _where(loss: MarginLoss, mean: Array, sd: Array) -> tuple[Array, Array]:
    """Where an average is made, in sds from the mean, and minus the logarithm of the integrand there; (n,) each."""
    end = jnp.minimum(mean, 0.0) - loss.growth * sd**2
    margins = mean + (end - mean) * jnp.linspace(0, 1, PLACES)[:, None]
    integrand = jnp.log(loss.profile(margins)) - ((margins - mean) / sd) ** 2 / 2
    best = jnp.argmax(integrand, axis=0)
    shift = (jnp.take_along_axis(margins, best[None], axis=0)[0] - mean) / sd
    return shift, -jnp.max(integrand, axis=0)
