"""Advice before training: which rate, how far from collapse, how far one run strays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics import Problem, collapse_radius, forecast
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.stability import rate_limits
from jominy.errors import InputError
from jominy.results import Status
from jominy.schedules import Constant, Schedule

if TYPE_CHECKING:
    import xarray as xr

_GRID = 15
_SMALLEST, _LARGEST = 0.01, 8.0
"""Rates looked at, in units of d / (mean ||x||^2): beyond either end nobody trains."""
_BELOW = 0.98
"""Share of the critical rate up to which rates are looked at."""


@dataclass(frozen=True)
class Advice:
    """What to know before training for a given time.

    Attributes
    ----------
    horizon : float, the time at which risks are compared, samples / dimension
    judged_by : the name of the risk that is compared (held out where there are held-out rows)
    limits : the largest stable rate, and what is known about rates near it
    best_rate, best_risk : the constant rate with the lowest risk at the horizon, and that risk
    best_is_at_edge : whether it is the largest or smallest rate looked at, so that a better one may lie beyond
    chosen_risk : risk at the horizon of the schedule asked about
    chosen_status, chosen_advice : how its forecast ended
    radius, collapse_radius : of the problem, and the one from which on the optimum is zero
    stray : standard deviation of one run's risk around the forecast at the horizon; None where `stray_note` says why
    rates, risks : (R,) what was looked at, for a figure
    """

    horizon: float
    judged_by: str
    limits: RateLimits
    best_rate: float
    best_risk: float
    best_is_at_edge: bool
    chosen: dict[str, Any]
    chosen_risk: float
    chosen_status: str
    chosen_advice: str
    radius: float
    collapse_radius: float
    stray: float | None
    stray_note: str
    rates: np.ndarray = field(repr=False)
    risks: np.ndarray = field(repr=False)

    def describe(self) -> dict[str, Any]:
        """The advice as a JSON-able record."""
        return {
            **vars(self),
            "limits": self.limits.describe(),
            "rates": self.rates.tolist(),
            "risks": self.risks.tolist(),
        }

    @property
    def chosen_rate(self) -> float | None:
        """The rate of the schedule asked about, where that is all it is made of."""
        return self.chosen["rate"] if self.chosen.keys() == {"kind", "rate"} else None

    def sentences(self) -> list[str]:
        """The advice in words."""
        told = [self.limits.sentence()]
        edge = ", the end of what was looked at: a better one may lie beyond" if self.best_is_at_edge else ""
        what = self.judged_by.replace("held_out", "held-out").replace("_", " ")
        told.append(
            f"Of all constant rates, {self.best_rate:.3g} has the lowest {what} at time {self.horizon:g}: "
            f"{self.best_risk:.4g}{edge}."
        )
        rate = self.chosen_rate
        name = f"The schedule ({self.chosen['kind']})" if rate is None else f"The rate {rate:g}"
        if np.isfinite(self.chosen_risk):
            gap = self.chosen_risk / self.best_risk - 1
            told.append(
                f"{name} gives {self.chosen_risk:.4g}, {100 * abs(gap):.2g} % {'above' if gap > 0 else 'below'} that."
            )
        if self.chosen_status != Status.COMPLETED.label:
            told.append(f"{name} ends so: {self.chosen_status}. {self.chosen_advice}")
        told.append(_about_radius(self.radius, self.collapse_radius))
        if self.stray is None:
            told.append(self.stray_note)
        else:
            sentence = (
                f"One run strays from the forecast by {self.stray:.2g} (standard deviation of its adversarial risk)."
            )
            told.append(f"{sentence} {self.stray_note}".rstrip())
        return told


def advise(
    problem: Problem,
    schedule: Schedule,
    time: float,
    *,
    start: Any = None,
    held_out: tuple[Any, Any] | None = None,
    dimension: int | None = None,
    progress: bool = False,
) -> Advice:
    """The largest stable rate, the best constant rate, the distance to collapse, the stray of one run.

    The best rate minimises the forecast adversarial risk at `time` (of the held-out rows, where given) over constant
    rates: a grid in the logarithm, then Brent's method around its best point.

    Parameters
    ----------
    problem, schedule : what is planned
    time : the horizon, samples / dimension
    start, held_out : as `forecast` takes them
    dimension : dimension of the run, for its stray; default: the data's own
    progress : whether to show a bar when it takes long

    Raises
    ------
    InputError
        As `forecast`.

    Notes
    -----
    Source: theory `dynamics.md` sections 4.2 (collapse) and 4.3 (stability), `fluctuations.md` (stray). The best rate
    is found by computation; no formula is behind it.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> told = jm.advise(problem, jm.Constant(0.5), time=10)
    >>> round(told.limits.critical, 6), round(told.best_rate, 2), round(told.collapse_radius, 4)
    (2.0, 0.16, 1.121)
    """
    limits = rate_limits(problem)
    judged_by = "adversarial_risk" if held_out is None else "held_out_adversarial_risk"

    def ending(plan: Schedule) -> xr.Dataset:
        return forecast(problem, plan, times=[time], start=start, held_out=held_out)

    def risk(rate: float) -> float:
        value = float(ending(Constant(rate))[judged_by].values[-1])
        return value if np.isfinite(value) else np.inf

    planned = ending(schedule)  # first: it refuses what is wrong with the request
    rates, risks = _search(risk, *_range(problem, limits), progress)
    best = int(np.argmin(risks))
    stray, note = _stray(problem, schedule, time, start, dimension)
    return Advice(
        horizon=float(time),
        judged_by=judged_by,
        limits=limits,
        best_rate=float(rates[best]),
        best_risk=float(risks[best]),
        best_is_at_edge=best in (0, len(rates) - 1),
        chosen=schedule.describe(),
        chosen_risk=float(planned[judged_by].values[-1]) if planned.sizes["time"] else np.inf,
        chosen_status=str(planned.attrs["status"]),
        chosen_advice=str(planned.attrs.get("advice", "")),
        radius=problem.final_radius,
        collapse_radius=collapse_radius(problem),
        stray=stray,
        stray_note=note,
        rates=rates,
        risks=risks,
    )


def _range(problem: Problem, limits: RateLimits) -> tuple[float, float]:
    """The rates to look at."""
    size = limits.mean_square
    if not size > 0:
        raise InputError(
            "Advice on a rate is for inputs that vary: rates are in units of their mean square",
            "covariances that are zero",
            "Give the data a variance, or use forecast",
        )
    return _SMALLEST / size, min(_LARGEST / size, _BELOW * limits.critical)


def _search(risk: Callable[[float], float], low: float, high: float, progress: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rates looked at, in increasing order, and their risks; the lowest is a minimum to a percent of the rate."""
    import scipy.optimize
    from tqdm import tqdm

    seen: dict[float, float] = {}

    def at(log_rate: float) -> float:
        rate = float(np.exp(log_rate))
        if rate not in seen:
            seen[rate] = risk(rate)
        return seen[rate]

    grid = np.linspace(np.log(low), np.log(high), _GRID)
    values = np.array([at(x) for x in tqdm(grid, desc="rates", delay=2, disable=not progress)])
    best = int(np.argmin(values))
    if 0 < best < _GRID - 1:
        bounds = (grid[best - 1], grid[best + 1])
        scipy.optimize.minimize_scalar(at, bounds=bounds, method="bounded", options={"xatol": 0.01})
    rates = np.array(sorted(seen))
    return rates, np.array([seen[rate] for rate in rates])


def _about_radius(radius: float, collapse: float) -> str:
    if radius >= collapse:
        return f"The radius {radius:g} reaches the collapse radius {collapse:.4g}: training only shrinks the weights."
    if radius == 0:
        return f"The model would collapse to zero at the radius {collapse:.4g}."
    return f"The radius {radius:g} is {100 * radius / collapse:.2g} % of the collapse radius {collapse:.4g}."


def _stray(
    problem: Problem, schedule: Schedule, time: float, start: Any, dimension: int | None
) -> tuple[float | None, str]:
    """Standard deviation of one run's adversarial risk at the horizon, and what to say about it."""
    try:
        if problem.data.empirical:
            told = forecast(problem, schedule, times=[time], start=start)
        else:
            told = forecast(problem, schedule, times=[time], start=start, bands=True, dimension=dimension)
    except InputError as error:
        return None, f"The stray of one run is not known: {error}"
    values = told.get("adversarial_risk_sd")
    if values is None or not values.size or not np.isfinite(values.values[-1]):
        return None, "The stray of one run is not known: its band is not to be trusted here."
    note = "" if told.attrs.get("bands", "good") == "good" else f"That band is {told.attrs['bands']}."
    return float(values.values[-1]), note


__all__ = ["Advice", "advise"]
