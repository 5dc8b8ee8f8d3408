"""Is a run normal: its log against runs that have nothing wrong with them, and the one number that explains it."""

from __future__ import annotations

import math
import numbers as numbers_of
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics import Problem, forecast, path_law, simulate
from jominy.errors import InputError
from jominy.schedules import Schedule
from jominy.study.checking.band import check_band
from jominy.study.checking.healthy import FOLDS, Floats, Healthy, crossed, ends_of, estimates, excursions, threshold
from jominy.study.checking.logs import CHECKED, Log, chosen_times, read_log
from jominy.study.checking.suspects import Plan, Suspect, suspects_of
from jominy.study.checking.verdict import POSITIVE, Cause, Verdict, back, scale_of, transformed

if TYPE_CHECKING:
    import xarray as xr

FALSE_ALARMS = 0.01
RUNS, RUNS_AGAIN = 1000, 400
"""Healthy runs that are the measure, and runs at the number that explains a deviation, for its error."""
RUNS_OF_CURVES = 60
"""Of which forecasts of several classes on samples are made here: their differences are those of paired runs."""
DRAWN = 10_000
"""Paths that stand for runs where their normal law is known: they cost nothing."""
FIRST_SEED = 1_000_003
"""Seeds from here on, so that a log made with the usual ones is none of the runs that it is measured by."""
RARE = 6.0
"""By how much a number that is seldom wrong has to explain more (in chi-square) than rate, radius or noise."""
USUAL = ("rate", "radius", "noise")


def check(
    log: Any,
    problem: Problem | xr.Dataset,
    schedule: Schedule | None = None,
    *,
    start: Any = None,
    batch_size: int = 1,
    columns: Mapping[str, str] | None = None,
    runs: int = RUNS,
    false_alarms: float = FALSE_ALARMS,
    progress: bool = True,
) -> Verdict:
    """Is my run normal: a training log against its forecast, from where on it is outside, and which number explains it.

    The log is compared with healthy runs of the SGD that the forecast is of, over all its times and variables together,
    in the directions in which a wrong number would move it, and as a whole. Where the fluctuations of runs are known,
    these are 10,000 paths drawn from their covariance in time (theory `fluctuations.md` section 3), in a second or less
    once compiled; else `runs` real ones. The threshold is what the largest excursion of a healthy run exceeds with the
    probability `false_alarms`, by these runs, each measured by a covariance from others. Outside it, every number that
    could be wrong (rate, radius, noise, start, batch, decay of the rate, flipped labels, weight decay, clipped
    gradients) is fitted by itself by the derivatives of the forecast, with runs at the best one for its error. A
    finished forecast in place of problem and schedule is checked against its band alone, and no number is sought.

    Parameters
    ----------
    log : a file (CSV, JSON lines, a folder of Lightning, TensorBoard, MLflow or W&B), a mapping or frame of columns, or
        what `simulate` returns for one seed. It has a column of steps (or of times), and some of adversarial_risk,
        clean_risk, norm, adversarial_accuracy, clean_accuracy, alignment: population or held-out values, not the loss
        of a single batch
    problem, schedule, start : of the training as it was planned, as in `forecast`; or in place of the problem, with
        none of the others, a finished forecast that has bands (`<name>_sd`)
    batch_size : samples of a step, which turns steps into times: time = steps * batch_size / dimension
    columns : the log's name of a column -> its name here, such as {"val/loss": "adversarial_risk"}
    runs, false_alarms : healthy runs that are made where their law is not known, and the probability of an alarm for
        one; against the band of a finished forecast at most that
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
    if not isinstance(problem, Problem):
        return _check_forecast(log, problem, columns, false_alarms, (schedule, start))
    if schedule is None:
        raise InputError(
            "a training that is checked has a schedule", None, "such as `check(log, problem, Constant(0.5))`"
        )
    told = chosen_times(read_log(log, columns, problem.data.dimension, batch_size))
    plan = Plan(problem, schedule, start, batch_size)
    names = told.names(CHECKED)
    _check_names(problem, names)
    measure = Measure.of(plan, told, names, runs, false_alarms, progress)
    return measure.verdict(told)


def _check_forecast(
    log: Any, told: Any, columns: Mapping[str, str] | None, false_alarms: float, rest: tuple[Any, Any]
) -> Verdict:
    if not (hasattr(told, "data_vars") and "time" in getattr(told, "coords", ())):
        raise InputError("a log is checked against a problem and a schedule, or a forecast", type(told).__name__)
    if any(one is not None for one in rest):
        raise InputError("a finished forecast has its schedule and start", rest, "leave them out")
    _check_share(false_alarms)
    return check_band(log, told, columns, false_alarms)


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
        suspects = suspects_of(plan)
        base, directions = np.zeros(made.shape[1]), np.zeros((0, made.shape[1]))
        if suspects:
            base = _curve(suspects[0].plan(suspects[0].normal), log.times, names)
            watched = [one for one in suspects if one.watched]
            directions = np.array([_slope(one, one.normal, log.times, names) for one in watched])
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
        values = transformed(log.table(self.names), self.names).ravel()
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
            expected=back(middle, self.names),
            spread=self.spread.reshape(shape) * scale_of(middle, self.names),
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
        return Cause(name, *suspect.cause(value, error), explained, rivals)

    def _fitted(self, suspect: Suspect, deviation: Floats) -> tuple[float, float]:
        """The value that leaves the least, and what it leaves, by Gauss-Newton steps that are cut back if they fail."""
        value, left = suspect.normal, float((self.healthy.white(deviation) ** 2).sum())
        curve = self.base
        for begun in suspect.starts:
            there = _curve(suspect.plan(begun), self.times, self.names)
            square = float((self.healthy.white(deviation - (there - self.base)) ** 2).sum())
            if np.isfinite(square) and square < left:
                value, left, curve = begun, square, there
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


def _check_share(false_alarms: Any) -> None:
    if isinstance(false_alarms, bool) or not isinstance(false_alarms, float | int) or not 0 < false_alarms < 1:
        raise InputError("A probability of false alarms is a number between 0 and 1", false_alarms, "Such as 0.01")


def _check_counts(runs: Any, false_alarms: Any, numbers: int) -> None:
    """InputError for runs that are too few for a covariance of so many numbers, or a probability that is none."""
    _check_share(false_alarms)
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
    missing = [name for name in names if name.endswith("accuracy") and not problem.has_accuracy]
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


def _curve(plan: Plan, times: Floats, names: Sequence[str]) -> Floats:
    """(p,) the forecast of a plan at the log's times."""
    moments = (times * plan.stretch).tolist()
    asked: dict[str, Any] = {"start": plan.start, "batch_size": plan.batch_size}
    if plan.problem.loss.several and plan.problem.data.empirical:  # the mean of real runs, the same ones every time
        asked["runs"] = RUNS_OF_CURVES
    told = forecast(plan.problem, plan.schedule, times=moments, **asked)
    return transformed(np.stack([told[name].values for name in names], axis=-1), names).ravel()


