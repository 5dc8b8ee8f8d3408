"""The squared loss of a student with a monotone link.

Source: theory `dynamics.md` section 2.4.
"""

from __future__ import annotations

import math
from typing import ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data import DenseLaw, EigenLaw, GaussianMixture, Samples
from jominy.data.links import Identity, Link
from jominy.errors import InputError
from jominy.losses.base import Loss
from jominy.losses.expectations import FLOOR, Moments, OrderParameters
from jominy.losses.link_targets import AttackEndpoints, LinkTargets
from jominy.losses.targets import FixedTargets, Targets, stated_labels
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import REACH, GaussianRule, gaussian_expectation

STEEPEST = 16.0
"""The largest standard deviation of the argument of a teacher's link. Panels and time grow with its square: at this one
the moments take a tenth of a second, of which a forecast needs some thousand."""


class LinkSquaredLoss(Loss):
    """(f(r) - y)^2 / 2 for a student with the increasing link f, such as Erf(), Logistic() or Tanh().

    Targets: g(<X*, x>) + noise where the data have a `teacher_link` g (none: the identity), or fixed labels. The attack
    moves r to one of r +- eps rho, whichever is worse: the upper end where y < (f(r + eps rho) + f(r - eps rho))/2.
    The risk is not convex in X: an optimum is the best that was found from several starts, and the collapse radius is
    that from which on X = 0 is a local minimum.

    Raises InputError for a link that is none, random labels, labels with noise but no teacher, and samples.

    >>> import jax.numpy as jnp
    >>> from jominy.data.links import Tanh
    >>> round(float(LinkSquaredLoss(Tanh())(jnp.array(1.0), jnp.array(0.0))), 4)
    0.29
    """

    link: Link
    needs_classes: ClassVar[bool] = False
    convex: ClassVar[bool] = False

    def __check_init__(self) -> None:
        if not isinstance(self.link, Link):
            raise InputError("LinkSquaredLoss needs a link", self.link, "Use for instance `LinkSquaredLoss(Erf())`")

    def __call__(self, score: Array, target: Array) -> Array:
        return (self.link(score) - target) ** 2 / 2

    def describe(self):
        """The loss and its link as a JSON-able record."""
        return {"kind": type(self).__name__, "link": self.link.describe()}

    def check(self, data: GaussianMixture | Samples) -> None:
        name = type(self).__name__
        if data.empirical:
            raise InputError(f"{name} is for Gaussian mixtures", type(data).__name__, "Use `SquaredLoss()` on samples")
        data = cast(GaussianMixture, data)
        if data.label_law is not None:
            raise InputError(f"{name} does not take random labels", data.label_law, "Use `LogisticLoss()`")
        if data.teacher is None and data.noise_variance:
            raise InputError(
                f"{name} on labels without a teacher takes no noise", data.noise_variance, "Leave noise_variance out"
            )
        gain = 1.0 if data.teacher_link is None else data.teacher_link.gain
        steepest = float(gain * np.sqrt(data.law.teacher_variances.max()))
        if not steepest <= STEEPEST:
            raise InputError(
                f"{name} needs teachers whose score, times the gain of their link, has a standard deviation of at most "
                f"{STEEPEST:g}",
                steepest,
                "Make the teacher or the variances smaller; where every target is at an end of the link, forecast the "
                "two ends as classes",
            )

    def targets(self, law: EigenLaw | DenseLaw) -> Targets:
        labels = stated_labels(law)
        if law.teacher is None:
            return FixedTargets(labels)
        link: Link = Identity() if law.teacher_link is None else law.teacher_link
        panels, shifted = 3 + math.ceil(link.gain * np.sqrt(law.teacher_variances.max())), bool(np.any(labels))
        return LinkTargets(link, labels, np.asarray(law.noise_variance), panels * (2 if shifted else 1), shifted)

    def logit_sd(self, order: OrderParameters) -> Array:
        return self.link.gain * order.margin_variance**0.5

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        """Expectations for fixed targets `labels` (n,): one integral, split where the worse end changes."""
        sd = jnp.sqrt(jnp.maximum(order.margin_variance, FLOOR))
        kink = self._kink(order.margin_mean, sd, shift, labels)
        at_kink = AttackEndpoints.of(self.link, kink, shift)
        # Beyond the reach there is no kink: the target lies outside the range of the link.
        standard = (kink - order.margin_mean) / sd
        density = jnp.where(jnp.abs(standard) < REACH, jnp.exp(-(standard**2) / 2) / jnp.sqrt(2 * jnp.pi) / sd, 0.0)

        def integrand(r: Array, u: Array) -> Array:
            ends = AttackEndpoints.of(self.link, r, shift)
            upper = labels[:, None] < ends.middle
            error = jnp.where(upper, ends.upper, ends.lower) - labels[:, None]
            slope = jnp.where(upper, ends.upper_slope, ends.lower_slope)
            bend = jnp.where(upper, ends.upper_bend, ends.lower_bend)
            sign = jnp.where(upper, 1.0, -1.0)
            pull = slope * error
            return jnp.stack([error**2 / 2, pull, bend * error + slope**2, sign * pull, pull**2, sign * pull**2])

        value, slope, curved, along, square, signed = gaussian_expectation(
            integrand, order.margin_mean, sd, rule, (kink[:, None],)
        )
        return Moments(
            value=value,
            slope=slope,
            curvature=curved + at_kink.jump * density,
            teacher_curvature=jnp.zeros_like(slope),
            shift_slope=along,
            slope_squared=square,
            slope_shift_slope=signed,
            shift_slope_squared=square,
        )

    def _kink(self, mean: Array, sd: Array, shift: Array, labels: Array) -> Array:
        """(n,) scores at which both ends are equally bad, by bisection: the middle of the ends increases with r."""

        def halve(_, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = bracket
            r = (low + high) / 2
            below = AttackEndpoints.of(self.link, r, shift).middle < labels
            return jnp.where(below, r, low), jnp.where(below, high, r)

        low, high = jax.lax.fori_loop(0, 60, halve, (mean - 1.01 * REACH * sd, mean + 1.01 * REACH * sd))
        return (low + high) / 2
