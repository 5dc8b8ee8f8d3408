"""Adaptive ODE solves, many at once: every system is a lane of one compiled program.

Methods and step control are those of `scipy.integrate.DOP853` and `RK45`. They are written out here because each lane
has to choose its own steps while all take them together, and because a command that is started for one forecast would
wait longer for a general solver to be imported and compiled than for the forecast.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from jominy.numerics.arrays import Array
from jominy.numerics.programs import asked_before, compile_beside
from jominy.numerics.runge_kutta import DORMAND_PRINCE_5, DORMAND_PRINCE_8, RungeKutta

MOST_STEPS = 100_000
LOOSE = 1e-7
"""From this relative tolerance on the method of order 5 needs fewer velocities."""
FIRST_STEP = 1e-3
"""The first step, as a share of the whole time; corrected within a step or two."""

FIRST_LOOK = 128
"""Steps after which, and after each doubling, it is looked at whether the last time can be reached at all."""
SPARE, SURE = 10, 4096
"""A solve ends early where at its pace it would need `SPARE` times the steps that it may take, after so many steps; of
fewer, which say less, the more in proportion to the square."""
GATHERING = 4
"""A solve whose pace doubles twice over twice the steps is still under way to longer ones, as near a corner at zero."""

FEW_NUMBERS = 2**16
"""Fewer are kept, to be observed all at once in the end: for few numbers time goes by the number of kernels."""


class System(Protocol):
    """What `integrate` needs; an equinox module, so that its numbers are traced and its structure is compiled once.

    It may have `ended(state)`: whether nothing that happens from there on means anything, so that the state may stay.
    """

    def velocity(self, time: Array, state: Any) -> Any: ...

    def observe(self, time: Array, state: Any) -> Any: ...


class Trajectories(NamedTuple):
    """Observations (L, T, ...) at the times asked for, how many were reached (L,), and the steps it took (L,).

    Past the last time reached the observations are zero.
    """

    observations: Any
    reached: Array
    steps: Array


class _Walk(NamedTuple):
    """Where L lanes are: time, proposed step, state and velocity.

    `fresh`: some velocity is not known; `seen` (L,) times passed and their observations `out` (L, T, m); `allowed` (L,)
    steps in all; `mark` (L,) the time at the last power of two of steps and `pace` (L,) how far it came since the one
    before.
    """

    time: Any
    step: Any
    state: Any
    velocity: Any
    fresh: Any
    seen: Any
    out: Any
    steps: Any
    allowed: Any
    mark: Any
    pace: Any


def integrate(
    systems: System,
    states: Any,
    times: Array,
    jumps: Array,
    rtol: Array,
    lanes: tuple[bool, ...] | None = None,
    most_steps: int = MOST_STEPS,
) -> Trajectories:
    """Solve dy/dt = system.velocity(t, y), y(times[0]) = state, for L systems of one structure at once.

    Args:
        systems: velocity and observation; the velocity must stay finite. Leaves (L, ...).
        states: pytree of arrays of order one, at times[:, 0]. Leaves (L, ...).
        times: (L, T) increasing times of the observations.
        jumps: (L, J) times at which the velocity is discontinuous.
        rtol: (L,) relative tolerance per step; the absolute one is a hundredth of it.
        lanes: which leaves of `systems` have the leading axis; the others are shared by all lanes. Default: all have.
        most_steps: that each system may take, refused ones included.
    """
    return begin_integration(systems, states, times, jumps, rtol, lanes, most_steps)(systems)


def begin_integration(systems: System, states: Any, times: Array, *more: Any) -> Callable[[System], Trajectories]:
    """What `integrate` is asked, begun; given the systems again, what was begun tells the trajectories.

    Of `seen_in_the_end` states these may differ in what their velocities do not see: one can be found in the meantime.
    """
    given = _completed(systems, states, times, *more)
    solved, lanes = _integrate(*given), given[-2]
    if not seen_in_the_end(states, times[0]):
        return lambda systems: solved
    return lambda systems: _observed(systems, states, times, solved, lanes)


def seen_in_the_end(states: Any, times: Array) -> bool:
    """Whether states of these shapes are kept at `times` (T,), to be observed all at once: few numbers are."""
    return sum(leaf.size for leaf in jax.tree.leaves(states)) * len(times) < FEW_NUMBERS


def _completed(systems, states, times, jumps, rtol, lanes=None, most_steps=MOST_STEPS) -> tuple[Any, ...]:
    """The arguments of the compiled program."""
    limit = np.asarray(most_steps, dtype=np.int32)
    return systems, states, times, jumps, rtol, limit, lanes, bool(np.min(rtol) >= LOOSE)


def compile_integration(arguments: Callable[[], tuple[Any, ...]]) -> Callable[[], None] | None:
    """Compile `integrate` for arguments like these beside other work, as `compile_beside` does; None where it has."""
    if asked_before(_integrate):
        return None
    return compile_beside(_integrate, lambda: _completed(*arguments()))


@partial(jax.jit, static_argnames=("lanes", "loose"))
def _integrate(
    systems: System,
    states: Any,
    times: Array,
    jumps: Array,
    rtol: Array,
    most_steps: Array,
    lanes: tuple[bool, ...] | None,
    loose: bool,
) -> Trajectories:
    method = DORMAND_PRINCE_5 if loose else DORMAND_PRINCE_8
    stage_times, stage_weights, dense = (
        jnp.asarray(method.times),
        jnp.asarray(method.weights),
        jnp.asarray(method.dense),
    )
    axes, restore = _axes(systems, lanes), _restoring(states)
    # One flat vector per lane: for states of a few hundred numbers time goes by the number of XLA's kernels, and a
    # stage over a tree has one of each kind for every leaf.
    state = jax.vmap(lambda one: ravel_pytree(one)[0])(states)
    count, wanted = times.shape
    end, lane = times[:, -1], jnp.arange(count)
    afterwards = seen_in_the_end(states, times[0])

    @partial(jax.vmap, in_axes=(axes, 0, 0))
    def velocity(system: Any, time: Any, y: Any) -> Any:
        return system.velocity(time, restore(y))

    @partial(jax.jit, inline=True)  # remembered: it is traced for what it gives, and again where it is called
    @partial(jax.vmap, in_axes=(axes, 0, 0))
    def observe(system: Any, time: Any, y: Any) -> Any:
        return system.observe(time, restore(y))

    @partial(jax.vmap, in_axes=(axes, 0))
    def ended(system: Any, y: Any) -> Any:
        return system.ended(restore(y)) if hasattr(system, "ended") else jnp.asarray(False)

    def going(walk: _Walk) -> Array:
        return (walk.time < end) & (walk.steps < walk.allowed)

    def advance(walk: Any) -> _Walk:
        live = going(walk)
        # No step reaches across a jump; it ends just before, and the next one begins at it.
        ahead = jnp.min(jnp.where(jumps > walk.time[:, None], jumps, jnp.inf), axis=1, initial=jnp.inf)
        limit = jnp.minimum(end, jnp.nextafter(ahead, -jnp.inf))
        cut = walk.step >= limit - walk.time
        step = jnp.where(live, jnp.where(cut, limit - walk.time, walk.step), 0.0)
        moving = jnp.where(ended(systems, walk.state), 0.0, 1.0)

        def stage(index: Any, known: Any) -> Any:
            y = walk.state + step[:, None] * jnp.tensordot(stage_weights[index], known, 1)
            # Leaf by leaf and in place: joined first, XLA works out every number of the vector in a loop of branches.
            begin = 0
            for leaf in jax.tree.leaves(velocity(systems, walk.time + stage_times[index] * step, y)):
                part = jnp.where(moving[:, None] > 0, leaf.reshape(count, -1), 0.0)[None]
                known = jax.lax.dynamic_update_slice(known, part, (index, jnp.uint32(0), jnp.uint32(begin)))
                begin += part.shape[2]
            return known

        arrived = jnp.where(cut, limit, walk.time + step)
        # The stages beyond the step itself are for observations inside it.
        # The time where a step begins is looked at only after it, as the very first one is.
        seen = walk.seen + (times[lane, jnp.minimum(walk.seen, wanted - 1)] <= walk.time)
        following = times[lane, jnp.minimum(seen, wanted - 1)]
        inside = jnp.any(live & (following > walk.time) & (following < arrived))
        count_of_stages = jnp.where(inside, len(method.times), method.closing + 1)
        known = jnp.zeros((len(method.times), *walk.state.shape)).at[0].set(walk.velocity)
        # Of an index that may be negative, each use would be looked at.
        first, last = (jnp.asarray(bound, jnp.uint32) for bound in (jnp.where(walk.fresh, 0, 1), count_of_stages))
        stages = jax.lax.fori_loop(first, last, stage, known)
        state = walk.state + step[:, None] * _combined(method.weights[method.closing], stages)
        error = _error(method, walk.state, state, stages, step, rtol)
        accepted = live & (error < 1)
        largest = jnp.where(accepted, 10.0, 1.0)
        proposed = step * jnp.clip(0.9 * jnp.maximum(error, 1e-12) ** method.exponent, 0.2, largest)

        at_jump = accepted & cut & (limit < end)
        now = jnp.where(accepted, jnp.where(at_jump, ahead, arrived), walk.time)
        steps = walk.steps + live
        looked_at = live & (steps >= FIRST_LOOK) & (steps & (steps - 1) == 0)
        pace = jnp.where(looked_at, now - walk.mark, walk.pace)
        needed = (limit - now) * steps / 2  # over the pace, which may be zero
        spared = SPARE * most_steps * (1 + (SURE / jnp.maximum(steps, 1)) ** 2)
        crawls = looked_at & (steps > FIRST_LOOK) & (needed > spared * pace) & (pace < GATHERING * walk.pace)
        allowed = jnp.where(crawls, steps, walk.allowed)
        # All lanes are looked at together, so the last time waits until every lane is there.
        nearly = jnp.where(jnp.any((now < end) & (steps < allowed)), wanted - 1, wanted)

        def due(seen: Array) -> tuple[Array, Array]:
            time = times[lane, jnp.minimum(seen, wanted - 1)]
            return time, (seen < nearly) & (time <= jnp.where(accepted, arrived, walk.time))

        def look(looked: Any) -> Any:
            seen, out = looked
            time, here = due(seen)
            share = jnp.where(here, (time - walk.time) / jnp.where(step > 0, step, 1.0), 0.0)
            parts = (share[:, None] ** jnp.arange(1, len(dense) + 1) @ dense).T[:, :, None]
            # At the step's ends no stage enters, which may be infinite where the step is refused.
            moved = walk.state + step[:, None] * sum(parts[k] * stages[k] for k in range(len(method.times)))
            y = jnp.where((time > walk.time)[:, None], moved, walk.state)
            y = jnp.where((accepted & (time == arrived))[:, None], state, y)
            found = y if afterwards else _joined(observe(systems, time, y))
            return seen + here, out.at[lane, jnp.where(here, seen, wanted)].set(found, mode="drop")

        seen, out = jax.lax.while_loop(lambda looked: jnp.any(due(looked[0])[1]), look, (walk.seen, walk.out))
        return _Walk(
            time=now,
            # A step that was cut says little about the next one.
            step=jnp.where(accepted & cut, jnp.maximum(proposed, walk.step), proposed),
            state=jnp.where(accepted[:, None], state, walk.state),
            velocity=jnp.where(accepted[:, None], stages[method.closing], stages[0]),
            fresh=jnp.any(at_jump),
            seen=seen,
            out=out,
            steps=steps,
            allowed=allowed,
            mark=jnp.where(looked_at, now, walk.mark),
            pace=pace,
        )

    kind = jax.eval_shape(observe, systems, end, state)
    width = state.shape[1] if afterwards else jax.eval_shape(_joined, kind).shape[1]
    begin = _Walk(
        time=times[:, 0],
        step=FIRST_STEP * (end - times[:, 0]),
        state=state,
        velocity=jnp.zeros_like(state),
        fresh=jnp.asarray(True),
        seen=jnp.zeros(count, int),
        out=jnp.zeros((count, wanted, width)),
        steps=jnp.zeros(count, int),
        allowed=jnp.zeros(count, int) + most_steps,
        mark=times[:, 0],
        pace=jnp.zeros(count),
    )
    walk = jax.lax.while_loop(lambda walk: jnp.any(going(walk)), advance, begin)
    return Trajectories(walk.out if afterwards else _split(walk.out, kind), walk.seen, walk.steps)


@partial(jax.jit, static_argnames=("lanes",))
def _observed(systems: System, states: Any, times: Array, solved: Trajectories, lanes: Any) -> Trajectories:
    """Observations in place of states (L, T, n), each a row like those of `states`."""
    restore, wanted = _restoring(states), times.shape[1]

    def of_lane(system: Any, times: Array, rows: Array) -> Any:
        return jax.vmap(lambda time, row: system.observe(time, restore(row)))(times, rows)

    seen = jax.vmap(of_lane, in_axes=(_axes(systems, lanes), 0, 0))(systems, times, solved.observations)
    there = jnp.arange(wanted) < solved.reached[:, None]

    def reached(leaf: Array) -> Array:
        return jnp.where(there.reshape(*there.shape, *(1,) * (leaf.ndim - 2)), leaf, 0)

    return solved._replace(observations=jax.tree.map(reached, seen))


def _axes(systems: System, lanes: tuple[bool, ...] | None) -> Any:
    """Of the leaves of systems: 0, or None where all lanes share them."""
    leaves, structure = jax.tree.flatten(systems)
    return jax.tree.unflatten(structure, [0 if own else None for own in lanes or (True,) * len(leaves)])


def _restoring(states: Any) -> Callable[[jax.Array], Any]:
    """What makes a state of a row of its numbers."""
    return ravel_pytree(jax.tree.map(lambda leaf: leaf[0], states))[1]


def _combined(weights: np.ndarray, stages: Array) -> Array:
    """(L, n): the stages (S, L, n) times fixed weights (S,), written out: a matrix product takes much longer."""
    terms = [weight * stages[stage] for stage, weight in enumerate(weights) if weight]
    return sum(terms[1:], terms[0]) if terms else jnp.zeros(stages.shape[1:])


def _error(method: RungeKutta, before: Array, after: Array, stages: Array, step: Array, rtol: Array) -> Array:
    """(L,) the step's error in units of the tolerance; infinite where it is not a number."""
    # The derivative of a solution is that of the steps taken, not of how their sizes were chosen.
    before, after, stages = jax.lax.stop_gradient((before, after, stages))
    allowed = rtol[:, None] * (0.01 + jnp.maximum(jnp.abs(before), jnp.abs(after)))
    main, other = (jnp.sum((_combined(row, stages) / allowed) ** 2, axis=1) for row in method.error)
    both = (main + 0.01 * other) * before.shape[1]
    error = step * main / jnp.sqrt(jnp.where(both > 0, both, 1.0))
    return jnp.where(jnp.isfinite(error), error, jnp.inf)


def _joined(tree: Any) -> Array:
    """(L, m): the leaves (L, ...) side by side."""
    return jnp.concatenate([leaf.reshape(leaf.shape[0], -1) for leaf in jax.tree.leaves(tree)], axis=1)


def _split(joined: Array, kind: Any) -> Any:
    """The leaves (L, T, ...) that lie side by side in `joined` (L, T, m), shaped like those of `kind` (L, ...)."""
    leaves, structure = jax.tree.flatten(kind)
    ends = np.cumsum([int(np.prod(leaf.shape[1:])) for leaf in leaves])
    parts = jnp.split(joined, ends[:-1], axis=2)
    shaped = [part.reshape(*joined.shape[:2], *leaf.shape[1:]) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, shaped)
