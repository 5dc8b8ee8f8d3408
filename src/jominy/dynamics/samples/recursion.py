"""The finite-step recursion of mean and covariance on samples, in geometric blocks of steps.

Source: theory `realdata.md` section 1, blocks.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import Reach
from jominy.dynamics.samples.affine import Law, batch_noise, launched, many_steps, noise_share, one_step, parts_of
from jominy.dynamics.samples.law import (
    InputNoise,
    Rows,
    Slope,
    Spread,
    advance,
    risk_sd,
    sample_descent,
    sample_order,
    single_step,
    slope_at,
)
from jominy.losses import Loss
from jominy.numerics.arrays import Array
from jominy.numerics.programs import jit_lightly
from jominy.optimizers import SGD, LinearStep, Optimizer
from jominy.schedules import RadiusSchedule, Schedule

OUT_OF_SCALE = 1e13
BEYOND = 1e8
"""Every entry of a state that has left all scales, so that it is seen to have done so whatever it was before."""


BRISK = 0.3
"""Rate times ridge times steps that are not exceeded at once: the student's size, and with it the ridge, would change
too much. Near a collapse blocks with a frozen ridge diverge where single steps do not."""


class Blocks(NamedTuple):
    """Which steps are taken together: first step and length of each block, and the report (index or -1) before it."""

    first: np.ndarray
    length: np.ndarray
    report: np.ndarray


class Recorded(NamedTuple):
    """Per report time: spreads with leading T, risk's standard deviation, rate, and the largest logit met (scalar)."""

    spreads: Spread
    risk_sd: Array
    rate: Array
    largest_logit: Array


class SampleProblem(NamedTuple):
    """What the recursion needs: `rows` perhaps rounded, and the law after a first step of size one (`first_step`).

    `optimum` (r,) and `copies` (r,) are in the rows' frame; `dimension` is the number of features; `form` is that of
    an attack with weights, in the frame, or the reach of one on single features; `noise` is that of the inputs.
    """

    rows: Rows
    launched: Spread
    loss: Loss
    schedule: Schedule
    radius: RadiusSchedule
    rule: Any
    optimum: Array
    copies: Array
    dimension: int
    form: Array | Reach | None = None
    optimizer: Optimizer = SGD()
    noise: InputNoise | None = None


class StepPreview(NamedTuple):
    """What a step from here does: coefficients, the rate, and what it adds to the schedule's memory.

    The rate counts the step's own gradient in the memory, as SGD does.
    """

    slope: Slope
    rate: Array
    growth: Array


BLOCK_SHARE = 16
"""Blocks are as long as this part of the steps before them, where nothing else is said."""


