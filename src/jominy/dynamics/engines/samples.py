"""Problems on samples: rows of the user's own, drawn again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jominy.data.samples import require_pair
from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.batches import require_single
from jominy.dynamics.engines.base import (
    Endings,
    ForecastRequest,
    PathRequest,
    SimulationRequest,
    endings_one_by_one,
)
from jominy.dynamics.ensemble import FIRST_RUNS, ensemble_forecast
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.other_attacks import require_none
from jominy.dynamics.problem import Problem
from jominy.dynamics.real_runs import RUNS_SPARED, batch_times, work_of_recursion, work_of_run
from jominy.dynamics.samples.forecast import largest_usual_block, sample_forecast, sample_times
from jominy.dynamics.samples.optimum import sample_collapse_radius, sample_optimum
from jominy.dynamics.samples.recursion import run_recursion
from jominy.dynamics.samples.sgd import MOST_DRAWN
from jominy.dynamics.samples.simulation import sample_runs
from jominy.dynamics.samples.stability import sample_rate_limits
from jominy.dynamics.simulation.sgd import RowRuns
from jominy.errors import InputError
from jominy.numerics.cores import cores
from jominy.numerics.programs import asked_before

if TYPE_CHECKING:
    import xarray as xr

QUICK = 1e9
"""Multiplications of a few tenths of a second: what takes less is not worth the noise of real runs."""


class SampleEngines:
    """The recursion in finite steps on the rows' own law, and SGD on the rows."""

    many_at_once: bool = False
    reach_of_rates: float = 4.0
    runs_of_candidates: int | None = None
    at_once: int = FIRST_RUNS
    """Runs of an ensemble after which it is looked how many are needed."""

    def covers(self, problem: Problem) -> bool:
        return problem.data.empirical

    def forecast(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        if request.dimension is not None:
            raise InputError(
                "The dimension of bands is that of the samples themselves", request.dimension, "Leave dimension out"
            )
        require_single(request.batch_size)
        if request.held_out is not None:
            require_pair(request.held_out)
        grid = self.times(training, request.time, request.times)
        method = request.method
        if method is None and not training.optimizer.plain and request.runs is not None:
            method = "ensemble"  # a number of runs says so
        if self.in_ensemble(training, method) or (
            method is None and request.runs is None and self.spares_nothing(training, grid, request)
        ):
            require_none(training.others, "runs are looked at under the attack they are trained under", "Leave it out")
            return ensemble_forecast(
                lambda seeds: self.runs(
                    training, RowRuns(grid, seeds, request.held_out, roughly=True, optimum=request.optimum)
                )[0],
                request.runs,
                request.precision,
                work_of_run(training, grid, request.held_out),
                request.progress,
                at_once=self.at_once,
            )
        if request.runs is not None:
            raise InputError("A number of runs belongs to an ensemble", request.runs, 'Give `method="ensemble"`')
        return self.recursion(training, request)

    def recursion(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        """The forecast of mean and covariance of the weights, step by step."""
        return sample_forecast(
            training,
            request.time,
            request.times,
            request.held_out,
            request.diagonal,
            request.largest_block,
            request.progress,
        )

    def endings(self, trainings: Sequence[Training], request: ForecastRequest) -> Endings:
        if request.method == "ensemble":  # whose runs have threads of their own
            return endings_one_by_one(self, trainings, request)
        # A first one makes the programs that all others use.
        return endings_one_by_one(self, trainings, request, cores(), alone=int(not asked_before(run_recursion)))

    def for_many(self, training: Training, request: ForecastRequest, runs: int | None) -> ForecastRequest:
        if runs is not None:
            return request._replace(method="ensemble", runs=runs, optimum=False)
        dimension, batch = training.problem.samples.dimension, training.optimizer.batch_size
        return request._replace(largest_block=largest_usual_block(2 * dimension, batch))

    def finer(self, request: ForecastRequest) -> ForecastRequest:
        return request._replace(largest_block=1)

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        require_single(request.batch_size)
        grid = self.times(training, request.time, request.times)
        asked = RowRuns(grid, request.seeds, request.held_out, request.sampling, request.progress, request.watch)
        runs, _ = self.runs(training, asked)
        return runs

    def in_ensemble(self, training: Training, method: str | None) -> bool:
        """Whether a forecast is the mean of real runs whatever it costs; InputError for a method that there is not."""
        if method not in (None, "recursion", "ensemble"):
            raise InputError("method must be 'recursion' or 'ensemble'", method)
        if method == "recursion" and not training.optimizer.rotates:
            raise InputError(
                "The recursion follows mean and covariance through steps that are linear in the gradient: of Adam's "
                "quotient of averages it knows nothing",
                repr(training.optimizer),
                "Leave method out: the forecast is then the mean of real runs",
            )
        if method == "recursion" and training.schedule.averaging:
            raise InputError("The recursion does not follow averages of weights", method, "Leave method out")
        return method == "ensemble" or not training.optimizer.rotates or training.schedule.averaging

    def spares_nothing(self, training: Training, grid: np.ndarray, request: ForecastRequest) -> bool:
        """Whether the recursion would be dearer than the runs that it spares, and those can answer."""
        if training.others or training.schedule.adaptive or request.diagonal is not None or request.largest_block:
            return False
        if self.at_once * float(grid[-1]) * training.problem.samples.dimension > MOST_DRAWN:
            return False
        of_runs = RUNS_SPARED * work_of_run(training, grid, request.held_out)
        return work_of_recursion(training, grid, request.held_out) > max(of_runs, QUICK)

    def times(self, training: Training, time: float | None, times: Sequence[float] | None) -> np.ndarray:
        """(T,) times at which runs are reported."""
        dimension, blocks = training.problem.samples.dimension, training.schedule.adaptive
        if not training.optimizer.rotates:
            return batch_times(training, time, times)
        return sample_times(time, times, dimension, in_blocks=blocks, batch=training.optimizer.batch_size)

    def runs(self, training: Training, asked: RowRuns) -> tuple[xr.Dataset, np.ndarray]:
        """SGD at the times of a grid, and, where they are kept, the last weights (seeds, d) or (seeds, K, d)."""
        runs, weights = sample_runs(training, asked)
        return runs, weights[:, -1]

    def path_law(self, training: Training, request: ForecastRequest) -> None:
        return None

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
