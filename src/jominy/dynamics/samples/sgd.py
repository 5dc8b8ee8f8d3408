"""Streaming SGD on a user's own rows."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import Reach
from jominy.dynamics.samples.law import Rows as Columns
from jominy.dynamics.samples.law import Spread, pull_of, sample_order, size_of
from jominy.dynamics.samples.sampling import Sampling
from jominy.dynamics.simulation.steps import StreamingSGD, WeightState
from jominy.errors import InputError
from jominy.losses import Loss
from jominy.numerics.arrays import Array
from jominy.numerics.normals import NormalStreams
from jominy.numerics.precision import as_precise_as
from jominy.numerics.streams import stream
from jominy.optimizers import SGD, Optimizer
from jominy.schedules import RadiusSchedule, Schedule

ROW_PURPOSE, CHANCE_PURPOSE, NOISE_PURPOSE = 0, 7, 8
CHANCES = 2**31
"""A chance is one of so many whole numbers."""


class RowsSeen(NamedTuple):
    """Averages over all of a set of rows at one student: (K,) risks and accuracies at K radii."""

    risk: Array
    accuracy: Array


class Rows(NamedTuple):
    """Features (n, d), targets (n,) and what each row counts in the loss (n,), None where all count alike."""

    features: Array
    targets: Array
    weights: Array | None = None


class NoisyInputs(NamedTuple):
    """Normal noise of `variance` (d,) on the inputs in training.

    Averages over it are taken by `rule`, for the risks at those of the radii (K,) that are `trained` for.
    """

    variance: Array
    rule: Any
    trained: Array


class SampleObservation(NamedTuple):
    """What is recorded of one student."""

    train: RowsSeen
    test: RowsSeen
    norm: Array
    distance_squared: Array
    rate: Array
    weights: Array
    """(d,) those of the student where they are kept, or (0,)."""


class SampleSGD(StreamingSGD):
    """SGD steps on rows (n, d); a step's noise is the row numbers (b,) of its batch, and where the loss is random a
    chance (31 bits) for each of them, and where inputs are noisy the bits of b d normals.

    Averages over the rows `seen` and `test` (perhaps rounded) are observed at the training radius of the moment and at
    `radii`.
    """

    features: Array
    targets: Array
    seen: Rows
    test: Rows
    loss: Loss
    schedule: Schedule
    radius: RadiusSchedule
    radii: Array
    optimum: Array
    form: Array | Reach | None = None
    keep: bool = eqx.field(default=False, static=True)
    """Whether the weights themselves are observed."""
    optimizer: Optimizer = SGD()
    weights: Array | None = None
    """(n,) of the rows in the loss, or None."""
    noise: NoisyInputs | None = None
    """On the inputs in training."""

    def gradient(self, state: WeightState, noise: Array, time: Array) -> Array:
        """(d,) the mean over the batch of Psi_r x + radius Psi_s grad size(X)."""
        batch = self.optimizer.batch_size
        x, y = self.features[noise[:batch]], self.targets[noise[:batch]]
        vector = state.weights
        if self.noise is not None:
            normals = jax.lax.bitcast_convert_type(noise[-batch * vector.size :], jnp.float32)
            x = x + jnp.sqrt(self.noise.variance) * normals.reshape(batch, -1)
            noise = noise[: -batch * vector.size]
        size = size_of(self.form, vector)
        radius = self.radius.at(time)
        chance = (noise[-batch:] + 0.5) / CHANCES
        slope, shift_slope = self.loss.sample_slopes(x @ vector, radius * size, y, chance)
        if self.weights is not None:
            slope, shift_slope = (self.weights[noise[:batch]] * part for part in (slope, shift_slope))
        return slope @ x / batch + pull_of(self.form, vector, radius * jnp.mean(shift_slope))

    def observe(self, state: WeightState, time: Array) -> SampleObservation:
        """Averages over the rows at this student."""
        vector = state.weights
        norm = jnp.sqrt(vector @ vector)
        size = size_of(self.form, vector)
        error = vector - self.optimum
        radii = jnp.concatenate([jnp.reshape(self.radius.at(time), (1,)), self.radii])
        return SampleObservation(
            self._average(self.seen, vector, size, radii, self.noise),
            self._average(self.test, vector, size, radii),
            norm,
            error @ error,
            self.rate(state, time),
            vector if self.keep else vector[:0],
        )

    def _average(
        self, rows: Rows, vector: Array, size: Array, radii: Array, noise: NoisyInputs | None = None
    ) -> RowsSeen:
        """With `noise` on the inputs in the risks at the radii of the training."""
        trained = jnp.zeros(radii.shape, bool) if noise is None else jnp.asarray(noise.trained)
        vector, size, radii, noise = as_precise_as(rows.features, (vector, size, radii, noise))
        score = rows.features @ vector

        def at_radius(given: tuple[Array, Array]) -> tuple[Array, Array]:
            radius, trained = given
            gap = rows.targets * score - radius * size
            right = jnp.where(gap == 0, 0.5, jnp.where(gap > 0, 1.0, 0.0))
            risk = self.loss.adversarial(score, radius * size, rows.targets)
            if noise is not None:
                columns = Columns(rows.features.T, rows.features.T**2, rows.targets)
                order = sample_order(columns, Spread(vector, jnp.zeros_like(vector)), None, noise.variance)
                risk = jnp.where(trained, self.loss.moments(order, rows.targets, radius * size, noise.rule).value, risk)
            if rows.weights is not None:
                risk = rows.weights * risk
            return jnp.mean(risk.astype(float)), jnp.mean(right.astype(float))

        risk, accuracy = jax.lax.map(at_radius, (radii, trained))
        return RowsSeen(risk, accuracy)


MOST_DRAWN = 5e8
"""Rows that runs may draw: they are kept, four bytes each and as many on the way."""


class RowSource:
    """Row numbers for many seeds, all drawn beforehand (a step needs as many integers as its batch has samples)."""

    deal = jax.tree_util.Partial(jnp.asarray)

    def __init__(
        self,
        seeds: list[int],
        sampling: Sampling,
        steps: int,
        count: int,
        random_loss: bool,
        batch_size: int = 1,
        noisy_features: int = 0,
    ) -> None:
        self.team, self.width = len(seeds), batch_size * (1 + random_loss + noisy_features)
        drawn = steps * batch_size
        if drawn * len(seeds) > MOST_DRAWN:
            raise InputError(
                f"Runs on rows draw at most {MOST_DRAWN:.0e} of them, beforehand and in all",
                f"{len(seeds)} runs of {drawn:.3g} rows each",
                'Ask for a shorter time or fewer seeds; `forecast(..., method="recursion")` draws none',
            )
        numbers = [np.stack([drawn_rows(sampling, seed, drawn, count).astype(np.int32) for seed in seeds])]
        if random_loss:
            chances = [stream(seed, CHANCE_PURPOSE).integers(CHANCES, size=drawn).astype(np.int32) for seed in seeds]
            numbers.append(np.stack(chances))
        shaped = [part.reshape(len(seeds), steps, batch_size) for part in numbers]
        self.numbers = np.concatenate(shaped, axis=-1)
        self.normals = NormalStreams(seeds, NOISE_PURPOSE, batch_size * noisy_features) if noisy_features else None

    def block(self, lanes: np.ndarray, first: int, steps: int) -> np.ndarray:
        """Numbers (steps, lanes, width) of the seeds of these indices, from step `first` on; zeros after the last."""
        numbers = self.numbers[lanes, first : first + steps]
        rows = np.pad(numbers, ((0, 0), (0, steps - numbers.shape[1]), (0, 0))).swapaxes(0, 1)
        if self.normals is None:
            return rows
        drawn = self.normals.block(lanes, first, steps)[..., : self.width - rows.shape[-1]]
        return np.concatenate([rows, np.ascontiguousarray(drawn).view(np.int32)], axis=-1)


def drawn_rows(sampling: Sampling, seed: int, numbers: int, count: int) -> np.ndarray:
    """(numbers,) the row numbers of a run; InputError where a user's own order of rows does not give so many."""
    rows = np.asarray(sampling.rows(stream(seed, ROW_PURPOSE), numbers, count))
    whole = rows.dtype.kind in "iu" and rows.shape == (numbers,)
    if not whole or (numbers and not 0 <= rows.min() <= rows.max() < count):
        raise InputError(
            f"A sampling's rows must be {numbers} whole numbers from 0 to {count - 1}",
            f"{rows.dtype} of shape {rows.shape}",
            "Give as many as steps times the batch size",
        )
    return rows
