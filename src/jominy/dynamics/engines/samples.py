"""Problems on samples: rows of the user's own, drawn again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jominy.dynamics.batches import require_single
from jominy.dynamics.ends.record import Stationary
from jominy.dynamics.engines.base import ForecastRequest, PathRequest, SimulationRequest
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.samples.forecast import sample_forecast, sample_times
from jominy.dynamics.samples.optimum import sample_collapse_radius, sample_optimum
from jominy.dynamics.samples.simulation import sample_runs
from jominy.dynamics.samples.stability import sample_rate_limits
from jominy.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


class SampleEngines:
    """The recursion in finite steps on the rows' own law, and SGD on the rows."""

    def covers(self, problem: Problem) -> bool:
        return problem.data.empirical

    def forecast(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        if request.dimension is not None:
            raise InputError(
                "The dimension of bands is that of the samples themselves", request.dimension, "Leave dimension out"
            )
        require_single(request.batch_size)
        return sample_forecast(
            training,
            request.time,
            request.times,
            request.held_out,
            request.diagonal,
            request.largest_block,
            request.progress,
        )

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        require_single(request.batch_size)
        dimension, blocks = training.problem.samples.dimension, training.schedule.adaptive
        grid = sample_times(request.time, request.times, dimension, in_blocks=blocks)
        runs, _ = sample_runs(
            training, grid, request.seeds, request.held_out, request.sampling, request.progress, watch=request.watch
        )
        return runs

    def homogenize(self, training: Training, request: PathRequest) -> xr.Dataset:
        raise InputError(
            "Homogenized SGD is for Gaussian mixtures",
            "Samples",
            "On samples of your own `forecast(...)` gives mean and spread, and `simulate(...)` the runs themselves",
        )

    def optimum(self, problem: Problem) -> Optimum:
        return sample_optimum(problem)

    def collapse_radius(self, problem: Problem) -> float:
        return sample_collapse_radius(problem)

    def rate_limits(self, problem: Problem) -> RateLimits:
        return sample_rate_limits(problem)

    def stationary(self, problem: Problem, rate: float) -> Stationary:
        raise InputError(
            "The stationary state is for Gaussian mixtures", "Samples", "Use forecast over a long time: it has held_out"
        )
