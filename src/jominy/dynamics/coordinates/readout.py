"""What it takes to read students out under an attack on single features."""

import numpy as np

from jominy.dynamics.coordinates.optimum import CoordinateOptimum
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Reading, radius_at
from jominy.numerics.batched_tree import BatchedTree


def coordinate_reading(problem: Problem, setting: RiskSpec, found: CoordinateOptimum, times: np.ndarray) -> Reading:
    """The reading of one problem at (T,) times."""
    teacher, record = problem.law.teacher, found.record
    return Reading(
        BatchedTree.of([setting]),
        radius_at(problem, times)[None],
        np.array([problem.final_radius]),
        np.array([record.adversarial_risk]),
        np.array([record.norm]),
        np.array([0.0 if teacher is None else np.linalg.norm(teacher)]),
        problem.data.classification,
        False,
    )
