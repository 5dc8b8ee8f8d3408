"""Linear heads on a frozen network, under attacks on the network's input: forecasts by real runs on linearised rows.

Source: theory `heads.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jominy.dynamics.classes.head_collapse import head_collapse_radius
from jominy.dynamics.engines.classes import ClassEngines
from jominy.dynamics.labelled import Training
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.real_runs import batch_times
from jominy.errors import InputError


class HeadEngines(ClassEngines):
    """SGD of a head whose rows an attack can move each in its own way; the network itself is not needed."""

    at_once = 16

    def covers(self, problem: Problem) -> bool:
        return problem.data.empirical and problem.samples.scores_by_class

    def times(self, training: Training, time: float | None, times: Sequence[float] | None) -> np.ndarray:
        return batch_times(training, time, times, few=True)

    def optimum(self, problem: Problem) -> Optimum:
        raise InputError(
            "The optimum of a head is not known: attacks move each of its rows in its own way",
            "HeadSamples",
            "Train for long with `forecast(...)`, or ask `collapse_radius(...)`",
        )

    def collapse_radius(self, problem: Problem) -> float:
        return head_collapse_radius(problem)