def _slope(suspect: Suspect, value: float, times: Floats, names: Sequence[str]) -> Floats:
    """(p,) the derivative of the forecast by a suspect's number, by central differences (one-sided at an edge)."""
    low, high = max(value - suspect.step, suspect.lowest), min(value + suspect.step, suspect.highest)
    above, below = _curve(suspect.plan(high), times, names), _curve(suspect.plan(low), times, names)
    found = (above - below) / (high - low)
    return np.where(np.isfinite(found), found, 0.0)


def _runs(
    plan: Plan, times: Floats, names: Sequence[str], decimals: Sequence[int | None], count: int, progress: bool
) -> Floats:
    """(n, p) runs of a plan at the log's times, rounded as the log is: drawn where their law is known, else made."""
    drawn = _drawn(plan, times, names)
    found = _made(plan, times, names, count, progress) if drawn is None else drawn
    for place, places in enumerate(decimals):
        if places is not None:
            found[..., place] = np.round(found[..., place], places)
    return transformed(found, names).reshape(len(found), -1)


def _drawn(plan: Plan, times: Floats, names: Sequence[str]) -> Floats | None:
    """(n, T, V) paths of the normal law of runs, in logarithms where these are compared; None where it is not known."""
    moments = (times * plan.stretch).tolist()
    law = path_law(plan.problem, plan.schedule, moments, start=plan.start, batch_size=plan.batch_size)
    if law is None:
        return None
    chosen = [law.names.index(name) for name in names]
    mean, covariance = law.mean[:, chosen], law.covariance[:, chosen][:, :, :, chosen]
    scale = scale_of(transformed(mean, names), names)
    size = mean.size
    relative = (covariance / scale[:, :, None, None] / scale).reshape(size, size)
    # What is compared in logarithms is normal there; to the first order in 1/d this leaves its mean as it is.
    logs = np.array([name in POSITIVE for name in names])
    bent = np.where(logs, np.diag(relative).reshape(mean.shape) / 2, 0.0)
    values, vectors = np.linalg.eigh(relative)
    root = vectors * np.sqrt(np.maximum(values, 0.0))  # of rounding alone: some variables follow from the others
    draws = np.random.default_rng(FIRST_SEED).standard_normal((DRAWN, size)) @ root.T
    return back(transformed(mean, names) - bent + draws.reshape(DRAWN, *mean.shape), names)


def _made(plan: Plan, times: Floats, names: Sequence[str], count: int, progress: bool) -> Floats:
    """(n, T, V) of real runs of a plan."""
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
    runs = np.stack([made[name].values for name in names], axis=-1)
    sound = np.all(np.isfinite(runs), axis=(1, 2))
    if sound.mean() < 0.95:
        raise InputError("runs of the plan must not diverge", f"{count - int(sound.sum())} of {count} do")
    return np.asarray(runs[sound], dtype=float)
