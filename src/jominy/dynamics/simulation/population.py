"""Simulations for Gaussian mixtures: choice of engine, start, noise, result."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jominy.data.nodes import Nodes, coordinate_nodes, group_nodes
from jominy.dynamics.labelled import Method, Outcome, Training, labelled
from jominy.dynamics.laws.dense import DenseFlow
from jominy.dynamics.laws.geometry import NodeGeometry, dense_geometry, minimiser
from jominy.dynamics.laws.representations import representations
from jominy.dynamics.laws.risk import largest_logit, risk_spec
from jominy.dynamics.optima.optimum import PopulationOptimum, population_optimum
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.readout import Reading, past_divergence, population_variables, reading
from jominy.dynamics.simulation.averages import with_average
from jominy.dynamics.simulation.dense_sgd import DenseSGD, covariance_roots, dense_noise
from jominy.dynamics.simulation.node_sgd import NodeSGD, RandomParts, node_noise, node_states
from jominy.dynamics.simulation.noise import Source
from jominy.dynamics.simulation.sgd import Engine, Record, Watch, moments_told, run_sgd
from jominy.dynamics.simulation.starts import coordinate_starts, dense_starts, few_groups, group_starts, rest_dimensions
from jominy.dynamics.simulation.steps import weight_states
from jominy.dynamics.students import diverged
from jominy.dynamics.times import counted_steps
from jominy.errors import InputError
from jominy.numerics.batched_tree import BatchedTree, with_axis
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.results import Status


def population_simulation(
    training: Training,
    times: np.ndarray,
    seeds: list[int],
    full_vectors: bool | None,
    progress: bool,
    batch_size: int = 1,
    watch: Watch | None = None,
):
    """SGD on a Gaussian mixture as a labelled result; see `simulate`."""
    problem = training.problem
    law = problem.groups
    if np.isinf(law.dimension):
        raise InputError(
            "A simulation needs a finite dimension", law.dimension, "Give the spectrum a dimension, for instance 1000"
        )
    found = population_optimum(problem, representations(problem.law)[-1])
    found.record(problem.final_radius).require_for(training.schedule)
    setting = risk_spec(law, problem)
    rule = gaussian_rule(2 * largest_logit(setting, found.solved.order))
    setting = setting._replace(rule=rule)
    steps = counted_steps(times, batch_size / law.dimension)
    engine, source, states, words = engine_of(training, rule, found, seeds, full_vectors, batch_size)
    method, known = Method("simulate", words), found.record(problem.final_radius)

    def result(record: Record, times: np.ndarray):
        read = reading([problem], BatchedTree.of([setting]), times[: record.reached], [found.solved])
        return runs_result(method, training, times, seeds, known, read, record)

    told = moments_told(watch, result, times)
    step_time = batch_size / law.dimension
    engine, states = with_average(engine, states, training.schedule, step_time)
    record = run_sgd(engine, source, states, steps.tolist(), step_time, progress, watch=told)
    return result(record, times)


def engine_of(
    training: Training,
    rule: GaussianRule,
    found: PopulationOptimum,
    seeds: list[int],
    full_vectors: bool | None,
    batch_size: int = 1,
) -> tuple[Engine, Source, Any, str]:
    """The engine that takes the steps, the source of its noise, the states of all seeds, and the method in words."""
    law = training.problem.groups
    if not law.commuting:
        if full_vectors is False:
            raise InputError(
                "Groups of equal eigenvalues need covariances that commute",
                "full_vectors=False",
                "Leave full_vectors out",
            )
        return _dense(law, training, rule, found, seeds, batch_size)
    if full_vectors and not law.listed:
        raise InputError(
            "Full vectors need a spectrum that lists every coordinate",
            f"dimension {law.dimension}",
            "Leave full_vectors out: the engine on groups has the same law",
        )
    law = law.in_eigenbasis
    groups = group_nodes(law)
    if training.schedule.averaging or not training.optimizer.plain:
        if full_vectors is False or not law.listed:
            raise InputError(
                "Averages of weights, batches that are averaged, momentum and decay need full vectors",
                f"full_vectors={full_vectors!r}, {law.dimension} dimensions",
                "Leave full_vectors out, and give a spectrum that lists every coordinate",
            )
        if law.basis is not None and not training.optimizer.rotates:
            raise InputError(
                "This optimizer moves each weight in its own way: covariances must be diagonal",
                repr(training.optimizer),
                "Use `SGD(momentum=0.9)`, or draw rows and use `Samples(X, y)`",
            )
        full_vectors = True
    if full_vectors or (full_vectors is None and not few_groups(law, groups[0])):
        return _vectors(law, training, rule, found, seeds, batch_size)
    return _groups(law, groups, training, rule, found, seeds, batch_size)


def _node_engine(
    nodes: Nodes, present, training: Training, rule: GaussianRule, found: PopulationOptimum, dimension: float
) -> NodeSGD:
    problem, schedule = training.problem, training.schedule.plain
    optimum = minimiser(NodeGeometry(nodes), found.solved.scalars)
    step_time = np.asarray(1 / dimension)
    targets = problem.loss.targets(problem.law)
    return NodeSGD(
        nodes, present, problem.loss, targets, schedule, problem.radius_schedule, rule, optimum, step_time,
        training.optimizer,
    )  # fmt: skip


def _vectors(law, training: Training, rule, found, seeds, batch_size) -> tuple[Engine, Source, Any, str]:
    nodes = coordinate_nodes(law)
    engine = _node_engine(nodes, np.ones_like(nodes.teacher), training, rule, found, law.dimension)
    source = node_noise(seeds, nodes, None, RandomParts(engine.targets.random, engine.loss.random), batch_size)
    states = node_states(*coordinate_starts(law, training.start, seeds), training.optimizer)
    return engine, source, states, f"full vectors, dimension {law.dimension}"


def _groups(law, groups, training: Training, rule, found, seeds, batch_size) -> tuple[Engine, Source, Any, str]:
    nodes = groups[0]
    present = np.einsum("aaq->aq", nodes.gram)
    engine = _node_engine(nodes, present, training, rule, found, law.dimension)
    random = RandomParts(engine.targets.random, engine.loss.random)
    source = node_noise(seeds, nodes, rest_dimensions(law, nodes), random, batch_size)
    states = node_states(*group_starts(law, groups, training.start, seeds))
    return engine, source, states, f"exact in law, {nodes.shares.size} groups of equal eigenvalues"


def _dense(law, training: Training, rule, found, seeds, batch_size) -> tuple[Engine, Source, Any, str]:
    geometry, problem = dense_geometry(law), training.problem
    target = minimiser(geometry, found.solved.scalars)
    targets = problem.loss.targets(law)
    flow = DenseFlow(training.schedule.plain, problem.loss, targets, problem.radius_schedule, rule, geometry, target)
    engine = DenseSGD(flow, covariance_roots(law.covariances), training.optimizer)
    states = weight_states(dense_starts(law, training.start, seeds), training.optimizer)
    source = dense_noise(seeds, law.weights, law.dimension, batch_size, problem.loss.random)
    return engine, source, states, f"full vectors, dimension {law.dimension}"


def runs_result(
    method: Method,
    training: Training,
    times: np.ndarray,
    seeds: list[int],
    found: Optimum,
    read: Reading,
    record: Record,
    more_notes: Sequence[str] = (),
):
    """Recorded runs of single students as a labelled result."""
    problem = training.problem
    times = times[: record.reached]
    observation = record.observations
    of_points = population_variables(read, with_axis(observation), training.evaluate_at, ("seed", "time"))
    variables = {name: (dims, values[0]) for name, (dims, values) in of_points.items()}
    lost = np.asarray(diverged(jax.tree.map(np.asarray, observation.order)))
    notes = [*found.notes(), *more_notes]
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
    elif problem.final_radius > 0 and np.all(observation.order.norm[:, -1] < 1e-12) and training.schedule.adaptive:
        status = Status.STUCK
    outcome, more = Outcome(status, None, notes), {"dimension": int(problem.law.dimension)}
    return labelled(method, training, variables, times, found, outcome, seeds=seeds, more=more)
