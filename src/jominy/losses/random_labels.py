"""Labels drawn from a teacher's score: the moments of any margin loss.

Source: theory `dynamics.md` section 2.3. With pi(r*) = P(y = +1 | r*) and the attack's shift s the loss averaged over
the label is pi(r*) l(r - s) + (1 - pi(r*)) l(-r - s). Given r, the teacher's score r* is Gaussian, so that only
p(r) = E[pi(r*) | r] and p'(r) = E[pi'(r*) | r] enter, and one integral over r is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from jominy.data.label_laws import SMALLEST_VARIANCE, LabelLaw
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError
from jominy.losses.expectations import FLOOR, Moments, OrderParameters
from jominy.losses.steps import StepMoments, random_label_step_moments
from jominy.losses.targets import Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import REACH, GaussianRule, gaussian_expectation, gaussian_rule

if TYPE_CHECKING:
    from jominy.losses.base import Loss, MarginLoss

STEEPEST = 32.0
"""The largest standard deviation of a teacher's score for labels whose averages are sums over nodes: there is a node of
the student's score for each one of the teacher's, so time and memory grow with its square, to tens of GB at 1000."""


class TeacherGiven(NamedTuple):
    """The teacher's score given the student's, r = a + sd u: r* ~ N(mean + pull u, variance); all (n,)."""

    sd: Array
    mean: Array
    pull: Array
    variance: Array

    @staticmethod
    def of(order: OrderParameters) -> TeacherGiven:
        sd = jnp.sqrt(jnp.maximum(order.margin_variance, FLOOR))
        pull = order.teacher_covariance / sd
        # Not down to zero: the root has no derivative there, and an optimum's curvature would be none.
        variance = jnp.maximum(order.teacher_variance - pull**2, SMALLEST_VARIANCE)
        return TeacherGiven(sd, order.teacher_mean, pull, variance)


class RandomLabels(Targets):
    """y = +1 with probability `law.probability(r*)`, else -1.

    Attributes:
        law: the label law.
        inner: rule for r* given r, good for the teacher's own standard deviation.
    """

    law: LabelLaw
    inner: GaussianRule
    step_fields: ClassVar[tuple[int, ...]] = (0, 1, 4)

    @property
    def random(self) -> bool:
        return True

    def have_corners(self, loss: Loss) -> bool:
        # A class with labels of both signs has a corner for each: it is not held at one; eased, it is right to 1e-8.
        return bool(loss.kinks)

    def draw(self, component: Array, teacher_score: Array, noise: Array) -> Array:
        return jnp.where(ndtr(noise) < self.law.probability(teacher_score), 1.0, -1.0)

    def logit_sd(self, loss: Loss, order: OrderParameters) -> Array:
        # p(r) varies on the scale of the teacher's score; where pi jumps, panels take care of it.
        own = 0.0 if self.law.jumps else 1.0
        return jnp.maximum(loss.logit_sd(order), own * order.teacher_variance**0.5)

    def step_moments(self, loss: MarginLoss, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:  # type: ignore[override]
        return random_label_step_moments(self, TeacherGiven.of(order), loss, order, radius, rule)

    def moments(self, loss: MarginLoss, order: OrderParameters, shift: Array, rule: GaussianRule) -> Moments:  # type: ignore[override]
        given = TeacherGiven.of(order)
        kinks = [side * (shift + kink) for kink in loss.kinks for side in (1.0, -1.0)]

        def integrand(r: Array, u: Array) -> Array:
            chance, chance_slope = self.chance(given, u)
            positive, negative = loss.slope(r - shift), loss.slope(-r - shift)
            value = chance * loss.profile(r - shift) + (1 - chance) * loss.profile(-r - shift)
            along_margin = chance * positive + (1 - chance) * negative
            slope = chance * positive - (1 - chance) * negative
            square = chance * positive**2 + (1 - chance) * negative**2
            signed_square = chance * positive**2 - (1 - chance) * negative**2
            if loss.kinks:
                curved = slope * u
            else:
                curved = chance * loss.curvature(r - shift) + (1 - chance) * loss.curvature(-r - shift)
            teacher = chance_slope * (positive + negative)
            return jnp.stack([value, along_margin, slope, square, signed_square, curved, teacher])

        value, along_margin, slope, square, signed_square, curved, teacher = self.expect(
            integrand, order, given, rule, kinks, 2 * loss.growth * given.sd if loss.growth else None
        )
        if loss.kinks:
            # Stein's lemma, Cov(r, Psi_r) = Var(r) E Psi_rr + Cov(r, r*) E Psi_{r r*}: no density terms are needed.
            curved = (curved - given.pull * teacher) / given.sd
        return Moments(
            value=value,
            slope=slope,
            curvature=curved,
            teacher_curvature=teacher,
            shift_slope=-along_margin,
            slope_squared=square,
            slope_shift_slope=-signed_square,
            shift_slope_squared=square,
        )

    def accuracy(self, order: OrderParameters, shift: Array, rule: GaussianRule) -> Array:
        given = TeacherGiven.of(order)

        def right(r: Array, u: Array) -> Array:
            chance, _ = self.chance(given, u)
            return jnp.where(r > shift, chance, 0.0) + jnp.where(r < -shift, 1 - chance, 0.0)

        return jnp.where(order.norm > 0, self.expect(right, order, given, rule, [shift, -shift]), 0.5)

    def chance(self, given: TeacherGiven, u: Array) -> tuple[Array, Array]:
        """p and p' at the student's scores u (n, N) in standard units."""
        return self.law.averaged(given.mean[:, None] + given.pull[:, None] * u, given.variance[:, None], self.inner)

    def expect(
        self,
        function: Callable[[Array, Array], Array],
        order: OrderParameters,
        given: TeacherGiven,
        rule: GaussianRule,
        kinks: Sequence[Array],
        tilt: Array | None = None,
    ) -> Array:
        """E function(r, u), where p is a smoothed step if pi jumps: panels as narrow as the step lie around it."""
        points: list[Array] = [jnp.broadcast_to(kink, given.sd.shape) for kink in kinks]
        for jump in self.law.jumps:
            pull = jnp.where(jnp.abs(given.pull) > FLOOR, given.pull, FLOOR)
            centre = (jump - given.mean) / pull
            width = jnp.maximum(jnp.sqrt(given.variance) / jnp.abs(pull), 1e-12) * REACH
            points += [order.margin_mean + given.sd * (centre + k * width) for k in (-1.0, 0.0, 1.0)]
        edges = jnp.sort(jnp.stack(points), axis=0)[..., None] if points else ()
        return gaussian_expectation(function, order.margin_mean, given.sd, rule, tuple(edges), tilt)


def random_labels(law: EigenLaw | DenseLaw) -> RandomLabels:
    """The random labels of a law that has a label law and a teacher; raises InputError for too large a teacher."""
    assert law.label_law is not None and law.teacher is not None
    steepest = float(np.sqrt(law.teacher_variances.max()))
    in_nodes = type(law.label_law).averaged is LabelLaw.averaged
    if in_nodes and not steepest <= STEEPEST:
        raise InputError(
            f"{type(law.label_law).__name__} needs teachers whose scores have a standard deviation up to {STEEPEST:g}",
            steepest,
            "Labels of larger scores are all but certain: use SignLabels(), or a smaller teacher",
        )
    return RandomLabels(law.label_law, gaussian_rule(steepest))
