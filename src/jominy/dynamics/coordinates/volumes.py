"""The law of every weight by finite volumes: exact as cells and steps shrink.

Each law lives on cells of [-1, 1] in units of a length that follows it (it starts at a point and spreads by orders of
magnitude); zero, where the drift jumps, is always a face. The fluxes are those that keep the exact law of a constant
drift at rest (exponential fitting), so that masses stay positive; a step is an implicit midpoint, its coefficients led
there by the Gaussian closure, and along a straight line from the last two steps for what that is off. Cells and steps
together are of second order.

A law that does not reach zero is normal, and followed by its mean and variance until it does.

Source: theory `attacks.md` section 4; the length that follows a law is ours.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from jominy.dynamics.coordinates.closure import SMALLEST, NormalLaws, Setting, normal_averages
from jominy.dynamics.coordinates.equations import Averages, Motion
from jominy.dynamics.students import Observation
from jominy.numerics.arrays import Array
from jominy.numerics.programs import jit_lightly
from jominy.numerics.tables import Columns
from jominy.schedules import UNKNOWN_DESCENT

LEAST_NOISE = 1e-14
"""Of a weight in units of its length, per time: below, a law moves as a point does."""


class Step(NamedTuple):
    """One step; of length zero, there is only looked.

    Attributes:
        time, length: () where it begins, and how long it takes.
        fresh: () whether what came before says nothing of it.
        scale, middle: (Q,) the length in units of which a law is cut into cells, where the step begins and halfway.
        growth: (Q,) at which that length grows, relative to it.
        cells: (Q,) whether a law is on cells during the step; otherwise it is normal.
        closure, closure_rate: (Q,) each and () what moves the weights along the Gaussian closure where the step begins,
            and the learning rate there.
        halfway, halfway_rate: likewise in the middle of the step.
    """

    time: Any
    length: Any
    fresh: Any
    scale: Any
    middle: Any
    growth: Any
    cells: Any
    closure: Motion
    closure_rate: Any
    halfway: Motion
    halfway_rate: Any

    @staticmethod
    def columns(points: int) -> Columns:
        """Of a table of steps of so many points."""
        one, each = 0.0, np.zeros(points)
        moved = Motion(each, each, each, each)
        return Columns.of(Step(one, one, one, each, each, each, each, moved, one, moved, one))


class Steps(NamedTuple):
    """S steps as rows of a `table` (S, F), the last of length zero.

    Attributes:
        taken: how many there are; what is beyond is filling.
    """

    table: np.ndarray
    taken: np.ndarray


class _Walk(NamedTuple):
    masses: Any
    normal: NormalLaws
    off: Motion
    off_rate: Array
    length: Array
    seen: Any


class PowerCells(NamedTuple):
    """Of |x|^q on N cells of [-1, 1]: E u f, E f, E f' and E f^2 (N, 4) of a law in each cell alone; how much the
    potential of f rises from one centre to the next (N - 1,); q."""

    averages: Array
    rise: Array
    power: Array

    @classmethod
    def of(cls, count: int, power: Array) -> "PowerCells":
        """Averages of the powers themselves: at a centre next to zero they could be far off, or infinite."""
        faces, centres = np.linspace(-1.0, 1.0, count + 1), (np.arange(count) + 0.5) * 2 / count - 1
        lengths, side, q = jnp.abs(faces), np.sign(centres), power

        def averaged(exponent: Array) -> Array:
            return jnp.diff(np.sign(faces) * lengths ** (exponent + 1)) / (exponent + 1) * count / 2

        columns = [averaged(q), side * averaged(q - 1), (q - 1) * averaged(q - 2), averaged(2 * q - 2)]
        return cls(jnp.stack(columns, axis=1), jnp.diff(jnp.abs(centres) ** q) / q, q)


def power_averages(masses: Array, scale: Array, cells: PowerCells) -> Averages:
    """Averages over laws with `masses` (Q, N) on cells of [-scale, scale], scale (Q,), under l_p."""
    count, q = masses.shape[1], cells.power
    centres = jnp.asarray((np.arange(count) + 0.5) * 2 / count - 1)
    size, sign, bend, squared = (masses @ cells.averages).T
    return Averages(
        scale * (masses @ centres),
        scale**2 * (masses @ centres**2),
        scale**q * size,
        scale ** (q - 1) * sign,
        scale ** (q - 2) * bend / 2,
        scale ** (2 * q - 2) * squared,
    )


def cell_averages(masses: Array, scale: Array) -> Averages:
    """Averages over laws with `masses` (Q, N) on cells of [-scale, scale], scale (Q,), under l_inf."""
    count = masses.shape[1]
    width, half = 2 / count, count // 2
    centres = jnp.asarray((np.arange(count) + 0.5) * width - 1)
    # The density has a kink at zero: straight lines from the two cells on each side, never across.
    left, right = 3 * masses[:, half - 1] - masses[:, half - 2], 3 * masses[:, half] - masses[:, half + 1]
    return Averages(
        scale * (masses @ centres),
        scale**2 * (masses @ centres**2),
        scale * (masses @ jnp.abs(centres)),
        jnp.sum(masses[:, half:], axis=1) - jnp.sum(masses[:, :half], axis=1),
        jnp.maximum((left + right) / 4, 0.0) / (width * scale),
        jnp.ones_like(scale),
    )


def normal_masses(mean: Array, variance: Array, scale: Array, count: int) -> Array:
    """(Q, N) of normal laws on the cells."""
    faces = jnp.asarray(np.linspace(-1.0, 1.0, count + 1))
    below = ndtr((scale[:, None] * faces - mean[:, None]) / jnp.sqrt(jnp.maximum(variance, SMALLEST))[:, None])
    return jnp.diff(below, axis=1)


def stepped(
    masses: Array,
    moved: Motion,
    rate: Array,
    scale: Array,
    growth: Array,
    length: Array,
    cells: PowerCells | None = None,
) -> Array:
    """The masses (Q, N) after a step in the middle of which weights move so, and the scale (Q,) is this and grows.

    `cells` are those of an l_p attack.
    """
    count = masses.shape[1]
    width = 2 / count
    centres = (np.arange(count) + 0.5) * width - 1
    alpha, beta, pull, noise = moved
    diffusion = jnp.maximum(rate**2 * noise / (2 * scale**2), LEAST_NOISE)[:, None]
    pulled: Array = pull / scale if cells is None else pull * scale ** (cells.power - 2)
    rise = jnp.asarray(np.diff(np.abs(centres))) if cells is None else cells.rise
    # The work that the drift does from one cell's centre to the next one's.
    work = (
        (rate * alpha + growth)[:, None] * jnp.asarray(np.diff(centres**2) / 2)
        + (rate * beta / scale)[:, None] * width
        + (rate * pulled)[:, None] * rise
    )
    slope = work / diffusion
    small = jnp.abs(slope) < 1e-2
    series = 1 - slope / 2 + slope**2 / 12 - slope**4 / 720
    up = diffusion / width**2 * jnp.where(small, series, slope / jnp.where(small, 1.0, jnp.exp(slope) - 1))
    down = up + work / width**2
    half = length / 2
    nothing = jnp.zeros_like(up[:, :1])
    leaving = jnp.concatenate([up, nothing], axis=1) + jnp.concatenate([nothing, down], axis=1)
    middle = jax.lax.linalg.tridiagonal_solve(
        jnp.concatenate([nothing, -half * up], axis=1),
        jnp.asarray(1 + half * leaving),
        jnp.concatenate([-half * down, nothing], axis=1),
        jnp.asarray(masses)[..., None],
    )[..., 0]
    return 2 * middle - masses


@partial(jit_lightly, static_argnames=("count", "everywhere"))
def run_volumes(setting: Setting, start: NormalLaws, steps: Steps, count: int, everywhere: bool) -> Array:
    """What is seen where each of the steps begins, the table (S, G) of an `Observation`.

    Laws on `count` cells, normal at the start; `everywhere`: all of them are on cells from the first step on.
    """
    points, schedule = setting.points, setting.schedule
    teacher, optimum = points.teacher, setting.optimum
    columns = Step.columns(points.shares.size)
    powers = None if points.power is None else PowerCells.of(count, jnp.asarray(points.power))

    def averages(masses: Array, normal: NormalLaws, step: Step) -> Averages:
        on_cells = cell_averages(masses, step.scale) if powers is None else power_averages(masses, step.scale, powers)
        if everywhere:
            return on_cells
        as_normal = normal_averages(normal.mean, normal.variance, points.power)
        return Averages(
            *(jnp.where(step.cells > 0, one, other) for one, other in zip(on_cells, as_normal, strict=True))
        )

    def entered(k: Array, walk: _Walk, step: Step) -> Array:
        """The masses, with those of laws that are on cells from this step on."""
        before = (columns.tree(steps.table[jnp.maximum(k - 1, 0)]).cells > 0) & (k > 0)
        enter = (step.cells > 0) & ~before

        def begun() -> Array:
            begin = normal_masses(walk.normal.mean, walk.normal.variance, step.scale, count)
            return jnp.where(enter[:, None], begin, walk.masses)

        return jax.lax.cond(jnp.any(enter), begun, lambda: jnp.asarray(walk.masses))

    def one(k: Array, walk: _Walk) -> _Walk:
        step: Step = columns.tree(steps.table[k])
        normal, length = walk.normal, step.length
        masses = walk.masses if everywhere else entered(k, walk, step)
        here = averages(masses, normal, step)
        order, moved, pushed, rate, braked = setting.look(step.time, here, normal.memory)
        error = jnp.maximum(points.shares @ (here.square - 2 * optimum * here.mean + optimum**2), 0.0)
        seen = Observation(order, error, points.shares @ (here.mean * teacher), rate)
        # Coefficients in the middle of the step: those of the closure, and a straight line for what they are off.
        led_by = step.closure, step.closure_rate
        off, off_rate = jax.tree.map(lambda exact, closure: exact - closure, (moved, rate), led_by)
        straight = (step.fresh > 0) | (walk.length <= 0)
        ahead = jnp.where(straight, 0.0, length / (2 * jnp.maximum(walk.length, 1e-300)))
        alpha, beta, pull, noise = jax.tree.map(
            lambda closure, new, old: closure + new + ahead * (new - old), step.halfway, off, walk.off
        )
        middle = Motion(alpha, beta, pull, jnp.maximum(noise, 0.0))
        if schedule.adaptive:
            led: Array = jnp.maximum(step.halfway_rate + off_rate + ahead * (off_rate - walk.off_rate), 0.0)
        else:
            memory = normal.memory + length / 2 * pushed.noise
            led = schedule.rate(step.time + length / 2, UNKNOWN_DESCENT._replace(memory=memory))
        led = led * braked
        memory = normal.memory + length * braked * pushed.noise if schedule.remembers else normal.memory
        after = normal if everywhere else _normal_after(normal, here, middle, led, length)
        kept = jax.lax.dynamic_update_index_in_dim(walk.seen, Columns.of(seen).row(seen), k, 0)
        masses = stepped(masses, middle, led, step.middle, step.growth, length, powers)
        return _Walk(masses, after._replace(memory=memory), off, off_rate, length, kept)

    nothing = normal_averages(start.mean, start.variance, points.power)
    first: Step = columns.tree(steps.table[0])
    order, moved, _, rate, _ = setting.look(first.time, nothing, start.memory)
    looked = Observation(order, jnp.zeros(()), jnp.zeros(()), rate)
    empty = jnp.zeros((steps.table.shape[0], Columns.of(looked).row(looked).size))
    still = jax.tree.map(jnp.zeros_like, moved)
    masses: Array = jnp.zeros((points.shares.size, count))
    if everywhere:
        masses = normal_masses(jnp.asarray(start.mean), jnp.asarray(start.variance), first.scale, count)
    begin = _Walk(masses, start, still, jnp.zeros(()), jnp.zeros(()), empty)
    begin = jax.tree.map(jnp.asarray, begin)
    return jax.lax.fori_loop(0, steps.taken, one, begin).seen


def _normal_after(normal: NormalLaws, here: Averages, moved: Motion, rate: Array, length: Array) -> NormalLaws:
    """A normal law far from zero moves in closed form: what pulls it is next to linear there."""
    bend = 2 * here.at_zero
    decay = rate * (moved.curvature + moved.pull * bend) * length
    tiny = jnp.abs(decay) < 1e-8
    share = jnp.where(tiny, length, length * -jnp.expm1(-decay) / jnp.where(tiny, 1.0, decay))
    twice = jnp.where(tiny, length, length * -jnp.expm1(-2 * decay) / jnp.where(tiny, 1.0, 2 * decay))
    push = rate * (moved.slope + moved.pull * (here.sign - bend * normal.mean))
    return normal._replace(
        mean=jnp.exp(-decay) * normal.mean - share * push,
        variance=jnp.exp(-2 * decay) * normal.variance + twice * rate**2 * moved.noise,
    )
