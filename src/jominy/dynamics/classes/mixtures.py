"""Gaussian mixtures with several labels: the forecast on nodes, and SGD on full vectors, as labelled results.

Source: theory `multiclass.md` section 5.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import EigenLaw
from jominy.dynamics.classes.mixture_flow import (
    ClassFlow,
    FlowSeen,
    FlowState,
    antithetic_points,
    read_points,
    trained_points,
)
from jominy.dynamics.classes.moves import WeightMoves
from jominy.dynamics.labelled import Training, scenario_of
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, past_divergence, radius_at
from jominy.dynamics.samples.readout import Radii
from jominy.dynamics.simulation.noise import SGD_PURPOSE, Normals, class_cuts
from jominy.dynamics.simulation.sgd import Record, Watch, moments_told, run_sgd
from jominy.dynamics.simulation.starts import START_PURPOSE
from jominy.dynamics.start import random_variance, start_in_classes
from jominy.dynamics.times import counted_steps
from jominy.errors import InputError
from jominy.losses import SoftmaxLoss
from jominy.numerics.arrays import Array
from jominy.numerics.ode import integrate
from jominy.numerics.streams import stream
from jominy.results import Status, make_result
from jominy.results.soundness import judged
from jominy.schedules import UNKNOWN_DESCENT

TOLERANCE = 1e-5
"""Relative, of the integration: averages over points are good to 1e-3 (`multiclass.md` section 5)."""
LARGEST_SQUARE = 1e14
SHORTEST = 1e3
"""One over the time that is followed where only the start is asked for."""


def class_mixture_forecast(training: Training, times: np.ndarray) -> Any:
    """The deterministic equivalent of SGD on a mixture with several labels, at these times."""
    problem, schedule, start = training.problem, training.schedule, training.start
    law, flow = _flow(training)
    state = FlowState(
        _fixed_start(problem, law, start),
        np.tile(random_variance(start) * np.eye(len(flow.own)), (len(flow.shares), 1, 1)),
    )
    problem.radius_schedule.check(times)
    schedule.check(times)
    jumps = sorted({*problem.radius_schedule.jumps, *schedule.jumps})
    begun = np.union1d(times, [0.0])
    if begun.size == 1:  # there has to be a way to go
        begun = np.array([0.0, 1 / SHORTEST])
    found = integrate(
        jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], flow),
        jax.tree.map(lambda leaf: np.asarray(leaf)[None], state),
        begun[None],
        np.array([jumps if jumps else [np.inf]], dtype=float),
        np.array([TOLERANCE]),
    )
    reached = int(found.reached[0])
    seen: FlowSeen = jax.tree.map(lambda leaf: np.asarray(leaf[0])[np.isin(begun, times)], found.observations)
    notes = [
        f"{len(flow.weights)} components, {len(flow.own)} classes; averages over scores by {len(flow.points)} points"
    ]
    variables = _variables(problem, seen, ("time",), training.evaluate_at)
    status, advice = Status.COMPLETED, None
    lost = np.arange(len(times)) >= np.isin(begun[:reached], times).sum()
    lost |= ~(np.asarray(seen.norm) ** 2 < LARGEST_SQUARE)
    if np.any(lost):
        variables = past_divergence(variables, lost)
        status, advice = Status.DIVERGED, "The weights grow without bound: lower the rate."
    variables["radius"] = (("time",), radius_at(problem, times))
    sound = judged(variables, status, advice, notes)
    return make_result(
        variables,
        {"time": times, **_coords(problem, training.evaluate_at)},
        engine="forecast",
        scenario=scenario_of(problem, schedule, start, training.optimizer),
        status=sound.status,
        advice=sound.advice,
        notes=sound.notes,
        extra={"method": f"deterministic equivalent on {len(flow.shares)} nodes, {len(flow.own)} classes",
               "dimension": float(law.dimension)},
    )  # fmt: skip


class FullState(NamedTuple):
    """One run: `weights` (K, d) in the eigenbasis."""

    weights: Array


class MixtureDeal(eqx.Module):
    """From the normals (d + 1 or more) of a step to the component of its sample and the sample's own normals."""

    cuts: Array
    dimension: int = eqx.field(static=True)

    def __call__(self, normals: Array) -> tuple[Array, Array]:
        drawn = normals.astype(float)
        return jnp.sum(drawn[self.dimension] > self.cuts), drawn[: self.dimension]


