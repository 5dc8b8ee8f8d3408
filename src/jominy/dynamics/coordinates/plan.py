"""Which steps finite volumes take, and where each law lies: found along the Gaussian closure, which is cheap.

Source: ours; the rules for cells are those of theory `attacks.md` section 4.
"""

import math
from typing import NamedTuple

import jax
import numpy as np

from jominy.dynamics.coordinates.closure import ClosureFlow, NormalLaws, Setting, Sight
from jominy.dynamics.coordinates.volumes import Steps
from jominy.numerics.ode import MOST_STEPS, integrate

REACH = 7.5
"""Standard deviations of a law on its cells on each side: the mass beyond is 1e-13."""
KINK = 8.0
"""Standard deviations from zero beyond which the jump of the drift is not felt."""
AT_REST = 1e-8
"""Norm of a student that has not left zero."""
PILOT_RTOL = 1e-6
PILOT_POINTS = 240
EARLY = 0.4
"""The length of early steps, in units of the time since the start."""
USUAL, LONGEST, SLOWING = 0.24, 0.8, 0.06
"""Of steps, in units of the time in which a weight relaxes: longer after a while, when little changes."""
FEWEST = 128
"""Numbers of steps are filled up to a power of two times this, so that few programs are compiled."""


class Pilot(NamedTuple):
    """The closure at increasing times (P,): means and variances (P, Q), and how many of the times were reached.

    `unpulled` (reached, Q): how far out the weights are that have not met zero yet.
    """

    times: np.ndarray
    sight: Sight
    reached: int
    unpulled: np.ndarray


