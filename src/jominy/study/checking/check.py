"""Is a run normal: its log against runs that have nothing wrong with them, and the one number that explains it."""

from __future__ import annotations

import math
import numbers as numbers_of
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jominy.dynamics import Problem, forecast, simulate
from jominy.errors import InputError
from jominy.schedules import Schedule
from jominy.study.checking.healthy import FOLDS, Floats, Healthy, crossed, ends_of, estimates, excursions, threshold
from jominy.study.checking.logs import CHECKED, Log, read_log
from jominy.study.checking.suspects import Plan, Suspect, suspects_of

FALSE_ALARMS = 0.01
RUNS, RUNS_AGAIN = 1000, 400
"""Healthy runs that are the measure, and runs at the number that explains a deviation, for its error."""
MOST_TIMES = 16
"""Times of a log that are looked at, evenly on a logarithmic scale."""
FIRST_SEED = 1_000_003
"""Seeds from here on, so that a log made with the usual ones is none of the runs that it is measured by."""
RARE = 6.0
"""By how much a number that is seldom wrong has to explain more (in chi-square) than rate, radius or noise."""
FOREIGN = 10.0
"""Standard deviations beyond which, at all times, a run is none of the problem."""
USUAL = ("rate", "radius", "noise")
POSITIVE = ("adversarial_risk", "clean_risk", "norm")
"""Variables whose logarithm is compared: it is nearer to normal."""


