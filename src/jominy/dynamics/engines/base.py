"""What the engines of a kind of problem answer, and what they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.ensemble import PRECISION
from jominy.dynamics.fluctuations import PathLaw
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.simulation.sgd import Watch
from jominy.numerics.precision import double_precision

if TYPE_CHECKING:
    import xarray as xr


class ForecastRequest(NamedTuple):
    """How a forecast is to be made and reported: the arguments of `forecast` beside what is trained.

    `optimum`: whether real runs are measured from the optimum, where that is cheap enough. `most_steps`: of an
    integrator, where fewer are allowed than usual.
    """

    time: float | None
    times: Sequence[float] | None
    held_out: tuple[Any, Any] | None
    diagonal: bool | None
    largest_block: int | None
    compress: bool | int
    rtol: float
    batch_size: int
    bands: bool
    dimension: float | None
    progress: bool
    method: str | None = None
    runs: int | None = None
    precision: float = PRECISION
    optimum: bool = True
    most_steps: int | None = None


class SimulationRequest(NamedTuple):
    """How SGD is to be run and reported: the arguments of `simulate` beside what is trained."""

    time: float | None
    times: Sequence[float] | None
    seeds: list[int]
    held_out: tuple[Any, Any] | None
    full_vectors: bool | None
    sampling: Any
    batch_size: int
    progress: bool
    watch: Watch | None


class PathRequest(NamedTuple):
    """Which paths of homogenized SGD are to be drawn: the arguments of `homogenize` beside what is trained."""

    time: float | None
    times: Sequence[float] | None
    seeds: list[int]
    step: float | None
    progress: bool


Endings = dict[str, np.ndarray]
"""The last values of P forecasts by the name of the variable, leaves (P, ...); infinite where training diverged."""


def endings_one_by_one(
    engines: Engines, trainings: Sequence[Training], request: ForecastRequest, threads: int = 1, alone: int = 0
) -> Endings:
    """The last values of forecasts that share nothing, made in so many threads after the first ones, `alone`."""
    made = double_precision(lambda training: engines.forecast(training, request))
    curves = [made(training) for training in trainings[:alone]]
    with ThreadPoolExecutor(threads) as pool:
        curves += pool.map(made, trainings[alone:])
    names = [str(name) for name in curves[0].data_vars if "time" in curves[0][name].dims]
    return {name: np.stack([curve[name].isel(time=-1).values for curve in curves]) for name in names}


class Engines(Protocol):
    """The engines of one kind of problem. What a kind does not have, it refuses with the way out.

    Attributes:
        many_at_once: whether `endings` of many trainings cost little more than one forecast.
        reach_of_rates: up to how many times 2 d / tr K rates are worth a look where no rate diverges.
        runs_of_candidates: where forecasts are made of real runs, so many of each of many trainings; else None.
    """

    many_at_once: bool
    reach_of_rates: float
    runs_of_candidates: int | None

    def covers(self, problem: Problem) -> bool:
        """Whether a problem is of this kind."""

    def forecast(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        """The curve that training follows."""

    def endings(self, trainings: Sequence[Training], request: ForecastRequest) -> Endings:
        """The last values of many forecasts, on data of one dimension, without an estimate of their error."""

    def for_many(self, training: Training, request: ForecastRequest, runs: int | None) -> ForecastRequest:
        """The request for `endings` of many trainings like this one, as quick as their comparison bears.

        `runs` of real ones, where forecasts are made of those: the same ones every time.
        """

    def finer(self, request: ForecastRequest) -> ForecastRequest:
        """The same request in steps of at most a quarter of the length."""

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        """Runs of SGD itself."""

    def path_law(self, training: Training, request: ForecastRequest) -> PathLaw | None:
        """The normal law of single runs at several times > 0; None where real runs alone tell how they stray."""

    def homogenize(self, training: Training, request: PathRequest) -> xr.Dataset:
        """Paths of homogenized SGD."""

    def optimum(self, problem: Problem) -> Optimum:
        """The minimiser of the adversarial risk."""

    def collapse_radius(self, problem: Problem) -> float:
        """The radius from which on the optimum uses nothing that can be attacked."""

    def rate_limits(self, problem: Problem) -> RateLimits:
        """Which constant rates keep the risk bounded."""

    def stationary(self, problem: Problem, rate: float) -> Stationary:
        """Where training at a constant rate > 0 ends."""
