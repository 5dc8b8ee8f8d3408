"""Covariance and bias of the state at the start, and what to do where the start is the zero vector.

Source: theory `fluctuations.md` section 3 (starts). The start at zero is ours: under attack F is not differentiable
there, nor where a block of features with a budget of its own is at zero, but on the mean curve rho^2 grows like t, C
like t and the bias like t, so all coefficients of the equations are at most of order t^(-1/2). Their integral exists,
and starting at t0 instead of 0 costs O(sqrt t0).
"""

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.fluctuations.linear_noise import LinearNoise, NoisyState
from jominy.dynamics.laws.flow import GaussianState
from jominy.dynamics.laws.spectral import SpectralFlow
from jominy.numerics.arrays import Array

EARLY = 1e-14
"""Where fluctuations begin for a start at zero, in units of time."""


def at_start(system: LinearNoise, mean: GaussianState, variance: float) -> NoisyState:
    """A fixed start fluctuates not at all; X_0 ~ N(0, variance I / d) does so in every node by itself."""
    frame = system.step.frame
    nodes = frame.nodes
    count, nodes_count = 1 + len(frame.kept), nodes.shares.size
    blocks = np.zeros((count, count, nodes_count))
    blocks[0, 0] = 2 * variance**2 * nodes.shares
    blocks[1:, 1:] = variance * nodes.gram
    size = count * nodes_count
    covariance = np.einsum("abq,qr->aqbr", blocks, np.eye(nodes_count)).reshape(size, size)
    return NoisyState(mean, covariance, np.zeros(size))


def from_corner(flow: SpectralFlow, mean: GaussianState) -> bool:
    """Whether the start is zero where the attack, or one of its forms, reaches it."""
    return bool(np.any(np.asarray(flow.order(mean).sizes) == 0))


@jax.jit
def shortly_after(system: LinearNoise, mean: GaussianState, time: Array) -> NoisyState:
    """The leading order of mean, covariance and bias at a short `time` after a start at a corner."""
    pushed = jax.tree.map(lambda old, speed: old + time * speed, mean, system.flow.velocity(jnp.zeros(()), mean))
    theta, state = system.point(pushed)
    rate = system.flow.rate(time, pushed)
    step = system.step_at(time)
    force = step.drift(step.scalars(theta), rate, state)
    covariance, correction = step.spread(theta, rate, state, force)
    return NoisyState(pushed, time * covariance, time * correction)
