"""The equations of a forecast: what is asked, the state of the start, and the flow to solve."""

from typing import Any, NamedTuple

import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.dynamics.laws.averaged import AveragedFlow, averaged_state
from jominy.dynamics.laws.dense import DenseFlow, initial_dense_state
from jominy.dynamics.laws.flow import Flow, GaussianState
from jominy.dynamics.laws.geometry import DenseGeometry, NodeGeometry, RiskGeometry
from jominy.dynamics.laws.optimized import MomentumSteps, OptimizedFlow, Pace, with_buffer
from jominy.dynamics.laws.representations import Representation
from jominy.dynamics.laws.spectral import SpectralFlow, initial_state
from jominy.dynamics.problem import Problem
from jominy.dynamics.start import random_variance, start_dense
from jominy.losses import Loss, Targets
from jominy.numerics.gaussian import GaussianRule
from jominy.optimizers import SGD
from jominy.schedules import Averaged, RadiusSchedule, Schedule


class Point(NamedTuple):
    """One forecast to be made, on what stands for its law."""

    problem: Problem
    schedule: Schedule
    start: Any
    representation: Representation


def initial(
    representation: Representation,
    law: EigenLaw | DenseLaw,
    start: Any,
    averaging: bool = False,
    buffered: bool = False,
) -> Any:
    """The state of the start, where `averaging` with that of the average, and `buffered` with an optimizer's buffer."""
    state = _initial(representation, law, start)
    if buffered:
        return with_buffer(state)
    return averaged_state(state) if averaging else state


def _initial(representation: Representation, law: EigenLaw | DenseLaw, start: Any) -> GaussianState:
    if not law.commuting:
        return initial_dense_state(start_dense(start, law.dense), random_variance(start))
    geometry, fixed = representation.geometry, representation.fixed
    assert isinstance(geometry, NodeGeometry) and fixed is not None
    return initial_state(geometry.nodes, fixed.start, law.teacher is not None, random_variance(start))


class FlowParts(NamedTuple):
    """All that a flow is made of but the learning rate: `optimum` is a student on the geometry."""

    geometry: RiskGeometry
    loss: Loss
    targets: Targets
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Any


def flow(parts: FlowParts, schedule: Schedule, pace: Pace | None = None) -> Flow | AveragedFlow:
    """The system to solve; at an optimizer's `pace`, where it has one."""
    moving = student_flow(parts, schedule.plain)
    if pace is not None:
        moving = OptimizedFlow(schedule.plain, moving, *pace)
    return AveragedFlow(moving, schedule.begin) if isinstance(schedule, Averaged) else moving


def steps(parts: FlowParts, schedule: Schedule, optimizer: SGD) -> Flow | MomentumSteps:
    """The map of one step of an optimizer: on weights and what it keeps beside them."""
    if optimizer.momentum:
        return MomentumSteps(student_flow(parts, schedule), optimizer)
    return OptimizedFlow(schedule, student_flow(parts, schedule), *pace_of(optimizer))


def pace_of(optimizer: SGD) -> Pace:
    """The optimizer's pace in the limit of many dimensions."""
    return Pace(np.asarray(optimizer.gain), np.asarray(optimizer.ridge))


def student_flow(parts: FlowParts, schedule: Schedule) -> Flow:
    """The flow of the student itself."""
    geometry, loss, targets, radius, rule, optimum = parts
    if isinstance(geometry, NodeGeometry):
        return SpectralFlow(schedule, loss, targets, radius, rule, geometry.nodes, optimum)
    assert isinstance(geometry, DenseGeometry)
    return DenseFlow(schedule, loss, targets, radius, rule, geometry, optimum)