class ClassMixtureSGD(eqx.Module):
    """SGD on fresh samples of a mixture, one a step; risks are those of the whole mixture at the weights."""

    flow: ClassFlow
    roots: Array
    """(C, d) standard deviations of the coordinates."""

    def step(self, state: FullState, noise: tuple[Array, Array], time: Array) -> FullState:
        """W <- W - (rate / d) times the gradient at the attacked sample."""
        component, normals = noise
        weights, radius = state.weights, self.flow.radius.at(time)
        x = self.flow.means[component] + self.roots[component] * normals
        moves = WeightMoves(weights, None)
        pull = self.flow.loss.pull((weights @ x)[:, None], self.flow.own[:, component][:, None], moves, radius)
        gradient = pull.scores @ x[None] + radius * moves.pull(pull.attack, pull.directions)
        from_rate = self.flow.schedule.rate(time, UNKNOWN_DESCENT) / x.size
        going = jnp.sum(weights**2) < LARGEST_SQUARE
        return FullState(jnp.where(going, weights - from_rate * gradient, weights))

    def observe(self, state: FullState, time: Array) -> FlowSeen:
        """See `ClassFlow`."""
        classes, groups = len(state.weights), len(self.flow.shares)
        return self.flow.observe(time, FlowState(state.weights, jnp.zeros((groups, classes, classes))))


def class_mixture_simulation(
    training: Training, times: np.ndarray, seeds: list[int], progress: bool, watch: Watch | None
) -> Any:
    """Runs of SGD on full vectors, at these times."""
    problem, schedule, start = training.problem, training.schedule, training.start
    law, flow = _flow(training)
    if not law.listed:
        raise InputError(
            "A simulation of several classes needs listed coordinates", f"dimension {law.dimension}",
            "Give the spectrum a dimension, for instance 400",
        )  # fmt: skip
    dimension = int(law.dimension)
    problem.radius_schedule.check(times)
    schedule.check(times)
    steps = counted_steps(times, 1 / dimension)
    engine = ClassMixtureSGD(flow, np.sqrt(law.eigenvalues))
    source = Normals(seeds, SGD_PURPOSE, dimension + 1, MixtureDeal(class_cuts(law.weights), dimension))
    classes = len(flow.own)
    fixed = _fixed_start(problem, law, start)
    size = np.sqrt(random_variance(start) / dimension)
    drawn = [size * stream(seed, START_PURPOSE).standard_normal((classes, dimension)) for seed in seeds]
    states = FullState(fixed + np.stack(drawn))

    def result(record: Record, grid: np.ndarray) -> Any:
        seen: FlowSeen = record.observations
        variables = _variables(problem, seen, ("seed", "time"), training.evaluate_at)
        lost = np.logical_or.accumulate(~(np.asarray(seen.norm) ** 2 < LARGEST_SQUARE / 10), axis=1)
        status, advice = (Status.INTERRUPTED if record.interrupted else Status.COMPLETED), None
        if np.any(lost) and not record.interrupted:
            variables = past_divergence(variables, lost)
            status, advice = Status.DIVERGED, "The weights grow without bound: lower the rate."
        variables["radius"] = (("time",), radius_at(problem, grid[: record.reached]))
        sound = judged(variables, status, advice, [])
        return make_result(
            variables,
            {"time": grid[: record.reached], "seed": seeds, **_coords(problem, training.evaluate_at)},
            engine="simulate",
            scenario=scenario_of(problem, schedule, start, training.optimizer),
            status=sound.status,
            advice=sound.advice,
            seed=seeds,
            notes=sound.notes,
            extra={"method": f"full vectors, {classes} classes", "dimension": float(dimension)},
        )

    watched = moments_told(watch, result, times)
    record = run_sgd(engine, source, states, steps.tolist(), 1 / dimension, progress, watch=watched)
    return result(record, times)


