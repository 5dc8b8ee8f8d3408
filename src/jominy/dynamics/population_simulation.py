"""Simulations for Gaussian mixtures: choice of engine, start, noise, result."""

from typing import Any

import jax
import numpy as np

from jominy.data import GaussianMixture
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import Nodes, coordinate_nodes, group_nodes
from jominy.dynamics.dense import DenseFlow
from jominy.dynamics.dense_sgd import DenseNoiseSource, DenseSGD, covariance_roots
from jominy.dynamics.labelled import labelled
from jominy.dynamics.landscapes import NodeLandscape, dense_landscape, minimiser
from jominy.dynamics.node_sgd import NodeNoiseSource, NodeSGD, NodeState
from jominy.dynamics.optimum import PopulationOptimum, population_optimum, setting_of
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import largest_logit, past_divergence, population_variables
from jominy.dynamics.representations import representations
from jominy.dynamics.sgd import Engine, Record, Source, run_sgd
from jominy.dynamics.start import random_variance, start_dense, start_in_eigenbasis
from jominy.dynamics.students import diverged
from jominy.errors import InputError
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.streams import stream
from jominy.results import Status
from jominy.schedules import Schedule

START_PURPOSE = 1000
"""The random stream of a random start."""


def population_simulation(
    problem: Problem,
    schedule: Schedule,
    times: np.ndarray,
    seeds: list[int],
    start: Any,
    evaluate_at: np.ndarray,
    full_vectors: bool | None,
    progress: bool,
):
    """SGD on a Gaussian mixture as a labelled result; see `simulate`."""
    assert isinstance(problem.data, GaussianMixture)
    law = problem.data.law
    if np.isinf(law.dimension):
        raise InputError(
            "A simulation needs a finite dimension", law.dimension, "Give the spectrum a dimension, for instance 1000"
        )
    found = population_optimum(problem, representations(law)[-1])
    rule = gaussian_rule(2 * largest_logit(problem.loss, found.solved.order))
    setting = setting_of(law, problem)._replace(rule=rule)
    steps = np.rint(times * law.dimension).astype(int)
    if isinstance(law, DenseLaw):
        if full_vectors is False:
            raise InputError(
                "Groups of equal eigenvalues need covariances that commute",
                "full_vectors=False",
                "Leave full_vectors out",
            )
        engine, source, states, method = _dense(law, problem, schedule, rule, found, start, seeds)
    else:
        groups = group_nodes(law)
        grouped = groups[0].shares.size * (groups[1].shape[0] + 2) < law.dimension / 2
        if full_vectors or (full_vectors is None and not grouped):
            engine, source, states, method = _vectors(law, problem, schedule, rule, found, start, seeds)
        else:
            engine, source, states, method = _groups(law, groups, problem, schedule, rule, found, start, seeds)
    record = run_sgd(engine, source, states, steps.tolist(), len(seeds), 1 / law.dimension, progress)
    return _result(problem, schedule, times, seeds, start, evaluate_at, law, found, setting, record, method)


def _node_engine(nodes: Nodes, present, problem, schedule, rule, found: PopulationOptimum, dimension: float) -> NodeSGD:
    optimum = minimiser(NodeLandscape(nodes), found.solved.scalars)
    step_time = np.asarray(1 / dimension)
    return NodeSGD(nodes, present, problem.loss, schedule, np.asarray(problem.radius), rule, optimum, step_time)


def _randomness(law: EigenLaw, problem: Problem) -> tuple[bool, bool]:
    """Whether classes and label noise have to be drawn."""
    return len(law.weights) > 1, law.noise_variance > 0 and not problem.loss.needs_classes


def _vectors(law, problem, schedule, rule, found, start, seeds) -> tuple[Engine, Source, Any, str]:
    nodes = coordinate_nodes(law)
    engine = _node_engine(nodes, np.ones_like(nodes.teacher), problem, schedule, rule, found, law.dimension)
    source = NodeNoiseSource(seeds, nodes, None, _randomness(law, problem))
    vectors = start_in_eigenbasis(start, law) + random_starts(start, seeds, int(law.dimension))
    states = NodeState(vectors[:, None, :], np.zeros((len(seeds), 0)))
    return engine, source, states, f"full vectors, dimension {law.dimension}"


