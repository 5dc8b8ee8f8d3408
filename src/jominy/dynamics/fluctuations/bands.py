"""The bands of a forecast: what can be asked for, the solve, the readout."""

from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.fluctuations.frame import Frame, make_frame
from jominy.dynamics.fluctuations.increments import Increments
from jominy.dynamics.fluctuations.linear_noise import Fluctuation, LinearNoise, NoisyState
from jominy.dynamics.fluctuations.observables import as_variables, rate_reading, readings
from jominy.dynamics.fluctuations.start import EARLY, at_start, from_corner, shortly_after
from jominy.dynamics.fluctuations.trust import judge, withheld
from jominy.dynamics.laws.flow import GaussianState
from jominy.dynamics.laws.geometry import NodeGeometry
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.laws.spectral import SpectralFlow
from jominy.dynamics.laws.systems import Point, initial
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables
from jominy.dynamics.start import random_variance
from jominy.dynamics.students import Observation
from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.ode import integrate

LARGEST_STATE = 2500
"""Numbers per state (nodes times fixed vectors); its covariance has the square of it."""


class Bands(NamedTuple):
    """`<name>_sd` and `<name>_bias` of a forecast, attributes that say how far to trust them, and notes."""

    variables: Variables
    attributes: dict[str, Any]
    notes: list[str]


def band_dimension(problem: Problem, dimension: Any) -> float:
    """The dimension at which bands are wanted and possible, or an error that says why they are not."""
    law = problem.law
    if not law.commuting:
        raise InputError(
            "Bands need covariances that commute: the fluctuation theory is not known for others",
            f"{len(law.weights)} covariances without a shared eigenbasis",
            "Leave bands out and take the spread from `simulate(...)`",
        )
    if not (problem.loss.steps_known and problem.loss.targets(law).step_fields):
        raise InputError(
            "Bands need a loss of the margin y r or of the residual r - y with a linear target",
            type(problem.loss).__name__,
            "Leave bands out and take the spread from `simulate(...)`",
        )
    if dimension is None:
        if np.isinf(law.dimension):
            raise InputError(
                "Bands of a limiting law need the dimension of the runs they are for",
                law.dimension,
                "Give `dimension=1000`, for instance",
            )
        return float(law.dimension)
    try:
        wanted = float(dimension)
    except (TypeError, ValueError):
        wanted = np.nan
    if not (np.isfinite(wanted) and wanted >= 1):
        raise InputError("The dimension of bands must be a finite number >= 1", dimension, "For instance 1000")
    return wanted


class Curve(NamedTuple):
    """A solved forecast, as its bands need it.

    Attributes:
        flow: the system that was solved.
        setting: of the risks read out.
        times: (T,).
        observation: leaves (T, ...).
        sound: (T,) whether the curve has not diverged; true at first, and never again once it is not.
    """

    flow: SpectralFlow
    setting: RiskSpec
    times: np.ndarray
    observation: Observation
    sound: np.ndarray


def population_bands(
    point: Point, curve: Curve, evaluate_at: np.ndarray, dimension: float, rtol: float, most_steps: int
) -> Bands:
    """Bands around the curve of a point, at its times.

    Only the first times, where the curve is sound, have bands. The spread is not known beyond `most_steps` steps.
    """
    problem, flow, times, sound = point.problem, curve.flow, curve.times, curve.sound
    system = noise_around(point, flow)
    frame = system.step.frame
    size = frame.matrix.shape[1]
    if size > LARGEST_STATE:
        raise InputError(
            f"Bands are computed for at most {LARGEST_STATE} numbers (distinct eigenvalues times fixed vectors)",
            size,
            "Use a smooth or grouped spectrum, or take the spread from `simulate(...)`",
        )
    start = initial(point.representation, problem.law, point.start)
    calm, count, zero = times[sound], len(times), system.root_time
    sizes = np.asarray(curve.observation.order.sizes)[sound]
    moving = np.all(sizes > 0, axis=-1) if zero else np.ones(calm.size, dtype=bool)
    if moving.any():
        fluctuation, reached = _solve(system, start, random_variance(point.start), calm, rtol, most_steps)
    else:  # the rate is zero at zero: no run ever leaves the start
        fluctuation, reached = _no_fluctuation(frame, calm.size), calm.size
    seen = jax.tree.map(lambda leaf: leaf[:reached], curve.observation)
    still = ~(np.any(fluctuation.covariance, axis=(1, 2)) & moving[:reached])  # as a fixed start is, at time zero
    found = readings(problem, curve.setting, frame, calm[:reached], seen, fluctuation, evaluate_at)
    if flow.schedule.adaptive:
        found["learning_rate"] = rate_reading(fluctuation)
    variables = {
        name: (dims, _completed(values, still, count, name.endswith("_sd")))
        for name, (dims, values) in as_variables(found, dimension).items()
    }
    norm = np.where(sound, np.asarray(curve.observation.order.norm), 0.0)
    trust = judge(variables, times, dimension, norm, all_known=reached == count)
    attributes = {"band_dimension": float(dimension), "bands": trust.verdict, "bands_indicator": trust.indicator}
    notes = list(trust.notes)
    if zero:
        notes.append(
            "Bands begin with the first step, at which the norm, or that of a block, is zero; those of the first few "
            "steps are rough."
        )
    return Bands(withheld(variables, dimension), attributes, notes)


