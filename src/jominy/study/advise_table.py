"""Advice on a table without a radius: what each training radius buys, when to stop, and what to change first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics import Design, Problem, collapse_radius, forecast
from jominy.errors import InputError
from jominy.results.reading import notes_of
from jominy.schedules import InverseTime, Schedule

if TYPE_CHECKING:
    import xarray as xr

LONGER = 1.5
"""Curves go on for so many times the plan, so that the best moment may lie beyond it."""
RATES = (0.5, 2.0)
"""Constant rates that are tried beside the planned one, in units of it."""
DECAYS = ((2.0, 4.0), (1.0, 1.0), (3.0, 10.0))
"""Schedules c / (1 + k t / time) that are tried: c in units of the planned rate, and k."""
DESIGNED = "the designed schedule"
LEAST_GAIN = 1e-6
"""Gains below are rounding."""
SEVERAL_PRECISION = 0.01
"""Relative standard error of risks, where forecasts are made of real runs."""


@dataclass(frozen=True)
class RadiusAdvice:
    """What training at one radius gives.

    Attributes
    ----------
    radius : of the training
    clean, robust : accuracy (of numbers: risk) at the planned time, without an attack and at the test radius
    stop : the time at which the robust one is the best
    earliest, latest : between these times it is within the uncertainty of that
    best : the robust accuracy (risk) there
    lost : what is lost by going on until the end of the curve, 1.5 times the plan
    """

    radius: float
    clean: float
    robust: float
    stop: float
    earliest: float
    latest: float
    best: float
    lost: float


@dataclass(frozen=True)
class Change:
    """One thing to change: what, and how much accuracy under attack it gains (of numbers: how much risk)."""

    what: str
    gain: float


@dataclass(frozen=True)
class TableAdvice:
    """What to know about a table before training on it.

    Attributes
    ----------
    rate, horizon : the constant rate and the time that are planned
    test_radius, collapse_radius : the attack that is asked about, and the radius from which on nothing is learnt
    measure : "accuracy", or "risk" of numbers
    rows : on which rows: "held-out rows" or "training rows", and how many
    uncertainty : standard error of an accuracy on so many rows (of a risk: the spread of one run)
    radii : what each training radius gives
    planned : the same for the planned radius, which is the test's
    changes : what to change, the most useful first
    designed : the schedule that is designed for the plan's radius, and its gains; None where it was not asked for
    tried : the most that the rates gain which were tried instead; NaN where none was
    notes : preprocessing, base rate, and what else results say of the data
    """

    rate: float
    horizon: float
    test_radius: float
    collapse_radius: float
    measure: str
    rows: str
    count: int
    uncertainty: float
    radii: tuple[RadiusAdvice, ...]
    planned: RadiusAdvice
    changes: tuple[Change, ...]
    designed: Design | None
    tried: float
    notes: tuple[str, ...]
    times: np.ndarray = field(repr=False)
    curves: np.ndarray = field(repr=False)

    def describe(self) -> dict[str, Any]:
        """The advice as a JSON-able record."""
        apart = ("radii", "planned", "changes", "designed", "tried", "times", "curves")
        plain = {k: v for k, v in vars(self).items() if k not in apart}
        return {
            **plain,
            "notes": list(self.notes),
            "radii": [vars(one) for one in self.radii],
            "planned": vars(self.planned),
            "changes": [vars(one) for one in self.changes],
            "design": None if self.designed is None else self.designed.describe(),
            "gain_of_rates_tried": self.tried if np.isfinite(self.tried) else None,
            "times": self.times.tolist(),
            "curves": self.curves.tolist(),
            "sentences": self.sentences(),
        }

    def sentences(self) -> list[str]:
        """When to stop, and what to change, in words."""
        one, unit = self.planned, self.measure
        if one.stop == 0:
            told = [
                f"Training at radius {one.radius:.3g} gains nothing on {self.rows} under an attack of radius "
                f"{self.test_radius:.3g}: the {unit} is never better than before it ({one.best:.4g}), and "
                f"{one.robust:.4g} at time {self.horizon:g}."
            ]
            return [*told, *self._worth_changing(), *self._gain_of_design()]
        told = [
            f"When to stop, training at radius {one.radius:.3g}: the {unit} on {self.rows} under an attack of radius "
            f"{self.test_radius:.3g} is the best at time {one.stop:.3g} ({one.best:.4g}); between times "
            f"{one.earliest:.3g} and {one.latest:.3g} it is within ±{self.uncertainty:.2g} of that, {self._noise}."
        ]
        end = LONGER * self.horizon
        if one.stop > 0.97 * end:
            told.append(f"It still improves at time {end:.3g}: training longer than planned ({self.horizon:g}) pays.")
        elif one.lost <= self.uncertainty:
            told.append(f"Going on until time {end:.3g} loses {one.lost:.2g}: {self._negligible}.")
        else:
            told.append(f"Going on until time {end:.3g} loses {one.lost:.2g}: stop by time {one.latest:.3g}.")
        return [*told, *self._worth_changing(), *self._gain_of_design()]

    @property
    def _noise(self) -> str:
        """Where the uncertainty comes from, in words."""
        if self.measure == "risk":
            return "which is as far as a single run strays"
        return f"which {self.count} rows cannot tell apart"

    @property
    def _negligible(self) -> str:
        """That a difference is below the uncertainty, in words."""
        return "less than a single run strays" if self.measure == "risk" else "less than these rows can tell"

    def _gain_of_design(self) -> list[str]:
        """What a designed schedule gains at the planned time, in words."""
        if self.designed is None:
            if not np.isfinite(self.tried):
                return []
            return [
                f"Gain of design: the best of {len(RATES) + len(DECAYS)} other rates gains {max(self.tried, 0.0):.2g} "
                f"of robust {self.measure}; `design=True` seeks the best schedule of all."
            ]
        told = self.designed
        change = next((one for one in self.changes if one.what.startswith(DESIGNED)), None)
        accuracy = "" if change is None or self.measure == "risk" else f", robust accuracy better by {change.gain:.2g}"
        return [
            f"Gain of design: the {told.objective.title} is {told.value:.4g} instead of {told['own'].value:.4g} at "
            f"time {told.horizon:g}{accuracy}.",
            told.sentences()[-1],
        ]

    def _worth_changing(self) -> list[str]:
        """What to change, in words."""
        unit, told = self.measure, []
        useful = [change for change in self.changes if change.gain > LEAST_GAIN]
        if not useful:
            return [f"Nothing that was tried gains {unit} over the plan: rate {self.rate:.3g}, as it is."]
        first, *others = useful
        sure = "" if first.gain > self.uncertainty else f", {self._negligible}"
        told.append(f"Worth changing first: {first.what} (robust {unit} better by {first.gain:.2g}{sure}).")
        if others:
            listed = "; ".join(f"{change.what} ({change.gain:.2g})" for change in others[:3])
            told.append(f"Then: {listed}.")
        return told


def advise_table(
    problem: Problem,
    rate: float,
    time: float,
    radii: Sequence[float],
    *,
    held_out: tuple[Any, Any] | None = None,
    start: Any = None,
    designed: Design | None = None,
    progress: bool = False,
) -> TableAdvice:
    """What each training radius buys on held-out rows, when to stop, and what is worth changing first.

    About ten forecasts, all by one compiled program: each training radius at the planned rate, twice and half the
    rate, and three rates that fall with time.

    Parameters
    ----------
    problem : on samples; its radius is the one that is asked about
    rate, time : the constant rate and the time planned
    radii : (R,) training radii to be looked at
    held_out : rows on which accuracies are measured; without them those of the training are
    start : as in `forecast`
    designed : what `design` returned of the same problem, rows and time, whose schedule is tried too
    progress : show a bar where it takes longer than two seconds

    Raises
    ------
    InputError
        As `forecast`.

    Notes
    -----
    The uncertainty of an accuracy p on n rows is sqrt(p (1 - p) / n); that of a difference on the same rows is smaller.
    Sources: theory `realdata.md` section 1 (the forecast), `design.md` section 4 (held-out rows are the objective where
    there are any).
    """
    from tqdm import tqdm

    test, several = problem.final_radius, problem.loss.several
    grid = sorted({*map(float, radii), test})
    asked: dict[str, Any] = {"start": start, "held_out": held_out, "evaluate_at": sorted({*grid, 0.0})}
    if several:
        asked["precision"] = SEVERAL_PRECISION
    plans: list[tuple[Problem, Schedule, str]] = [
        (replace(problem, radius=radius), InverseTime(rate, 0.0), "") for radius in grid
    ]
    if not several:  # of real runs each takes its time
        plans += [(problem, InverseTime(rate * factor, 0.0), f"the rate {rate * factor:.3g}") for factor in RATES]
        plans += [
            (
                problem,
                InverseTime(rate * factor, k / time),
                f"a rate that falls as {rate * factor:.3g} / (1 + {k / time:.2g} t)",
            )
            for factor, k in DECAYS
        ]
    rates = len(plans)
    if designed is not None:
        numbers = ", ".join(
            f"{name} {value:.3g}" for name, value in designed.schedule.describe().items() if name != "kind"
        )
        plans.append((problem, designed.schedule, f"{DESIGNED} ({designed.family}: {numbers})"))
    curves = [
        forecast(one, schedule, time=LONGER * time, **asked)
        for one, schedule, _ in tqdm(plans, delay=2, unit="forecast", desc="advice", disable=not progress)
    ]
    measure = "accuracy" if "accuracy_at_radius" in curves[0] else "risk"
    name = f"{'' if held_out is None else 'held_out_'}{measure}"
    count = problem.samples.count if held_out is None else len(held_out[1])
    own = curves[grid.index(test)]
    good = _Better(1.0 if measure == "accuracy" else -1.0)
    series = [_at(curve, f"{name}_at_radius", test) for curve in curves]
    peak = float(good.best(series[grid.index(test)]))
    if measure == "accuracy":
        uncertainty = math.sqrt(max(peak * (1 - peak), 0.0) / count)
    else:
        uncertainty = float(own["adversarial_risk_sd"][-1]) if "adversarial_risk_sd" in own else 0.0
    rows = tuple(
        _advice(radius, curve, f"clean_{measure}" if held_out is None else f"held_out_clean_{measure}", values, time,
                uncertainty, good)
        for radius, curve, values in zip(grid, curves, series, strict=False)
    )  # fmt: skip
    planned = rows[grid.index(test)]
    words = "stop at" if planned.stop <= time else "train until"
    gain = good.gain(planned.best, planned.robust)
    changes = [Change(f"{words} time {planned.stop:.3g}", gain)] if planned.stop > 0 else []
    for (one, _, words), curve, values in zip(plans, curves, series, strict=True):
        at_plan = float(np.interp(time, curve["time"], values))
        if words or one.final_radius != test:
            what = words or f"train at radius {one.final_radius:.3g} instead of {test:.3g}"
            changes.append(Change(what, good.gain(at_plan, planned.robust)))
    tried = [
        good.gain(float(np.interp(time, curve["time"], values)), planned.robust)
        for curve, values in zip(curves[len(grid) : rates], series[len(grid) : rates], strict=True)
    ]
    ranked = tuple(sorted(changes, key=lambda change: -change.gain))
    return TableAdvice(
        rate=rate,
        horizon=float(time),
        test_radius=test,
        collapse_radius=float(collapse_radius(problem)),
        measure=measure,
        rows="training rows" if held_out is None else "held-out rows",
        count=count,
        uncertainty=uncertainty,
        radii=rows,
        planned=planned,
        changes=ranked,
        designed=designed,
        tried=max(tried, default=math.nan),
        notes=tuple(notes_of(own)),
        times=own["time"].values,
        curves=np.stack([np.interp(own["time"], curve["time"], values) for curve, values in
                         zip(curves[: len(grid)], series, strict=False)]),
    )  # fmt: skip


@dataclass(frozen=True)
class _Better:
    """Whether more is better (an accuracy, sign 1) or less (a risk, -1)."""

    sign: float

    def best(self, values: np.ndarray) -> float:
        return float(self.sign * np.max(self.sign * values))

    def gain(self, value: float, over: float) -> float:
        return float(self.sign * (value - over))


def _at(curve: xr.Dataset, name: str, radius: float) -> np.ndarray:
    """(T,) a variable at one evaluation radius."""
    return curve[name].sel(evaluation_radius=radius, method="nearest").values


def _advice(
    radius: float,
    curve: xr.Dataset,
    clean: str,
    values: np.ndarray,
    time: float,
    uncertainty: float,
    good: _Better,
) -> RadiusAdvice:
    """What one training radius gives, from its curve."""
    times = curve["time"].values
    if not np.all(np.isfinite(values)):
        raise InputError(
            "Training at the planned rate must not diverge", f"radius {radius:g}", "Lower the rate (`rate=0.1`)"
        )
    best = int(np.argmax(good.sign * values))
    near = np.flatnonzero(good.sign * (values[best] - values) <= uncertainty)
    return RadiusAdvice(
        radius,
        float(np.interp(time, times, curve[clean].values)),
        float(np.interp(time, times, values)),
        float(times[best]),
        float(times[near[0]]),
        float(times[near[-1]]),
        float(values[best]),
        good.gain(float(values[best]), float(values[-1])),
    )


__all__ = ["Change", "RadiusAdvice", "TableAdvice", "advise_table"]