def _groups(law, groups, problem, schedule, rule, found, start, seeds) -> tuple[Engine, Source, Any, str]:
    nodes, frame, grouping = groups
    present = np.einsum("aaq->aq", nodes.gram)
    sizes = np.rint(nodes.shares * law.dimension)
    engine = _node_engine(nodes, present, problem, schedule, rule, found, law.dimension)
    source = NodeNoiseSource(seeds, nodes, sizes - present.sum(axis=0), _randomness(law, problem))
    vector = start_in_eigenbasis(start, law)
    coordinates = np.array([grouping.sums(vector * unit) for unit in frame]).reshape(present.shape)
    rest = np.maximum(grouping.sums(vector**2) - np.sum(coordinates**2, axis=0), 0.0)
    states = _random_groups(start, seeds, int(law.dimension), coordinates, np.sqrt(rest), present, sizes)
    return engine, source, states, f"exact in law, {nodes.shares.size} groups of equal eigenvalues"


def _dense(law, problem, schedule, rule, found, start, seeds) -> tuple[Engine, Source, Any, str]:
    landscape = dense_landscape(law)
    target = minimiser(landscape, found.solved.scalars)
    flow = DenseFlow(landscape, problem.loss, schedule, np.asarray(problem.radius), rule, target)
    engine = DenseSGD(flow, covariance_roots(law.covariances))
    states = start_dense(start, law) + random_starts(start, seeds, law.dimension)
    return engine, DenseNoiseSource(seeds, law.dimension), states, f"full vectors, dimension {law.dimension}"


def random_starts(start: Any, seeds: list[int], dimension: int) -> np.ndarray:
    """(seeds, d) random part of the start; a random start has the same law in every basis."""
    size = np.sqrt(random_variance(start) / dimension)
    if size == 0:
        return np.zeros((len(seeds), dimension))
    return np.stack([size * stream(seed, START_PURPOSE).standard_normal(dimension) for seed in seeds])


def _random_groups(start, seeds, dimension, coordinates, rest, present, sizes) -> NodeState:
    """Starts of all seeds in group coordinates: a fixed part, plus the law of a random start's projections."""
    free = sizes - present.sum(axis=0)
    size = np.sqrt(random_variance(start) / dimension)

    def draw(seed: int) -> NodeState:
        generator = stream(seed, START_PURPOSE)
        along = present * generator.standard_normal(coordinates.shape)
        beside = generator.standard_normal(rest.shape)
        beyond = np.where(free > 1, 2 * generator.standard_gamma(np.maximum(free - 1, 1) / 2), 0.0)
        moved = (rest + size * beside) ** 2 + size**2 * beyond
        return NodeState(coordinates + size * along, np.where(free > 0, moved, 0.0))

    drawn = [draw(seed) for seed in seeds]
    return NodeState(*(np.stack(parts) for parts in zip(*drawn, strict=True)))


def _result(problem, schedule, times, seeds, start, evaluate_at, law, found, setting, record: Record, method: str):
    times = times[: record.reached]
    observation = record.observations
    teacher_norm = 0.0 if law.teacher is None else float(np.linalg.norm(law.teacher))
    risk = float(found.solved.risk)
    variables = population_variables(problem, setting, observation, evaluate_at, risk, teacher_norm, ("seed", "time"))
    lost = np.asarray(diverged(jax.tree.map(np.asarray, observation.order)))
    notes = []
    if np.any(lost):
        variables = past_divergence(variables, lost)
        count = int(np.sum(lost[:, -1]))
        notes.append(f"{count} of {len(seeds)} runs diverged; their sizes are infinite from there on.")
    status = Status.COMPLETED
    if record.interrupted:
        status = Status.INTERRUPTED
    elif np.any(lost):
        status = Status.DIVERGED
    elif found.regime == "collapse":
        status = Status.COLLAPSED
    elif problem.radius > 0 and np.all(observation.order.norm[:, -1] < 1e-12) and schedule.adaptive:
        status = Status.STUCK
    return labelled(
        "simulate",
        problem,
        schedule,
        start,
        variables,
        times,
        evaluate_at,
        found.record(problem.radius),
        status,
        method=method,
        seeds=seeds,
        notes=notes,
        more={"dimension": int(law.dimension)},
    )
