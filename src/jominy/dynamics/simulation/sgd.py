"""Running streaming SGD for many seeds, whatever the engine: teams on all cores, observation, progress, Ctrl-C."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from jominy.dynamics.simulation.noise import Source
from jominy.dynamics.simulation.teams import Team, block_length, seed_teams
from jominy.numerics.arrays import Array
from jominy.numerics.cores import cores


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


class Record(NamedTuple):
    """Observations (seeds, T, ...), the number of report times reached, and whether Ctrl-C ended the run."""

    observations: Any
    reached: int
    interrupted: bool


Watch = Callable[[Any], None]
"""Is called with the results at each report time, as a labelled result of one time."""


def moments_told(
    watch: Watch | None, result: Callable[[Record, np.ndarray], Any], times: np.ndarray
) -> Callable[[int, Any], None] | None:
    """What `run_sgd` calls, so that `watch` gets labelled results."""
    if watch is None:
        return None
    return lambda number, seen: watch(result(Record(seen, 1, False), times[number : number + 1]))


@partial(jax.jit, donate_argnums=3)
def _advance(
    engine: Engine, deal: Any, step_time: Array, states: Any, block: Array, offset: Array, first: Array, count: Array
) -> Any:
    """`count` steps of a team, with the numbers of the block from its step `offset` on."""

    def one(k: Array, states: Any) -> Any:
        noise = jax.vmap(deal)(block[offset + k])
        return jax.vmap(engine.step, in_axes=(0, 0, None))(states, noise, (first + k) * step_time)

    return jax.lax.fori_loop(0, count, one, states)


@jax.jit
def _observe(engine: Engine, states: Any, time: Array) -> Any:
    return jax.vmap(engine.observe, in_axes=(0, None))(states, time)


def run_sgd(
    engine: Engine,
    source: Source,
    states: Any,
    report_steps: Sequence[int],
    step_time: float,
    progress: bool,
    words: str | None = None,
    watch: Callable[[int, Any], None] | None = None,
) -> Record:
    """Take SGD steps and observe after each of `report_steps` (increasing numbers of steps).

    `states` has leaves (seeds, ...); `words` stand before the progress bar; `watch` is called with the number of each
    report and what was observed, leaves (seeds, 1, ...). On Ctrl-C, and where `watch` raises KeyboardInterrupt,
    everything observed so far is returned.
    """
    from tqdm import tqdm

    seeds = len(jax.tree.leaves(states)[0])
    split, last = seed_teams(seeds, source.team), report_steps[-1]
    length = block_length(split.shape[1], seeds, source.width, last)
    words = f"SGD, {seeds} seeds" if words is None else words
    bar = tqdm(total=last, delay=2, unit="step", unit_scale=True, desc=words, disable=not progress)
    lock, stop = threading.Lock(), threading.Event()
    engine, deal = jax.device_put((engine, source.deal))  # once, and not for each block
    move = partial(_advance, engine, deal, step_time)
    observed: list[Any] = []
    interrupted = False

    def moved(steps: int) -> bool:
        with lock:
            bar.update(steps / split.size)
        return not stop.is_set()

    with ThreadPoolExecutor(cores()) as drawing, ThreadPoolExecutor(cores()) as stepping:
        try:
            teams = [Team(source, lanes, states, length, last, drawing) for lanes in split]
            for number, step in enumerate(report_steps):
                list(stepping.map(lambda team, step=step: team.advance(step, move, moved), teams))
                seen = [_observe(engine, team.states, step * step_time) for team in teams]
                observed.append(jax.tree.map(lambda *leaves: np.concatenate(leaves)[:seeds], *seen))
                if watch is not None:
                    watch(number, jax.tree.map(lambda leaf: leaf[:, None], observed[-1]))
        except KeyboardInterrupt:
            if not observed:
                raise  # nothing is done yet that could be kept
            interrupted = True
        finally:
            stop.set()  # the other teams, if one was interrupted or failed
            bar.close()
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *observed)
    return Record(stacked, len(observed), interrupted)
