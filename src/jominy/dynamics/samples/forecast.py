"""Forecasts on a user's samples: the finite-step recursion, its readout on training and held-out rows, its flags.

Source: theory `realdata.md` sections 1 and 6.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data import Samples
from jominy.dynamics.labelled import labelled
from jominy.dynamics.optima.minimise import Setting
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, final_risk, past_divergence, radius_at, read_out
from jominy.dynamics.samples.law import Rows, Spread, as_rows, light, rotated, rows_order, single_precision_does
from jominy.dynamics.samples.optimum import sample_optimum
from jominy.dynamics.samples.recursion import (
    OUT_OF_SCALE,
    Recorded,
    SampleProblem,
    block_ends,
    plan_blocks,
    run_recursion,
)
from jominy.dynamics.samples.remarks import base_rate_notes, base_rates, rate_advice, sample_notes, stability_attributes
from jominy.dynamics.samples.stability import sample_stability
from jominy.dynamics.start import random_variance, start_vector
from jominy.dynamics.times import report_times, whole_steps
from jominy.losses import FixedTargets, SquaredLoss
from jominy.numerics.gaussian import coarse_rule
from jominy.numerics.precision import as_precise_as
from jominy.results import Status
from jominy.schedules import Schedule

POINTS = 41
DENSE_DIMENSION = 150
"""Up to here, or with fewer than ten samples per dimension, the covariance is kept dense."""
EVERY_STEP = 5e9
"""Least squares takes every step singly up to this many multiplications."""

cached_rotation = lru_cache(maxsize=8)(rotated)


@lru_cache(maxsize=8)
def _light_rotation(samples: Samples) -> Rows:
    return light(cached_rotation(samples)[0])


class SampleCurve(NamedTuple):
    """The recursion's outcome before it becomes a result, and the rows it was worked out with."""

    rows: Rows
    times: np.ndarray
    recorded: Recorded
    lost: np.ndarray
    method: str
    rule: Any


def sample_forecast(
    problem: Problem,
    schedule: Schedule,
    time: float | None,
    times: Sequence[float] | None,
    start: Any,
    evaluate_at: np.ndarray,
    held_out: tuple[Any, Any] | None,
    diagonal: bool | None,
    largest_block: int | None,
):
    """The forecast of samples as a labelled result; see `forecast`."""
    samples = problem.data
    assert isinstance(samples, Samples)
    test = None if held_out is None else samples.transform(*held_out)
    grid = sample_times(time, times, samples.dimension)
    problem.radius_schedule.check(grid)
    found = sample_optimum(problem)
    found.require_for(schedule)
    curve = sample_curve(problem, schedule, grid, start, found, diagonal, largest_block)
    rows, basis = curve.rows, cached_rotation(samples)[1]
    targets = FixedTargets(rows.targets)
    setting = Setting(problem.loss, targets, even_weights(rows), np.asarray(problem.final_radius), curve.rule)
    spreads = curve.recorded.spreads
    order = rows_order(rows, spreads)
    radius = radius_at(problem, curve.times)
    variables = read_out(setting, order, radius, evaluate_at, samples.classification, ("time",))
    if test is not None:
        tested = as_precise_as(rows.columns, as_rows(test[0] @ basis, test[1]))
        other = setting._replace(targets=FixedTargets(tested.targets), weights=even_weights(tested))
        tested_order = rows_order(tested, spreads)
        variables |= read_out(other, tested_order, radius, evaluate_at, samples.classification, ("time",), "held_out_")
    variables |= _more_variables(final_risk(problem, setting, order, variables), curve, found, basis)
    variables["radius"] = (("time",), radius)
    variables = past_divergence(variables, curve.lost)
    status, advice = _status(problem, schedule, found, curve, variables)
    rates = base_rates(samples, None if test is None else test[1])
    return labelled(
        "forecast",
        problem,
        schedule,
        start,
        variables,
        curve.times,
        evaluate_at,
        found,
        status,
        method=curve.method,
        advice=advice,
        notes=[*sample_notes(samples, found, test is not None), *base_rate_notes(samples, rates, variables)],
        more=rates | stability_attributes(problem),
    )


def sample_times(time: float | None, times: Sequence[float] | None, dimension: int) -> np.ndarray:
    """(T,) times on whole steps; about `POINTS` even ones up to a horizon, where blocks of steps end anyway."""
    grid = whole_steps(report_times(time, times, dimension, POINTS), dimension)
    if times is not None:
        return grid
    steps = np.rint(grid * dimension).astype(int)
    ends = block_ends(int(steps[-1]), largest_usual_block(dimension))
    return ends[np.unique(np.searchsorted(ends, steps))] / dimension