def _flow(training: Training) -> tuple[EigenLaw, ClassFlow]:
    """The law of a problem in its eigenbasis, and its equations; InputError for what they do not cover."""
    problem, schedule = training.problem, training.schedule
    loss = problem.loss.plain
    if not isinstance(loss, SoftmaxLoss):
        raise InputError("Mixtures with several labels are known for the softmax loss", type(loss).__name__,
                         "Use `SoftmaxLoss()`")  # fmt: skip
    if not problem.attack.isotropic or problem.mixture.intercept:
        what = "an intercept" if problem.attack.isotropic else type(problem.attack).__name__
        raise InputError("Mixtures with several labels are for l2 attacks, without an intercept", what,
                         "Draw rows from the mixture, and wrap them as `Samples(X, y)`")  # fmt: skip
    if schedule.adaptive or schedule.remembers:
        raise InputError("Mixtures with several labels take a rate that is given over time", type(schedule).__name__,
                         "Use `Constant(0.5)`")  # fmt: skip
    law = problem.law
    if not law.commuting:
        raise InputError("Mixtures with several labels need covariances that commute", "others",
                         "Draw rows from the mixture, and wrap them as `Samples(X, y)`")  # fmt: skip
    law = law.in_eigenbasis
    distinct, places = np.unique(law.eigenvalues, axis=1, return_inverse=True)
    labels = law.labels
    assert labels is not None
    own = (labels == np.unique(labels)[:, None]).astype(float)
    asked = Radii.of(problem, training.evaluate_at)
    flow = ClassFlow(
        law.means, distinct, places.reshape(-1), np.bincount(places.reshape(-1), weights=law.shares), law.weights, own,
        antithetic_points(trained_points(len(own)), len(own)),
        antithetic_points(read_points(len(own)), len(own)), loss, schedule,
        problem.radius_schedule, asked.others,
    )  # fmt: skip
    return law, flow


def _kinds(problem: Problem) -> np.ndarray:
    """(K,) the labels that there are."""
    return np.unique(np.asarray(problem.mixture.labels))


def _fixed_start(problem: Problem, law: EigenLaw, start: Any) -> np.ndarray:
    """(K, Q) eigen-coordinates of the fixed part of a start."""
    classes = len(_kinds(problem))
    if not law.listed:
        if start is not None and np.ndim(start) and np.any(start):
            raise InputError("A start on nodes is zero or random", "an array", "Use `RandomStart(norm)`")
        return np.zeros((classes, law.eigenvalues.shape[1]))
    return law.to_eigenbasis(start_in_classes(start, classes, int(law.dimension)))


def _variables(problem: Problem, seen: FlowSeen, dims: tuple[str, ...], evaluate_at: np.ndarray) -> Variables:
    asked = Radii.of(problem, evaluate_at)
    variables = asked.named(np.asarray(seen.risk), np.asarray(seen.accuracy), dims, "")
    for place, name in enumerate(("adversarial", "clean")):
        variables[f"{name}_class_accuracy"] = ((*dims, "class"), np.asarray(seen.class_accuracy)[..., place, :])
    variables["norm"] = (dims, np.asarray(seen.norm))
    variables["learning_rate"] = (dims, np.asarray(seen.rate))
    return variables


def _coords(problem: Problem, evaluate_at: np.ndarray) -> dict[str, Any]:
    names = np.array([f"{label:g}" for label in _kinds(problem)])
    return {"class": names} | ({"evaluation_radius": evaluate_at} if evaluate_at.size else {})