def noise_around(point: Point, flow: SpectralFlow) -> LinearNoise:
    """The system of fluctuations around the solution of a point's `flow`."""
    representation, problem = point.representation, point.problem
    geometry, fixed = representation.geometry, representation.fixed
    assert isinstance(geometry, NodeGeometry) and fixed is not None
    frame = make_frame(geometry.nodes, fixed, flow.optimum)
    step = Increments(frame, problem.loss, flow.targets, np.asarray(problem.final_radius), flow.rule)
    return LinearNoise(flow, step, root_time=from_corner(flow, initial(representation, problem.law, point.start)))


def begun(system: LinearNoise, start: GaussianState, variance: float, end: float) -> tuple[float, NoisyState, Array]:
    """The clock and the state that a solve begins with, and the jumps on the clock (J,) before the time `end`."""
    every = {*system.flow.schedule.jumps, *system.flow.radius.jumps}
    jumps = np.array(sorted(jump for jump in every if 0 < jump < end))
    if not system.root_time:
        return 0.0, at_start(system, start, variance), jumps
    return float(np.sqrt(EARLY)), shortly_after(system, start, np.asarray(EARLY)), np.sqrt(jumps)


def _solve(
    system: LinearNoise, start: GaussianState, variance: float, times: np.ndarray, rtol: float, most_steps: int
) -> tuple[Fluctuation, int]:
    """The fluctuations at the times (those at zero are not used for a start at zero), and how many were reached."""
    begin, state, jumps = begun(system, start, variance, times[-1])
    clock = np.sqrt(times) if system.root_time else times
    inside = clock > begin
    grid = np.concatenate([[begin], clock[inside]])
    if len(grid) == 1:
        grid = np.array([begin, begin + 1e-9])
    one, first, when, breaks, tolerance = jax.tree.map(
        lambda leaf: np.asarray(leaf)[None], (system, state, grid, jumps, rtol)
    )
    found = integrate(one, first, when, breaks, tolerance, most_steps=most_steps)
    solved = jax.tree.map(lambda leaf: np.asarray(leaf[0]), found)
    reached = min(int(solved.reached), 1 + int(inside.sum()))
    place = np.concatenate([np.zeros(int((~inside).sum()), dtype=int), np.arange(1, reached)])
    fluctuation = jax.tree.map(lambda leaf: leaf[place], solved.observations)
    return fluctuation, len(place)


def _no_fluctuation(frame: Frame, count: int) -> Fluctuation:
    scalars = frame.matrix.shape[0]
    nothing = np.zeros(count)
    return Fluctuation(np.zeros((count, scalars, scalars)), np.zeros((count, scalars)), nothing, nothing)


def _completed(values: np.ndarray, still: np.ndarray, count: int, spread: bool) -> np.ndarray:
    """All times: nothing where all runs are `still` equal; where nothing is known, infinite spread and no bias."""
    values, unknown = np.array(values), np.inf if spread else 0.0
    values[still] = 0.0
    missing = np.full((count - len(values), *values.shape[1:]), unknown)
    return np.concatenate([np.where(np.isfinite(values), values, unknown), missing])
