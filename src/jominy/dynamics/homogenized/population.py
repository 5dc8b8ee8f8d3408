"""Homogenized SGD on Gaussian mixtures: choice of engine and step, result."""

from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import coordinate_nodes, group_nodes
from jominy.dynamics.homogenized.clock import Clock, clock, padded
from jominy.dynamics.homogenized.dense import DenseSDE, dense_path_noise
from jominy.dynamics.homogenized.limit import infinite_dimension
from jominy.dynamics.homogenized.nodes import NodeSDE, path_noise
from jominy.dynamics.labelled import Method, Training
from jominy.dynamics.laws.dense import DenseFlow
from jominy.dynamics.laws.geometry import NodeGeometry, dense_geometry, minimiser
from jominy.dynamics.laws.representations import representations
from jominy.dynamics.laws.risk import largest_logit, risk_spec
from jominy.dynamics.optima.optimum import PopulationOptimum, population_optimum
from jominy.dynamics.population.forecast import population_forecast
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.readout import radius_at, read_out, reading
from jominy.dynamics.simulation.dense_sgd import DenseSGD, covariance_roots
from jominy.dynamics.simulation.node_sgd import node_states
from jominy.dynamics.simulation.noise import Source
from jominy.dynamics.simulation.population import runs_result
from jominy.dynamics.simulation.sgd import Engine, run_sgd
from jominy.dynamics.simulation.starts import coordinate_starts, dense_starts, few_groups, group_starts, rest_dimensions
from jominy.dynamics.simulation.steps import weight_states
from jominy.dynamics.students import diverged
from jominy.errors import InputError
from jominy.numerics.batched_tree import BatchedTree
from jominy.numerics.gaussian import GaussianRule, gaussian_rule

LONGEST_STEP = 0.05
"""The first step tried."""
ACCEPTED = 1e-4
"""Relative error of the mean risk, from the step alone, at which a step is accepted."""
HALVINGS = 5


class Grid(NamedTuple):
    """A time grid, the relative error of the mean risk on it, and a quadrature that resolves the logits on the way."""

    clock: Clock
    error: float | None
    rule: GaussianRule


def population_paths(training: Training, times: np.ndarray, paths: list[int], step: float | None, progress: bool):
    """Homogenized SGD on a Gaussian mixture as a labelled result; see `homogenize`."""
    problem, schedule, start = training.problem, training.schedule, training.start
    law = problem.groups
    if np.isinf(law.dimension):
        raise InputError(
            "Homogenized SGD needs a finite dimension",
            law.dimension,
            "Give the spectrum a dimension, for instance 1000; in infinite dimension its paths are the forecast",
        )
    found = population_optimum(problem, representations(problem.law)[-1])
    found.record(problem.final_radius).require_for(schedule)
    grid = _grid(problem, schedule, times, start, found, step)
    scheme = _scheme(law, problem, schedule, grid.clock, grid.rule, found)
    engine, source, states, method = _paths(law, scheme, start, paths)
    reports, words = grid.clock.reports.tolist(), f"SDE, {len(paths)} paths"
    record = run_sgd(engine, source, states, reports, 1.0, progress, words)
    longest = float(np.max(np.diff(grid.clock.edges), initial=0.0))
    scheme_in_words = f"weak midpoint scheme of second order, steps of at most {longest:.3g}"
    setting = risk_spec(law, problem)._replace(rule=grid.rule)
    return runs_result(
        Method("homogenize", f"homogenized SGD, {method}; {scheme_in_words}", grid.error),
        training,
        times,
        paths,
        found.record(problem.final_radius),
        reading([problem], BatchedTree.of([setting]), times[: record.reached], [found.solved]),
        record,
    )


