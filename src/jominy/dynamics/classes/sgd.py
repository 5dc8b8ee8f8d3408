"""Streaming SGD of a linear model of several classes on a user's own rows."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from jominy.data import RowReach
from jominy.dynamics.classes.moves import Form, RowMoves, WeightMoves
from jominy.dynamics.classes.readout import ChunkedRows, RowsRead, read_rows
from jominy.dynamics.samples.sgd import CHANCES
from jominy.dynamics.simulation.steps import StreamingSGD, WeightState
from jominy.losses.classes import ClassLoss, Pull
from jominy.numerics.arrays import Array
from jominy.numerics.precision import as_precise_as
from jominy.optimizers import Optimizer
from jominy.schedules import RadiusSchedule, Schedule


class ClassObservation(NamedTuple):
    """What is recorded of one model: on the groups of rows, its norm and its learning rate.

    `weights` (K, d) where they are kept, or (0, d). `distance` is that to the nearest optimum, or the norm.
    """

    rows: RowsRead
    norm: Array
    distance: Array
    rate: Array
    weights: Array


class ClassSGD(StreamingSGD):
    """SGD steps on rows (n, d) with class numbers (n,); a step's noise is the row numbers (b,) of its batch.

    Where the loss is random, a chance in units of 1 / CHANCES follows for each.

    An attack has a size of the weights, which its `form` tells, or moves each row in its own way: `reach` (n, d, r).
    The rows `seen` are read out at the training radius of the moment and at `radii`, of which zero is the first.
    """

    features: Array
    labels: Array
    seen: ChunkedRows
    loss: ClassLoss
    schedule: Schedule
    optimizer: Optimizer
    radius: RadiusSchedule
    radii: Array
    form: Form
    keep: bool = eqx.field(default=False, static=True)
    """Whether the weights themselves are observed."""
    reach: RowReach | None = None
    optimum: Array | None = None
    """(K, d), or None where it is not known."""
    counts: Array | None = None
    """(n,) the weights of the rows in the loss, or None where all count alike."""

    def gradient(self, state: WeightState, noise: Array, time: Array) -> Array:
        """(K, d) the mean over the batch."""
        batch = self.optimizer.batch_size
        chance = (noise[-batch:] + 0.5) / CHANCES
        return self.mean_gradient(state.weights, noise[:batch], self.radius.at(time), chance)

    def mean_gradient(self, weights: Array, batch: Array, radius: Array, chance: Array) -> Array:
        """(K, d) the mean over rows of these numbers (b,), whose losses have chances (b,) where they are random."""
        x = self.features[batch]
        own = (self.labels[batch] == jnp.arange(len(weights))[:, None]).astype(x.dtype)
        moves, scores = self._moves(weights, batch), weights @ x.T
        if self.reach is not None:
            # In the precision of the Jacobians, which is single: to first order attacks are not known better.
            scores, own, radius = as_precise_as(self.reach.table, (scores, own, jnp.asarray(radius)))
        pull = self.loss.drawn_pull(scores, own, moves, radius, chance)
        if self.counts is not None:
            pull = Pull(self.counts[batch] * pull.scores, self.counts[batch] * pull.attack, pull.directions)
        return (pull.scores @ x + radius * moves.pull(pull.attack, pull.directions).astype(x.dtype)) / len(x)

    def _moves(self, weights: Array, batch: Array) -> WeightMoves | RowMoves:
        if self.reach is None:
            return WeightMoves(weights, self.form)
        here = jax.tree.map(lambda leaf: jnp.moveaxis(leaf[batch], 0, 2), self.reach)
        return RowMoves.of(as_precise_as(here.table, weights), here)

    def observe(self, state: WeightState, time: Array) -> ClassObservation:
        """What the model does on all rows."""
        radii = jnp.concatenate([jnp.reshape(self.radius.at(time), (1,)), self.radii])
        away = state.weights if self.optimum is None else state.weights - self.optimum
        if self.loss.differences:  # what all classes' weights have in common changes nothing
            away = away - jnp.mean(away, axis=0)
        return ClassObservation(
            read_rows(self.seen, state.weights, self.loss, radii, self.form),
            jnp.sqrt(jnp.sum(state.weights**2)),
            jnp.sqrt(jnp.sum(away**2)),
            self.rate(state, time),
            state.weights if self.keep else state.weights[:0],
        )
