"""The equations of a forecast: what is asked, the state of the start, and the flow to solve."""

from typing import Any, NamedTuple

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.dynamics.laws.dense import DenseFlow, initial_dense_state
from jominy.dynamics.laws.landscapes import DenseLandscape, Landscape, NodeLandscape
from jominy.dynamics.laws.representations import Representation
from jominy.dynamics.laws.spectral import SpectralFlow, initial_state
from jominy.dynamics.problem import Problem
from jominy.dynamics.start import random_variance, start_dense
from jominy.losses import Loss, Targets
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import RadiusSchedule, Schedule


class Point(NamedTuple):
    """One forecast to be made, on what stands for its law."""

    problem: Problem
    schedule: Schedule
    start: Any
    representation: Representation


def initial(representation: Representation, law: EigenLaw | DenseLaw, start: Any) -> Any:
    """The state of the start."""
    if isinstance(law, DenseLaw):
        return initial_dense_state(start_dense(start, law), random_variance(start))
    landscape, fixed = representation.landscape, representation.fixed
    assert isinstance(landscape, NodeLandscape) and fixed is not None
    return initial_state(landscape.nodes, fixed.start, law.teacher is not None, random_variance(start))


class FlowParts(NamedTuple):
    """All that a flow is made of but the learning rate: `optimum` is a student on the landscape."""

    landscape: Landscape
    loss: Loss
    targets: Targets
    radius: RadiusSchedule
    rule: GaussianRule
    optimum: Any


def flow(parts: FlowParts, schedule: Schedule) -> SpectralFlow | DenseFlow:
    """The system to solve."""
    landscape, loss, targets, radius, rule, optimum = parts
    if isinstance(landscape, NodeLandscape):
        return SpectralFlow(landscape.nodes, loss, targets, schedule, radius, rule, optimum)
    assert isinstance(landscape, DenseLandscape)
    return DenseFlow(landscape, loss, targets, schedule, radius, rule, optimum)
