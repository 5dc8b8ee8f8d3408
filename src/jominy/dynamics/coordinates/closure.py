"""The Gaussian closure: every weight's law is taken for normal, and followed by its mean and variance.

Exact until the law of a weight reaches zero, where its drift jumps; off by up to 1 % in the risk after that. It leads
the way for the finite volumes, which are exact: where the laws lie, how fast they move, and where they begin.

Source: theory `attacks.md` section 4.
"""

from typing import NamedTuple

import jax.numpy as jnp

from jominy.data.points import Points
from jominy.dynamics.coordinates.equations import Averages, Motion, descent, motion, order_parameters
from jominy.dynamics.students import OUT_OF_SCALE, blowup_limiter
from jominy.losses import Loss, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.module import Module
from jominy.numerics.signs import power_averages, sign_averages
from jominy.schedules import RadiusSchedule, Schedule

SMALLEST = 1e-24
"""Variance of a weight, below which it is a point."""


class NormalLaws(NamedTuple):
    """Means and variances (Q,) of the weights u, and the schedule's `memory` ()."""

    mean: Array
    variance: Array
    memory: Array


def normal_averages(mean: Array, variance: Array, power: Array | None = None) -> Averages:
    """The averages over u ~ N(mean, variance); `power` is that of an l_p attack."""
    square = mean**2 + jnp.maximum(variance, 0.0)
    if power is not None:
        # Of a point at zero size and pull are both nothing: their quotients are those of a narrow law.
        found = power_averages(mean, variance, power, SMALLEST**0.5)
        return Averages(mean, square, found.size, found.slope, found.bend / 2, found.square)
    signs = sign_averages(mean, variance, SMALLEST)
    return Averages(mean, square, signs.size, signs.sign, signs.density, jnp.ones_like(square))


class Setting(Module):
    """All that the equations are made of; `optimum` (Q,) are the weights of the adversarial optimum, u = sqrt(d) X."""

    points: Points
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Array

    def look(self, time: Array, averages: Averages, memory: Array):
        """Order parameters, motion, descent, rate, and the factor that lets a divergence end, at these averages."""
        order = order_parameters(self.points, averages)
        radius = self.radius.at(time)
        moments = self.targets.moments(self.loss, order, radius * order.size, self.rule)
        moved = motion(self.points, moments, radius, order.size)
        pushed = descent(self.points.shares, averages, moved, self.optimum, memory)
        return order, moved, pushed, self.schedule.rate(time, pushed), blowup_limiter(order, moments)


class Sight(NamedTuple):
    """What the pilot saw: (Q,) means and variances, motion and rate, and the order parameters."""

    mean: Array
    variance: Array
    moved: Motion
    rate: Array
    order: OrderParameters
    memory: Array


class ClosureFlow(Module):
    """The closure as a system of differential equations."""

    setting: Setting

    def velocity(self, time: Array, state: NormalLaws) -> NormalLaws:
        """Time derivative of means, variances and memory."""
        averages = normal_averages(state.mean, state.variance, self.setting.points.power)
        _, (alpha, beta, pull, noise), pushed, rate, braked = self.setting.look(time, averages, state.memory)
        slowed = braked * rate
        spread = alpha * state.variance + 2 * pull * averages.at_zero * jnp.maximum(state.variance, SMALLEST)
        return NormalLaws(
            -slowed * (alpha * state.mean + beta + pull * averages.sign),
            slowed * (rate * noise - 2 * spread),
            braked * pushed.noise if self.setting.schedule.remembers else jnp.zeros(()),
        )

    def ended(self, state: NormalLaws) -> Array:
        """Whether the student is so far out that it may as well stay there."""
        return ~(self.setting.points.shares @ (state.mean**2 + state.variance) < 10 * OUT_OF_SCALE)

    def observe(self, time: Array, state: NormalLaws) -> Sight:
        """Where the laws are, and what moves them."""
        averages = normal_averages(state.mean, state.variance, self.setting.points.power)
        order, moved, _, rate, _ = self.setting.look(time, averages, state.memory)
        return Sight(state.mean, state.variance, moved, rate, order, state.memory)
