"""Streaming SGD itself under an attack on single features: full vectors, the exact attack at every step.

Source: theory `attacks.md` section 3 (the step).
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import Reach
from jominy.data.nodes import Nodes, coordinate_nodes
from jominy.dynamics.coordinates.forecast import solve_coordinates
from jominy.dynamics.coordinates.optimum import coordinate_optimum
from jominy.dynamics.coordinates.readout import coordinate_reading
from jominy.dynamics.labelled import Method, Training
from jominy.dynamics.laws.risk import largest_logit, risk_spec
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.simulation.node_sgd import NodeNoise, NodeState, RandomParts, node_noise, node_states, student_of
from jominy.dynamics.simulation.population import runs_result
from jominy.dynamics.simulation.sgd import Record, Watch, moments_told, run_sgd
from jominy.dynamics.simulation.starts import coordinate_starts
from jominy.dynamics.simulation.steps import StreamingSGD, divisor
from jominy.dynamics.students import Observation, Student, observe, order_parameters
from jominy.dynamics.times import counted_steps
from jominy.errors import InputError
from jominy.losses import Loss, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.sums import inner
from jominy.optimizers import SGD, Optimizer
from jominy.schedules import RadiusSchedule, Schedule, Tabulated

OPEN_LOOP = "The adaptive rate is the forecast's, as a function of time (open loop)"


class CoordinateSGD(StreamingSGD):
    """SGD steps on vectors (1, d)."""

    nodes: Nodes
    reach: Reach
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: RadiusSchedule
    optimum: Student
    optimizer: Optimizer = SGD()

    def gradient(self, state: NodeState, noise: NodeNoise, time: Array) -> Array:
        """(1, d) Psi_r x + radius Psi_s reach sign X of a batch of fresh samples x (usually one), see `divisor`."""
        nodes, vector = self.nodes, state.coordinates
        component = noise.component
        sample = nodes.means[component] + jnp.sqrt(nodes.eigenvalues[component])[:, None, :] * noise.along
        target = jax.vmap(self.targets.draw)(component, inner(nodes.teacher, sample), noise.label)
        radius = self.radius.at(time)
        shift = radius * self.reach.size(vector[0])
        slope, shift_slope = self.loss.sample_slopes(inner(vector, sample), shift, target, noise.chance)
        # No weight stays at zero, where the sign does not matter.
        push = jnp.tensordot(slope, sample, 1) + radius * jnp.sum(shift_slope) * self.reach.slope(vector[0])
        return push / divisor(self.optimizer, component.size)

    def observe(self, state: NodeState, time: Array) -> Observation:
        """Order parameters, distance, overlap and rate: population values at the current student."""
        student = student_of(self.nodes, state)
        size = self.reach.size(state.coordinates[0])
        order = order_parameters(self.nodes, student).of_size(size)
        return observe(self.nodes, student, self.optimum, order, self.rate(state, time))


def coordinate_simulation(
    training: Training,
    times: np.ndarray,
    seeds: list[int],
    full_vectors: bool | None,
    progress: bool,
    batch_size: int = 1,
    watch: Watch | None = None,
):
    """SGD on a Gaussian mixture as a labelled result; see `simulate`."""
    problem, schedule, start = training.problem, training.schedule, training.start
    law = problem.law.in_eigenbasis
    if not law.listed or full_vectors is False:
        raise InputError(
            "Under an attack on single features SGD is run on full vectors, of a spectrum that lists every coordinate",
            f"dimension {law.dimension}, full_vectors={full_vectors}",
            "Give the spectrum a dimension, for instance 1000, and leave full_vectors out",
        )
    found = coordinate_optimum(problem)
    found.record.require_for(schedule)
    used, notes = schedule, problem.attack.remarks(problem.final_radius, law.dimension)
    if schedule.adaptive:
        # The density of weights at zero, which line search needs, is that of a law and not of one vector.
        plan = Plan.of(law.dimension, float(times[-1]), None, [], 1e-9, 1)
        told = solve_coordinates(problem, schedule, plan, start).variables["learning_rate"][1]
        used = Tabulated(plan.times[: len(told)].tolist(), told.tolist())
        notes = [*notes, OPEN_LOOP]
    setting = risk_spec(law, problem, 2 * largest_logit(risk_spec(law, problem), found.order))
    nodes = coordinate_nodes(replace(law, budgets=None, power=None))
    vector = np.zeros(law.shares.size) if found.record.vector is None else found.record.vector
    optimum = Student(vector[None], vector[None] - nodes.teacher, np.zeros_like(nodes.shares))
    targets = problem.loss.targets(law)
    assert law.budgets is not None
    reach = problem.attack.reach(law.budgets)
    engine = CoordinateSGD(nodes, reach, problem.loss, targets, used, problem.radius_schedule, optimum)
    source = node_noise(seeds, nodes, None, RandomParts(targets.random, problem.loss.random), batch_size)
    states = node_states(*coordinate_starts(law, start, seeds))
    steps = counted_steps(times, batch_size / law.dimension)
    method = Method("simulate", f"full vectors, dimension {law.dimension}")

    def result(record: Record, times: np.ndarray):
        read = coordinate_reading(problem, setting, found, times[: record.reached])
        return runs_result(method, training, times, seeds, found.record, read, record, notes)

    told_watch = moments_told(watch, result, times)
    taken = batch_size / float(law.dimension)
    record = run_sgd(engine, source, states, steps.tolist(), taken, progress, watch=told_watch)
    return result(record, times)
