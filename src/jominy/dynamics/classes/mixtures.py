"""Gaussian mixtures with several labels: the forecast on nodes, and SGD on full vectors, as labelled results.

Source: theory `multiclass.md` section 5.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import EigenLaw
from jominy.dynamics.batches import in_finite_steps
from jominy.dynamics.classes.mixture_flow import ClassFlow, FlowSeen, trained_points
from jominy.dynamics.classes.mixture_law import FlowState, antithetic_points, kinds_of, read_points, score_law
from jominy.dynamics.classes.mixture_optimum import mixture_class_optimum
from jominy.dynamics.classes.mixture_steps import stepped
from jominy.dynamics.classes.moves import WeightMoves
from jominy.dynamics.labelled import Training, optimum_attributes, scenario_of
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, past_divergence, radius_at
from jominy.dynamics.samples.readout import Radii
from jominy.dynamics.simulation.noise import SGD_PURPOSE, Normals, class_cuts
from jominy.dynamics.simulation.sgd import Record, Watch, moments_told, run_sgd
from jominy.dynamics.simulation.starts import START_PURPOSE
from jominy.dynamics.simulation.steps import LARGEST_SQUARE, StreamingSGD, WeightState, weight_states
from jominy.dynamics.start import random_variance, start_in_classes
from jominy.dynamics.times import counted_steps, whole_steps
from jominy.errors import InputError
from jominy.losses import SoftmaxLoss
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.ode import integrate
from jominy.numerics.streams import stream
from jominy.optimizers import SGD, Optimizer
from jominy.results import Status, make_result
from jominy.results.soundness import judged
from jominy.schedules import Schedule

TOLERANCE = 1e-5
"""Relative, of the integration: averages over points are good to 1e-3 (`multiclass.md` section 5)."""
ACCURACY = 1e-3
"""Relative, of risks: what points leave out."""
MOST_STEPS = 1000
"""Of the integrator: some half a minute of ten labels; a dozen are usual."""
SHORTEST = 1e3
"""One over the time that is followed where only the start is asked for."""


def class_mixture_forecast(training: Training, times: np.ndarray) -> Any:
    """The deterministic equivalent of SGD on a mixture with several labels, at these times."""
    problem, schedule, start = training.problem, training.schedule, training.start
    found, best = mixture_class_optimum(problem)
    law, flow = _flow(training, best)
    classes, groups = len(flow.law.own), len(flow.law.shares)
    state = FlowState(
        _fixed_start(problem, law, start), np.tile(random_variance(start) * np.eye(classes), (groups, 1, 1))
    )
    problem.radius_schedule.check(times)
    schedule.check(times)
    if _in_steps(training.optimizer, law, times[-1]):
        assert isinstance(training.optimizer, SGD)
        times = whole_steps(times, law.dimension / training.optimizer.batch_size)
        seen, stopped = stepped(flow, training.optimizer, state, int(law.dimension), times), False
    else:
        seen, times, stopped = _flown(flow, state, times)
    notes = [
        *found.notes(),
        f"{len(flow.law.weights)} components, {classes} classes; averages over scores by {len(flow.points)} points",
        *_notes_on(training.optimizer, law, times[-1]),
    ]
    variables = _variables(problem, seen, ("time",), training.evaluate_at, found)
    status, advice = Status.STEP_LIMIT if stopped else Status.COMPLETED, None
    lost = np.logical_or.accumulate(~(np.asarray(seen.norm) ** 2 < LARGEST_SQUARE / 10))
    if np.any(lost):
        variables = past_divergence(variables, lost)
        status, advice = Status.DIVERGED, "The weights grow without bound: lower the rate."
    variables["radius"] = (("time",), radius_at(problem, times))
    sound = judged(variables, status, advice, notes, optimum_risk=found.adversarial_risk, accuracy=ACCURACY)
    return make_result(
        variables,
        {"time": times, **_coords(problem, training.evaluate_at)},
        engine="forecast",
        scenario=scenario_of(problem, schedule, start, training.optimizer),
        status=sound.status,
        advice=sound.advice,
        notes=sound.notes,
        extra={"method": f"deterministic equivalent on {groups} nodes, {classes} classes",
               "dimension": float(law.dimension), **optimum_attributes(found)},
    )  # fmt: skip


def _flown(flow: ClassFlow, state: FlowState, times: np.ndarray) -> tuple[FlowSeen, np.ndarray, bool]:
    """What the weights do as far as the integrator gets: leaves (T, ...), the times, and whether it was stopped."""
    jumps = sorted({*flow.radius.jumps, *flow.schedule.jumps})
    begun = np.union1d(times, [0.0])
    if begun.size == 1:  # there has to be a way to go
        begun = np.array([0.0, 1 / SHORTEST])
    solved = integrate(
        jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], flow),
        jax.tree.map(lambda leaf: np.asarray(leaf)[None], state),
        begun[None],
        np.array([jumps if jumps else [np.inf]], dtype=float),
        np.array([TOLERANCE]),
        most_steps=MOST_STEPS,
    )
    reached, stopped = int(solved.reached[0]), int(solved.steps[0]) >= MOST_STEPS
    told = np.isin(begun, times) & (np.arange(len(begun)) < (max(reached, 1) if stopped else len(begun)))
    if not np.any(told):
        raise InputError(
            f"A forecast takes up to {MOST_STEPS:,} steps of its integrator, which ended before the first time",
            "a rate, radius or time as large as these", "Lower the rate or the radius, or ask for earlier times",
        )  # fmt: skip
    seen: FlowSeen = jax.tree.map(lambda leaf: np.asarray(leaf[0])[told], solved.observations)
    # What the integrator has not reached has left all scales.
    beyond = np.arange(len(begun))[told] >= reached
    return seen._replace(norm=np.where(beyond, np.inf, seen.norm)), begun[told], stopped


def _in_steps(optimizer: Optimizer, law: EigenLaw, horizon: float) -> bool:
    """Whether batches and a buffer are followed step by step; a decay alone is one of the flow."""
    assert isinstance(optimizer, SGD)
    remembered = bool(optimizer.momentum)
    return bool(np.isfinite(law.dimension)) and in_finite_steps(
        optimizer.batch_size, law.dimension, horizon, remembered
    )


class MixtureDeal(Module):
    """From the normals (batch (d + 1) or more) of a step to the components of its samples and their own normals."""

    cuts: Array
    dimension: int = eqx.field(static=True)
    batch: int = eqx.field(static=True)

    def __call__(self, normals: Array) -> tuple[Array, Array]:
        drawn = normals[: self.batch * (self.dimension + 1)].astype(float).reshape(self.batch, -1)
        return jnp.sum(drawn[:, self.dimension :] > self.cuts, axis=1), drawn[:, : self.dimension]


class ClassMixtureSGD(StreamingSGD):
    """SGD on batches of fresh samples of a mixture; risks are those of the whole mixture at the weights."""

    flow: ClassFlow
    roots: Array
    """(C, d) standard deviations of the coordinates."""
    optimizer: SGD

    @property
    def schedule(self) -> Schedule:
        """That of the flow."""
        return self.flow.schedule

    def gradient(self, state: WeightState, noise: tuple[Array, Array], time: Array) -> Array:
        """(K, d) the mean over the batch of attacked samples."""
        component, normals = noise
        weights, law, radius = state.weights, self.flow.law, self.flow.radius.at(time)
        x = law.means[component] + self.roots[component] * normals
        moves = WeightMoves(weights, law.reach[law.places])
        pull = self.flow.loss.pull(weights @ x.T, law.own[:, component], moves, radius)
        return (pull.scores @ x + radius * moves.pull(pull.attack, pull.directions)) / len(x)

    def observe(self, state: WeightState, time: Array) -> FlowSeen:
        """See `ClassFlow`."""
        classes, groups = len(state.weights), len(self.flow.law.shares)
        return self.flow.observe(time, FlowState(state.weights, jnp.zeros((groups, classes, classes))))


def class_mixture_simulation(
    training: Training, times: np.ndarray, seeds: list[int], progress: bool, watch: Watch | None
) -> Any:
    """Runs of SGD on full vectors, at these times."""
    problem, schedule, start = training.problem, training.schedule, training.start
    found, best = mixture_class_optimum(problem)
    law, flow = _flow(training, best)
    if not law.listed:
        raise InputError(
            "A simulation of several classes needs listed coordinates", f"dimension {law.dimension}",
            "Give the spectrum a dimension, for instance 400",
        )  # fmt: skip
    dimension = int(law.dimension)
    problem.radius_schedule.check(times)
    schedule.check(times)
    optimizer, classes = training.optimizer, len(flow.law.own)
    assert isinstance(optimizer, SGD)
    step_time = optimizer.batch_size / dimension
    steps = counted_steps(times, step_time)
    engine = ClassMixtureSGD(flow, np.sqrt(law.eigenvalues), optimizer)
    deal = MixtureDeal(class_cuts(law.weights), dimension, optimizer.batch_size)
    source = Normals(seeds, SGD_PURPOSE, optimizer.batch_size * (dimension + 1), deal)
    fixed = _fixed_start(problem, law, start)
    size = np.sqrt(random_variance(start) / dimension)
    drawn = [size * stream(seed, START_PURPOSE).standard_normal((classes, dimension)) for seed in seeds]
    weights = fixed + np.stack(drawn)
    states = weight_states(weights, optimizer)

    def result(record: Record, grid: np.ndarray) -> Any:
        seen: FlowSeen = record.observations
        variables = _variables(problem, seen, ("seed", "time"), training.evaluate_at, found)
        lost = np.logical_or.accumulate(~(np.asarray(seen.norm) ** 2 < LARGEST_SQUARE / 10), axis=1)
        status, advice = (Status.INTERRUPTED if record.interrupted else Status.COMPLETED), None
        if np.any(lost) and not record.interrupted:
            variables = past_divergence(variables, lost)
            status, advice = Status.DIVERGED, "The weights grow without bound: lower the rate."
        variables["radius"] = (("time",), radius_at(problem, grid[: record.reached]))
        sound = judged(variables, status, advice, found.notes(), optimum_risk=found.adversarial_risk, accuracy=ACCURACY)
        return make_result(
            variables,
            {"time": grid[: record.reached], "seed": seeds, **_coords(problem, training.evaluate_at)},
            engine="simulate",
            scenario=scenario_of(problem, schedule, start, training.optimizer),
            status=sound.status,
            advice=sound.advice,
            seed=seeds,
            notes=sound.notes,
            extra={
                "method": f"full vectors, {classes} classes, {training.optimizer!r}",
                "dimension": float(dimension),
                **optimum_attributes(found),
            },
        )

    watched = moments_told(watch, result, times)
    record = run_sgd(engine, source, states, steps.tolist(), step_time, progress, watch=watched)
    return result(record, times)


def _flow(training: Training, found: np.ndarray | None) -> tuple[EigenLaw, ClassFlow]:
    """The law of a problem in its eigenbasis, and its equations; InputError for what they do not cover."""
    problem, schedule, optimizer = training.problem, training.schedule, training.optimizer
    if schedule.adaptive or schedule.remembers:
        raise InputError("Mixtures with several labels take a rate that is given over time", type(schedule).__name__,
                         "Use `Constant(0.5)`")  # fmt: skip
    if not isinstance(optimizer, SGD):
        raise InputError("Mixtures take SGD as their optimizer", repr(optimizer), "Draw rows, and use `Samples(X, y)`")
    law, scores = score_law(problem)
    loss = problem.loss.plain
    assert isinstance(loss, SoftmaxLoss)
    classes = len(scores.own)
    flow = ClassFlow(
        scores, np.zeros((classes, len(scores.places))) if found is None else found,
        antithetic_points(trained_points(classes), classes - 1), antithetic_points(read_points(classes), classes - 1),
        loss, schedule, problem.radius_schedule, Radii.of(problem, training.evaluate_at).others,
        np.asarray(optimizer.gain), np.asarray(optimizer.gain * optimizer.ridge),
    )  # fmt: skip
    return law, flow


def _notes_on(optimizer: Optimizer, law: EigenLaw, horizon: float) -> list[str]:
    """How an optimizer's batches and memory are followed."""
    if _in_steps(optimizer, law, horizon):
        return ["batches and momentum are followed step by step, weights and buffer together"]
    return []