def fly(setting: Setting, start: NormalLaws, times: np.ndarray, jumps: np.ndarray) -> Pilot:
    """The closure at these times and, from the first to the last, many more of every order of magnitude."""
    end = float(times[-1])
    further = np.concatenate([end * np.geomspace(1e-9, 1.0, PILOT_POINTS), np.linspace(0.0, end, PILOT_POINTS)])
    grid = np.unique(np.concatenate([times, further]))
    # Filled up to a multiple, so that few programs are compiled.
    missing = -len(grid) % PILOT_POINTS
    grid = np.sort(np.concatenate([grid, end * (np.arange(missing) + np.exp(-1.0)) / max(missing, 1)]))
    system, state = jax.tree.map(lambda leaf: np.asarray(leaf)[None], (ClosureFlow(setting), start))
    rtol = np.array([PILOT_RTOL])
    seen = integrate(system, state, grid[None], jumps[None], rtol, None, MOST_STEPS // 5)
    sight = jax.tree.map(lambda leaf: np.asarray(leaf)[0], seen.observations)
    reached = int(seen.reached[0])
    known = jax.tree.map(lambda leaf: leaf[:reached], sight)
    return Pilot(grid, sight, reached, _unpulled(grid[:reached], known))


def _unpulled(times: np.ndarray, sight: Sight) -> np.ndarray:
    """(P, Q) how far out weights are that have not met zero yet: those without an attack, less its pull so far.

    A strong pull gathers most of a law at zero, so that its variance says nothing of what is still on its way there.
    """
    length = np.diff(times)[:, None]
    rate = ((sight.rate[1:] + sight.rate[:-1]) / 2)[:, None]
    alpha, beta, pull, noise = ((part[1:] + part[:-1]) / 2 for part in sight.moved)
    decay = np.maximum(rate * alpha * length, 1e-12)
    once, twice = -np.expm1(-decay) / decay * length, -np.expm1(-2 * decay) / (2 * decay) * length
    factors = np.stack([np.exp(-decay), np.exp(-2 * decay), np.exp(-decay)], axis=1)
    pushes = np.stack([-once * rate * beta, twice * rate**2 * noise, once * rate * pull], axis=1)
    state = np.stack([sight.mean[0], sight.variance[0], np.zeros_like(sight.mean[0])])
    found = [state]
    for factor, push in zip(factors, pushes, strict=True):
        state = factor * state + push
        found.append(state)
    mean, variance, pulled = np.moveaxis(np.array(found), 1, 0)
    return np.abs(mean) + REACH * np.sqrt(variance) - pulled


def first_time(pilot: Pilot, setting: Setting, times: np.ndarray) -> float:
    """When cells take over: 0 where the laws at the start are wide; else while the closure is as good as exact.

    That is while the pull has moved a weight by little of what noise has spread it. Never where nothing moves, as under
    line search from zero.
    """
    points = setting.points
    sight = pilot.sight
    spread = sight.variance[0]
    if np.max(sight.order.norm[: pilot.reached]) < AT_REST:
        return np.inf
    attacked = points.budgets > 0
    pull, noise = sight.moved.pull[0], sight.moved.noise[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        kink = np.min(np.where(pull > 0, noise / np.where(pull > 0, pull, 1.0) ** 2, np.inf))
    fast = float(np.max(sight.rate[0] * sight.moved.curvature[0]))
    scale = min(float(kink), 1 / fast if fast > 0 else np.inf)
    later = times[times > 0]
    near = np.abs(sight.mean[0]) < KINK * np.sqrt(spread)
    if np.all(near | ~attacked) and np.all(spread[attacked] > 1e-6):
        return 0.0
    return float(min(1e-3 * scale, 1e-3 * later[0], 1e-3 * later[-1]))


def steps_along(
    pilot: Pilot, setting: Setting, times: np.ndarray, jumps: np.ndarray, begin: float, level: int
) -> tuple[Steps, np.ndarray]:
    """The steps from `begin` on, halved `level` times, and at which of them the `times` (all at least that) are."""
    last = pilot.reached - 1
    known = pilot.times[: last + 1]
    curvature = np.max(pilot.sight.rate[: last + 1, None] * pilot.sight.moved.curvature[: last + 1], axis=1)
    fastest = np.maximum(curvature, 1e-12)
    marks = np.unique(np.concatenate([[begin], times, jumps[(jumps > begin) & (jumps < times[-1])]]))
    fresh_marks = {begin, *jumps.tolist()}
    offset = begin if begin > 0 else 0.1 * USUAL / fastest[0]
    since, pieces = begin - offset, []
    for low, high in zip(marks[:-1], marks[1:], strict=True):
        if low in fresh_marks and low != begin:
            since = low - 0.1 * USUAL / np.interp(low, known, fastest)
        ends = [low]
        while ends[-1] < high * (1 - 1e-13):
            now = ends[-1]
            pace = np.interp(now, known, fastest)
            usual = min(max(USUAL, SLOWING * pace * (now - begin)), LONGEST) / pace
            ends.append(now + min(EARLY * (now - since), usual))
        count = len(ends) - 1
        # Stretched to end at the mark.
        pieces.append(low + (np.asarray(ends[:-1]) - low) * (high - low) / (ends[-1] - low) if count else np.array([]))
    grid = np.concatenate([*pieces, marks[-1:]])
    for _ in range(level):
        grid = np.insert(grid, np.arange(1, len(grid)), (grid[1:] + grid[:-1]) / 2)
    place = np.searchsorted(grid, times * (1 - 1e-13))
    size = FEWEST * 2 ** max(0, math.ceil(math.log2(len(grid) / FEWEST)))

    def filled(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.repeat(values[-1:], size - len(values), axis=0)])

    mean, deviation = pilot.sight.mean[: last + 1], np.sqrt(np.maximum(pilot.sight.variance[: last + 1], 1e-300))
    # Along a power of time, as laws spread.
    log_known = np.log(np.maximum(known, 1e-12 * known[-1]))
    log_grid = np.log(np.maximum(grid, 1e-12 * known[-1]))
    scale = np.log(np.maximum(np.abs(mean) + REACH * deviation, pilot.unpulled))
    scales = np.exp(np.stack([np.interp(log_grid, log_known, row) for row in scale.T], axis=1))
    near = (np.abs(mean) < KINK * deviation) & (setting.points.budgets > 0)
    at = np.clip(np.searchsorted(known, grid, side="right") - 1, 0, last)
    cells = np.logical_or.accumulate(near[at], axis=0)
    length = np.append(np.diff(grid), 0.0)
    fresh = np.isin(grid, list(fresh_marks))
    steps = Steps(filled(grid), filled(length), filled(fresh), filled(scales), filled(cells), np.asarray(len(grid)))
    return steps, place
