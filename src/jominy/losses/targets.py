"""What a sample's target is, given its component and the teacher's score: how to draw it and how to average over it.

A loss says which of these it meets on a law (`Loss.targets`); every engine then asks the targets for the moments, and
the simulators for single targets. Source: theory `dynamics.md` sections 1 and 2.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.losses.expectations import FLOOR, Moments, OrderParameters
from jominy.losses.steps import StepMoments
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.module import Module
from jominy.numerics.ode import MOST_STEPS

if TYPE_CHECKING:
    from jominy.losses.base import Loss


class Corner(NamedTuple):
    """Where the risk of components (n,) has a corner.

    Attributes:
        pins: (n,) the margin at the corner; zero for a target that is met.
        pull: E Psi_{r r*} per curvature of a component held there: -1 to the teacher, 0 to a margin.
        distance: (n,) of the scores from it, in units of the scores.
    """

    pins: np.ndarray
    pull: float
    distance: np.ndarray


class Targets(Module):
    """The law of the target y given the component i and the teacher's score r* = <X*, x>."""

    step_fields: ClassVar[tuple[int, ...]] = ()
    """Which of margin mean (0) and variance (1), residual mean (2) and variance (3) and teacher covariance (4) the
    moments of a step read; none where these moments, and with them bands, are not known."""

    @property
    @abc.abstractmethod
    def random(self) -> bool:
        """Whether a target has randomness of its own, for which simulators must draw noise."""

    @abc.abstractmethod
    def draw(self, component: Array, teacher_score: Array, noise: Array) -> Array:
        """One target from the sample's component, its score r*, and a standard normal number; all ()."""

    @abc.abstractmethod
    def moments(self, loss: Loss, order: OrderParameters, shift: Array, rule: GaussianRule) -> Moments:
        """The expectations of the adversarial loss in each component under an attack's `shift`, also over targets."""

    @abc.abstractmethod
    def accuracy(self, order: OrderParameters, shift: Array, rule: GaussianRule) -> Array:
        """(n,) P(y r > s) for targets that are classes -1, +1; half for a student of norm zero."""

    def step_moments(self, loss: Loss, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        """Second moments of one step of SGD, on which fluctuations depend."""
        raise NotImplementedError(f"the moments of a step are not known for {type(self).__name__}")

    def have_corners(self, loss: Loss) -> bool:
        """Whether scores that are certain can lie at a corner of the risk, which holds an optimum there."""
        return False

    def nearest_corner(self, loss: Loss, order: OrderParameters, shift: Array) -> Corner | None:
        """The nearest corner of each component; None where the targets have none of their own."""
        return None

    def off_corner(self, order: OrderParameters, shift: Array, pins: Array) -> Array:
        """(n,) how far the scores of components are from their corners, with the sign of the slope that this adds."""
        raise NotImplementedError(f"{type(self).__name__} have no corners of their own")

    def shift_slope_of(self, slope: Array) -> Array | None:
        """(n,) E Psi_s of components at a corner whose slope E Psi_r is given; None where that does not say it."""
        return None

    def most_steps(self, loss: Loss) -> int:
        """How many steps an integrator may take: so many that one that needs more is at an end within minutes."""
        return MOST_STEPS if loss.closed_form else MOST_STEPS // 5

    def logit_sd(self, loss: Loss, order: OrderParameters) -> Array:
        """(n,) standard deviation of the variable over which `moments` integrates: what `rule` must resolve."""
        return jnp.zeros_like(order.margin_mean) if loss.closed_form else loss.logit_sd(order)


class FixedTargets(Targets):
    """The target is `labels[component]`, (n,)."""

    labels: Array
    step_fields: ClassVar[tuple[int, ...]] = (0, 1)

    @property
    def random(self) -> bool:
        return False

    def step_moments(self, loss: Loss, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        return loss.step_moments(self.labels, order, radius, rule)

    def draw(self, component: Array, teacher_score: Array, noise: Array) -> Array:
        return self.labels[component]

    def moments(self, loss: Loss, order: OrderParameters, shift: Array, rule: GaussianRule) -> Moments:
        return loss.moments(order, self.labels, shift, rule)

    def accuracy(self, order: OrderParameters, shift: Array, rule: GaussianRule) -> Array:
        return fixed_accuracy(self.labels, order, shift)

    def have_corners(self, loss: Loss) -> bool:
        return bool(loss.kinks)

    def nearest_corner(self, loss: Loss, order: OrderParameters, shift: Array) -> Corner:
        margins, kinks = self.labels * order.margin_mean - shift, np.asarray(loss.kinks)
        pins = kinks[np.argmin(np.abs(margins[:, None] - kinks), axis=1)]
        return Corner(pins, 0.0, np.hypot(margins - pins, np.sqrt(order.margin_variance)))

    def off_corner(self, order: OrderParameters, shift: Array, pins: Array) -> Array:
        return self.labels * order.margin_mean - shift - pins

    def shift_slope_of(self, slope: Array) -> Array:
        return -self.labels * slope


class LinearTargets(Targets):
    """The target is `labels[component] + r* + N(0, noise_variance)`; the order parameters of the residual know it."""

    labels: Array
    noise_variance: Array
    step_fields: ClassVar[tuple[int, ...]] = (2, 3)

    def step_moments(self, loss: Loss, order: OrderParameters, radius: Array, rule: GaussianRule) -> StepMoments:
        return loss.step_moments(self.labels, order, radius, rule)

    @property
    def random(self) -> bool:
        return bool(self.noise_variance > 0)

    def draw(self, component: Array, teacher_score: Array, noise: Array) -> Array:
        return self.labels[component] + teacher_score + jnp.sqrt(self.noise_variance) * noise

    def moments(self, loss: Loss, order: OrderParameters, shift: Array, rule: GaussianRule) -> Moments:
        return loss.moments(order, self.labels, shift, rule)

    def accuracy(self, order: OrderParameters, shift: Array, rule: GaussianRule) -> Array:
        return fixed_accuracy(self.labels, order, shift)

    def have_corners(self, loss: Loss) -> bool:
        return not self.noise_variance

    def nearest_corner(self, loss: Loss, order: OrderParameters, shift: Array) -> Corner:
        away = np.hypot(order.residual_mean, np.sqrt(order.residual_variance))
        return Corner(np.zeros_like(away), -1.0, away)

    def off_corner(self, order: OrderParameters, shift: Array, pins: Array) -> Array:
        return order.residual_mean


def stated_labels(law: EigenLaw | DenseLaw) -> np.ndarray:
    """(n,) the labels of the components, zero without them."""
    return np.zeros(len(law.weights)) if law.labels is None else np.asarray(law.labels, dtype=float)


def fixed_accuracy(labels: Array, order: OrderParameters, shift: Array) -> Array:
    """(n,) P(y r > s) where every component has one label."""
    gap = labels * order.margin_mean - shift
    right = ndtr(gap / jnp.sqrt(jnp.maximum(order.margin_variance, FLOOR)))
    # A student of norm zero has score zero everywhere, and a sign of zero is right half of the time.
    return jnp.where(order.norm > 0, right, 0.5)