def _fixed_start(problem: Problem, law: EigenLaw, start: Any) -> np.ndarray:
    """(K, Q) eigen-coordinates of the fixed part of a start."""
    classes = len(kinds_of(problem))
    if not law.listed:
        if start is not None and np.ndim(start) and np.any(start):
            raise InputError("A start on nodes is zero or random", "an array", "Use `RandomStart(norm)`")
        return np.zeros((classes, law.eigenvalues.shape[1]))
    return law.to_eigenbasis(start_in_classes(start, classes, int(law.dimension)))


def _variables(
    problem: Problem, seen: FlowSeen, dims: tuple[str, ...], evaluate_at: np.ndarray, found: Optimum
) -> Variables:
    asked = Radii.of(problem, evaluate_at)
    variables = asked.named(np.asarray(seen.risk), np.asarray(seen.accuracy), dims, "")
    for place, name in enumerate(("adversarial", "clean")):
        variables[f"{name}_class_accuracy"] = ((*dims, "class"), np.asarray(seen.class_accuracy)[..., place, :])
    variables["norm"] = (dims, np.asarray(seen.norm))
    variables["excess_risk"] = (dims, np.asarray(seen.risk)[..., asked.final] - found.adversarial_risk)
    if np.isfinite(found.norm):
        variables["distance_to_optimum"] = (dims, np.asarray(seen.distance))
    variables["learning_rate"] = (dims, np.asarray(seen.rate))
    return variables


def _coords(problem: Problem, evaluate_at: np.ndarray) -> dict[str, Any]:
    names = np.array([f"{label:g}" for label in kinds_of(problem)])
    return {"class": names} | ({"evaluation_radius": evaluate_at} if evaluate_at.size else {})
