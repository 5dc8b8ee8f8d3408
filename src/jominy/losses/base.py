"""What a loss must give, and the six Gaussian expectations through which it enters the theory.

Source: theory `dynamics.md` sections 1 and 2. An attack can move the score r = <X, x> by at most its shift s >= 0, for
radius eps in l2 s = eps ||X||; the adversarial loss is Psi(r, s, y) = max_{|a| <= s} loss(r + a, y). A loss knows the
shift, and nothing of the attack or the norm that make it.
"""

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.errors import InputError
from jominy.losses.expectations import FLOOR, Moments, OrderParameters
from jominy.losses.random_labels import random_labels
from jominy.losses.steps import StepMoments, margin_step_moments, residual_step_moments
from jominy.losses.targets import FixedTargets, LinearTargets, Targets, stated_labels
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import REACH, GaussianRule, gaussian_expectation, gaussian_rule
from jominy.numerics.module import Module

if TYPE_CHECKING:
    from jominy.data import DenseLaw, EigenLaw, GaussianMixture, Samples


LEAST_SPREAD = 1e-12
"""Of margins at a kink: an average over less is rounding."""


class Loss(Module):
    """A loss of the score r = <X, x> and the target y, quasi-convex in r, so that the worst case is an end point.

    Subclass `MarginLoss` (a function of y r) or `ResidualLoss` (a function of r - y).
    """

    needs_classes: eqx.AbstractClassVar[bool]
    """Whether the targets must be labels -1, +1."""
    closed_form: ClassVar[bool] = False
    """Whether `moments` does without quadrature."""
    least_squares: ClassVar[bool] = False
    """Whether this is the squared loss itself, of which more is known in closed form."""
    corner_at_target: ClassVar[bool] = False
    """Whether under attack the loss has a corner where the score meets the target, which holds an optimum there."""
    bounded_slope: ClassVar[bool] = False
    """Whether the slope is known to be bounded, so that no constant rate diverges; else it is looked at far out."""
    of_margins: ClassVar[bool] = False
    """Whether this is a function of the attacked margin y r - s alone."""
    several: ClassVar[bool] = False
    """Whether this is a loss of several scores, one for each class (`losses.classes`)."""
    steps_known: ClassVar[bool] = False
    """Whether `step_moments` is there, on which fluctuations depend."""
    convex: ClassVar[bool] = True
    """Whether the adversarial risk is convex in X, so that its optimum is one."""
    kinks: tuple[float, ...] = eqx.field(default=(), static=True, kw_only=True)
    """Where the profile of a margin or a residual has a corner, increasing."""
    growth: float = eqx.field(default=0.0, static=True, kw_only=True)
    """g where the slope grows like exp(g |z|): the quadrature reaches further out, and divergence is abrupt."""
    sharpness: float = eqx.field(default=1.0, static=True, kw_only=True)
    """How many times finer than the logistic loss the profile varies: the quadrature is as many times finer."""

    @abc.abstractmethod
    def __call__(self, score: Array, target: Array) -> Array:
        """The loss itself, elementwise."""

    @abc.abstractmethod
    def targets(self, law: "EigenLaw | DenseLaw") -> Targets:
        """What the targets of a law are to this loss: how to draw them, and how to average over them."""

    def check(self, data: "GaussianMixture | Samples") -> None:
        """Raise InputError for data whose targets this loss does not take."""

    @abc.abstractmethod
    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        """The expectations of the adversarial loss in each component when the attack moves scores by `shift`."""

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        """Second moments of one step of SGD on targets around `labels` (n,)."""
        raise NotImplementedError(f"the moments of a step are not known for {type(self).__name__}")

    @abc.abstractmethod
    def logit_sd(self, order: OrderParameters) -> Array:
        """(n,) standard deviation of the variable over which `moments` integrates: what the quadrature must resolve."""

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        """Psi(r, s, y), elementwise: the larger of the losses at r + s and r - s."""
        return jnp.maximum(self(score + shift, target), self(score - shift, target))

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        """(Psi_r, Psi_s) elementwise: what one SGD step needs (Danskin: the attack is held fixed)."""
        ends = jnp.stack([score + shift, score - shift])
        upper_is_worse = self(ends[0], target) >= self(ends[1], target)
        sign = jnp.where(upper_is_worse, 1.0, -1.0)
        worst = jnp.where(upper_is_worse, ends[0], ends[1])
        slope = _derivative(lambda r: self(r, target))(worst)
        return slope, sign * slope

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> "SmoothedSlopes":
        """The adversarial loss with its corners rounded at the scale `smoothing` of scores, elementwise.

        This one rounds nothing; a loss with corners says how it rounds them.
        """
        return SmoothedSlopes.of(lambda r, s: self.adversarial(r, s, target), score, shift)

    def sample_slopes(self, score: Array, shift: Array, target: Array, chance: Array) -> tuple[Array, Array]:
        """(Psi_r, Psi_s) of one sample, whose own randomness is `chance`, uniform from 0 to 1, where it has any."""
        return self.adversarial_slopes(score, shift, target)

    @property
    def random(self) -> bool:
        """Whether a sample's loss has randomness of its own, for which simulators draw a number."""
        return False

    @property
    def plain(self) -> "Loss":
        """The loss without what an objective or weights of classes make of it."""
        return self

    @property
    def bends(self) -> tuple[Any, ...]:
        """Where a quadrature over margins or residuals is split, increasing: the kinks, or traced numbers."""
        return self.kinks

    @property
    def measured(self) -> "Loss":
        """The loss that risks are read by, where steps follow another one (`losses.wrong_steps`)."""
        return self

    @property
    def kinked(self) -> bool:
        """Whether the risk of finitely many samples has corners, which its minimisation has to round."""
        return bool(self.kinks) or not self.needs_classes

    def clean_times_attacked(
        self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule
    ) -> tuple[Array, Array]:
        """E l_r Psi_r and E l_r Psi_s, (n,): the clean slope times those under attack, of the same sample."""
        raise InputError(
            "A mixture on the same sample is for losses of the margin or of the residual",
            type(self).__name__,
            "Use `CoinFlip(...)`, which leaves each sample clean or attacks it",
        )

    def unit_score(self, mean_square_target: float) -> float:
        """The scale of scores on which the loss bends, for targets of this mean square."""
        return 1.0

    @property
    def infimum(self) -> float:
        """What the loss of a label falls to as its score becomes certain; zero where targets are met."""
        return 0.0

    def describe(self) -> dict[str, str]:
        """The loss as a JSON-able record."""
        return {"kind": type(self).__name__}

    def resolution(self, sd: Array) -> Array:
        """What the quadrature must resolve where the variable has standard deviation `sd`."""
        return self.sharpness * sd * (1 + 2 * self.growth * sd / REACH)

    def expect(self, function, mean: Array, sd: Array, rule: GaussianRule, kinks) -> Array:
        """E function(z, u), z = mean + sd u, with the reach that the growth of the slope's square needs."""
        tilt = 2 * self.growth * sd if self.growth else None
        return gaussian_expectation(function, mean, sd, rule, kinks, tilt)


