"""A companion of a training while it runs: what `check` says of a log, at every look, and what is to come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics import Problem, forecast
from jominy.errors import InputError
from jominy.numerics import callbacks
from jominy.numerics.foreign import as_numpy
from jominy.schedules import Schedule
from jominy.schedules.base import require_positive
from jominy.study.checking.check import FALSE_ALARMS, RUNS, Measure
from jominy.study.checking.logs import CHECKED, MOST_TIMES, Log
from jominy.study.checking.suspects import Plan, later
from jominy.study.checking.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

EARLIEST = 0.0125
"""The first look, as a share of the time of training."""


class Companion:
    """Watch a training against its forecast, one call per step (or epoch) from any loop.

    At some twenty steps, evenly on a logarithmic scale, the run is compared with healthy runs of the plan, as `check`
    does with a finished log: together these looks call a healthy run not normal with the probability `false_alarms`.
    Verdicts go to the logger ``jominy.companion`` (or yours): a line at each look, a warning when the run leaves what
    healthy ones do, with the number that explains it. `ahead()` is the forecast from the present weights.

    Parameters
    ----------
    problem, schedule, start, batch_size : the training as it is planned, as in `forecast`; time = steps * batch_size /
        dimension
    time : of the whole training
    steps_per_call : steps between two calls of `step`, such as those of an epoch
    names : variables that are compared; by default risks and the norm (and accuracies of classes), which are computed
        from the weights that `step` is given
    runs, false_alarms, logger, progress : as in `check`

    Raises
    ------
    InputError
        As `check`; weights that do not fit the problem.

    Examples
    --------
    >>> import jominy as jm, numpy as np
    >>> data = jm.LinearTeacher(jm.identity(100), noise_variance=0.25)
    >>> companion = jm.Companion(jm.Problem(data, jm.SquaredLoss(), radius=0.3), jm.Constant(0.5), 4, runs=200)
    >>> draw, weights, teacher = np.random.default_rng(0), np.zeros(100), np.full(100, 0.1)
    >>> for _ in range(400):
    ...     x = draw.standard_normal(100)
    ...     error = weights @ x - teacher @ x - 0.5 * draw.standard_normal()
    ...     size = np.linalg.norm(weights)
    ...     slope = np.sign(error) * (abs(error) + 0.3 * size)
    ...     pull = 0.3 * (abs(error) + 0.3 * size) / size if size else 0.0
    ...     weights = weights - 0.5 / 100 * (slope * x + pull * weights)
    ...     _ = companion.step(weights)
    >>> companion.verdict.normal
    True
    """

    def __init__(
        self,
        problem: Problem,
        schedule: Schedule,
        time: float,
        *,
        start: Any = None,
        batch_size: int = 1,
        steps_per_call: int = 1,
        names: tuple[str, ...] | None = None,
        runs: int = RUNS,
        false_alarms: float = FALSE_ALARMS,
        logger: logging.Logger | None = None,
        progress: bool = False,
    ) -> None:
        self.plan = Plan(problem, schedule, start, batch_size)
        self.logger = logging.getLogger("jominy.companion") if logger is None else logger
        self.horizon = require_positive(time, "The time of a training")
        if np.isinf(problem.data.dimension):
            raise InputError("a run has a finite dimension", problem.data.dimension, "give the law one, such as 1000")
        unit = steps_per_call * batch_size / problem.data.dimension  # time between two calls
        last = int(np.floor(self.horizon / unit + 1e-9)) if np.isfinite(unit) and unit > 0 else 0
        if last < 2:
            raise InputError("a training must be of at least two calls of step", time, "in samples / dimension")
        looks = np.geomspace(max(1.0, EARLIEST * last), last, MOST_TIMES)
        self._calls = np.unique(np.round(looks).astype(int))
        chosen = _names(problem) if names is None else tuple(names)
        unknown = [name for name in chosen if name not in CHECKED]
        if unknown:
            raise InputError("variables must be among those that runs are compared in", unknown, ", ".join(CHECKED))
        steps = self._calls * float(steps_per_call)
        blank = {name: np.full(len(steps), np.pi) for name in chosen}  # of full precision, as what is computed is
        planned = Log(steps, self._calls * unit, blank)
        self._measure = Measure.of(self.plan, planned, chosen, runs, false_alarms, progress)
        self._steps, self._seen = steps, np.zeros((0, len(chosen)))
        self.calls, self.verdict = 0, None
        self._weights: Any = None

    verdict: Verdict | None
    """The one of the last look."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that are compared."""
        return self._measure.names

    def step(self, now: Any) -> Verdict | None:
        """Say that a step was taken; a verdict at a look, None between looks.

        now : the weights (d,), from which the variables are computed; or a mapping with their values, such as
        {"norm": ...}; or a function of no arguments that returns either, which is called at looks only
        """
        call, seen = self.calls + 1, len(self._seen)
        if seen == len(self._calls) or call != self._calls[seen]:
            self.calls = call
            return None
        told = now() if callable(now) else now
        values = dict(told) if isinstance(told, Mapping) else self._values(told)
        missing = [name for name in self.names if name not in values]
        if missing:
            raise InputError("every variable that is compared must be given", missing, f"give {', '.join(self.names)}")
        row = np.array([[float(as_numpy(values[name])) for name in self.names]])
        if not np.all(np.isfinite(row)):
            raise InputError("what is compared must be finite", dict(zip(self.names, row[0].tolist(), strict=True)))
        self._seen, self.calls = np.vstack([self._seen, row]), call
        return self._look()

    def _look(self) -> Verdict:
        count = len(self._seen)
        columns = {name: self._seen[:, place] for place, name in enumerate(self.names)}
        measure = self._measure.until(count)
        was = self.verdict
        first_time = was is None or was.normal
        # Which number explains it is asked when the run leaves the band, and once more at the end.
        asked = first_time or count == len(self._calls)
        found = measure.verdict(Log(self._steps[:count], measure.times, columns), explain=asked)
        if not asked and was is not None:
            found = found.with_cause(was.cause)
        self.verdict = found
        if found.normal:
            self.logger.info("step %d: %s", self._steps[count - 1], found)
        elif asked:
            self.logger.warning("step %d: %s", self._steps[count - 1], found)
        return found

    def _values(self, weights: Any) -> dict[str, float]:
        """The variables at these weights, which are those of a forecast that starts there."""
        try:
            vector = np.asarray(as_numpy(weights, "weights"), dtype=float).ravel()
        except (TypeError, ValueError):
            raise InputError("weights must be numbers", weights) from None
        if vector.shape != (self.plan.problem.data.dimension,):
            raise InputError(
                "weights must have one entry per input dimension",
                f"shape {vector.shape}",
                f"there are {self.plan.problem.data.dimension}",
            )
        self._weights = vector
        at = later(self.plan, self.time, vector)
        told = forecast(at.problem, at.schedule, times=[0.0], start=vector)
        return {name: float(told[name].values[0]) for name in self.names}

    @property
    def time(self) -> float:
        """Time of the training so far, in samples / dimension."""
        return float(self.calls * self._measure.times[0] / self._calls[0])

    def ahead(self) -> xr.Dataset:
        """The forecast from the weights of the last look to the end of training; its times are of the whole training.

        InputError before a look that was given weights.
        """
        if self._weights is None:
            raise InputError("a forecast from the present needs weights", None, "call step(weights)")
        begun = float(self._measure.times[len(self._seen) - 1])
        at = later(self.plan, begun, self._weights)
        left = max(self.horizon - begun, 1e-9)
        told = forecast(at.problem, at.schedule, left, start=self._weights, batch_size=self.plan.batch_size)
        return told.assign_coords(time=told["time"] + begun)

    def lightning(self, weights: Callable[[Any], Any]) -> Any:
        """A callback for Lightning's Trainer; `weights` gets them (or values) from the module."""
        return callbacks.lightning_callback(lambda module, outputs: self.step(lambda: weights(module)))

    def transformers(self, weights: Callable[[Any], Any]) -> Any:
        """A callback for the Trainer of Hugging Face; `weights` gets them (or values) from the model."""
        return callbacks.transformers_callback(lambda model, loss: self.step(lambda: weights(model)))


def _names(problem: Problem) -> tuple[str, ...]:
    accuracies = ("adversarial_accuracy", "clean_accuracy") if problem.has_accuracy else ()
    return ("adversarial_risk", "clean_risk", "norm", *accuracies)
