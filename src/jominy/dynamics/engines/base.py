"""What the engines of a kind of problem answer, and what they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from jominy.dynamics.ends.record import Stationary
from jominy.dynamics.ensemble import PRECISION
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.simulation.sgd import Watch

if TYPE_CHECKING:
    import xarray as xr


class ForecastRequest(NamedTuple):
    """How a forecast is to be made and reported: the arguments of `forecast` beside what is trained."""

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


class Engines(Protocol):
    """The engines of one kind of problem. What a kind does not have, it refuses with the way out."""

    def covers(self, problem: Problem) -> bool:
        """Whether a problem is of this kind."""

    def forecast(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        """The curve that training follows."""

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        """Runs of SGD itself."""

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