class SmoothedSlopes(NamedTuple):
    """A rounded adversarial loss Psi(r, s, y) and its derivatives by the score r and the shift s, elementwise."""

    value: Array
    by_score: Array
    by_shift: Array
    by_score_twice: Array
    by_score_and_shift: Array
    by_shift_twice: Array

    @staticmethod
    def of(psi: Callable[[Array, Array], Array], score: Array, shift: Array) -> "SmoothedSlopes":
        """Of a smooth psi(score, shift), by automatic differentiation."""
        at = (score, jnp.broadcast_to(shift, score.shape))
        one, none = jnp.ones_like(score), jnp.zeros_like(score)
        along_score, along_shift = (one, none), (none, one)

        def slope(direction: tuple[Array, Array]) -> Callable[[Array, Array], Array]:
            return lambda r, s: jax.jvp(psi, (r, s), direction)[1]

        by_score, by_score_twice = jax.jvp(slope(along_score), at, along_score)
        by_shift, by_shift_twice = jax.jvp(slope(along_shift), at, along_shift)
        mixed = jax.jvp(slope(along_score), at, along_shift)[1]
        return SmoothedSlopes(psi(*at), by_score, by_shift, by_score_twice, mixed, by_shift_twice)


class Averages(NamedTuple):
    """E l(z), E l'(z), E l''(z), E l'(z)^2 of a profile l over z ~ N(mean, sd^2), elementwise."""

    value: Array
    slope: Array
    curvature: Array
    slope_squared: Array


