"""Problems on Gaussian mixtures under attacks with a quadratic form, of which l2 is the plainest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.asymptotics.stationary import mixture_end
from jominy.dynamics.batches import batch_count
from jominy.dynamics.coordinates.single_weights import read_mixture_under
from jominy.dynamics.engines.base import Endings, ForecastRequest, PathRequest, SimulationRequest
from jominy.dynamics.fluctuations import PathLaw, band_dimension
from jominy.dynamics.homogenized.population import population_paths
from jominy.dynamics.labelled import Training
from jominy.dynamics.laws.representations import representations
from jominy.dynamics.laws.stability import RateLimits, mixture_rate_limits
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.optima.optimum import mixture_collapse_radius, mixture_optimum
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.other_attacks import require_none
from jominy.dynamics.population.forecast import population_forecast, population_path_law
from jominy.dynamics.population.many import solve_points
from jominy.dynamics.population.plan import TIGHTEST, Plan
from jominy.dynamics.population.solve import solve
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import past_divergence
from jominy.dynamics.simulation.population import population_simulation
from jominy.dynamics.times import report_times, whole_steps
from jominy.errors import InputError
from jominy.optimizers import SGD, Optimizer

if TYPE_CHECKING:
    import xarray as xr


class MixtureEngines:
    """The deterministic equivalent on nodes or dense matrices, SGD, and homogenized SGD."""

    many_at_once: bool = True
    reach_of_rates: float = 1.0
    runs_of_candidates: int | None = None

    def covers(self, problem: Problem) -> bool:
        return True

    def forecast(self, training: Training, request: ForecastRequest) -> xr.Dataset:
        plan = mixture_plan(training, request)
        problem, schedule, start, _, others, _ = training
        wanted = band_dimension(problem, request.dimension) if request.bands else None
        if not plan.optimizer.plain:
            require_none(others, "other attacks are looked at after plain SGD", "Use `simulate(...)`")
        under = read_mixture_under(problem, schedule, plan, start, others) if others else {}
        return population_forecast(problem, schedule, plan, start, request.compress, wanted, others, under)

    def endings(self, trainings: Sequence[Training], request: ForecastRequest) -> Endings:
        plan = mixture_plan(trainings[0], request)._replace(estimate=False)
        require_no_others(trainings[0])
        points = [(training.problem, training.schedule, training.start) for training in trainings]
        points += points[-1:] * (TOGETHER - len(points))
        found = solve_points(points, plan, request.compress, progress=False)
        told: Endings = {}
        together: dict[int, list[int]] = {}
        for place, one in enumerate(found[: len(trainings)]):
            together.setdefault(id(one.solved), []).append(place)
        for places in together.values():
            solved, rows = found[places[0]].solved, [found[place].row for place in places]
            complete = solved.reached[rows] == len(plan.times)
            for name, (dims, values) in past_divergence(solved.variables, solved.lost).items():
                if "time" in dims:
                    last = values[rows][:, -1]
                    kept = told.setdefault(name, np.full((len(trainings), *last.shape[1:]), np.nan))
                    kept[places] = np.where(complete[(slice(None), *(None,) * (last.ndim - 1))], last, np.inf)
        return told

    def for_many(self, training: Training, request: ForecastRequest, runs: int | None) -> ForecastRequest:
        require_no_runs(runs)
        problem, schedule, start, *_ = training
        request = request._replace(
            most_steps=FEW_STEPS + STEPS_OF_TIME * round(mixture_plan(training, request).times[-1])
        )
        if len(representations(problem.law, start, request.compress)) == 1:
            return request
        # How many nodes are enough is found out once, with an estimate.
        plan = mixture_plan(training, request)
        for representation in representations(problem.law, start, request.compress):
            (solved,) = solve([Point(problem, schedule, start, representation)], plan)
            if float(solved.numerical_error[0]) < ENOUGH:
                break
        return request._replace(compress=representation.size)

    def finer(self, request: ForecastRequest) -> ForecastRequest:
        return request._replace(rtol=max(request.rtol / FINER, TIGHTEST), most_steps=None)

    def simulate(self, training: Training, request: SimulationRequest) -> xr.Dataset:
        grid, size = mixture_steps(training, request)
        return population_simulation(
            training, grid, request.seeds, request.full_vectors, request.progress, size, request.watch
        )

    def path_law(self, training: Training, request: ForecastRequest) -> PathLaw | None:
        plan = mixture_plan(training, request)
        try:
            dimension = band_dimension(training.problem, request.dimension)
            _check_bands(training, plan)
        except InputError:  # what bands are not known for
            return None
        return population_path_law(training, plan, request.compress, dimension)

    def homogenize(self, training: Training, request: PathRequest) -> xr.Dataset:
        grid = report_times(request.time, request.times, training.problem.data.dimension)
        require_no_average(training, "homogenized SGD")
        _check_times(training, grid)
        return population_paths(training, grid, request.seeds, request.step, request.progress)

    def optimum(self, problem: Problem) -> Optimum:
        return mixture_optimum(problem)

    def collapse_radius(self, problem: Problem) -> float:
        return mixture_collapse_radius(problem)

    def rate_limits(self, problem: Problem) -> RateLimits:
        return mixture_rate_limits(problem)

    def stationary(self, problem: Problem, rate: float) -> Stationary:
        return mixture_end(problem, rate)


FINER = 1e4
"""Factor on the tolerance that quarters the steps of the method of order 8, at least."""


FEW_STEPS, STEPS_OF_TIME = 1000, 50
"""Steps of an integrator, in all and per unit of time, beyond which a candidate is out of the question: some hundred
are usual until time 20, and candidates wait for the slowest one among them."""
ENOUGH = 1e-6
"""Relative error of nodes, of all variables, that comparisons bear."""
TOGETHER = 8
"""Fewer points are filled up to so many, so that one compiled program serves them all."""


def require_no_others(training: Training) -> None:
    """InputError where another attack is to be looked at than that of the training."""
    require_none(
        training.others,
        "many trainings at once keep inner products, and not the weights",
        "Use `forecast(...)`, or give a number: a radius of the attack of the training",
    )


def mixture_plan(training: Training, request: ForecastRequest) -> Plan:
    """How a forecast on any mixture is made, checked."""
    problem, compress = training.problem, request.compress
    optimizer = flowing_optimizer(training, request.batch_size)
    if request.method is not None or request.runs is not None:
        raise InputError(
            "Methods and numbers of runs belong to a problem on Samples",
            f"method={request.method!r}, runs={request.runs!r}",
            "The equations of a Gaussian mixture are solved: leave them out",
        )
    if request.held_out is not None:
        raise InputError(
            "Held-out arrays belong to a problem on Samples",
            type(problem.data).__name__,
            "A Gaussian mixture's risks are population values already: leave held_out out",
        )
    if not isinstance(compress, bool) and not (isinstance(compress, int) and compress >= 4):
        raise InputError("compress must be True, False or a number of nodes >= 4", compress, "24 to 48 are usual")
    plan = Plan.of(
        problem.data.dimension, request.time, request.times, training.evaluate_at, request.rtol, request.batch_size,
        optimizer,
    )._replace(most_steps=request.most_steps)  # fmt: skip
    _check_times(training, plan.times)
    if training.schedule.averaging and plan.finite_steps:
        asked = repr(optimizer) if request.batch_size == 1 else f"batch_size={plan.batch_size}"
        raise InputError("Averages are forecast for single samples without momentum", asked, "Leave it out")
    if request.bands:
        _check_bands(training, plan)
    if request.dimension is not None and not request.bands:
        received = f"dimension={request.dimension!r}, bands={request.bands!r}"
        raise InputError("A dimension belongs to bands", received, "Give `bands=True`")
    return plan


def mixture_steps(training: Training, request: SimulationRequest) -> tuple[np.ndarray, int]:
    """The times at which runs on any mixture are reported, at ends of batches, and the samples of a batch."""
    data, optimizer = training.problem.data, training.optimizer
    _require_one_batch_size(optimizer, request.batch_size)
    if request.sampling is not None or request.held_out is not None:
        raise InputError(
            "Sampling and held-out arrays belong to a problem on Samples",
            type(data).__name__,
            "A Gaussian mixture gives a fresh sample at every step: leave them out",
        )
    size = batch_count(request.batch_size, data.dimension) if optimizer.plain else optimizer.batch_size
    grid = whole_steps(report_times(request.time, request.times, data.dimension / size), data.dimension / size)
    _check_times(training, grid)
    return grid, size


def require_no_runs(runs: int | None) -> None:
    """InputError for a number of real runs."""
    if runs is not None:
        raise InputError("Numbers of runs belong to samples", f"runs={runs!r}", "Leave runs out")


def require_no_average(training: Training, what: str) -> None:
    """InputError where averages of weights are not known."""
    if training.schedule.averaging:
        raise InputError(
            f"Averages of weights are not known for {what}", training.schedule.describe(), "Leave average_from out"
        )


def flowing_optimizer(training: Training, batch_size: int) -> SGD:
    """The optimizer of a forecast on a mixture; InputError for one whose steps follow no flow."""
    optimizer, schedule = training.optimizer, training.schedule
    if not (isinstance(optimizer, SGD) and optimizer.has_flow):
        raise InputError(
            "No theory forecasts this optimizer: a flow is known of SGD with momentum and weight decay",
            repr(optimizer),
            "Use `simulate(...)`, or draw rows as `Samples(X, y)`: their forecast is the mean of real runs",
        )
    _require_one_batch_size(optimizer, batch_size)
    if schedule.remembers and not optimizer.plain:
        raise InputError("A rate that remembers gradients is known for plain SGD", type(schedule).__name__,
                         f"Leave {optimizer!r} out, or use `Constant(0.5)`")  # fmt: skip
    return optimizer


def _require_one_batch_size(optimizer: Optimizer, batch_size: int) -> None:
    """InputError for a batch whose gradients are summed beside an optimizer, which averages them."""
    if batch_size != 1 and not optimizer.plain:
        raise InputError(
            "A batch's gradients are summed (batch_size=...), or averaged by an optimizer, not both",
            f"batch_size={batch_size}, {optimizer!r}",
            "Give `optimizer=SGD(batch_size=...)` alone",
        )


def _check_times(training: Training, times: np.ndarray) -> None:
    """InputError where a schedule is not defined at all of them."""
    training.schedule.check(times)
    training.problem.radius_schedule.check(times)


def _check_bands(training: Training, plan: Plan) -> None:
    """What the fluctuation theory does not cover yet."""
    schedule = training.schedule
    for covered, name in (
        (not schedule.remembers, type(schedule).__name__),
        (plan.batch_size == 1, f"batch_size={plan.batch_size}"),
        (plan.optimizer.plain, repr(plan.optimizer)),
        (not schedule.averaging, "an average of weights"),
    ):
        if not covered:
            rule = "Bands are for plain SGD, schedules without memory and no average of weights"
            raise InputError(rule, name, "Use `simulate(...)`")
