"""Batches and momentum on a Gaussian mixture with several labels, in finite dimension: steps one by one, many at once.

In the limit of many dimensions they are another rate (`ClassFlow`); here weights and buffer move together, so that it
is known how much later a momentum acts.

Source: theory `multiclass.md` sections 4 and 5.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.classes.mixture_flow import ClassFlow, FlowSeen, LocalFlow
from jominy.dynamics.classes.mixture_law import FlowState
from jominy.dynamics.classes.recursion import Block, advance, congruence, many_steps
from jominy.dynamics.samples.affine import parts_of
from jominy.dynamics.samples.recursion import plan_blocks
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.optimizers import SGD, LinearStep
from jominy.schedules import Schedule

LONGEST = 8
"""One in so many of the dimension's samples is the longest way that is gone with the same coefficients."""


class StepLaw(NamedTuple):
    """The law of weights and of the buffer beside them, P parts.

    Attributes:
        mean: (Q, P K).
        variance: (G, P K, P K) of each group's coordinates, times d.
        counts: (G,) shares of the coordinates.
    """

    mean: Array
    variance: Array
    counts: Array

    @property
    def square(self) -> Array:
        """() E |W|^2, and what is kept beside them."""
        return jnp.sum(self.mean**2) + self.counts @ jnp.trace(self.variance, axis1=1, axis2=2)

    def beyond(self, size: float) -> StepLaw:
        """One whose weights are of this size, each."""
        return self._replace(mean=jnp.full_like(self.mean, size), variance=jnp.zeros_like(self.variance))

    def weights(self, classes: int) -> FlowState:
        """The law of the weights alone."""
        return FlowState(self.mean[:, :classes].T, self.variance[:, :classes, :classes])


class MixtureSteps(Module):
    """Steps of an optimizer as maps of a law of the weights."""

    flow: ClassFlow
    schedule: Schedule
    optimizer: SGD
    dimension: int = eqx.field(static=True)

    def local(self, law: StepLaw, time: Array) -> LocalFlow:
        """What single samples pull with at a law."""
        return self.flow.local(time, law.weights(len(self.flow.law.own)))

    def steps(self, law: StepLaw, seen: StepLaw, local: LocalFlow, linear: LinearStep, count: Array) -> StepLaw:
        """The law after `count` steps with the coefficients met at a law that was `seen`."""
        classes = len(self.flow.law.own)
        there = Block(seen.mean[:, :classes], seen.variance[:, :classes, :classes])
        single = self.dimension * local.noise - congruence(local.hessian, there.covariance)
        moved = many_steps(
            Block(law.mean, law.variance), there, local.gradient.T, local.hessian, single / self.optimizer.batch_size,
            linear, count, self.flow.law.places,
        )  # fmt: skip
        return StepLaw(moved.mean, moved.covariance, law.counts)


def stepped(flow: ClassFlow, optimizer: SGD, start: FlowState, dimension: int, times: np.ndarray) -> FlowSeen:
    """What the weights do at times (T,), on whole steps: leaves (T, ...)."""
    problem = MixtureSteps(flow, flow.schedule, optimizer, dimension)
    parts, classes = parts_of(optimizer), len(start.mean)
    more = (parts - 1) * classes
    law = StepLaw(
        np.pad(start.mean.T, ((0, 0), (0, more))), np.pad(start.variance, ((0, 0), (0, more), (0, more))),
        np.asarray(flow.law.shares),
    )  # fmt: skip
    numbers = np.rint(times * dimension / optimizer.batch_size).astype(int)
    blocks = plan_blocks(numbers, max(1, dimension // (LONGEST * optimizer.batch_size)))
    seen = []
    for first, length, place in zip(*blocks, strict=True):
        if place >= 0:
            seen.append(_observed(flow, law.weights(classes), times[place]))
        if length:
            law = advance(problem, law, np.asarray(first), np.asarray(length))
    return jax.tree.map(lambda *parts: np.stack([np.asarray(part) for part in parts]), *seen)


@jax.jit
def _observed(flow: ClassFlow, state: FlowState, time: Array) -> FlowSeen:
    return flow.observe(time, state)
