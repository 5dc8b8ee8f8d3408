"""The fit verb: one real adversarial training, and the model that comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from jominy.dynamics.classes.moves import sizes
from jominy.dynamics.engines import row_engines_of
from jominy.dynamics.forecast import forecast, require_schedule
from jominy.dynamics.labelled import Training
from jominy.dynamics.problem import Problem
from jominy.dynamics.real_runs import require_optimizer
from jominy.dynamics.samples.law import size_of
from jominy.dynamics.simulate import seed_list
from jominy.dynamics.simulation.sgd import RowRuns
from jominy.errors import InputError
from jominy.losses import LogisticLoss, SoftmaxBoundLoss, SoftmaxLoss
from jominy.models import FittedModel
from jominy.numerics.precision import double_precision
from jominy.optimizers import Optimizer
from jominy.results.reading import notes_of
from jominy.schedules import Schedule, averaged

TOLD = ("adversarial_risk", "clean_accuracy", "adversarial_accuracy", "held_out_clean_accuracy",
        "held_out_adversarial_accuracy")  # fmt: skip
"""What the report says of the end of training."""
BESIDE = 50
"""Runs of an ensemble that a run is put beside: they tell a standard deviation to 10 %."""
FAR = 3.0
"""Standard deviations of one run beyond which a run is not as forecast."""


@double_precision
def fit(
    problem: Problem,
    schedule: Schedule,
    time: float = 10.0,
    *,
    seed: int = 0,
    start: Any = None,
    held_out: tuple[Any, Any] | None = None,
    sampling: Any = None,
    optimizer: Optimizer | None = None,
    average_from: float | None = None,
    beside_forecast: bool = True,
    progress: bool = True,
) -> FittedModel:
    """Train on samples under attack, once and for real, and return the model to deploy.

    The run is that of `simulate` with this seed: streaming SGD on the rows of `Samples`, of two classes, several, or
    numbers, under the attack of the problem. The model says where the run ended beside its forecast: runs more than
    three standard deviations away are not what theory expects of a healthy one.

    Parameters
    ----------
    problem : a Problem on Samples
    schedule : of the learning rate
    time : train until this time, in samples / dimension
    seed : of the run
    start, held_out, sampling, optimizer, progress : as in `simulate`
    average_from : the model's weights are the mean of all those since this time (tail averaging)
    beside_forecast : whether to forecast the run too, and say where it ended beside that

    Returns
    -------
    FittedModel
        With `predict`, `decision_function`, `robust_radius`, `certified_accuracy`, `save`; `print(model)` tells how it
        was trained. What was done until Ctrl-C is a model too, and says so.

    Raises
    ------
    InputError
        The problem is not on Samples; a run that diverged, which leaves no model.

    Examples
    --------
    >>> import jominy as jm, numpy as np
    >>> g = np.random.default_rng(0)
    >>> X = g.standard_normal((300, 8))
    >>> y = np.where(X[:, 0] + X[:, 1] + g.standard_normal(300) > 0, "ill", "well")
    >>> problem = jm.Problem(jm.Samples(X, y), jm.LogisticLoss(), radius=0.2)
    >>> model = jm.fit(problem, jm.Constant(0.3), time=10)
    >>> round(model.score(X, y), 1), model.certified_accuracy(X, y, [0.0, 0.5]).round(2).tolist()
    (0.8, [0.77, 0.54])
    """
    require_schedule(schedule)
    schedule = averaged(schedule, average_from)
    engines = row_engines_of(problem)
    samples = problem.samples
    (chosen,) = seed_list([seed])
    training = Training(problem, schedule, start, np.zeros(0), optimizer=require_optimizer(optimizer))
    times = engines.times(training, time, None)
    runs, weights = engines.runs(training, RowRuns(times, [chosen], held_out, sampling, progress, keep=True))
    if runs.attrs["status"] == "diverged":
        raise InputError("A run that diverges leaves no model", runs.attrs["advice"], "Lower the learning rate")
    curve = None
    if beside_forecast:
        curve = forecast(
            problem, schedule, times=[0.0, float(runs["time"][-1])], start=start, held_out=held_out,
            optimizer=optimizer, runs=BESIDE if engines.in_ensemble(training, None) else None,
        )  # fmt: skip
    fitted = _linear(weights[0], problem)
    targets = samples.target_map
    return FittedModel(
        *fitted,
        None if samples.fitted is None else samples.fitted.scaling,
        samples.classes,
        targets.offset,
        targets.scale,
        samples.columns,
        isinstance(problem.loss.plain, LogisticLoss | SoftmaxLoss | SoftmaxBoundLoss),
        _record(training, runs, curve, chosen),
        samples.encoding,
    )


def _linear(weights: np.ndarray, problem: Problem) -> tuple[np.ndarray, Any, Any]:
    """Weights, intercept and size of a model, from a run's weights (d,) or (K, d); two classes have one score."""
    samples = problem.samples
    if samples.scores_by_class:
        # What an attack on the input does to a row is known of the rows trained on alone.
        return np.array(weights[:, :-1]), np.array(weights[:, -1]), np.zeros((0, 0))
    if len(weights) == 2 and weights.ndim == 2:
        weights = weights[1] - weights[0]
    size: Any
    if weights.ndim == 1:
        size = float(size_of(problem.form, weights))
    else:
        size = np.asarray(sizes(problem.form, weights[:, None] - weights))
    if not samples.intercept:
        return np.array(weights), 0.0 if weights.ndim == 1 else np.zeros(len(weights)), size
    intercept = weights[..., -1]
    return np.array(weights[..., :-1]), float(intercept) if weights.ndim == 1 else np.array(intercept), size


def _record(training: Training, runs: Any, curve: Any, seed: int) -> dict[str, Any]:
    """How a model was trained, and how that compares with its forecast, for programs and for people."""
    problem, optimizer = training.problem, training.optimizer
    ended = {name: float(runs[name].values[0, -1]) for name in TOLD if name in runs}
    risk = ended["adversarial_risk"]
    beside, told = f"adversarial risk {risk:.4g}", None
    if curve is not None:
        expected = float(curve["adversarial_risk"][-1])
        # Under some attacks the spread of single runs is not known.
        spread = float(curve["adversarial_risk_sd"][-1]) if "adversarial_risk_sd" in curve else None
        away = None if spread is None else (risk - expected) / spread if spread else 0.0
        beside += f"; forecast {expected:.4g}"
        if away is not None:
            beside += f" ± {spread:.2g} for one run ({away:+.1f} sd)"
            if abs(away) > FAR:
                beside += ": further away than a healthy run, which is within 3"
        told = {"adversarial_risk": expected, "adversarial_risk_sd": spread, "deviations": away}
    time = float(runs["time"][-1])
    steps = round(time * problem.data.dimension / optimizer.batch_size)
    rates = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in ended.items() if name.endswith("accuracy")]
    report = [
        f"trained to time {time:g} ({steps} steps), radius {problem.final_radius:g}, seed {seed}: "
        f"{runs.attrs['status']}",
        beside,
        *([", ".join(rates)] if rates else []),
        *notes_of(runs),
    ]
    return {
        "loss": problem.loss.describe(),
        "attack": problem.attack.describe(),
        "radius": problem.final_radius,
        "schedule": training.schedule.describe(),
        **({} if optimizer.plain else {"optimizer": optimizer.describe()}),
        "time": time,
        "seed": seed,
        "status": runs.attrs["status"],
        "end": ended,
        "forecast": told,
        "report": report,
    }