class MarginLoss(Loss):
    """loss = profile(y r) for labels y = -1, +1, with `profile` decreasing: an attack lowers all margins by its shift.

    A new margin loss gives `profile`, and `kinks` (increasing) if it has any; nothing else.
    """

    needs_classes: ClassVar[bool] = True
    of_margins: ClassVar[bool] = True
    steps_known: ClassVar[bool] = True

    @abc.abstractmethod
    def profile(self, margin: Array) -> Array:
        """The loss at margin z = y r, elementwise."""

    def slope(self, margin: Array) -> Array:
        """Derivative of `profile`; override it only for speed."""
        return _derivative(self.profile)(margin)

    def curvature(self, margin: Array) -> Array:
        """Derivative of `slope` away from kinks; override it only for speed."""
        return _derivative(self.slope)(margin)

    def __call__(self, score: Array, target: Array) -> Array:
        return self.profile(target * score)

    def targets(self, law: "EigenLaw | DenseLaw") -> Targets:
        return FixedTargets(stated_labels(law)) if law.label_law is None else random_labels(law)

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        return margin_step_moments(self, labels, order, radius, rule)

    def adversarial(self, score: Array, shift: Array, target: Array) -> Array:
        return self.profile(target * score - shift)

    def adversarial_slopes(self, score: Array, shift: Array, target: Array) -> tuple[Array, Array]:
        slope = self.slope(target * score - shift)
        return target * slope, -slope

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> SmoothedSlopes:
        """With kinks: averaged over a Gaussian spread of the margin."""
        margin = target * score - shift
        if self.kinks:
            spread = jnp.full_like(margin, jnp.maximum(smoothing, LEAST_SPREAD))
            value, slope, curvature, _ = self.averages(margin, spread, gaussian_rule(2.0))
        else:
            value, slope, curvature = self.profile(margin), self.slope(margin), self.curvature(margin)
        return SmoothedSlopes(value, target * slope, -slope, curvature, -target * curvature, curvature)

    @property
    def infimum(self) -> float:
        return float(self.profile(np.asarray(1e6)))

    def clean_times_attacked(
        self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule
    ) -> tuple[Array, Array]:
        sd = jnp.sqrt(jnp.maximum(order.margin_variance, FLOOR))
        places = jnp.sort(jnp.stack([kink + moved for kink in self.kinks for moved in (0.0 * shift, shift)] or [shift]))
        kinks = list(places) if self.kinks else []
        product = self.expect(
            lambda z, u: self.slope(z) * self.slope(z - shift), labels * order.margin_mean, sd, rule, kinks
        )
        return product, -labels * product

    def logit_sd(self, order: OrderParameters) -> Array:
        return self.resolution(order.margin_variance**0.5)

    def averages(self, mean: Array, sd: Array, rule: GaussianRule) -> Averages:
        """The profile's averages over z ~ N(mean, sd^2), elementwise; override it with closed forms."""

        def expect(function):
            return self.expect(function, mean, sd, rule, self.bends)

        if not self.bends:

            def integrands(z: Array, u: Array) -> tuple[Array, ...]:
                slope = self.slope(z)
                return self.profile(z), slope, self.curvature(z), slope**2

            return Averages(*expect(integrands))
        return Averages(
            value=expect(lambda z, u: self.profile(z)),
            slope=expect(lambda z, u: self.slope(z)),
            # Stein's lemma: E l'' = E[l' u] / sd holds for the distributional l'', so no density terms are needed.
            curvature=expect(lambda z, u: self.slope(z) * u) / sd,
            slope_squared=expect(lambda z, u: self.slope(z) ** 2),
        )

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        mean = labels * order.margin_mean - shift
        sd = jnp.sqrt(jnp.maximum(order.margin_variance, FLOOR))
        value, slope, curvature, squared = self.averages(mean, sd, rule)
        return Moments(
            value=value,
            slope=labels * slope,
            curvature=curvature,
            teacher_curvature=jnp.zeros_like(slope),
            shift_slope=-slope,
            slope_squared=squared,
            slope_shift_slope=-labels * squared,
            shift_slope_squared=squared,
        )


