"""What a check found: whether a run is normal, from where on it is not, and which number explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jominy.study.checking.healthy import Floats

FOREIGN = 10.0
"""Standard deviations beyond which, at all times, a run is none of the problem."""
POSITIVE = ("adversarial_risk", "clean_risk", "norm")
"""Variables whose logarithm is compared: it is nearer to normal."""


@dataclass(frozen=True)
class Cause:
    """The one number that explains a deviation.

    name, value, error : what it is, what it seems to be and the standard error of that; a factor of `planned` where
        there is a planned one, and in its units then
    planned : what it was to be; None for what was not to be there at all
    explained : share of the deviation that is gone with it
    rivals : other numbers that explain nearly as much
    """

    name: str
    value: float
    error: float
    planned: float | None
    explained: float
    rivals: tuple[str, ...]

    def __str__(self) -> str:
        rivals = f"; it could also be {' or '.join(self.rivals)}" if self.rivals else ""
        return (
            f"{self.name} {self.value:.4g} ± {self.error:.2g} instead of "
            f"{'none' if self.planned is None else format(self.planned, '.4g')} explains "
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


def transformed(values: Floats, names: Sequence[str]) -> Floats:
    """Logarithms of what is positive; values (..., V)."""
    logs = np.array([name in POSITIVE for name in names])
    return np.where(logs, np.log(np.maximum(values, 1e-300)), values)


def back(values: Floats, names: Sequence[str]) -> Floats:
    logs = np.array([name in POSITIVE for name in names])
    return np.where(logs, np.exp(np.minimum(values, 700)), values)


def scale_of(values: Floats, names: Sequence[str]) -> Floats:
    """What a change of a transformed value is in the variable's own unit."""
    logs = np.array([name in POSITIVE for name in names])
    return np.where(logs, np.exp(np.minimum(values, 700)), 1.0)
