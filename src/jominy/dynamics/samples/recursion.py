"""The finite-step recursion of mean and covariance on samples, in geometric blocks of steps.

Source: theory `realdata.md` section 1, blocks.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.samples.law import (
    Rows,
    Slope,
    Spread,
    advance,
    first_step,
    risk_sd,
    sample_descent,
    sample_order,
    single_step,
    slope_at,
)
from jominy.losses import Loss
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import Schedule

OUT_OF_SCALE = 1e13
BEYOND = 1e8
"""Every entry of a state that has left all scales, so that it is seen to have done so whatever it was before."""


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
    """What the recursion needs."""

    rows: Rows
    loss: Loss
    schedule: Schedule
    radius: Array
    rule: GaussianRule
    optimum: Array


def block_length(step: int, largest: int) -> int:
    """max(1, min(step / 16, largest)) steps, made odd: a block then has a step in its middle."""
    size = max(1, min(step // 16, largest))
    return size - 1 + size % 2


def plan_blocks(report_steps: np.ndarray, largest: int) -> Blocks:
    """Blocks from step 0 on, cut at the reports; a block of no steps at the end carries the last report.

    >>> plan = plan_blocks(np.array([0, 51]), 4)
    >>> plan.length[[0, -2, -1]].tolist(), plan.report[[0, -1]].tolist()
    ([1, 3, 0], [0, 1])
    """
    first, length, report = [], [], []
    done, waiting = 0, -1
    for index, target in enumerate(report_steps):
        while done < target:
            size = min(block_length(done, largest), int(target) - done)
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


@partial(jax.jit, static_argnames=("from_zero", "reports"))
def run_recursion(problem: SampleProblem, start: Spread, blocks: Blocks, from_zero: bool, reports: int) -> Recorded:
    """The recursion from `start`."""
    rows, loss, schedule, radius, rule, optimum = problem
    dimension = rows.features.shape[1]
    diagonal = start.covariance.ndim == 1

    def slope_and_rate(spread: Spread, step: Array) -> tuple[Slope, Array]:
        slope = slope_at(rows, spread, loss, radius, rule)
        return slope, schedule.rate(step / dimension, sample_descent(spread, slope, optimum))

    def nothing(spread: Spread, slope: Slope, rate: Array, first: Array, length: Array) -> Spread:
        return spread

    def one(spread: Spread, slope: Slope, rate: Array, first: Array, length: Array) -> Spread:
        later = single_step(spread, slope, rate / dimension)
        if not from_zero:
            return later
        launch = first_step(rows, loss, rate / dimension, diagonal)
        return jax.tree.map(lambda a, b: jnp.where(first == 0, a, b), launch, later)

    def many(spread: Spread, slope: Slope, rate: Array, first: Array, length: Array) -> Spread:
        # The steps of a block start from states 0 to length - 1, so their common slope is that of the middle one.
        half = (length - 1) / 2
        middle = advance(spread, slope, rate / dimension, half)
        slope, rate = slope_and_rate(middle, first + half)
        back = spread.mean - middle.mean
        shift = slope.hessian * back if diagonal else slope.hessian @ back
        return advance(spread, slope._replace(gradient=slope.gradient + shift), rate / dimension, length)

    def record(kept: Recorded, index: Array, spread: Spread, slope: Slope, rate: Array) -> Recorded:
        order = sample_order(rows, spread)
        logit = jnp.where(order.norm**2 < OUT_OF_SCALE, jnp.max(loss.logit_sd(order)), 0.0)
        here = (spread, risk_sd(spread, slope), rate)
        placed = jax.tree.map(lambda store, leaf: store.at[index].set(leaf), kept[:3], here)
        return Recorded(placed[0], placed[1], placed[2], jnp.maximum(kept.largest_logit, logit))

    def body(k: Array, carry: tuple[Spread, Recorded]) -> tuple[Spread, Recorded]:
        spread, kept = carry
        first, length, report = blocks.first[k], blocks.length[k], blocks.report[k]
        slope, rate = slope_and_rate(spread, first.astype(float))
        kept = jax.lax.cond(report >= 0, lambda: record(kept, report, spread, slope, rate), lambda: kept)
        moved = jax.lax.switch(jnp.minimum(length, 2), (nothing, one, many), spread, slope, rate, first, length)
        lost = ~(moved.mean @ moved.mean + jnp.sum(jnp.abs(moved.covariance)) < 100 * OUT_OF_SCALE)
        return jax.tree.map(lambda leaf: jnp.where(lost, BEYOND, leaf), moved), kept

    empty = Recorded(
        jax.tree.map(lambda leaf: jnp.zeros((reports, *leaf.shape)), start),
        jnp.zeros(reports),
        jnp.zeros(reports),
        jnp.zeros(()),
    )
    return jax.lax.fori_loop(0, blocks.first.size, body, (start, empty))[1]
