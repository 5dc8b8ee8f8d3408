"""Simulations on a user's rows: engine, order of rows, result."""

from typing import Any

import numpy as np

from jominy.data import Samples
from jominy.dynamics.labelled import Method, Outcome, Training, labelled
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.readout import Variables, past_divergence, radius_at
from jominy.dynamics.samples.forecast import (
    beginning,
    largest_usual_block,
    require_rate_for,
    sample_curve,
)
from jominy.dynamics.samples.law import NOISY_LOGITS, rounding_does, rule_for_rows
from jominy.dynamics.samples.optimum import sample_optimum
from jominy.dynamics.samples.readout import Radii
from jominy.dynamics.samples.recursion import block_ends
from jominy.dynamics.samples.remarks import (
    base_rate_notes,
    base_rates,
    rate_advice,
    sample_notes,
    stability_attributes,
    unsafe_rate,
)
from jominy.dynamics.samples.sampling import ReshuffledEpochs, sampling_for
from jominy.dynamics.samples.sgd import NoisyInputs, Rows, RowSource, SampleObservation, SampleSGD
from jominy.dynamics.simulation.averages import with_average
from jominy.dynamics.simulation.sgd import Record, RowRuns, moments_told, run_sgd
from jominy.dynamics.simulation.starts import random_starts
from jominy.dynamics.simulation.steps import weight_states
from jominy.dynamics.start import start_vector
from jominy.numerics.precision import as_precise_as
from jominy.results import Status
from jominy.schedules import Schedule, Tabulated


def sample_runs(training: Training, wanted: RowRuns) -> tuple[Any, np.ndarray]:
    """SGD on samples as a labelled result, at the times of a grid, and where they are kept the weights (seeds, T, d).

    See `simulate`.
    """
    problem, schedule, start, evaluate_at, _, optimizer = training
    grid, seeds, held_out, sampling, progress, watch, keep, *_ = wanted
    samples = problem.samples
    batch = optimizer.batch_size
    sampling = sampling_for(sampling, batch, optimizer.replacement)
    test_features, test_targets = samples.features[:0], samples.targets[:0]
    if held_out is not None:
        test_features, test_targets = samples.transform_pair(held_out)
    dimension = samples.dimension
    problem.radius_schedule.check(grid)
    steps = np.rint(grid * dimension / batch).astype(int)
    sampling.check(int(steps[-1]) * batch, samples.count)
    found = sample_optimum(problem)
    found.require_for(schedule)
    notes = sample_notes(samples, found, held_out is not None)
    rates = base_rates(samples, None if held_out is None else test_targets)
    epochs = steps[-1] * batch / samples.count
    if isinstance(sampling, ReshuffledEpochs) and epochs > 1:
        notes.append(
            f"{epochs:.3g} reshuffled epochs: the forecast is for drawing with replacement, and reshuffling gives a "
            "lower training risk, by 2 to 7 % after three or four epochs"
        )
    require_rate_for(schedule, optimizer)
    if schedule.adaptive:
        # On finitely many rows the curvature at one student is not defined at kinks: the forecast's rate is followed.
        # At the ends of its blocks: early on these are single steps, where an adaptive rate changes most.
        ends = block_ends(int(steps[-1]), largest_usual_block(dimension))
        begin = beginning(problem, schedule.plain, ends / dimension, start)
        curve = sample_curve(problem, begin, ends / dimension, found)
        used: Schedule = Tabulated(curve.times.tolist(), np.asarray(curve.recorded.rate).tolist())
        notes.append("The adaptive rate is the forecast's, as a function of time (open loop)")
    else:
        used = schedule.plain
    vector = start_vector(start, dimension)
    mean = np.full(dimension, vector / np.sqrt(dimension)) if isinstance(vector, float) else vector
    asked = Radii.of(problem, evaluate_at)
    rows = (Rows(samples.features, samples.targets, samples.sample_weights), Rows(test_features, test_targets))
    if rounding_does(problem.loss, samples.features):
        rows = as_precise_as(np.float32(0), rows)
    noise = None
    if problem.feature_noise is not None:
        noise = NoisyInputs(problem.feature_noise, rule_for_rows(problem.loss, NOISY_LOGITS), asked.trained)
    engine = SampleSGD(
        samples.features,
        samples.targets,
        *rows,
        problem.loss,
        used,
        problem.radius_schedule,
        asked.others,
        np.zeros(dimension) if found.vector is None else found.vector,
        problem.form,
        keep,
        optimizer,
        samples.sample_weights,
        noise,
    )
    vectors = mean + random_starts(start, seeds, dimension)
    states = weight_states(vectors, optimizer)
    runs, states = with_average(engine, states, schedule, batch / dimension)
    told = "" if optimizer.plain else f", {optimizer!r}"
    method = Method("simulate", f"rows of the samples, {type(sampling).__name__}{told}")
    noisy = 0 if noise is None else dimension
    source = RowSource(seeds, sampling, int(steps[-1]), samples.count, problem.loss.random, batch, noisy)

    def result(record: Record, grid: np.ndarray):
        seen: SampleObservation = record.observations
        variables = _variables(samples, seen, found, held_out is not None, asked)
        variables["radius"] = (("time",), radius_at(problem, grid[: record.reached]))
        variables, outcome = _outcome(training, found, variables, record)
        all_notes = [*notes, *base_rate_notes(samples, rates, variables), *outcome.notes]
        more = {"dimension": dimension, "epochs": float(epochs), **rates, **stability_attributes(problem)}
        times, outcome = grid[: record.reached], outcome._replace(notes=all_notes)
        return labelled(method, training, variables, times, found, outcome, seeds=seeds, more=more)

    watched = moments_told(watch, result, grid)
    record = run_sgd(runs, source, states, steps.tolist(), batch / dimension, progress, watch=watched)
    return result(record, grid), np.asarray(record.observations.weights)


