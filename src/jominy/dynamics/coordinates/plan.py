"""Which steps finite volumes take, and where each law lies: found along the Gaussian closure, which is cheap.

Source: ours; the rules for cells are those of theory `attacks.md` section 4.
"""

import math
from typing import NamedTuple

import jax
import numpy as np

from jominy.dynamics.coordinates.closure import ClosureFlow, NormalLaws, Setting, Sight
from jominy.dynamics.coordinates.volumes import Steps
from jominy.dynamics.students import Observation
from jominy.numerics.ode import MOST_STEPS, integrate
from jominy.numerics.tables import Columns

REACH = 6.0
"""Standard deviations of a law on its cells on each side: the mass beyond is 2e-9."""
KINK, BEND = 8.0, 20.0
"""Standard deviations from zero beyond which the jump of the drift is not felt, and a power of it is next to linear."""
AT_REST = 1e-8
"""Norm of a student that has not left zero."""
PILOT_RTOL = 1e-5
PILOT_POINTS = 80
EARLY = 0.6
"""The length of early legs, in units of the time since the start."""
USUAL, LONGEST, SLOWING = 0.6, 2.4, 0.18
"""Of legs, in units of the time in which a weight relaxes: longer after a while, when little changes."""
NEAR = 4
"""Points next to each other that an interpolating polynomial goes through."""
FEWEST = 128
"""Numbers of steps are filled up to a power of two times this, so that few programs are compiled."""


class Pilot(NamedTuple):
    """The closure at increasing times (P,): means and variances (P, Q), and how many of the times were reached.

    `unpulled` (reached, Q): how far out the weights are that have not met zero yet; `moved` (reached, 4 Q + 1): what
    moves the weights, and the rate; `seen` (reached, G): the table of an `Observation`, whose `columns` these are.
    """

    times: np.ndarray
    sight: Sight
    reached: int
    unpulled: np.ndarray
    moved: np.ndarray
    seen: np.ndarray
    columns: Columns


