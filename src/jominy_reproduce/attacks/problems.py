"""The problems on which the claims on attacks are measured."""

from __future__ import annotations

import numpy as np

from jominy.attacks import Attack, LInf
from jominy.data import LinearTeacher, two_level
from jominy.dynamics import Problem
from jominy.losses import SquaredLoss

NOISE = 0.25
TEACHER = (1.6, -0.8, 0.3, 0.0)
"""sqrt(d) times the teacher's weights, in turn."""
LARGEST = 400
"""Dimension of runs under l_inf, where every weight is followed."""


def patterned(dimension: int, radius: float, attack: Attack | None = None) -> Problem:
    """Least squares with the eigenvalues 1.6 and 0.4 and a teacher of four kinds of weights."""
    teacher = np.resize(TEACHER, dimension) / np.sqrt(dimension)
    data = LinearTeacher(two_level(dimension, 1.6, 0.4), teacher, NOISE)
    return Problem(data, SquaredLoss(), radius, LInf() if attack is None else attack)
