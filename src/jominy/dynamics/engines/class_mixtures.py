"""Gaussian mixtures with several labels: a score for each class, followed on nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.classes.mixture_optimum import mixture_class_collapse, mixture_class_optimum
from jominy.dynamics.classes.mixtures import class_mixture_forecast, class_mixture_simulation
from jominy.dynamics.engines.base import Endings, ForecastRequest, PathRequest, SimulationRequest, endings_one_by_one
from jominy.dynamics.engines.mixtures import (
    MixtureEngines,
    mixture_plan,
    mixture_steps,
    require_no_average,
    require_no_others,
)
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem, require_one_score
from jominy.dynamics.times import report_times, whole_steps
from jominy.errors import InputError
from jominy.optimizers import SGD

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr


POINTS = 21
"""Even times of a forecast, whose largest losses under attack are dear to read."""


class ClassMixtureEngines(MixtureEngines):
    """The deterministic equivalent of SGD with a score for each class, and SGD on full vectors."""

    many_at_once = False

    def covers(self, problem: Problem) -> bool:
        return problem.loss.several and not problem.data.empirical

    def forecast(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        self._check(training, request.bands, request.batch_size)
        if request.times is None:
            per_time = training.problem.data.dimension / training.optimizer.batch_size
            times = report_times(request.time, None, per_time, POINTS, early=True)
            request = request._replace(time=None, times=times.tolist())
        return class_mixture_forecast(training, mixture_plan(training._replace(optimizer=SGD()), request).times)

    def endings(self, trainings: Sequence[Training], request: ForecastRequest) -> Endings:
        return endings_one_by_one(self, trainings, request)

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        self._check(training, False, request.batch_size)
        grid, _ = mixture_steps(training._replace(optimizer=SGD()), request)
        per_time = training.problem.data.dimension / training.optimizer.batch_size
        grid = whole_steps(grid, per_time)
        return class_mixture_simulation(training, grid, request.seeds, request.progress, request.watch)

    def path_law(self, training: Training, request: ForecastRequest) -> None:
        return None

    def homogenize(self, training: Training, request: PathRequest) -> xr.Dataset:
        raise InputError("Homogenized SGD is for one score per sample", "several classes", "Use `simulate(...)`")

    def optimum(self, problem: Problem) -> Optimum:
        return mixture_class_optimum(problem)[0]

    def collapse_radius(self, problem: Problem) -> float:
        return mixture_class_collapse(problem)

    def rate_limits(self, problem: Problem) -> RateLimits:
        mean_square = float(problem.mixture.weights @ problem.law.mean_variances)
        return RateLimits(np.inf, np.inf, mean_square, "the loss has a bounded slope")

    def stationary(self, problem: Problem, rate: float) -> Stationary:
        require_one_score(problem)
        raise AssertionError(problem.loss)

    def _check(self, training: Training, bands: bool, batch_size: int) -> None:
        """InputError for what is known of one score alone."""
        require_no_average(training, "mixtures with several labels")
        require_no_others(training)
        if bands:
            raise InputError("Bands of mixtures are for one score per sample", "bands=True", "Leave bands out")
        if batch_size != 1:
            raise InputError(
                "A batch whose gradients are summed is for one score per sample",
                f"batch_size={batch_size}",
                f"Batches whose gradients are averaged: `optimizer=SGD(batch_size={batch_size})`",
            )