def _grid(problem, schedule, times, start, found: PopulationOptimum, step: float | None) -> Grid:
    """The time grid: with the step given, or halved until the scheme's own limit d -> infinity meets the forecast."""
    law = problem.groups
    curve = population_forecast(problem, schedule, Plan(times, np.zeros(0), 1e-9), start, True)
    told = curve.adversarial_risk.reindex(time=times, fill_value=np.inf).values
    setting = risk_spec(law, problem)
    rule = gaussian_rule(2 * largest_logit(setting, found.solved.order))
    length = LONGEST_STEP if step is None else step
    for _ in range(HALVINGS):
        ticks = clock(times, (*schedule.jumps, *problem.radius_schedule.jumps), length)
        scheme = _scheme(law, problem, schedule, ticks, rule, found)
        limit = infinite_dimension(law, scheme, start)
        record = run_sgd(*limit, ticks.reports.tolist(), 1.0, progress=False)
        if record.interrupted:
            raise KeyboardInterrupt  # before the first path nothing is there to keep
        seen = jax.tree.map(lambda leaf: leaf[0], record.observations)
        with np.errstate(invalid="ignore"):
            lost = np.asarray(diverged(seen.order))
        kept = np.isfinite(told) & ~lost
        if not np.any(kept):  # diverged from the first report on: there is nothing to hold the scheme against
            return Grid(ticks, None, rule)
        order = jax.tree.map(lambda leaf, kept=kept: leaf[kept], seen.order)
        rule = gaussian_rule(max(rule.logit_scale, 1.5 * largest_logit(setting, order)))
        risk = read_out(
            setting._replace(rule=rule), order, radius_at(problem, times[kept]), np.zeros(0), False, ("time",)
        )["adversarial_risk"][1]
        error = float(np.max(np.abs(risk - told[kept]) / np.maximum(np.abs(told[kept]), 1e-300), initial=0.0))
        if step is not None or (error < ACCEPTED and np.array_equal(kept, np.isfinite(told))):
            break
        length /= 2
    return Grid(ticks, error, rule)


def _scheme(
    law: EigenLaw | DenseLaw, problem, schedule, ticks: Clock, rule: GaussianRule, found: PopulationOptimum
) -> NodeSDE | DenseSDE:
    """The steps to take: on groups where these are few, else coordinate by coordinate."""
    edges, radius, targets = padded(ticks.edges), problem.radius_schedule, problem.loss.targets(law)
    if not law.commuting:
        law = law.dense
        geometry = dense_geometry(law)
        target = minimiser(geometry, found.solved.scalars)
        moving = DenseFlow(schedule, problem.loss, targets, radius, rule, geometry, target)
        return DenseSDE(DenseSGD(moving, covariance_roots(law.covariances)), edges)
    law = law.in_eigenbasis
    nodes = group_nodes(law)[0]
    nodes = nodes if few_groups(law, nodes) else coordinate_nodes(law)
    return NodeSDE(
        nodes,
        np.einsum("aaq->aq", nodes.gram),
        problem.loss,
        targets,
        schedule,
        radius,
        rule,
        minimiser(NodeGeometry(nodes), found.solved.scalars),
        np.asarray(float(law.dimension)),
        edges,
    )


def _paths(law, scheme: NodeSDE | DenseSDE, start: Any, paths: list[int]) -> tuple[Engine, Source, Any, str]:
    """Steps, noise and starts of the paths, and what they are in words."""
    vectors = f"full vectors, dimension {law.dimension}"
    if isinstance(scheme, DenseSDE):
        normals = dense_path_noise(paths, len(law.weights), law.dimension)
        return scheme, normals, weight_states(dense_starts(law, start, paths)), vectors
    if not few_groups(law, group_nodes(law)[0]):
        states = node_states(*coordinate_starts(law, start, paths))
        return scheme, path_noise(paths, scheme.nodes, None), states, vectors
    states = node_states(*group_starts(law, group_nodes(law), start, paths))
    source = path_noise(paths, scheme.nodes, rest_dimensions(law, scheme.nodes))
    return scheme, source, states, f"{scheme.nodes.shares.size} groups of equal eigenvalues"