class ResidualLoss(Loss):
    """loss = profile(r - y) with `profile` even and increasing in |r - y|: the attack adds its shift to |r - y|.

    A new residual loss gives `profile`, and `kinks` (points e > 0, increasing) if it has any; nothing else.
    """

    needs_classes: ClassVar[bool] = False
    corner_at_target: ClassVar[bool] = True
    steps_known: ClassVar[bool] = True

    @abc.abstractmethod
    def profile(self, residual: Array) -> Array:
        """The loss at residual e = r - y, elementwise."""

    def slope(self, residual: Array) -> Array:
        """Derivative of `profile`."""
        return _derivative(self.profile)(residual)

    def __call__(self, score: Array, target: Array) -> Array:
        return self.profile(score - target)

    def targets(self, law: "EigenLaw | DenseLaw") -> Targets:
        return LinearTargets(stated_labels(law), np.asarray(law.noise_variance))

    def step_moments(self, labels: Array, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        return residual_step_moments(self, order, radius, rule)

    def check(self, data: "GaussianMixture | Samples") -> None:
        link, label_law = getattr(data, "teacher_link", None), getattr(data, "label_law", None)  # samples have neither
        if link is not None:
            raise InputError(
                f"{type(self).__name__} does not take a teacher with a link",
                link,
                "Use `LinkSquaredLoss(link)`; with `Identity()` the student has none",
            )
        if label_law is not None:
            raise InputError(
                f"{type(self).__name__} needs targets that are not random labels",
                label_law,
                "Use a classification loss such as `LogisticLoss()`, or leave label_law out",
            )

    def smoothed(self, score: Array, shift: Array, target: Array, smoothing: Array) -> SmoothedSlopes:
        """With |e| rounded to sqrt(e^2 + smoothing^2)."""

        def psi(r: Array, s: Array) -> Array:
            return self(jnp.sqrt((r - target) ** 2 + smoothing**2) + s + target, target)

        return SmoothedSlopes.of(psi, score, shift)

    def unit_score(self, mean_square_target: float) -> float:
        return float(np.sqrt(mean_square_target))

    def clean_times_attacked(
        self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule
    ) -> tuple[Array, Array]:
        sd = jnp.sqrt(jnp.maximum(order.residual_variance, FLOOR))
        slope_of = _derivative(self.profile)
        outer = [jnp.maximum(kink - moved, 0.0) for kink in self.kinks for moved in (shift, 0.0 * shift)]
        places = jnp.sort(jnp.stack([0.0 * shift, *outer, *(-kink for kink in outer)]))

        def product(e: Array, u: Array) -> Array:
            size = slope_of(jnp.abs(e)) * slope_of(jnp.abs(e) + shift)
            return jnp.stack([size, jnp.sign(e) * size])

        with_slope, with_shift = self.expect(product, order.residual_mean, sd, rule, list(places))
        return with_slope, with_shift

    def logit_sd(self, order: OrderParameters) -> Array:
        return self.resolution(order.residual_variance**0.5)

    def moments(self, order: OrderParameters, labels: Array, shift: Array, rule: GaussianRule) -> Moments:
        mean = order.residual_mean
        sd = jnp.sqrt(jnp.maximum(order.residual_variance, FLOOR))
        slope_of = _derivative(self.profile)
        # The adversarial loss has its own kink where the residual changes sign; the attack moves the profile's inwards.
        outer = [jnp.maximum(kink - shift, 0.0) for kink in self.bends]
        kinks = [*(-kink for kink in reversed(outer)), jnp.zeros_like(shift), *outer]

        def expect(function):
            return self.expect(function, mean, sd, rule, kinks)

        def attacked(e):
            return slope_of(jnp.abs(e) + shift)

        signed = expect(lambda e, u: jnp.sign(e) * attacked(e))
        curvature = expect(lambda e, u: jnp.sign(e) * attacked(e) * u) / sd  # Stein's lemma, as above
        squared = expect(lambda e, u: attacked(e) ** 2)
        return Moments(
            value=expect(lambda e, u: self.profile(jnp.abs(e) + shift)),
            slope=signed,
            curvature=curvature,
            teacher_curvature=-curvature,
            shift_slope=expect(lambda e, u: attacked(e)),
            slope_squared=squared,
            slope_shift_slope=expect(lambda e, u: jnp.sign(e) * attacked(e) ** 2),
            shift_slope_squared=squared,
        )


def _derivative(function):
    """The elementwise derivative of an elementwise function."""

    def derivative(x: Array) -> Array:
        return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]

    return derivative
