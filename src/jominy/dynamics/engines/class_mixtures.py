"""Gaussian mixtures with several labels: a score for each class, followed on nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jominy.dynamics.classes.mixtures import class_mixture_forecast, class_mixture_simulation
from jominy.dynamics.engines.base import Endings, ForecastRequest, PathRequest, SimulationRequest, endings_one_by_one
from jominy.dynamics.engines.mixtures import MixtureEngines, mixture_plan, mixture_steps
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem, require_one_score
from jominy.dynamics.times import report_times
from jominy.errors import InputError

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
        self._check(request.bands, request.batch_size)
        if request.times is None:
            times = report_times(request.time, None, training.problem.data.dimension, POINTS, early=True)
            request = request._replace(time=None, times=times.tolist())
        return class_mixture_forecast(training, mixture_plan(training, request).times)

    def endings(self, trainings: Sequence[Training], request: ForecastRequest) -> Endings:
        return endings_one_by_one(self, trainings, request)

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        grid, size = mixture_steps(training, request)
        self._check(False, size)
        return class_mixture_simulation(training, grid, request.seeds, request.progress, request.watch)

    def homogenize(self, training: Training, request: PathRequest) -> xr.Dataset:
        raise InputError("Homogenized SGD is for one score per sample", "several classes", "Use `simulate(...)`")

    def optimum(self, problem: Problem) -> Optimum:
        require_one_score(problem)
        raise AssertionError(problem.loss)

    def collapse_radius(self, problem: Problem) -> float:
        raise InputError(
            "The collapse radius of a mixture with several labels is not known yet", "several classes",
            "Draw rows from it: `collapse_radius(Problem(Samples(X, y), ...))`",
        )  # fmt: skip

    def rate_limits(self, problem: Problem) -> RateLimits:
        mean_square = float(problem.mixture.weights @ problem.law.mean_variances)
        return RateLimits(np.inf, np.inf, mean_square, "the loss has a bounded slope")

    def _check(self, bands: bool, batch_size: int) -> None:
        """InputError for what is known of one score alone."""
        if bands or batch_size != 1:
            raise InputError(
                "Bands and batches of mixtures are for one score per sample",
                "bands=True" if bands else f"batch_size={batch_size}",
                "Leave them out with several labels",
            )
