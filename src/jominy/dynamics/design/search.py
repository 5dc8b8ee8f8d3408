"""The search for the numbers of a schedule: many candidates are forecast at once, and slopes are their differences.

Source: theory `design.md` section 1. A forecast is smooth in the numbers of a schedule to the tolerance of its
integrator, ten times finer than what differences over `STEP` ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jominy.dynamics.design.candidates import POLYAK
from jominy.dynamics.design.families import Constants, Family
from jominy.dynamics.design.trials import Trials
from jominy.errors import InputError
from jominy.schedules import Schedule

STEP = 1e-3
"""Of the logarithms of a schedule's numbers, for differences."""
HOPELESS = 50.0
"""The logarithm that stands for what diverged."""
BATCH = 8
"""Beginnings that are forecast together, about as many as a slope asks for."""
FEW = 3
"""Numbers of a schedule up to which its slopes are central differences."""
CONVERGED, ROUGHLY = 1e-8, 1e-5
"""The change of the objective's logarithm over a step at which a search ends."""

MOST_RESTARTS, AGAIN = 4, 1e-4
"""A search is set out anew from where it ended, unless that gained less than so much."""

OVER_POLYAK = 30.0
"""The largest rate over Polyak's last one, where every usual rate fails: its first one is some ten times its last."""
OVER_CONSTANT, MOST_LOOKS = 30.0, 6
"""The largest rate over the best constant one, where usual ones take too long: a Hill schedule begins at some ten."""

Judge = Callable[[Sequence[Schedule]], np.ndarray]
"""From P schedules to the logarithms (P,) of what is minimised; not finite where training diverges."""


class Found(NamedTuple):
    """The best schedule of a family: its numbers, their logarithmic objective, and how many forecasts it took."""

    family: Family
    numbers: np.ndarray
    value: float
    forecasts: int

    @property
    def schedule(self) -> Schedule:
        """The schedule itself."""
        return self.family.schedule(self.numbers)

    @property
    def candidate(self) -> Schedule:
        """The same rates by the object that was forecast."""
        return self.family.candidate(self.numbers)

    @property
    def at_bound(self) -> np.ndarray:
        """(n,) which numbers are at an end of what was looked at."""
        low, high = self.family.bounds
        return (self.numbers <= low + 1e-6) | (self.numbers >= high - 1e-6)


def best_of(
    family: Family,
    judge: Judge,
    starts: Sequence[np.ndarray] = (),
    *,
    grid: bool = True,
    sparing: bool = False,
    most: int = 200,
    rough: float = ROUGHLY,
) -> Found:
    """The best schedule of a family, sought from the best of its own beginnings, on a `grid`, and of further `starts`.

    L-BFGS-B; the candidates whose differences are the slopes are forecast together. `sparing` of forecasts, where each
    takes its time: with one-sided differences, and to the fifth digit of the objective, or until a step gains less than
    `rough` of it.
    """
    import scipy.optimize

    low, high = family.bounds
    count = 0

    def values(points: np.ndarray) -> np.ndarray:
        nonlocal count
        count += len(points)
        found = judge([family.candidate(point) for point in points])
        return np.where(np.isfinite(found), found, HOPELESS)

    def value_and_slope(point: np.ndarray) -> tuple[float, np.ndarray]:
        size, shifts = len(point), STEP * np.eye(len(point))
        ahead, behind = np.minimum(point + shifts, high), np.maximum(point - shifts, low)
        if not (sparing or size > FEW):
            found = values(np.concatenate([point[None], ahead, behind]))
            return float(found[0]), (found[1 : 1 + size] - found[1 + size :]) / np.diagonal(ahead - behind)
        # Where one-sided slopes vanish is half a step from the minimum, which is 1e-7 of the objective above it.
        turned = point + STEP > high
        ahead[turned] = behind[turned]
        found = values(np.concatenate([point[None], ahead]))
        return float(found[0]), (found[1:] - found[0]) / (np.diagonal(ahead) - point)

    def graded(points: np.ndarray) -> np.ndarray:
        return np.concatenate([values(points[begin : begin + BATCH]) for begin in range(0, len(points), BATCH)])

    beginnings = np.clip(np.array([*(family.beginnings if grid or not len(starts) else ()), *starts]), low, high)
    first = beginnings[0] if len(beginnings) == 1 else beginnings[int(np.argmin(graded(beginnings)))]
    best = Found(family, first, np.inf, 0)
    for _ in range(1 if sparing or len(first) > FEW else MOST_RESTARTS):
        result = scipy.optimize.minimize(
            value_and_slope,
            best.numbers,
            jac=True,
            bounds=list(zip(low, high, strict=True)),
            method="L-BFGS-B",
            options={"maxiter": most, "ftol": rough if sparing else CONVERGED, "gtol": 1e-6, "maxcor": 20},
        )
        gain = best.value - float(result.fun)
        best = Found(family, np.asarray(result.x), float(result.fun), count)
        if gain < AGAIN:  # a valley along a bound may end a search before its time
            break
    return best


def largest_that_ends(trials: Trials, largest: float) -> float | None:
    """The largest rate to be looked at: lower than usual where training at a usual one takes far more steps than usual.

    So it is for gradients far larger than the loss's own, such as `TRADES(beta=1e4)` has: rates that are worth a look
    are then as much smaller, and every candidate waits for the slowest. Where some constant rate comes to its end soon,
    the best one tells their size; else Polyak's rate. None where no constant rate ends all the same.
    """

    def look(rate: float) -> tuple[np.ndarray, np.ndarray]:
        """(7,) constant rates, falling, and (7,) what they end with; infinite where they do not end soon."""
        family = Constants(trials.horizon, rate)
        rates = np.exp(np.ravel(family.beginnings))
        return rates, trials.judge([family.candidate(one) for one in family.beginnings], soon=True)

    rates, values = look(largest)
    if np.all(np.isfinite(values)) or (np.any(np.isfinite(values)) and trials.request.most_steps is None):
        return largest
    if not np.any(np.isfinite(values)):
        try:
            trials.require_optimum_for(POLYAK)
            lower = OVER_POLYAK * float(trials.endings([POLYAK])["learning_rate"][0])
        except InputError:
            return None
        if not 0 < lower < largest:
            return None
        rates, values = look(lower)
        if np.all(np.isfinite(values)):
            return lower
        if not np.any(np.isfinite(values)):
            return None
    for _ in range(MOST_LOOKS):
        if np.nanargmin(np.where(np.isfinite(values), values, np.inf)) < len(rates) - 1:
            break
        rates, values = look(rates[-1] * 2)
    return min(largest, OVER_CONSTANT * float(rates[np.nanargmin(np.where(np.isfinite(values), values, np.inf))]))
