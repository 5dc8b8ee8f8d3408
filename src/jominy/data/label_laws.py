"""Random labels: y = -1, +1 drawn with a probability that depends on the teacher's score r* = <X*, x>.

Source: theory `dynamics.md` section 2.3.
"""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jax.scipy.stats import norm

from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.module import Module

SMALLEST_VARIANCE = 1e-24
"""Of a teacher's score given the student's: below it the two scores count as one."""


class LabelLaw(Module):
    """P(y = +1 | r*) = probability(r*), with r* = <X*, x> the teacher's score.

    A new law gives `probability`, smooth and written with `jax.numpy`, and `kind`; nothing else. The scale of the
    teacher is that of the labels' noise: a teacher twice as long makes the labels more certain.
    """

    kind: eqx.AbstractClassVar[str]
    """Its name in scenarios and results."""
    jumps: ClassVar[tuple[float, ...]] = ()
    """Scores at which `probability` jumps; a law with jumps gives `averaged` as well."""

    certain: ClassVar[bool] = False
    """Whether the label follows from the score, so that without an attack the data are separable."""

    @abc.abstractmethod
    def probability(self, score: Array) -> Array:
        """P(y = +1) at the teacher's score, elementwise."""

    def averaged(self, mean: Array, variance: Array, rule: GaussianRule) -> tuple[Array, Array]:
        """E pi(r*) and E pi'(r*) for r* ~ N(mean, variance), elementwise in arrays of shapes that broadcast."""
        points = mean[..., None] + jnp.sqrt(jnp.maximum(variance, 0.0))[..., None] * rule.nodes
        value, slope = jax.jvp(self.probability, (points,), (jnp.ones_like(points),))
        return value @ rule.weights, slope @ rule.weights

    def describe(self) -> dict[str, Any]:
        """The law as a JSON-able record."""
        return {"kind": self.kind}


class LogisticLabels(LabelLaw):
    """P(y = +1 | r*) = 1 / (1 + exp(-r*)): the labels of logistic regression.

    >>> import jax.numpy as jnp
    >>> round(float(LogisticLabels().probability(jnp.array(1.0))), 4)
    0.7311
    """

    kind: ClassVar[str] = "logistic"

    def probability(self, score: Array) -> Array:
        return jax.nn.sigmoid(score)


class ProbitLabels(LabelLaw):
    """P(y = +1 | r*) = Phi(r*): the sign of r* plus standard normal noise. Averages are closed forms.

    >>> import jax.numpy as jnp
    >>> round(float(ProbitLabels().probability(jnp.array(1.0))), 4)
    0.8413
    """

    kind: ClassVar[str] = "probit"

    def probability(self, score: Array) -> Array:
        return ndtr(score)

    def averaged(self, mean: Array, variance: Array, rule: GaussianRule) -> tuple[Array, Array]:
        scale = jnp.sqrt(1 + jnp.maximum(variance, 0.0))
        return ndtr(mean / scale), norm.pdf(mean / scale) / scale


class SignLabels(LabelLaw):
    """y = sign(r*): labels without noise. Averages are closed forms.

    >>> import jax.numpy as jnp
    >>> SignLabels().probability(jnp.array([-0.1, 0.1])).tolist()
    [0.0, 1.0]
    """

    kind: ClassVar[str] = "sign"
    jumps: ClassVar[tuple[float, ...]] = (0.0,)
    certain: ClassVar[bool] = True

    def probability(self, score: Array) -> Array:
        return jnp.where(score > 0, 1.0, 0.0)

    def averaged(self, mean: Array, variance: Array, rule: GaussianRule) -> tuple[Array, Array]:
        sd = jnp.sqrt(jnp.maximum(variance, SMALLEST_VARIANCE))
        return ndtr(mean / sd), norm.pdf(mean / sd) / sd


__all__ = ["LabelLaw", "LogisticLabels", "ProbitLabels", "SignLabels"]