def fly(setting: Setting, start: NormalLaws, times: np.ndarray, jumps: np.ndarray) -> Pilot:
    """The closure at these times and, from the first to the last, many more of every order of magnitude."""
    end = float(times[-1])
    further = np.concatenate([end * np.geomspace(1e-9, 1.0, PILOT_POINTS), np.linspace(0.0, end, PILOT_POINTS)])
    grid = np.unique(np.concatenate([times, further, jumps[(jumps > times[0]) & (jumps < end)]]))
    # Filled up to a multiple, so that few programs are compiled.
    missing = -len(grid) % PILOT_POINTS
    grid = np.sort(np.concatenate([grid, end * (np.arange(missing) + np.exp(-1.0)) / max(missing, 1)]))
    system, state = jax.tree.map(lambda leaf: np.asarray(leaf)[None], (ClosureFlow(setting), start))
    rtol = np.array([PILOT_RTOL])
    seen = integrate(system, state, grid[None], jumps[None], rtol, None, MOST_STEPS // 5)
    sight = jax.tree.map(lambda leaf: np.asarray(leaf)[0], seen.observations)
    reached = int(seen.reached[0])
    known = jax.tree.map(lambda leaf: leaf[:reached], sight)
    points = setting.points
    error = (known.variance + (known.mean - setting.optimum) ** 2) @ points.shares
    told = Observation(known.order, error, known.mean @ (points.shares * points.teacher), known.rate)
    # Under l_p what pulls far out is no longer the same everywhere: there none of it is counted.
    counted = known if points.power is None else known._replace(moved=known.moved._replace(pull=0 * known.moved.pull))
    columns = Columns.of(jax.tree.map(lambda leaf: leaf[0], told))
    moved = np.concatenate([*known.moved, known.rate[:, None]], axis=1)
    return Pilot(grid, sight, reached, _unpulled(grid[:reached], counted), moved, columns.table(told), columns)


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
    mean, variance, pulled = np.moveaxis(_recursion(factors, pushes, state), 1, 0)
    return np.abs(mean) + REACH * np.sqrt(variance) - pulled


def _recursion(factors: np.ndarray, pushes: np.ndarray, state: np.ndarray) -> np.ndarray:
    """All of x_k = factors[k] x_(k-1) + pushes[k] from x_0 = `state` on: ever longer runs of steps taken as one."""
    factors, pushes = (np.concatenate([one, two]) for one, two in ((0 * state[None], factors), (state[None], pushes)))
    length = 1
    while length < len(pushes):
        pushes[length:] += factors[length:] * pushes[:-length]
        factors[length:] *= factors[:-length]
        length *= 2
    return pushes


def _felt(power: np.ndarray | None) -> float:
    return KINK if power is None else BEND


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
    if points.power is not None:
        # What f is multiplied by knows no bound at a start from zero, but f is nothing there.
        pull = sight.moved.pull[1] * sight.variance[1] ** ((points.power - 1) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        kink = np.min(np.where(pull > 0, noise / np.where(pull > 0, pull, 1.0) ** 2, np.inf))
    fast = float(np.max(sight.rate[0] * sight.moved.curvature[0]))
    scale = min(float(kink), 1 / fast if fast > 0 else np.inf)
    later = times[times > 0]
    near = np.abs(sight.mean[0]) < _felt(points.power) * np.sqrt(spread)
    if np.all(near | ~attacked) and np.all(spread[attacked] > 1e-6):
        return 0.0
    return float(min(1e-3 * scale, 1e-3 * later[0], 1e-3 * later[-1]))


class Course(NamedTuple):
    """The way from leg to leg, each of which is taken in one number of steps: K legs in P parts each, K P + 1 moments.

    Attributes:
        parts: P.
        time: (K P + 1,) increasing.
        fresh: (K P + 1,) whether what comes before says nothing of it.
        scale, cells: (K P + 1, Q) as in `Step`.
        moved: (K P + 1, 4 Q + 1) what moves the weights along the closure, and the learning rate.
        seen: (K P + 1, G) of the closure, the table of an `Observation`.
    """

    parts: int
    time: np.ndarray
    fresh: np.ndarray
    scale: np.ndarray
    cells: np.ndarray
    moved: np.ndarray
    seen: np.ndarray

    def steps(self, parts: int) -> Steps:
        """So many steps for each leg; twice that divides the parts."""
        stride = self.parts // parts
        time, scale, moved = self.time[::stride], self.scale[::stride], self.moved[::stride]
        length = np.append(np.diff(time), 0.0)
        following = np.concatenate([scale[1:], scale[-1:]])
        growth = np.log(following / scale) / np.where(length > 0, length, 1.0)[:, None]
        halfway = np.concatenate([self.moved[stride // 2 :: stride], self.moved[-1:]])
        columns = (
            time[:, None], length[:, None], self.fresh[::stride, None], scale, np.sqrt(scale * following), growth,
            self.cells[::stride], moved, halfway,
        )  # fmt: skip
        table = np.concatenate(columns, axis=1)
        size = FEWEST * 2 ** max(0, math.ceil(math.log2(len(time) / FEWEST)))
        return Steps(np.concatenate([table, np.repeat(table[-1:], size - len(time), axis=0)]), np.asarray(len(time)))


def legs(pilot: Pilot, marks: np.ndarray, jumps: np.ndarray, begin: float) -> tuple[np.ndarray, np.ndarray]:
    """Where legs meet from `begin` on, at all `marks` and jumps among other times, and which of these times are new.

    New is a time from which on nothing goes on as it did.
    """
    known = pilot.times[: pilot.reached]
    curvature = np.max(pilot.sight.rate[: pilot.reached, None] * pilot.sight.moved.curvature[: pilot.reached], axis=1)
    fastest = np.maximum(curvature, 1e-12)
    marks = np.unique(np.concatenate([[begin], marks, jumps[(jumps > begin) & (jumps < marks[-1])]]))
    fresh = {begin, *jumps.tolist()}
    offset = begin if begin > 0 else 0.1 * USUAL / fastest[0]
    since, pieces = begin - offset, []
    for low, high in zip(marks[:-1], marks[1:], strict=True):
        if low in fresh and low != begin:
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
    return grid, np.isin(grid, list(fresh))


def _parted(ends: np.ndarray, parts: int) -> np.ndarray:
    """The legs in so many parts each, whose lengths change gradually: cubics with harmonic mean slopes, increasing."""
    length = np.diff(ends)[:, None]
    slope = np.concatenate([length[:1], 2 / (1 / length[1:] + 1 / length[:-1]), length[-1:]])
    share = np.arange(parts) / parts
    rise = share**2 * (3 - 2 * share)
    bends = slope[:-1] * share * (1 - share) ** 2 - slope[1:] * share**2 * (1 - share)
    return np.append((ends[:-1, None] + length * rise + bends).ravel(), ends[-1])


def clocked(ends: np.ndarray, times: np.ndarray) -> np.ndarray:
    """A smooth function of time in which legs are about as long as each other: in it things change gently."""
    lengths = np.diff(ends)
    first = lengths[0] / EARLY
    return np.log((times - ends[0]) / first + 1) / np.log1p(EARLY) + (times - ends[0]) / np.max(lengths)


def course(
    pilot: Pilot, setting: Setting, meeting: tuple[np.ndarray, np.ndarray], jumps: np.ndarray, parts: int
) -> Course:
    """The way along `legs` in so many parts each."""
    ends, new = meeting
    last = pilot.reached - 1
    known = pilot.times[: last + 1]
    time = _parted(ends, parts)
    fresh = np.zeros(len(time), bool)
    fresh[::parts] = new
    mean, deviation = pilot.sight.mean[: last + 1], np.sqrt(np.maximum(pilot.sight.variance[: last + 1], 1e-300))
    # Along a power of time, as laws spread.
    log_known, log_time = (np.log(np.maximum(moments, 1e-12 * known[-1])) for moments in (known, time))
    scale = np.log(np.maximum(np.abs(mean) + REACH * deviation, pilot.unpulled))
    scales = np.exp(np.stack([np.interp(log_time, log_known, row) for row in scale.T], axis=1))
    near = (np.abs(mean) < _felt(setting.points.power) * deviation) & (setting.points.budgets > 0)
    at = np.clip(np.searchsorted(known, time, side="right") - 1, 0, last)
    cells = np.logical_or.accumulate(near[at], axis=0)
    table = np.concatenate([pilot.moved, pilot.seen], axis=1)
    moved, seen = np.split(between(known, time, jumps).of(table), [pilot.moved.shape[1]], axis=1)
    return Course(parts, time, fresh, scales, cells, moved, seen)


class Between(NamedTuple):
    """Polynomials through values at known times: for each of T others the `nodes` they go through and their `weights`,
    (T, NEAR) both."""

    nodes: np.ndarray
    weights: np.ndarray

    def of(self, table: np.ndarray) -> np.ndarray:
        """(T, F) values at the other times, of those at the known ones."""
        return sum(self.weights[:, j, None] * table[self.nodes[:, j]] for j in range(NEAR))


def between(known: np.ndarray, times: np.ndarray, jumps: np.ndarray) -> Between:
    """From the `known` times to others, along polynomials that never reach across a jump."""
    apart = np.append(True, np.diff(known) > 1e-4 * known[1:])
    piece, own = np.searchsorted(jumps, times, side="right"), np.searchsorted(jumps, known, side="right")
    nodes, weights = np.zeros((len(times), NEAR), int), np.zeros((len(times), NEAR))
    for one in np.unique(piece):
        asked = np.flatnonzero(piece == one)
        inside = np.flatnonzero((own == one) & apart)
        count = min(NEAR, len(inside))
        first = np.clip(np.searchsorted(known[inside], times[asked], side="right") - NEAR // 2, 0, len(inside) - count)
        near = inside[first[:, None] + np.arange(count)]
        at = known[near]
        nodes[asked[:, None], np.arange(count)] = near
        for j in range(count):
            others = np.delete(at, j, axis=1)
            weights[asked, j] = np.prod((times[asked, None] - others) / (at[:, j : j + 1] - others), axis=1)
    return Between(nodes, weights)