def block_length(step: int, largest: int, share: int = BLOCK_SHARE) -> int:
    """max(1, min(step / share, largest)) steps, made odd: a block then has a step in its middle."""
    size = max(1, min(step // share, largest))
    return size - 1 + size % 2


def plan_blocks(report_steps: np.ndarray, largest: int, share: int = BLOCK_SHARE) -> Blocks:
    """Blocks from step 0 on, cut at the reports; a block of no steps at the end carries the last report.

    >>> plan = plan_blocks(np.array([0, 51]), 4)
    >>> plan.length[[0, -2, -1]].tolist(), plan.report[[0, -1]].tolist()
    ([1, 3, 0], [0, 1])
    """
    first, length, report = [], [], []
    done, waiting = 0, -1
    for index, target in enumerate(report_steps):
        while done < target:
            size = min(block_length(done, largest, share), int(target) - done)
            size = size - 1 + size % 2
            first.append(done)
            length.append(size)
            report.append(waiting)
            done, waiting = done + size, -1
        waiting = index
    blocks = ([*first, done], [*length, 0], [*report, waiting])
    return Blocks(*(np.asarray(part, dtype=np.int64) for part in blocks))


def block_ends(last: int, largest: int) -> np.ndarray:
    """Steps at which uncut blocks end, from 0 to `last`: reports there cost no further blocks."""
    ends = [0]
    while ends[-1] < last:
        ends.append(min(ends[-1] + block_length(ends[-1], largest), last))
    return np.array(ends)


def block_count(last: int, largest: int) -> int:
    """How many uncut blocks there are up to step `last`, which may be far, or one more.

    >>> block_count(10**12, 5), block_count(1000, 6) - len(block_ends(1000, 6)) + 1 in (0, 1)
    (200000000043, True)
    """
    from_there = min(last, BLOCK_SHARE * largest)  # all are as long as they may be
    ends = block_ends(from_there, largest)
    return len(ends) - 1 + -(-(last - from_there) // block_length(from_there, largest))


class _Walk(NamedTuple):
    """Where the recursion is.

    Attributes:
        block: the number of the block that is being taken.
        done: steps of it that were taken before, where all of it at once would be too much.
        span: of how many steps, an odd number, `there` is the middle.
        halfway: whether `there` is the middle of these steps, or their beginning.
        law, memory: at that beginning.
        there, memory_there: where the coefficients are wanted next.
        kept: what is recorded so far.
    """

    block: Array
    done: Array
    span: Array
    halfway: Array
    law: Law
    memory: Array
    there: Spread
    memory_there: Array
    kept: Recorded


@partial(jit_lightly, static_argnames=("singly", "reports"))
def run_recursion(
    problem: SampleProblem,
    start: Spread,
    blocks: Blocks,
    from_zero: bool,
    singly: bool,
    reports: int,
    largest_logit: float,
) -> Recorded:
    """The recursion from `start`, in blocks, or `singly` step by step, which needs no eigenvectors.

    Where the attack's ridge is large a block is taken in pieces (`BRISK`).
    It ends early at a report whose logit is beyond `largest_logit`.
    """
    rows, first_law, loss, schedule, radius, rule, optimum, copies, dimension, form, optimizer, noise = problem
    diagonal = start.covariance.ndim == 1
    step_time, share = optimizer.batch_size / dimension, noise_share(optimizer, rows.targets.size)

    def look(spread: Spread, memory: Array, step: Array) -> StepPreview:
        time = step * step_time
        slope = slope_at(rows, spread, loss, radius.at(time), rule, form, noise)
        felt = slope if optimizer.plain else slope._replace(noise=batch_noise(slope, spread, share))
        pushed = sample_descent(spread, felt, optimum, dimension)
        growth = pushed.noise / dimension if schedule.remembers else jnp.zeros(())
        return StepPreview(slope, schedule.rate(time, pushed._replace(memory=memory + growth)), growth)

    def linear(walk: _Walk, ahead: StepPreview) -> LinearStep:
        return optimizer.linear(ahead.rate / dimension, (walk.block == 0) & (walk.done == 0))

    def nothing(walk: _Walk, ahead: StepPreview, count: Array) -> Law:
        return walk.law

    def one(walk: _Walk, ahead: StepPreview, count: Array) -> Law:
        if not optimizer.plain:
            return one_step(walk.law, ahead.slope, linear(walk, ahead), share)
        return Law.of(single_step(walk.law.weights, ahead.slope, ahead.rate / dimension))

    def many(walk: _Walk, ahead: StepPreview, count: Array) -> Law:
        # The steps of a block start from states 0 to length - 1, so their common slope is that of the middle one; what
        # is first taken from the block's beginning leads there.
        spread = walk.law.weights
        back = spread.mean - walk.there.mean
        shift = ahead.slope.hessian * back if diagonal else ahead.slope.hessian @ back
        slope = ahead.slope._replace(gradient=ahead.slope.gradient + shift)
        if not optimizer.plain:
            return many_steps(walk.law, slope, walk.there, linear(walk, ahead), share, count)
        return Law.of(advance(spread, slope, ahead.rate / dimension, count))

    def first_step(walk: _Walk, ahead: StepPreview, count: Array) -> Law:
        if not optimizer.plain:
            return launched(first_law, linear(walk, ahead), share)
        step = ahead.rate / dimension
        return Law.of(Spread(step * first_law.mean, step**2 * first_law.covariance))

    def record(kept: Recorded, index: Array, spread: Spread, slope: Slope, rate: Array) -> Recorded:
        order = sample_order(rows, spread, form, None if noise is None else noise.variance)
        logit = jnp.where(order.norm**2 < OUT_OF_SCALE, jnp.max(loss.logit_sd(order)), 0.0).astype(float)
        here = (spread, risk_sd(spread, slope, copies), rate)
        placed = jax.tree.map(lambda store, leaf: store.at[index].set(leaf), kept[:3], here)
        return Recorded(placed[0], placed[1], placed[2], jnp.maximum(kept.largest_logit, logit))

    def going(walk: _Walk) -> Array:
        return (walk.block < blocks.first.size) & (walk.kept.largest_logit <= largest_logit)

    def body(walk: _Walk) -> _Walk:
        first, length, report = (part[walk.block] for part in blocks)
        ahead_of = walk.done + jnp.where(walk.halfway, (walk.span - 1) // 2, 0)
        ahead = look(walk.there, walk.memory_there, first + ahead_of)
        kept = jax.lax.cond(
            (report >= 0) & ~walk.halfway & (walk.done == 0),
            lambda: record(walk.kept, report, walk.law.weights, ahead.slope, ahead.rate),
            lambda: walk.kept,
        )
        # Of an odd number of steps one is in the middle.
        gone = ahead.rate if optimizer.plain else ahead.rate * optimizer.gain * optimizer.batch_size
        most = jnp.floor(BRISK * dimension / jnp.maximum(gone * ahead.slope.ridge, 1e-9))
        bearable = jnp.clip(jnp.where(jnp.isfinite(most), most, 1.0), 1, length - walk.done).astype(length.dtype)
        span = jnp.where(walk.halfway, walk.span, jnp.maximum(bearable - 1 + bearable % 2, 0))
        to_middle = (span > 1) & ~walk.halfway
        alone = span == 1
        count = jnp.where(to_middle, (span - 1) // 2, span)
        launched_now = from_zero & (first == 0) & (length > 0)
        how = jnp.where(launched_now, 3, jnp.where(alone, 1, jnp.minimum(span, 1) * (1 if singly else 2)))
        ways = (nothing, one, first_step, first_step) if singly else (nothing, one, many, first_step)
        moved = jax.lax.switch(how, ways, walk, ahead, count.astype(float))
        memory = walk.memory + count * ahead.growth
        weights = moved.weights
        lost = ~(weights.mean @ weights.mean + jnp.sum(jnp.abs(weights.covariance)) < 100 * OUT_OF_SCALE) & ~to_middle
        moved = jax.tree.map(lambda leaf: jnp.where(lost, BEYOND, leaf), moved)
        here, there = (walk.law, walk.memory), (moved, memory)
        law, memory_here = jax.tree.map(lambda old, new: jnp.where(to_middle, old, new), here, there)
        done = walk.done + jnp.where(to_middle, 0, count)
        over = ~to_middle & (done >= length)
        place = walk.block + over, jnp.where(over, 0, done), span, to_middle
        return _Walk(*place, law, memory_here, moved.weights, memory, kept)

    empty = Recorded(
        jax.tree.map(lambda leaf: jnp.zeros((reports, *leaf.shape)), start),
        jnp.zeros(reports),
        jnp.zeros(reports),
        jnp.zeros(()),
    )
    start = jax.tree.map(jnp.asarray, start)
    memory = jnp.zeros(())
    law = Law.of(start, 1 if optimizer.plain else parts_of(optimizer))
    begin = _Walk(jnp.asarray(0), jnp.asarray(0), jnp.asarray(0), jnp.asarray(False), law, memory, start, memory, empty)
    return jax.lax.while_loop(going, body, begin).kept