@dataclass(frozen=True)
class Cause:
    """The one number that explains a deviation.

    name, value, error : what it is, what it seems to be and the standard error of that; a factor of `planned` where
        there is a planned one, and in its units then
    planned : what it was to be
    explained : share of the deviation that is gone with it
    rivals : other numbers that explain nearly as much
    """

    name: str
    value: float
    error: float
    planned: float
    explained: float
    rivals: tuple[str, ...]

    def __str__(self) -> str:
        rivals = f"; it could also be {' or '.join(self.rivals)}" if self.rivals else ""
        return (
            f"{self.name} {self.value:.4g} ± {self.error:.2g} instead of {self.planned:.4g} explains "
            f"{100 * self.explained:.0f} % of it{rivals}"
        )

    def describe(self) -> dict[str, Any]:
        """As a JSON-able record."""
        return {**self.__dict__, "rivals": list(self.rivals)}


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    normal : whether the run never left what healthy runs do
    step, time : where it left it first; None where it did not
    cause : the number that explains it, if one does
    excursion : (T,) how far out it was at each time; `threshold` is what 1 % of healthy runs exceed once
    times, steps : (T,) those that were looked at
    names : the variables that were looked at
    logged, expected, spread : (T, V) values of the log, the mean of healthy runs and their standard deviation
    false_alarms : the probability with which a healthy run is called not normal
    sought : the numbers among which the cause is looked for; none of several classes
    """

    normal: bool
    step: float | None
    time: float | None
    cause: Cause | None
    excursion: Floats
    threshold: float
    times: Floats
    steps: Floats
    names: tuple[str, ...]
    logged: Floats
    expected: Floats
    spread: Floats
    false_alarms: float
    sought: tuple[str, ...]

    def __str__(self) -> str:
        looked = f"{len(self.times)} times until {self.times[-1]:.4g}, {', '.join(self.names)}"
        if self.normal:
            largest = self.excursion.max()
            return (
                f"normal ({looked}; largest excursion {largest:.2f}, of which {100 * self.false_alarms:g} % of healthy "
                f"runs exceed {self.threshold:.2f})"
            )
        told = f"not normal from step {self.step:.0f} (time {self.time:.4g}) on ({looked})"
        if self.cause is not None:
            return f"{told}: {self.cause}"
        if self.foreign:
            return f"{told}; it does not look like a run of this problem at all: is it the scenario of this log?"
        return f"{told}; {'no single number explains it' if self.sought else 'which number it is, is not looked for'}"

    @property
    def foreign(self) -> bool:
        """Whether nothing explains the run, and some variable is ten standard deviations off at every single time."""
        off = np.abs(self.logged - self.expected) > FOREIGN * np.maximum(self.spread, 1e-300)
        return not self.normal and self.cause is None and bool(off.any(axis=1).all())

    def with_cause(self, cause: Cause | None) -> Verdict:
        """The same, explained by what was found before."""
        return replace(self, cause=cause)

    def describe(self) -> dict[str, Any]:
        """As a JSON-able record."""
        cause = None if self.cause is None else self.cause.describe()
        lists = ("excursion", "times", "steps", "logged", "expected", "spread")
        rest = {name: getattr(self, name) for name in ("normal", "step", "time", "threshold", "false_alarms")}
        return {
            **rest,
            "foreign": self.foreign,
            "names": list(self.names),
            "sought": list(self.sought),
            "cause": cause,
            **{n: getattr(self, n).tolist() for n in lists},
        }


def check(
    log: Any,
    problem: Problem,
    schedule: Schedule,
    *,
    start: Any = None,
    batch_size: int = 1,
    columns: Mapping[str, str] | None = None,
    runs: int = RUNS,
    false_alarms: float = FALSE_ALARMS,
    progress: bool = True,
) -> Verdict:
    """Is my run normal: a training log against its forecast, from where on it is outside, and which number explains it.

    The log is compared with `runs` healthy runs of the SGD that the forecast is of, over all its times and variables
    together, in the directions in which a wrong number would move it, and as a whole. The threshold is what the largest
    excursion of a healthy run exceeds with the probability `false_alarms`, by these runs, each measured by a covariance
    from others. Outside it, every number that could be wrong (rate, radius, noise, start, batch, decay of the rate,
    flipped labels) is fitted by itself by the derivatives of the forecast, with runs made anew at the best one for its
    error. Source of the fluctuations: theory `fluctuations.md` section 3; here they are measured, with their covariance
    in time.

    Parameters
    ----------
    log : a file (CSV, JSON lines, a folder of Lightning, TensorBoard, MLflow or W&B), a mapping or frame of columns, or
        what `simulate` returns for one seed. It has a column of steps (or of times), and some of adversarial_risk,
        clean_risk, norm, adversarial_accuracy, clean_accuracy, alignment: population or held-out values, not the loss
        of a single batch
    problem, schedule, start : of the training as it was planned, as in `forecast`
    batch_size : samples of a step, which turns steps into times: time = steps * batch_size / dimension
    columns : the log's name of a column -> its name here, such as {"val/loss": "adversarial_risk"}
    runs, false_alarms : healthy runs that are made, and the probability of an alarm for one
    progress : a bar on long work

    Returns
    -------
    Verdict
        `normal`, `step`, `cause` (a name, a value with its standard error, the share of the deviation that it
        explains), and what a figure needs. `str(verdict)` says it in a sentence.

    Raises
    ------
    InputError
        A log without steps, with a gap of NaN, with two runs, or with nothing to compare; one that is not of this
        problem; a limiting law, which has no runs.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(200), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> log = jm.simulate(problem, jm.Constant(0.6), times=[0.5, 1, 2, 4, 8, 12], seeds=1)  # 0.5 was planned
    >>> verdict = jm.check(log, problem, jm.Constant(0.5), runs=300)
    >>> verdict.normal, verdict.cause.name
    (False, 'rate')
    """
    told = chosen_times(read_log(log, columns, problem.data.dimension, batch_size))
    plan = Plan(problem, schedule, start, batch_size)
    names = told.names(CHECKED)
    _check_names(problem, names)
    measure = Measure.of(plan, told, names, runs, false_alarms, progress)
    return measure.verdict(told)


@dataclass(frozen=True)
class Measure:
    """What runs of a plan are measured by, at the times and variables of a log; `verdict` answers for one run."""

    plan: Plan
    times: Floats
    names: tuple[str, ...]
    decimals: tuple[int | None, ...]
    healthy: Healthy
    spread: Floats
    suspects: list[Suspect]
    base: Floats
    directions: Floats
    threshold: float
    false_alarms: float
    progress: bool

    @staticmethod
    def of(plan: Plan, log: Log, names: tuple[str, ...], runs: int, false_alarms: float, progress: bool) -> Measure:
        """Made by `runs` healthy runs."""
        _check_plan(plan, log)
        _check_counts(runs, false_alarms, len(log.times) * len(names))
        decimals = tuple(log.decimals(name) for name in names)
        made = _runs(plan, log.times, names, decimals, runs, progress)
        if not np.any(Healthy.varying(made)):
            raise InputError(
                "runs of the plan must differ from each other",
                f"{', '.join(names)} the same in all",
                "is its rate zero?",
            )
        suspects = [] if plan.problem.loss.several else suspects_of(plan)
        base, directions = np.zeros(made.shape[1]), np.zeros((0, made.shape[1]))
        if suspects:
            base = _curve(suspects[0].plan(suspects[0].normal), log.times, names)
            directions = np.array([_slope(one, one.normal, log.times, names) for one in suspects])
        blocks = np.repeat(np.arange(len(log.times)), len(names))
        limit = threshold(crossed(made, directions, blocks).max(axis=1), false_alarms)
        return Measure(
            plan, log.times, names, decimals, Healthy.of(made), made.std(axis=0), suspects, base, directions, limit,
            false_alarms, progress,
        )  # fmt: skip

    @property
    def _blocks(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.times)), len(self.names))[self.healthy.kept]

    def excursions(self, values: Floats) -> Floats:
        """(..., T) of runs (..., p), up to where they are logged."""
        white = self.healthy.white(values - self.healthy.mean)
        return excursions(white, self.healthy.white(self.directions), ends_of(self._blocks), self.healthy.loss)

    def until(self, count: int) -> Measure:
        """The same of the first `count` times; the threshold stays that of all of them together."""
        size = count * len(self.names)
        return replace(
            self,
            times=self.times[:count],
            healthy=self.healthy.first(size),
            spread=self.spread[:size],
            base=self.base[:size],
            directions=self.directions[:, :size],
        )

    def verdict(self, log: Log, *, explain: bool = True) -> Verdict:
        """Of a log of the same times and variables; with `explain`, also which number is wrong if it is not normal."""
        values = _transformed(log.table(self.names), self.names).ravel()
        moments = np.unique(self._blocks)
        out = np.zeros(len(self.times))
        out[moments] = self.excursions(values)
        beyond = np.flatnonzero(out > self.threshold)
        first = int(beyond[0]) if len(beyond) else None
        cause = None if first is None or not explain else self.cause(values)
        shape = (len(self.times), len(self.names))
        middle = self.healthy.mean.reshape(shape)
        return Verdict(
            normal=first is None,
            step=None if first is None else float(log.steps[first]),
            time=None if first is None else float(self.times[first]),
            cause=cause,
            excursion=out,
            threshold=self.threshold,
            times=self.times,
            steps=log.steps,
            names=self.names,
            logged=log.table(self.names),
            expected=_back(middle, self.names),
            spread=self.spread.reshape(shape) * _scale(middle, self.names),
            false_alarms=self.false_alarms,
            sought=tuple(one.name for one in self.suspects),
        )

    def cause(self, values: Floats) -> Cause | None:
        """The number that explains a run (p,) best; None where none explains half of the deviation."""
        deviation = values - self.healthy.mean
        before, size = float((self.healthy.white(deviation) ** 2).sum()), float(self.healthy.kept.sum())
        fits = {one.name: self._fitted(one, deviation) for one in self.suspects}
        if not fits:
            return None
        # A run whose noise is stronger than planned leaves more: differences count in units of what is left.
        scale = max(1.0, min(left for _, left in fits.values()) / size)
        judged = {name: left / scale + (0.0 if name in USUAL else RARE) for name, (_, left) in fits.items()}
        name = min(judged, key=judged.__getitem__)
        suspect = next(one for one in self.suspects if one.name == name)
        explained = float(np.clip((before - fits[name][1]) / max(before - size, 1e-300), 0, 1))
        if explained < 0.5:
            return None
        value, error = self._refined(suspect, fits[name][0], values)
        rivals = tuple(one for one, left in judged.items() if one != name and left < judged[name] + RARE)
        planned = suspect.normal if suspect.planned is None else suspect.planned
        factor = 1.0 if suspect.planned is None else suspect.planned
        return Cause(name, value * factor, error * factor, planned, explained, rivals)

    def _fitted(self, suspect: Suspect, deviation: Floats) -> tuple[float, float]:
        """The value that leaves the least, and what it leaves, by Gauss-Newton steps that are cut back if they fail."""
        value, left = suspect.normal, float((self.healthy.white(deviation) ** 2).sum())
        curve = self.base
        for _ in range(6):
            slope = self.healthy.white(_slope(suspect, value, self.times, self.names))
            rest = self.healthy.white(deviation - (curve - self.base))
            step = float(slope @ rest) / max(float(slope @ slope), 1e-300)
            moved = False
            for _ in range(5):
                trial = float(np.clip(value + step, suspect.lowest, suspect.highest))
                there = _curve(suspect.plan(trial), self.times, self.names)
                square = float((self.healthy.white(deviation - (there - self.base)) ** 2).sum())
                if np.isfinite(square) and square < left:
                    moved = abs(trial - value) > 1e-3 * max(abs(trial), 0.01)
                    value, left, curve = trial, square, there
                    break
                step /= 3
            if not moved:
                break
        return value, left

    def _refined(self, suspect: Suspect, value: float, values: Floats) -> tuple[float, float]:
        """One more step with the covariance of runs that have this value, and the standard error that these give."""
        count = max(RUNS_AGAIN, 3 * len(self.healthy.mean))
        made = _runs(suspect.plan(value), self.times, self.names, self.decimals, count, self.progress)
        slope = _slope(suspect, value, self.times, self.names)
        there = Healthy.of(made)
        step = float(there.along(slope, values - there.mean))
        return float(np.clip(value + step, suspect.lowest, suspect.highest)), float(estimates(made, slope).std())


def _check_counts(runs: Any, false_alarms: Any, numbers: int) -> None:
    """InputError for runs that are too few for a covariance of so many numbers, or a probability that is none."""
    if isinstance(false_alarms, bool) or not isinstance(false_alarms, float | int) or not 0 < false_alarms < 1:
        raise InputError("A probability of false alarms is a number between 0 and 1", false_alarms, "Such as 0.01")
    least = math.ceil(2 * numbers * FOLDS / (FOLDS - 1))  # a fifth of them is measured by the covariance of the others
    if isinstance(runs, bool) or not isinstance(runs, numbers_of.Integral) or runs < least:
        raise InputError(
            f"There must be at least {least} healthy runs for the {numbers} numbers of a log",
            runs,
            f"Give `runs={RUNS}`",
        )


def _check_names(problem: Problem, names: Sequence[str]) -> None:
    """InputError for a log of what runs of this problem do not have."""
    law = None if problem.data.empirical else problem.law
    missing = [name for name in names if name.endswith("accuracy") and not problem.data.classification]
    if "alignment" in names and (law is None or law.teacher is None):
        missing.append("alignment")
    if missing:
        raise InputError(
            "a log must be of the problem that it is checked against",
            f"{', '.join(missing)} in the log, which this problem does not have",
            "is it the scenario of this log? Else rename or leave out these columns",
        )


def _check_plan(plan: Plan, log: Log) -> None:
    if np.isinf(plan.problem.data.dimension):
        raise InputError(
            "Runs have a finite dimension", plan.problem.data.dimension, "Give the spectrum that of the log's run"
        )
    plan.schedule.check(log.times)


def chosen_times(log: Log) -> Log:
    """At most `MOST_TIMES` of the times after the start, evenly on a logarithmic scale, the last one among them."""
    after = np.flatnonzero(log.times > 0)
    if len(after) < 2:
        raise InputError("a log must have at least two steps after the start", f"{len(after)}")
    if len(after) <= MOST_TIMES:
        return log.at(after)
    wanted = np.geomspace(log.times[after[0]], log.times[after[-1]], MOST_TIMES)
    nearest = {int(after[np.argmin(np.abs(log.times[after] - time))]) for time in wanted}
    return log.at(np.array(sorted(nearest)))


def _transformed(values: Floats, names: Sequence[str]) -> Floats:
    """Logarithms of what is positive; values (..., V)."""
    logs = np.array([name in POSITIVE for name in names])
    return np.where(logs, np.log(np.maximum(values, 1e-300)), values)


def _back(values: Floats, names: Sequence[str]) -> Floats:
    logs = np.array([name in POSITIVE for name in names])
    return np.where(logs, np.exp(np.minimum(values, 700)), values)


def _scale(values: Floats, names: Sequence[str]) -> Floats:
    """What a change of a transformed value is in the variable's own unit."""
    logs = np.array([name in POSITIVE for name in names])
    return np.where(logs, np.exp(np.minimum(values, 700)), 1.0)