def _outcome(training: Training, found: Optimum, variables: Variables, record: Record) -> tuple[Variables, Outcome]:
    """How the runs ended, and what to do; where some diverged, their sizes are infinite from there on."""
    problem = training.problem
    seen: SampleObservation = record.observations
    lost = np.logical_or.accumulate(~(seen.norm**2 < 1e13), axis=1)
    if record.interrupted:
        return variables, Outcome(Status.INTERRUPTED, None, [])
    if np.any(lost):
        note = f"{int(np.sum(lost[:, -1]))} of {len(lost)} runs diverged; their sizes are infinite from there on"
        return past_divergence(variables, lost), Outcome(Status.DIVERGED, rate_advice(problem), [note])
    rates, risk = (np.mean(variables[name][1], axis=0) for name in ("learning_rate", "adversarial_risk"))
    rate = unsafe_rate(problem, rates, risk)
    if rate is not None:
        return variables, Outcome(Status.UNSTABLE, rate_advice(problem, rate), [])
    if problem.final_radius > 0 and np.all(seen.norm[:, -1] < 1e-12) and training.schedule.adaptive:
        return variables, Outcome(Status.STUCK, None, [])
    return variables, Outcome(Status.COLLAPSED if found.regime == "collapse" else Status.COMPLETED, None, [])


def _variables(samples: Samples, seen: SampleObservation, found, tested: bool, asked: Radii) -> Variables:
    """Observations as named variables."""
    dims = ("seed", "time")
    variables: Variables = {}
    for prefix, rows in {"": seen.train, **({"held_out_": seen.test} if tested else {})}.items():
        variables |= asked.named(rows.risk, rows.accuracy if samples.classification else None, dims, prefix)
    variables["norm"] = (dims, seen.norm)
    variables["excess_risk"] = (dims, seen.train.risk[..., asked.final] - found.adversarial_risk)
    if found.vector is not None:
        variables["distance_to_optimum"] = (dims, np.sqrt(seen.distance_squared))
    variables["learning_rate"] = (dims, seen.rate)
    return variables
