"""The deterministic equivalent of SGD with weight decay, batches and momentum.

As d grows at a fixed batch size b and momentum mu, weights stand still while a step is remembered: the curve is that
of plain SGD at (1 - dampening) / (b (1 - mu)) times the rate, with the decay as a ridge beside the risk. In finite
dimension a step's effect comes b / (d (1 - mu)) of time later; that is followed by the map of one step on weights and
buffer together.

Source: theory `multiclass.md` section 4, for mixtures: the doubled state.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from jominy.dynamics.laws.flow import Flow, GaussianState, LocalModel, symmetrised, transposed
from jominy.dynamics.students import Observation, blown_up, diverged
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.optimizers import SGD


class Pace(NamedTuple):
    """What an optimizer makes of a rate: `gain` (), by which it is multiplied, and `ridge` () beside the risk."""

    gain: Array
    ridge: Array


class OptimizedFlow(Flow):
    """A flow at another pace, with a ridge of weight decay: the limit of many dimensions."""

    flow: Flow
    gain: Array
    ridge: Array

    def order(self, state: GaussianState) -> OrderParameters:
        return self.flow.order(state)

    def local_model(self, time: Array, state: GaussianState) -> LocalModel:
        """With the decay in gradient and Hessian; what a rate looks at is the risk's own descent."""
        model = self.flow.local_model(time, state)
        gradient = jax.tree.map(lambda own, pull: own + self.ridge * pull, model.gradient, self.norm_gradient(state))
        return model._replace(gradient=gradient, hessian=model.hessian.shifted(self.ridge))

    def norm_gradient(self, state: GaussianState) -> Any:
        return self.flow.norm_gradient(state)

    def pace(self, rate: Array) -> Array:
        return self.gain * rate

    def seen(self, state: GaussianState, order: OrderParameters, rate: Array) -> Observation:
        return self.flow.seen(state, order, rate)


class MomentumState(NamedTuple):
    """Weights `now`, and the optimizer's buffer over d beside them.

    Attributes:
        now: of the weights W.
        buffer: the buffer's mean, a tree like that of the weights.
        cross: d Cov(W, buffer), like the covariance of the weights, but no symmetric matrix.
        spread: d Cov(buffer, buffer).
    """

    now: GaussianState
    buffer: Any
    cross: Array
    spread: Array


class MomentumSteps(Module):
    """The map of one step of SGD with momentum on mean and covariance of weights and buffer together.

    With g the mean gradient of b samples, c = 1/d, lr = rate / d and P the buffer over d:
    P <- mu P + (1 - dampening) c g (the first time c g), W <- W - rate P (nesterov: W - rate (c g + mu P)).
    """

    flow: Flow
    optimizer: SGD = eqx.field(static=True)

    def batch(self, time: Array, state: MomentumState, length: Array) -> MomentumState:
        """The state after one step, which takes `length` of time, b / d."""
        optimizer, now = self.optimizer, state.now
        mu, b = optimizer.momentum, optimizer.batch_size
        model = self.flow.local_model(time, now)
        decay = optimizer.weight_decay
        gradient, hessian = model.gradient, model.hessian
        if decay and not optimizer.decoupled:
            pull = self.flow.norm_gradient(now)
            gradient = jax.tree.map(lambda own, more: own + decay * more, gradient, pull)
            hessian = hessian.shifted(jnp.asarray(decay))
        rate = self.flow.schedule.rate(time, model.descent)
        c = length / b
        taken = c * jnp.where(time == 0, 1.0, 1.0 - optimizer.dampening)
        shrunk = 1 - rate * c * decay if optimizer.decoupled else 1.0
        noise = c * model.noise / b  # d times the covariance of c g, of its random part

        buffer = jax.tree.map(lambda old, own: mu * old + taken * own, state.buffer, gradient)
        along = hessian.on(now.covariance)  # H A: d Cov(H W, W)
        twice = hessian.on(transposed(along))  # H A H
        to_buffer = mu * hessian.on(state.cross)  # d Cov(H W, mu P)
        share = taken / c
        spread = mu**2 * state.spread + symmetrised(taken * to_buffer) + taken**2 * twice + share**2 * noise
        cross = mu * state.cross + taken * transposed(along)  # of the weights before the step with the new buffer
        if optimizer.nesterov:
            step = jax.tree.map(lambda own, new: c * own + mu * new, gradient, buffer)
            before = c * transposed(along) + mu * cross
            own = c * to_buffer + c * taken * twice + share * noise  # of c g with the new buffer
            with_buffer = own + mu * spread
            square = c**2 * twice + noise + symmetrised(mu * own) + mu**2 * spread
        else:
            step, before, with_buffer, square = buffer, cross, spread, spread
        shrinking = self.flow.norm_gradient(now) if optimizer.decoupled else None
        mean = jax.tree.map(lambda old, moved: old - rate * moved, now.mean, step)
        if shrinking is not None:
            mean = jax.tree.map(lambda old, pull: old - rate * c * decay * pull, mean, shrinking)
        covariance = shrunk**2 * now.covariance - symmetrised(shrunk * rate * before) + rate**2 * square
        moved = MomentumState(
            GaussianState(mean, covariance, now.memory), buffer, shrunk * cross - rate * with_buffer, spread
        )
        lost = diverged(model.order) | blown_up(model.order, model.moments)
        return jax.tree.map(lambda old, new: jnp.where(lost, old, new), state, moved)

    def observe(self, time: Array, state: MomentumState) -> Observation:
        """What the flow sees of the weights."""
        return self.flow.observe(time, state.now)


def with_buffer(state: GaussianState) -> MomentumState:
    """The state of the start: the buffer is empty."""
    nothing = 0.0 * state.covariance
    return MomentumState(state, jax.tree.map(lambda leaf: 0.0 * leaf, state.mean), nothing, nothing)