def _curve(plan: Plan, times: Floats, names: Sequence[str]) -> Floats:
    """(p,) the forecast of a plan at the log's times."""
    moments = (times * plan.stretch).tolist()
    told = forecast(plan.problem, plan.schedule, times=moments, start=plan.start, batch_size=plan.batch_size)
    return _transformed(np.stack([told[name].values for name in names], axis=-1), names).ravel()


def _slope(suspect: Suspect, value: float, times: Floats, names: Sequence[str]) -> Floats:
    """(p,) the derivative of the forecast by a suspect's number, by central differences (one-sided at an edge)."""
    low, high = max(value - suspect.step, suspect.lowest), min(value + suspect.step, suspect.highest)
    above, below = _curve(suspect.plan(high), times, names), _curve(suspect.plan(low), times, names)
    found = (above - below) / (high - low)
    return np.where(np.isfinite(found), found, 0.0)


def _runs(
    plan: Plan, times: Floats, names: Sequence[str], decimals: Sequence[int | None], count: int, progress: bool
) -> Floats:
    """(n, p) runs of a plan at the log's times, rounded as the log is."""
    seeds = list(range(FIRST_SEED, FIRST_SEED + count))
    moments = (times * plan.stretch).tolist()
    made = simulate(
        plan.problem,
        plan.schedule,
        times=moments,
        seeds=seeds,
        start=plan.start,
        batch_size=plan.batch_size,
        progress=progress,
    )
    values = [
        made[name].values if places is None else np.round(made[name].values, places)
        for name, places in zip(names, decimals, strict=True)
    ]
    runs = _transformed(np.stack(values, axis=-1), names).reshape(count, -1)
    sound = np.all(np.isfinite(runs), axis=1)
    if sound.mean() < 0.95:
        raise InputError("runs of the plan must not diverge", f"{count - int(sound.sum())} of {count} do")
    return runs[sound]
