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


class Blocks(NamedTuple):
    """Which steps are taken together: first step and length of each block, and the report (index or -1) after it."""

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


def plan_blocks(report_steps: np.ndarray, largest: int) -> Blocks:
    """Blocks of max(1, min(k/16, largest)) steps at step k, cut at the reports; even above one: halves are whole.

    >>> plan_blocks(np.array([0, 40]), 4).length[[0, -1]].tolist()
    [1, 2]
    """
    first, length, report = [], [], []
    done = 0
    for index, target in enumerate(report_steps):
        while done < target:
            size = int(max(1, min(done // 16, largest, target - done)))
            size = size if size == 1 else size // 2 * 2
            first.append(done)
            length.append(size)
            done += size
            report.append(index if done == target else -1)
    return Blocks(*(np.asarray(part, dtype=np.int64) for part in (first, length, report)))


@partial(jax.jit, static_argnames=("from_zero", "reports"))
def run_recursion(problem: SampleProblem, start: Spread, blocks: Blocks, from_zero: bool, reports: int) -> Recorded:
    """The recursion from `start`; the slot of a report at step 0 holds the start."""
    rows, loss, schedule, radius, rule, optimum = problem
    dimension = rows.features.shape[1]
    diagonal = start.covariance.ndim == 1

    def slope_and_rate(spread: Spread, step: Array) -> tuple[Slope, Array]:
        slope, _ = slope_at(rows, spread, loss, radius, rule)
        return slope, schedule.rate(step / dimension, sample_descent(spread, slope, optimum))

    def one(spread: Spread, first: Array, length: Array) -> tuple[Spread, Array]:
        slope, rate = slope_and_rate(spread, first)
        step = rate / dimension
        if not from_zero:
            return single_step(spread, slope, step), rate
        launch = first_step(rows, loss, step, diagonal)
        later = single_step(spread, slope, step)
        return jax.tree.map(lambda a, b: jnp.where(first == 0, a, b), launch, later), rate

    def many(spread: Spread, first: Array, length: Array) -> tuple[Spread, Array]:
        slope, rate = slope_and_rate(spread, first)
        middle = advance(spread, slope, rate / dimension, length / 2)
        slope, rate = slope_and_rate(middle, first + length / 2)
        back = spread.mean - middle.mean
        shift = slope.hessian * back if diagonal else slope.hessian @ back
        slope = slope._replace(gradient=slope.gradient + shift)
        return advance(spread, slope, rate / dimension, length), rate

    def record(kept: Recorded, index: Array, spread: Spread, step: Array) -> Recorded:
        slope, rate = slope_and_rate(spread, step)
        order = sample_order(rows, spread)
        here = Recorded(spread, risk_sd(spread, slope), rate, jnp.zeros(()))
        logit = jnp.where(jnp.isfinite(order.norm), jnp.max(loss.logit_sd(order)), 0.0)
        largest = jnp.maximum(kept.largest_logit, logit)
        placed = jax.tree.map(lambda store, leaf: store.at[index].set(leaf), kept[:3], here[:3])
        return Recorded(placed[0], placed[1], placed[2], largest)

    def body(k: Array, carry):
        spread, kept = carry
        first, length, report = blocks.first[k], blocks.length[k], blocks.report[k]
        moved, _ = jax.lax.cond(length == 1, one, many, spread, first, length)
        lost = ~(moved.mean @ moved.mean + jnp.sum(jnp.abs(moved.covariance)) < 100 * OUT_OF_SCALE)
        spread = jax.tree.map(lambda old, new: jnp.where(lost, old, new), spread, moved)
        kept = jax.lax.cond(
            report >= 0, lambda: record(kept, report, spread, (first + length).astype(float)), lambda: kept
        )
        return spread, kept

    empty = Recorded(
        jax.tree.map(lambda leaf: jnp.zeros((reports, *leaf.shape)), start),
        jnp.zeros(reports),
        jnp.zeros(reports),
        jnp.zeros(()),
    )
    kept = record(empty, jnp.asarray(0), start, jnp.zeros(()))
    return jax.lax.fori_loop(0, blocks.first.size, body, (start, kept))[1]
