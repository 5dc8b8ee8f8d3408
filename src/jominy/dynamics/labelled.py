"""Every engine's last step: its variables as one labelled result."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jominy.data import Samples
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables
from jominy.dynamics.start import describe_start
from jominy.results import Status, make_result
from jominy.results.soundness import judged
from jominy.schedules import Schedule

ON_MIXTURES, ON_SAMPLES = 1e-6, 1e-4
"""Relative errors of risks: sums over samples are coarser, and in single precision."""


def labelled(
    engine: str,
    problem: Problem,
    schedule: Schedule,
    start: Any,
    variables: Variables,
    times: np.ndarray,
    evaluate_at: np.ndarray,
    found: Optimum,
    status: Status,
    *,
    method: str,
    seeds: Sequence[int] | None = None,
    advice: str | None = None,
    numerical_error: float | None = None,
    notes: Sequence[str] = (),
    attacks: Sequence[str] = (),
    more: dict[str, Any] | None = None,
):
    """The result with its coordinates, the scenario, the optimum and the collapse radius among its attributes."""
    coords: dict[str, Any] = {"time": times}
    if seeds is not None:
        coords["seed"] = seeds
    if evaluate_at.size:
        coords["evaluation_radius"] = evaluate_at
    if attacks:
        coords["evaluation_attack"] = list(attacks)
    accuracy = accuracy_of(problem) + (numerical_error or 0.0)
    status, advice, notes = judged(
        variables, status, advice, notes, optimum_risk=found.adversarial_risk, accuracy=accuracy
    )
    return make_result(
        variables,
        coords,
        engine=engine,
        scenario=scenario_of(problem, schedule, start),
        status=status,
        advice=advice,
        numerical_error=numerical_error,
        seed=seeds,
        notes=notes,
        extra={"method": method, **optimum_attributes(found), **(more or {})},
    )


def accuracy_of(problem: Problem) -> float:
    """The relative error of any risk, beside what an integrator adds: that of quadratures and of rounding."""
    return ON_SAMPLES if isinstance(problem.data, Samples) else ON_MIXTURES


def scenario_of(problem: Problem, schedule: Schedule, start: Any) -> dict[str, Any]:
    """What was computed, as a record for the result."""
    return {"problem": problem.describe(), "schedule": schedule.describe(), "start": describe_start(start)}


def optimum_attributes(found: Optimum) -> dict[str, Any]:
    """The optimum among a result's attributes."""
    return {
        "optimum_risk": found.adversarial_risk,
        "optimum_norm": found.norm,
        "optimum_regime": found.regime,
        "collapse_radius": found.collapse_radius,
    }
