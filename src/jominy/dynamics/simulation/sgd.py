"""Running streaming SGD for many seeds, whatever the engine: teams on all cores, observation, progress, Ctrl-C."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from jominy.dynamics.simulation.noise import Source
from jominy.dynamics.simulation.seed_batches import SeedBatch, block_length, seed_teams
from jominy.numerics.arrays import Array
from jominy.numerics.cores import cores
from jominy.numerics.precision import double_precision
from jominy.numerics.programs import FULLY_OPTIMISED


class Engine(Protocol):
    """One way of taking SGD steps; an equinox module of arrays. `state` and `noise` are pytrees of one seed."""

    def step(self, state: Any, noise: Any, time: Array) -> Any:
        """The state after one step at `time`."""

    def observe(self, state: Any, time: Array) -> Any:
        """What is recorded of a state."""


class Record(NamedTuple):
    """Observations (seeds, T, ...), the number of report times reached, and whether Ctrl-C ended the run.

    `states` (seeds, ...) are the last ones, where the runs came to their end.
    """

    observations: Any
    reached: int
    interrupted: bool
    states: Any = None


Watch = Callable[[Any], None]
"""Is called with the results at each report time, as a labelled result of one time."""


class RowRuns(NamedTuple):
    """Which real runs on a user's rows are made, and what is kept of them.

    Attributes:
        grid: (T,) times at which they are reported, on whole steps.
        seeds: one for each run.
        held_out: rows and targets on which they are read out too.
        sampling: in which order rows are drawn; None: with replacement.
        progress: whether a bar is shown.
        watch: what hears of each moment.
        keep: whether the weights are kept.
        roughly: what is read of them may be off by 1e-5 of itself, which is nothing beside an ensemble's own error.
        optimum: whether they are measured from that, where it is not dearer than they are.
    """

    grid: np.ndarray
    seeds: list[int]
    held_out: tuple[Any, Any] | None = None
    sampling: Any = None
    progress: bool = False
    watch: Watch | None = None
    keep: bool = False
    roughly: bool = False
    optimum: bool = True


def moments_told(
    watch: Watch | None, result: Callable[[Record, np.ndarray], Any], times: np.ndarray
) -> Callable[[int, Any], None] | None:
    """What `run_sgd` calls, so that `watch` gets labelled results."""
    if watch is None:
        return None
    return lambda number, seen: watch(result(Record(seen, 1, False), times[number : number + 1]))


def _advanced(
    engine: Engine, deal: Any, step_time: Array, states: Any, block: Array, offset: Array, first: Array, count: Array
) -> Any:
    """`count` steps of a team, with the numbers of the block from its step `offset` on."""

    def one(k: Array, states: Any) -> Any:
        noise = jax.vmap(deal)(block[offset + k])
        return jax.vmap(engine.step, in_axes=(0, 0, None))(states, noise, (first + k) * step_time)

    return jax.lax.fori_loop(0, count, one, states)


def _observed(engine: Engine, states: Any, time: Array) -> Any:
    return jax.vmap(engine.observe, in_axes=(0, None))(states, time)


_advance, _observe = jax.jit(_advanced, donate_argnums=3), jax.jit(_observed)
_advance_long_sums = jax.jit(_advanced, donate_argnums=3, compiler_options=FULLY_OPTIMISED)
_observe_long_sums = jax.jit(_observed, compiler_options=FULLY_OPTIMISED)


def run_sgd(
    engine: Engine,
    source: Source,
    states: Any,
    report_steps: Sequence[int],
    step_time: float,
    progress: bool,
    words: str | None = None,
    watch: Callable[[int, Any], None] | None = None,
    *,
    long_sums: bool = False,
) -> Record:
    """Take SGD steps and observe after each of `report_steps` (increasing numbers of steps).

    `states` has leaves (seeds, ...); `words` stand before the progress bar; `watch` is called with the number of each
    report and what was observed, leaves (seeds, 1, ...). `long_sums` are worth a compiler that takes its time, whatever
    it is told of all other programs. On Ctrl-C, and where `watch` raises KeyboardInterrupt,
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
    steps_of, look_of = (_advance_long_sums, _observe_long_sums) if long_sums else (_advance, _observe)
    move, look = partial(steps_of, engine, deal, step_time), double_precision(look_of)
    observed: list[Any] = []
    final, interrupted = None, False

    def moved(steps: int) -> bool:
        with lock:
            bar.update(steps / split.size)
        return not stop.is_set()

    with ThreadPoolExecutor(cores()) as drawing, ThreadPoolExecutor(cores()) as stepping:
        try:
            teams = [SeedBatch(source, lanes, states, length, last, drawing) for lanes in split]
            for number, step in enumerate(report_steps):
                list(stepping.map(lambda team, step=step: team.advance(step, move, moved), teams))
                time = step * step_time
                seen = list(stepping.map(lambda team, time=time: look(engine, team.states, time), teams))
                observed.append(jax.tree.map(lambda *leaves: np.concatenate(leaves)[:seeds], *seen))
                if watch is not None:
                    watch(number, jax.tree.map(lambda leaf: leaf[:, None], observed[-1]))
            last_ones = [team.states for team in teams]
            final = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:seeds], *last_ones)
        except KeyboardInterrupt:
            if not observed:
                raise  # nothing is done yet that could be kept
            interrupted = True
        finally:
            stop.set()  # the other teams, if one was interrupted or failed
            bar.close()
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *observed)
    return Record(stacked, len(observed), interrupted, final)
