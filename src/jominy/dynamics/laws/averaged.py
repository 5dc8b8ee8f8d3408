"""Tail averages: the deterministic equivalent of the mean of all weights since some time.

With A the integral of X since the beginning of the average, mean and variance of A follow from the two-time covariance
C(t, s) = E(t, s) w(s), whose integral c = Cov(X, A) obeys the linear equation of the mean: dc/dt = w - g alpha c, and
d Var(A)/dt = 2 c. The average is A over the time since; all that is reported of weights is a function of its mean and
variance.

Source: theory `design.md` section 2, `dynamics.md` section 1.1 (the covariance of two times).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jominy.dynamics.laws.flow import Flow, GaussianState
from jominy.dynamics.students import Observation
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module

SOON = 1e-9
"""An average over less time than this is the student itself."""


class AveragedState(NamedTuple):
    """The state `now`; its integral and that of its spread since the average began, `total`; and c, `cross`."""

    now: GaussianState
    total: GaussianState
    cross: Array


class AveragedFlow(Module):
    """A flow, and the average of its students from `begin` on."""

    flow: Flow
    begin: float

    def velocity(self, time: Array, state: AveragedState) -> AveragedState:
        """Time derivative of the state."""
        moving, pulled = self.flow.pulled(time, state.now, state.cross)
        on = jnp.where(time >= self.begin, 1.0, 0.0)
        total = self.flow.integrand(state.now, state.cross)
        return AveragedState(
            moving,
            jax.tree.map(lambda leaf: on * leaf, total),
            on * (state.now.covariance - pulled),
        )

    def ended(self, state: AveragedState) -> Array:
        """Whether the student has met the blowup_limiter."""
        return self.flow.ended(state.now)

    def observe(self, time: Array, state: AveragedState) -> Observation:
        """What is seen of the average, and the rate of the moment."""
        length = time - self.begin
        begun = length > SOON
        mean = self.flow.over(state.total, jnp.where(begun, length, 1.0))
        student = jax.tree.map(lambda own, other: jnp.where(begun, other, own), state.now, mean)
        rate = self.flow.observe(time, state.now).rate
        return self.flow.observe(time, student._replace(memory=state.now.memory))._replace(rate=rate)


def averaged_state(state: GaussianState) -> AveragedState:
    """The state of the start."""
    return AveragedState(state, jax.tree.map(lambda leaf: 0.0 * leaf, state), 0.0 * state.covariance)
