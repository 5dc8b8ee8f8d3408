"""Running streaming SGD for many seeds at once, whatever the engine: chunks of noise, observation, progress, Ctrl-C."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jominy.numerics.arrays import Array
from jominy.numerics.streams import prefetched

NOISE_BYTES = 2**24
LONGEST_CHUNK = 4096


class VectorState(NamedTuple):
    """One student as its `vector` (d,), and the schedule's `memory` ()."""

    vector: Array
    memory: Array


def vector_states(vectors: np.ndarray) -> VectorState:
    """States of students (seeds, d) at the start."""
    return VectorState(vectors, np.zeros(len(vectors)))


class Engine(Protocol):
    """One way of taking SGD steps; an equinox module of arrays. `state` and `noise` are pytrees of one seed."""

    def step(self, state: Any, noise: Any, time: Array) -> Any:
        """The state after one step at `time`."""

    def observe(self, state: Any, time: Array) -> Any:
        """What is recorded of a state."""


class Source(Protocol):
    """Where the noise of an engine comes from."""

    def floats_per_step(self) -> int:
        """Numbers needed for one step of one seed."""

    def draw(self, steps: int) -> Any:
        """Noise of the next `steps` steps of all seeds, leaves (seeds, steps, ...)."""


class Record(NamedTuple):
    """Observations (seeds, T, ...), the number of report times reached, and whether Ctrl-C ended the run."""

    observations: Any
    reached: int
    interrupted: bool


@partial(jax.jit, donate_argnums=1)
def _advance(engine: Engine, states: Any, noise: Any, first: Array, count: Array, step_time: Array) -> Any:
    """`count` steps of all seeds; the noise may hold more."""
    by_step = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), noise)

    def one(k: Array, states: Any) -> Any:
        here = jax.tree.map(lambda leaf: leaf[k], by_step)
        return jax.vmap(engine.step, in_axes=(0, 0, None))(states, here, (first + k) * step_time)

    return jax.lax.fori_loop(0, count, one, states)


@jax.jit
def _observe(engine: Engine, states: Any, time: Array) -> Any:
    return jax.vmap(engine.observe, in_axes=(0, None))(states, time)


def run_sgd(
    engine: Engine,
    source: Source,
    states: Any,
    report_steps: Sequence[int],
    seeds: int,
    step_time: float,
    progress: bool,
    words: str | None = None,
) -> Record:
    """Take SGD steps and observe after each of `report_steps` (increasing numbers of steps).

    `states` has leaves (seeds, ...); `words` stand before the progress bar. On Ctrl-C everything observed so far is
    returned.
    """
    from tqdm import tqdm

    longest = int(np.clip(NOISE_BYTES // (8 * seeds * max(source.floats_per_step(), 1)), 1, LONGEST_CHUNK))
    plan = list(_chunks(report_steps, longest))
    words = f"SGD, {seeds} seeds" if words is None else words
    bar = tqdm(total=report_steps[-1], delay=2, unit="step", unit_scale=True, desc=words, disable=not progress)
    observed: list[Any] = []
    interrupted = False
    states = jax.tree.map(jnp.array, states)  # a copy: the buffers are reused in place
    try:
        if report_steps[0] == 0:
            observed.append(_observe(engine, states, 0.0))
        noises = prefetched(source.draw, [count for _, count, _ in plan])
        for (first, count, reports), noise in zip(plan, noises, strict=True):
            states = _advance(engine, states, _padded(noise, longest), first, count, step_time)
            if reports:
                observed.append(jax.tree.map(np.asarray, _observe(engine, states, (first + count) * step_time)))
            bar.update(count)
    except KeyboardInterrupt:
        if not observed:
            raise  # nothing was done that could be kept
        interrupted = True
    finally:
        bar.close()
    if not observed:
        raise KeyboardInterrupt  # nothing is done yet, so nothing is lost
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *observed)
    return Record(stacked, len(observed), interrupted)


def _chunks(report_steps: Sequence[int], longest: int):
    """(first step, number of steps, whether a report follows) up to the last report."""
    done = 0
    for target in report_steps:
        while done < target:
            count = min(longest, target - done)
            yield done, count, done + count == target
            done += count


def _padded(noise: Any, length: int) -> Any:
    """Noise with exactly `length` steps, so that one compiled program serves every chunk."""
    return jax.tree.map(
        lambda leaf: np.pad(leaf, ((0, 0), (0, length - leaf.shape[1]), *(((0, 0),) * (leaf.ndim - 2)))), noise
    )
