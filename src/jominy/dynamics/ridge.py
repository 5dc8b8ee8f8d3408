"""Standard least squares with a ridge that moves: its loss, its equations beside the adversarial ones, its SGD.

Source: theory `dynamics.md` section 4.1.
"""

from dataclasses import replace
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from jominy.dynamics.least_squares import MEAN_ABS
from jominy.dynamics.node_sgd import NodeNoise, NodeSGD, NodeState
from jominy.dynamics.spectral import SpectralFlow, SpectralState
from jominy.dynamics.students import Observation
from jominy.losses import Moments, OrderParameters, ResidualLoss
from jominy.losses.expectations import FLOOR
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import Descent, Schedule


class RidgeLoss(ResidualLoss):
    """(r - y)^2/2 + ridge ||X||^2/2 without attack; `inflation` multiplies its noise."""

    ridge: Array
    inflation: Array
    closed_form: ClassVar[bool] = True

    def profile(self, residual: Array) -> Array:
        return residual**2 / 2

    def adversarial_slopes(self, score: Array, norm: Array, target: Array, radius: Array) -> tuple[Array, Array]:
        return score - target, self.ridge * norm + 0 * score

    def moments(self, order: OrderParameters, labels: Array, radius: Array, rule: GaussianRule) -> Moments:
        mean, one = order.residual_mean, jnp.ones_like(order.residual_mean)
        square, pull = order.residual_variance + mean**2, self.ridge * order.norm
        return Moments(
            value=square / 2 + pull * order.norm / 2,
            slope=mean,
            curvature=one,
            teacher_curvature=-one,
            norm_slope=pull * one,
            slope_squared=self.inflation * square,
            slope_norm_slope=pull * mean,
            norm_slope_squared=pull**2 * one,
        )


class Table(Schedule):
    """A rate interpolated linearly between many times, as arrays."""

    times: Array
    values: Array

    def rate(self, time: Array, descent: Descent | None) -> Array:
        return jnp.interp(time, self.times, self.values)

    def describe(self) -> dict[str, Any]:
        return {"kind": "table", "points": len(self.times)}


class Now(Schedule):
    """One rate, of this moment."""

    value: Array

    def rate(self, time: Array, descent: Descent) -> Array:
        return self.value

    def describe(self) -> dict[str, Any]:
        return {"kind": "now"}


class EquivalentFlow(eqx.Module):
    """The adversarial flow, and beside it standard least squares at its effective rate and ridge."""

    adversarial: SpectralFlow
    inflate_noise: bool = eqx.field(static=True)

    def _standard(self, time: Array, state: SpectralState) -> SpectralFlow:
        flow = self.adversarial
        order = flow.order(flow.student(state))
        sigma = jnp.sqrt(jnp.maximum(order.residual_variance[0], FLOOR))
        radius = flow.radius.at(time)
        shift = radius * order.norm
        gain = 1 + MEAN_ABS * shift / sigma
        ridge = radius * (shift + MEAN_ABS * sigma) / jnp.maximum(order.norm, FLOOR) / gain
        share = shift / (sigma * gain)
        chi = 1 + (1 - MEAN_ABS**2) * share**2 if self.inflate_noise else jnp.ones(())
        return replace(flow, loss=RidgeLoss(ridge, chi), schedule=Now(flow.rate(time, state) * gain))

    def velocity(self, time: Array, state: tuple[SpectralState, SpectralState]) -> Any:
        """Time derivative of both states, the adversarial one first."""
        attacked, standard = state
        return self.adversarial.velocity(time, attacked), self._standard(time, attacked).velocity(time, standard)

    def observe(self, time: Array, state: tuple[SpectralState, SpectralState]) -> Observation:
        """What is read off the standard state."""
        attacked, standard = state
        return self._standard(time, attacked).observe(time, standard)


class FollowedSGD(eqx.Module):
    """SGD steps of ridge regression whose ridge is a table over time."""

    engine: NodeSGD
    ridge: Table

    def step(self, state: NodeState, noise: NodeNoise, time: Array) -> NodeState:
        """One step at the ridge of its time."""
        loss = RidgeLoss(self.ridge.rate(time, None), jnp.ones(()))
        return replace(self.engine, loss=loss).step(state, noise, time)

    def observe(self, state: NodeState, time: Array) -> Observation:
        """As of any students."""
        return self.engine.observe(state, time)
