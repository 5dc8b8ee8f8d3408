"""Real runs of several classes on a user's rows, as a labelled result.

Source: theory `multiclass.md` sections 1 and 4; the scaling is that of `realdata.md` section 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data import Samples
from jominy.dynamics.classes.moves import Form
from jominy.dynamics.classes.readout import FEWEST_ROWS, ChunkedRows, RowsRead, chunked, confusions
from jominy.dynamics.classes.sgd import ClassObservation, ClassSGD
from jominy.dynamics.labelled import Training, optimum_attributes, scenario_of
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, past_divergence, radius_at
from jominy.dynamics.samples.readout import Radii
from jominy.dynamics.samples.remarks import FEW_SAMPLES, NO_INTERCEPT, STILL_SHORT, ends_below
from jominy.dynamics.samples.sampling import ReshuffledEpochs, sampling_for
from jominy.dynamics.samples.sgd import RowSource
from jominy.dynamics.simulation.averages import with_average
from jominy.dynamics.simulation.noise import TEAM_NUMBERS
from jominy.dynamics.simulation.sgd import Record, RowRuns, moments_told, run_sgd
from jominy.dynamics.simulation.starts import START_PURPOSE
from jominy.dynamics.simulation.steps import LARGEST_SQUARE, weight_states
from jominy.dynamics.start import random_variance, start_in_classes
from jominy.errors import InputError
from jominy.losses import ClassLoss
from jominy.numerics.streams import stream
from jominy.results import Status, make_result
from jominy.results.soundness import judged

ACCURACY = 1e-4
"""Relative, of risks that are read out in single precision, and of an optimum."""
LARGEST_TEAM = 25
"""Two teams of fifty models, for two cores."""
MOST_SCORES = 2**22
"""Scores of one team of models on a piece of rows that are in work at once."""


class ClassTrial(NamedTuple):
    """A model of several classes that is about to be trained on rows, and how what is seen of it becomes a result.

    Attributes:
        engine: of single steps, and of what is read of weights.
        steps: (T,) numbers of steps at which it is read.
        step_time: of one.
        result: makes a labelled result over seeds of what was seen, at these times.
    """

    engine: ClassSGD
    steps: np.ndarray
    step_time: float
    result: Callable[[Record, np.ndarray], Any]

    @property
    def drawn(self) -> int:
        """Rows that are drawn."""
        return int(self.steps[-1]) * self.engine.optimizer.batch_size


def class_trial(
    training: Training, wanted: RowRuns, found: Optimum | None, description: str, remarks: Sequence[str] = ()
) -> ClassTrial:
    """The trial that a problem asks for, its results under a `description` and with `remarks` at the end of the notes.

    Distances are measured from the optimum `found`, if it is.
    """
    problem, schedule, start, evaluate_at, _, optimizer = training
    grid, seeds, held_out, keep, roughly = wanted.grid, wanted.seeds, wanted.held_out, wanted.keep, wanted.roughly
    samples = problem.samples
    assert samples.classes is not None and isinstance(problem.loss, ClassLoss)
    if schedule.adaptive:
        raise InputError(
            "The best rate at each moment is not known for several classes",
            type(schedule).__name__,
            "Use `Constant(0.5)`, another rate that is given over time, or `AdaGradNorm(...)`",
        )
    count, dimension = samples.features.shape
    classes, batch = len(samples.classes), optimizer.batch_size
    step_time = batch / dimension
    problem.radius_schedule.check(grid)
    schedule.check(grid)
    steps = np.rint(grid / step_time).astype(int)
    groups, test_numbers = [(samples.features, samples.class_numbers)], None
    reach = samples.row_reach()
    reaches = [] if reach is None else [reach]
    if held_out is not None:
        features, targets = samples.transform_pair(held_out)
        test_numbers = samples.target_map.class_numbers(targets)
        groups.append((features, test_numbers))
        if reach is not None:
            reaches.append(samples.row_reach(held_out))
    seen = chunked(groups, classes, roughly=roughly, reach=reaches or None, weights=samples.sample_weights)
    form = problem.form if reach is None else None
    trained_on = None if reach is None else reach.multiplied_out()
    asked = Radii.of(problem, evaluate_at)
    engine = ClassSGD(
        samples.features, samples.class_numbers.astype(np.int32), seen, problem.loss, schedule.plain, optimizer,
        problem.radius_schedule, asked.others, form, keep, trained_on, None if found is None else found.vector,
        samples.sample_weights,
    )  # fmt: skip
    notes = [
        *_notes(samples, held_out is not None),
        *([] if found is None else found.notes()),
        *problem.attack.remarks(problem.final_radius, dimension),
        *remarks,
    ]
    rates = _base_rates(samples, test_numbers)

    def result(record: Record, grid: np.ndarray) -> Any:
        observed: ClassObservation = record.observations
        variables = _variables(problem, observed, asked, found)
        lost = np.logical_or.accumulate(~(np.asarray(observed.norm) ** 2 < LARGEST_SQUARE / 10), axis=1)
        told, status, advice = list(notes), Status.COMPLETED, None
        if np.any(lost):
            variables, status = past_divergence(variables, lost), Status.DIVERGED
            told.append(
                f"{int(np.sum(lost[:, -1]))} of {len(lost)} runs diverged; their sizes are infinite from there on"
            )
            advice = "The weights grow without bound: lower the rate, the momentum or the weight decay."
        if record.interrupted:
            status, advice = Status.INTERRUPTED, None
        variables["radius"] = (("time",), radius_at(problem, grid[: record.reached]))
        if record.states is not None and record.reached == len(steps):
            variables |= _confusions(record.states.weights, seen, problem, form)
        told += _base_rate_notes(samples, rates, variables)
        sound = judged(
            variables, status, advice, told, accuracy=ACCURACY,
            optimum_risk=-np.inf if found is None else found.adversarial_risk,
        )  # fmt: skip
        return make_result(
            variables,
            {"time": grid[: record.reached], "seed": seeds, **class_coords(samples, variables, evaluate_at)},
            engine="simulate",
            scenario=scenario_of(problem, schedule, start, optimizer),
            status=sound.status,
            advice=sound.advice,
            seed=seeds,
            notes=sound.notes,
            extra={
                "method": description,
                "dimension": dimension,
                "epochs": float(steps[-1] * batch / count),
                **rates,
                **({} if found is None else optimum_attributes(found)),
            },
        )

    return ClassTrial(engine, steps, step_time, result)


def class_runs(training: Training, wanted: RowRuns, found: Optimum | None = None) -> tuple[Any, np.ndarray]:
    """SGD on samples of several classes at the times of a grid, and where they are kept the last weights (seeds, K, d).

    They are measured from the optimum `found`, if it is. See `simulate`.
    """
    optimizer, samples, seeds = training.optimizer, training.problem.samples, wanted.seeds
    assert samples.classes is not None
    (count, dimension), classes = samples.features.shape, len(samples.classes)
    order = sampling_for(wanted.sampling, optimizer.batch_size, optimizer.replacement)
    epochs = np.rint(wanted.grid[-1] * dimension / optimizer.batch_size) * optimizer.batch_size / count
    remarks = [f"{epochs:.3g} reshuffled epochs"] if isinstance(order, ReshuffledEpochs) and epochs > 1 else []
    description = f"rows of the samples, {classes} classes, {type(order).__name__}, {optimizer!r}"
    trial = class_trial(training, wanted, found, description, remarks)
    order.check(trial.drawn, count)
    source = RowSource(
        seeds, order, int(trial.steps[-1]), count, random_loss=training.problem.loss.random,
        batch_size=optimizer.batch_size,
    )  # fmt: skip
    source.team = team_size(classes, dimension, len(seeds))
    weights = start_weights(training.start, classes, dimension, seeds)
    states = weight_states(weights, optimizer)
    runs, states = with_average(trial.engine, states, training.schedule, trial.step_time)
    watched = moments_told(wanted.watch, trial.result, wanted.grid)
    steps = trial.steps.tolist()
    record = run_sgd(runs, source, states, steps, trial.step_time, wanted.progress, watch=watched, long_sums=True)
    return trial.result(record, wanted.grid), np.asarray(record.observations.weights)[:, -1]


def team_size(classes: int, dimension: int, seeds: int) -> int:
    """Models that advance together: enough to fill the processor's vectors, few enough for its cache and for memory."""
    cached = min(max(4, TEAM_NUMBERS // (classes * dimension)), LARGEST_TEAM)
    return max(1, min(cached, seeds, MOST_SCORES // (classes * FEWEST_ROWS)))


def start_weights(start: Any, classes: int, dimension: int, seeds: list[int]) -> np.ndarray:
    """(seeds, K, d) the weights that runs begin with; random ones are N(0, norm^2 / d) in each entry."""
    fixed = np.broadcast_to(start_in_classes(start, classes, dimension), (len(seeds), classes, dimension))
    size = np.sqrt(random_variance(start) / dimension)
    if size == 0:
        return np.array(fixed)
    return fixed + size * np.stack(
        [stream(seed, START_PURPOSE).standard_normal((classes, dimension)) for seed in seeds]
    )


def class_coords(samples: Samples, variables: Variables, evaluate_at: np.ndarray) -> dict[str, Any]:
    """The coordinates besides time and seed that the variables are over."""
    assert samples.classes is not None
    names = np.array([str(kind) for kind in samples.classes])
    known = {"class": names, "true_class": names, "predicted_class": names, "evaluation_radius": evaluate_at}
    used = {dim for dims, _ in variables.values() for dim in dims}
    return {name: values for name, values in known.items() if name in used}


GROUPS = ("", "held_out_")
"""Names of variables begin so, by the group of rows that they are about."""


def _variables(problem: Problem, seen: ClassObservation, asked: Radii, found: Optimum | None) -> Variables:
    """Observations (seeds, T, ...) as named variables, and how far they are from the optimum if that is known."""
    dims = ("seed", "time")
    variables: Variables = {}
    for group, prefix in enumerate(GROUPS[: seen.rows.bound.shape[2]]):
        rows: RowsRead = jax.tree.map(lambda leaf, group=group: np.asarray(leaf)[:, :, group], seen.rows)
        variables |= asked.named(rows.risk, rows.accuracy, dims, prefix)
        if problem.loss.bounded:  # type: ignore[attr-defined]
            variables[f"{prefix}adversarial_risk_bound"] = (dims, rows.bound)
        variables[f"{prefix}robust_radius"] = (dims, rows.robust_radius)
        for place, name in enumerate(("adversarial", "clean")):
            by_class = np.asarray(rows.class_accuracy)[..., place, :]
            variables[f"{prefix}{name}_class_accuracy"] = ((*dims, "class"), by_class)
    variables["norm"] = (dims, seen.norm)
    if found is not None:
        variables["excess_risk"] = (dims, np.asarray(seen.rows.risk)[..., 0, asked.final] - found.adversarial_risk)
        if found.vector is not None:
            variables["distance_to_optimum"] = (dims, seen.distance)
    variables["learning_rate"] = (dims, seen.rate)
    return variables


def _confusions(weights: np.ndarray, seen: ChunkedRows, problem: Problem, form: Form) -> Variables:
    """Which classes rows end in under the attack of training, of models (seeds, K, d) at the end of training."""
    variables: Variables = {}
    dims = ("seed", "true_class", "predicted_class")
    shares = np.asarray(confusions(seen, weights, problem.loss, np.asarray(problem.final_radius), form))
    for group, prefix in enumerate(GROUPS[: shares.shape[1]]):
        for place, name in enumerate(("adversarial", "clean")):
            variables[f"{prefix}{name}_confusion"] = (dims, shares[:, group, place])
    return variables


def _notes(samples: Samples, held_out: bool) -> list[str]:
    """Preprocessing, and the number of samples."""
    ratio = samples.count / samples.dimension
    notes = list(samples.report)
    if ratio < FEW_SAMPLES:
        seen = "the held-out rows show" if held_out else "give `held_out=(X_test, y_test)` to see"
        notes.append(
            f"{ratio:.3g} samples per dimension: risks are those of training on these very samples; for the population "
            f"they are optimistic below {FEW_SAMPLES} ({seen} by how much)"
        )
    return notes


def _base_rates(samples: Samples, held_out: np.ndarray | None) -> dict[str, float]:
    """The accuracy of always answering the largest class, on training rows and on held-out ones."""
    largest = np.argmax(np.bincount(samples.class_numbers))
    rates = {"base_rate": float(np.mean(samples.class_numbers == largest))}
    return rates if held_out is None else rates | {"held_out_base_rate": float(np.mean(held_out == largest))}


def _base_rate_notes(samples: Samples, rates: dict[str, float], variables: Variables) -> list[str]:
    """What a constant answer is worth, and whether training ends below it."""
    assert samples.classes is not None
    name = samples.classes[int(np.argmax(np.bincount(samples.class_numbers)))]
    told = [f"a constant answer, {name!r}, has the accuracy {rates['base_rate']:.3f}"]
    if ends_below(np.asarray(variables["clean_accuracy"][1]), rates["base_rate"]):
        why = STILL_SHORT if samples.intercept else NO_INTERCEPT
        told.append(f"the clean accuracy at the end is below that of a constant answer: {why}")
    return told