def largest_usual_block(dimension: int) -> int:
    """The most steps that the recursion takes at once, unless told otherwise."""
    return max(1, dimension // 4)


def sample_curve(
    problem: Problem,
    schedule: Schedule,
    times: np.ndarray,
    start: Any,
    found: Optimum,
    diagonal: bool | None = None,
    largest_block: int | None = None,
) -> SampleCurve:
    """Run the recursion, with a quadrature that resolves the logits met on the way."""
    samples = problem.data
    assert isinstance(samples, Samples)
    exact, basis = cached_rotation(samples)
    dimension, count = exact.columns.shape
    steps = np.rint(times * dimension).astype(int)
    if diagonal is None:
        diagonal = dimension > DENSE_DIMENSION and count >= 10 * dimension
    if largest_block is None:
        every = isinstance(problem.loss, SquaredLoss) and count * dimension**2 * float(steps[-1]) < EVERY_STEP
        largest_block = 1 if every else largest_usual_block(dimension)
    rows = _light_rotation(samples) if single_precision_does(problem.loss, exact, largest_block) else exact
    vector = start_vector(start, dimension)
    mean = np.full(dimension, vector / np.sqrt(dimension)) if isinstance(vector, float) else vector
    variance = random_variance(start) / dimension
    spread = np.full(dimension, variance) if diagonal else variance * np.eye(dimension)
    target = np.zeros(dimension) if found.vector is None else found.vector
    plan = plan_blocks(steps if steps[0] == 0 else np.concatenate([[0], steps]), largest_block)
    reports = len(steps) + (steps[0] != 0)
    rule = coarse_rule()
    for _ in range(5):
        statement = SampleProblem(rows, exact, problem.loss, schedule, problem.radius_schedule, rule, target @ basis)
        recorded = run_recursion(
            statement, Spread(mean @ basis, spread), plan, from_zero=not np.any(mean) and variance == 0, reports=reports
        )
        logit = float(recorded.largest_logit)
        if problem.loss.closed_form or logit <= rule.logit_scale:
            break
        rule = coarse_rule(logit)
    recorded = jax.tree.map(np.asarray, recorded)
    if steps[0] != 0:
        later = jax.tree.map(lambda leaf: leaf[1:], recorded[:3])
        recorded = Recorded(later[0], later[1], later[2], recorded.largest_logit)
    spreads = recorded.spreads
    lost = np.logical_or.accumulate(~(np.abs(_square_size(spreads)) < OUT_OF_SCALE))
    method = f"samples' own law, {'diagonal' if diagonal else 'dense'} covariance, {len(plan.first)} blocks"
    return SampleCurve(rows, times, recorded, lost, method, rule)


def even_weights(rows: Rows) -> np.ndarray:
    """(n,) equal weights of the rows."""
    return np.full(len(rows.targets), 1 / len(rows.targets))


def _more_variables(risk: np.ndarray, curve: SampleCurve, found: Optimum, basis: np.ndarray) -> Variables:
    """Norm, distance, excess risk, band and rate."""
    spreads = curve.recorded.spreads
    more: Variables = {
        "norm": (("time",), np.sqrt(np.maximum(_square_size(spreads), 0.0))),
        "excess_risk": (("time",), risk - found.adversarial_risk),
        "adversarial_risk_sd": (("time",), curve.recorded.risk_sd),
        "learning_rate": (("time",), curve.recorded.rate),
    }
    if found.vector is not None:
        error = _square_size(spreads._replace(mean=spreads.mean - found.vector @ basis))
        more["distance_to_optimum"] = (("time",), np.sqrt(np.maximum(error, 0.0)))
    return more


def _square_size(spreads: Spread) -> np.ndarray:
    """(T,) E ||X||^2."""
    covariance = spreads.covariance
    total = covariance.sum(axis=-1) if covariance.ndim == 2 else np.trace(covariance, axis1=1, axis2=2)
    return np.sum(spreads.mean**2, axis=1) + total


def _status(problem, schedule, found: Optimum, curve: SampleCurve, variables) -> tuple[Status, str | None]:
    if np.any(curve.lost):
        return Status.DIVERGED, rate_advice(problem)
    if isinstance(problem.loss, SquaredLoss):
        rate = float(np.max(variables["learning_rate"][1]))
        if not sample_stability(problem.data).safe(rate):
            return Status.UNSTABLE, rate_advice(problem, rate)
    if (
        variables["norm"][1][-1] < 1e-12
        and schedule.describe()["kind"] == "exact-line-search"
        and problem.final_radius > 0
    ):
        return Status.STUCK, None
    if found.regime == "collapse":
        return Status.COLLAPSED, None
    return Status.COMPLETED, None
