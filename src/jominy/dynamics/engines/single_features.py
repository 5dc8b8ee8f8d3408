"""Problems on Gaussian mixtures under attacks that move each feature on its own (l_inf)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.asymptotics.stationary import coordinate_end
from jominy.dynamics.coordinates.forecast import coordinate_forecast
from jominy.dynamics.coordinates.optimum import coordinate_collapse_radius, coordinate_optimum
from jominy.dynamics.coordinates.sgd import coordinate_simulation
from jominy.dynamics.engines.base import Endings, ForecastRequest, SimulationRequest, endings_one_by_one
from jominy.dynamics.engines.mixtures import (
    MixtureEngines,
    mixture_plan,
    mixture_steps,
    require_no_average,
    require_no_runs,
)
from jominy.dynamics.labelled import Training
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


class SingleFeatureEngines(MixtureEngines):
    """The law of each weight by finite volumes, and SGD on full vectors; stability is that of any mixture."""

    many_at_once: bool = False

    def covers(self, problem: Problem) -> bool:
        return not problem.attack.of_inner_products

    def forecast(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        require_no_average(training, "attacks on single features of a mixture")
        _require_plain(training)
        if request.bands:
            raise InputError(
                "Bands are not known under attacks on single features", repr(training.problem.attack),
                "Use `simulate(...)`, or an attack with a quadratic form such as `L2()`",
            )  # fmt: skip
        plan = mixture_plan(training, request)
        return coordinate_forecast(training.problem, training.schedule, plan, training.start, training.others)

    def endings(self, trainings: Sequence[Training], request: ForecastRequest) -> Endings:
        return endings_one_by_one(self, trainings, request)

    def for_many(self, training: Training, request: ForecastRequest, runs: int | None) -> ForecastRequest:
        require_no_runs(runs)
        return request

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        require_no_average(training, "attacks on single features of a mixture")
        _require_plain(training)
        grid, size = mixture_steps(training, request)
        return coordinate_simulation(
            training, grid, request.seeds, request.full_vectors, request.progress, size, request.watch
        )

    def path_law(self, training: Training, request: ForecastRequest) -> None:
        return None

    def optimum(self, problem: Problem) -> Optimum:
        return coordinate_optimum(problem).record

    def collapse_radius(self, problem: Problem) -> float:
        return coordinate_collapse_radius(problem)

    def stationary(self, problem: Problem, rate: float) -> Stationary:
        return coordinate_end(problem, rate)


def _require_plain(training: Training) -> None:
    """InputError for an optimizer that these engines do not know yet."""
    if not training.optimizer.plain:
        raise InputError(
            "Attacks on single features of a mixture are known for plain SGD",
            repr(training.optimizer),
            "Wrap rows as `Samples(X, y)`, or use `L2()`",
        )
