"""The equations of a forecast: the state of the start, and the system to solve."""

from typing import Any

from jominy.data import GaussianMixture
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.dynamics.dense import DenseFlow, initial_dense_state
from jominy.dynamics.landscapes import DenseLandscape, Landscape, NodeLandscape
from jominy.dynamics.problem import Problem
from jominy.dynamics.representations import Representation
from jominy.dynamics.spectral import SpectralFlow, initial_state
from jominy.dynamics.start import random_variance, start_dense
from jominy.numerics.gaussian import GaussianRule
from jominy.schedules import Schedule


def initial(representation: Representation, law: EigenLaw | DenseLaw, start: Any) -> Any:
    """The state of the start."""
    if isinstance(law, DenseLaw):
        return initial_dense_state(start_dense(start, law), random_variance(start))
    landscape, fixed = representation.landscape, representation.fixed
    assert isinstance(landscape, NodeLandscape) and fixed is not None
    return initial_state(landscape.nodes, fixed.start, law.teacher is not None, random_variance(start))


def flow(
    landscape: Landscape, problem: Problem, schedule: Schedule, target: Any, rule: GaussianRule
) -> SpectralFlow | DenseFlow:
    """The system to solve on a landscape, with the optimum as a student on it."""
    radius = problem.radius_schedule
    assert isinstance(problem.data, GaussianMixture)
    targets = problem.loss.targets(problem.data.law)
    if isinstance(landscape, NodeLandscape):
        return SpectralFlow(landscape.nodes, problem.loss, targets, schedule, radius, rule, target)
    assert isinstance(landscape, DenseLandscape)
    return DenseFlow(landscape, problem.loss, targets, schedule, radius, rule, target)
