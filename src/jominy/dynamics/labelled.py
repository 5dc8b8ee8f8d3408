"""Every engine's last step: its variables as one labelled result."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.other_attacks import DIMENSION, OtherAttack
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables
from jominy.dynamics.start import describe_start
from jominy.optimizers import SGD, Optimizer
from jominy.results import Status, make_result
from jominy.results.soundness import judged
from jominy.schedules import Schedule

ON_MIXTURES, ON_SAMPLES = 1e-6, 1e-4
"""Relative errors of risks: sums over samples are coarser, and in single precision."""


class Training(NamedTuple):
    """What is trained, and what is asked of it besides: the same for every engine.

    Attributes:
        problem, schedule, start: as users give them.
        evaluate_at: (K,) radii at which risk and accuracy are reported besides the training radius and zero.
        others: attacks under which they are reported besides that of the training.
        optimizer: what a step does with a gradient.
    """

    problem: Problem
    schedule: Schedule
    start: Any
    evaluate_at: np.ndarray
    others: Sequence[OtherAttack] = ()
    optimizer: Optimizer = SGD()


class Method(NamedTuple):
    """How a result came about: the engine's name, the method in words, and its relative error where that is known."""

    engine: str
    description: str
    numerical_error: float | None = None


class Outcome(NamedTuple):
    """How a computation ended: its status, what to do about it, and what a reader should know."""

    status: Status
    advice: str | None
    notes: Sequence[str]


def labelled(
    method: Method,
    training: Training,
    variables: Variables,
    times: np.ndarray,
    found: Optimum,
    outcome: Outcome,
    *,
    seeds: Sequence[int] | None = None,
    more: dict[str, Any] | None = None,
):
    """The result with its coordinates, the scenario, the optimum and the collapse radius among its attributes."""
    coords: dict[str, Any] = {"time": times}
    if seeds is not None:
        coords["seed"] = seeds
    if training.evaluate_at.size:
        coords["evaluation_radius"] = training.evaluate_at
    if training.others:
        coords[DIMENSION] = [other.label for other in training.others]
    accuracy = accuracy_of(training.problem) + (method.numerical_error or 0.0)
    sound = judged(variables, *outcome, optimum_risk=found.adversarial_risk, accuracy=accuracy)
    return make_result(
        variables,
        coords,
        engine=method.engine,
        scenario=scenario_of(training.problem, training.schedule, training.start, training.optimizer),
        status=sound.status,
        advice=sound.advice,
        numerical_error=method.numerical_error,
        seed=seeds,
        notes=sound.notes,
        extra={"method": method.description, **optimum_attributes(found), **(more or {})},
    )


def accuracy_of(problem: Problem) -> float:
    """The relative error of any risk, beside what an integrator adds: that of quadratures and of rounding."""
    return ON_SAMPLES if problem.data.empirical else ON_MIXTURES


def scenario_of(problem: Problem, schedule: Schedule, start: Any, optimizer: Optimizer = SGD()) -> dict[str, Any]:  # noqa: B008
    """What was computed, as a record for the result; nothing of an optimizer that is plain SGD on single samples."""
    record = {"problem": problem.describe(), "schedule": schedule.describe(), "start": describe_start(start)}
    return record if optimizer.plain else record | {"optimizer": optimizer.describe()}


def optimum_attributes(found: Optimum) -> dict[str, Any]:
    """The optimum among a result's attributes."""
    return {
        "optimum_risk": found.adversarial_risk,
        "optimum_norm": found.norm,
        "optimum_regime": found.regime,
        "collapse_radius": found.collapse_radius,
    }
