"""Problems of several classes on samples: a score for each class, forecasts by real runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jominy.dynamics.classes.collapse import class_collapse_radius
from jominy.dynamics.classes.optimum import class_optimum, class_optimum_is_cheap
from jominy.dynamics.classes.recursion_forecast import class_recursion
from jominy.dynamics.classes.simulation import class_runs
from jominy.dynamics.engines.base import ForecastRequest
from jominy.dynamics.engines.samples import SampleEngines
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.real_runs import batch_times
from jominy.dynamics.simulation.sgd import RowRuns

if TYPE_CHECKING:
    import xarray as xr


class ClassEngines(SampleEngines):
    """SGD on the rows, and its mean over an ensemble as the forecast."""

    runs_of_candidates: int | None = 16

    def covers(self, problem: Problem) -> bool:
        return problem.loss.several

    def in_ensemble(self, training: Training, method: str | None) -> bool:
        super().in_ensemble(training, method)
        return method != "recursion"

    def recursion(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        wanted = RowRuns(
            self.times(training, request.time, request.times), [], request.held_out, progress=request.progress,
            roughly=True,
        )  # fmt: skip
        found = class_optimum(training.problem) if self._measured(training.problem, request.optimum) else None
        return class_recursion(training, wanted, found, request.diagonal, request.largest_block)

    def spares_nothing(self, training: Training, grid: np.ndarray, request: ForecastRequest) -> bool:
        return True

    def times(self, training: Training, time: float | None, times: Sequence[float] | None) -> np.ndarray:
        return batch_times(training, time, times)

    def runs(self, training: Training, asked: RowRuns) -> tuple[xr.Dataset, np.ndarray]:
        measured = self._measured(training.problem, asked.optimum)
        return class_runs(training, asked, class_optimum(training.problem) if measured else None)

    def _measured(self, problem: Problem, wanted: bool) -> bool:
        """Whether distances to the optimum are told."""
        return wanted and class_optimum_is_cheap(problem)

    def collapse_radius(self, problem: Problem) -> float:
        return class_collapse_radius(problem)

    def optimum(self, problem: Problem) -> Optimum:
        return class_optimum(problem)

    def rate_limits(self, problem: Problem) -> RateLimits:
        samples = problem.samples
        mean_square = float(np.mean(np.sum(samples.features**2, axis=1))) / samples.dimension
        if problem.loss.plain.bounded_slope:
            return RateLimits(np.inf, np.inf, mean_square, "the loss has a bounded slope")
        return RateLimits(0.0, np.inf, mean_square, "the slope of this loss of several classes has no known bound")
