"""Forecasts for Gaussian mixtures: solve, error estimate, status."""

from typing import Any

import numpy as np

from jominy.data import GaussianMixture
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.dynamics.batches import in_finite_steps
from jominy.dynamics.ending import advice_for, status_of
from jominy.dynamics.fluctuations import Bands, population_bands
from jominy.dynamics.labelled import labelled
from jominy.dynamics.lanes import COARSER, Plan, Point, Solved, solve
from jominy.dynamics.optimum import population_optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import past_divergence
from jominy.dynamics.representations import representations
from jominy.dynamics.spectral import SpectralFlow
from jominy.dynamics.systems import initial
from jominy.schedules import Schedule

ACCEPTED = 1e-7
"""Relative error estimate below which a compressed forecast is accepted."""


def population_forecast(
    problem: Problem,
    schedule: Schedule,
    times: np.ndarray,
    start: Any,
    evaluate_at: np.ndarray,
    compress: bool | int,
    rtol: float,
    band_dimension: float | None = None,
    batch_size: int = 1,
):
    """The forecast of a Gaussian mixture as a labelled result; see `forecast`. `band_dimension` asks for bands."""
    assert isinstance(problem.data, GaussianMixture)
    law = problem.data.law
    for representation in representations(law, start, compress):
        found = population_optimum(problem, representation)
        found.record(problem.final_radius).require_for(schedule)
        point = Point(problem, schedule, start, representation)
        solution = solve([point], Plan(times, evaluate_at, rtol, batch_size))[0].only()
        if solution.numerical_error < max(ACCEPTED, COARSER * rtol):
            break
    status = status_of(problem, schedule, found, solution.variables, solution.lost, len(times))
    if not solution.reached:  # not a single step: the start is what can be told
        times = np.zeros(1)
        solution = solve([point], Plan(times, evaluate_at, rtol, batch_size))[0].only()
    advice = advice_for(status, problem, schedule, found, solution.variables)
    notes = found.record(problem.final_radius).notes()
    if np.any(solution.lost):
        notes.append("After the divergence risks and norms are infinite; accuracies keep their last value.")
    variables = past_divergence(solution.variables, solution.lost)
    more: dict[str, Any] = {} if batch_size == 1 else {"batch_size": batch_size}
    if batch_size > 1 and not in_finite_steps(batch_size, law.dimension, times[-1]):
        notes.append(
            f"Batches of {batch_size} are a share of {batch_size / law.dimension:.1g} of the dimension: the curve is "
            "that of single samples, off by about as much."
        )
    if band_dimension is not None:
        bands = _bands(problem, representation, start, times, evaluate_at, solution, band_dimension, rtol)
        variables, more, notes = variables | bands.variables, bands.attributes, notes + bands.notes
    return labelled(
        "forecast",
        problem,
        schedule,
        start,
        variables,
        times[: len(solution.lost)],
        evaluate_at,
        found.record(problem.final_radius),
        status,
        method=representation.description,
        advice=advice,
        numerical_error=float(solution.numerical_error),
        notes=notes,
        more=more,
    )


def _bands(problem, representation, start, times, evaluate_at, solution: Solved, dimension: float, rtol) -> Bands:
    law = problem.data.law
    assert isinstance(solution.lanes[0].system, SpectralFlow)
    return population_bands(
        problem,
        solution.lanes[0].system,
        representation,
        start,
        times[: len(solution.lost)],
        solution.observation,
        ~solution.lost,
        solution.setting,
        evaluate_at,
        _teacher_norm(law),
        dimension,
        initial(representation, law, start),
        rtol,
    )


def _teacher_norm(law: EigenLaw | DenseLaw) -> float:
    return 0.0 if law.teacher is None else float(np.linalg.norm(law.teacher))
