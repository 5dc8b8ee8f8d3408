"""What it takes to read students out under an attack on single features."""

import numpy as np

from jominy.dynamics.coordinates.optimum import CoordinateOptimum
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Reading, radius_at
from jominy.numerics.batched_tree import BatchedTree


def coordinate_reading(
    problem: Problem, setting: RiskSpec, found: CoordinateOptimum, times: np.ndarray, solves: int = 1
) -> Reading:
    """The reading of `solves` of one problem at (T,) times."""
    record = found.record
    return Reading(
        BatchedTree.of([setting] * solves),
        np.repeat(radius_at(problem, times)[None], solves, axis=0),
        np.array([problem.final_radius] * solves),
        np.array([record.adversarial_risk] * solves),
        np.array([record.norm] * solves),
        np.array([problem.teacher_norm] * solves),
        problem.data.classification,
        False,
    )
