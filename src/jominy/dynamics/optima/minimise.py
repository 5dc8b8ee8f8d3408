"""The minimiser of the adversarial risk on a landscape.

Source: theory `dynamics.md` section 4.2. The scalars that make the optimum solve a fixed-point equation; a damped
iteration descends the convex risk towards it, and Newton's method finishes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.optima.landscapes import Landscape, Scalars
from jominy.dynamics.students import attack_ridge
from jominy.losses import Loss, Moments, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule
from jominy.numerics.roots import fixed_point


class Solved(NamedTuple):
    """The optimum found: the scalars, its order parameters and risk, and the remaining mismatch of the scalars.

    `descended` is where the descent ended and `lowest` the risk there: what to begin with where the rest failed.
    """

    scalars: Scalars
    order: OrderParameters
    risk: float
    mismatch: float
    descended: Any = None
    lowest: float = np.inf


class Setting(NamedTuple):
    """What the moments need besides the student."""

    loss: Loss
    targets: Targets
    weights: Array
    radius: Array
    rule: GaussianRule

    def moments(self, order: OrderParameters) -> Moments:
        return self.targets.moments(self.loss, order, self.radius, self.rule)


class Visit(NamedTuple):
    """What is found at a student: risk, scalars and order parameters there, and E Psi_rho."""

    risk: Array
    scalars: Scalars
    order: OrderParameters
    norm_slope: Array


SHORTEST = 2.0**-13
"""Of the steps that are tried; a step is a preconditioned gradient, so a short enough one descends."""
NOWHERE = 1e200
"""A ridge that presses every student to the zero vector."""


def _visit(landscape: Landscape, setting: Setting, student: Any) -> Visit:
    order = landscape.order(student)
    moments = setting.moments(order)
    ridge = attack_ridge(moments, setting.weights, order.norm)
    found = Scalars(moments.slope, moments.curvature, moments.teacher_curvature, ridge)
    return Visit(setting.weights @ moments.value, found, order, setting.weights @ moments.norm_slope)


_compiled_visit = jax.jit(_visit)


def visit(landscape: Landscape, setting: Setting, student: Any) -> Visit:
    """What is found at a student, as NumPy arrays."""
    return jax.tree.map(np.asarray, _compiled_visit(landscape, setting, student))


@jax.jit
def _compiled_step(
    landscape: Landscape, setting: Setting, student: Any, scalars: Scalars, highest: Array
) -> tuple[Any, Visit]:
    target = landscape.minimiser(scalars)

    def taken(length: Array) -> tuple[Any, Visit]:
        moved = jax.tree.map(lambda old, new: old + length * (new - old), student, target)
        return moved, _visit(landscape, setting, moved)

    def too_long(state: tuple[Array, Any, Visit]) -> Array:
        length, _, visit = state
        return ~(visit.risk <= highest) & (length > SHORTEST)  # a risk that is no number is too high as well

    def halved(state: tuple[Array, Any, Visit]) -> tuple[Array, Any, Visit]:
        return (state[0] / 2, *taken(state[0] / 2))

    # The loop is entered once more instead of a first step outside it: the moments are compiled once.
    shapes = jax.eval_shape(taken, jnp.ones(()))
    nothing = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), shapes)
    return jax.lax.while_loop(too_long, halved, (jnp.full((), 2.0), *nothing))[1:]


def step(
    landscape: Landscape, setting: Setting, student: Any, scalars: Scalars, highest: float = np.inf
) -> tuple[Any, Visit]:
    """From `student` to the minimiser for `scalars`, or half the way as often as the risk is above `highest`.

    NumPy arrays: the student moved to, and what is found there.
    """
    return jax.tree.map(np.asarray, _compiled_step(landscape, setting, student, scalars, np.asarray(highest)))


def at_zero(setting: Setting) -> Scalars:
    """The scalars whose student is the zero vector."""
    ones = np.ones(setting.weights.shape)
    return Scalars(0 * ones, ones, -ones, np.asarray(NOWHERE))


def at_scalars(landscape: Landscape, setting: Setting, scalars: Scalars) -> Solved:
    """A known optimum in the form of a solved one."""
    visit = step(landscape, setting, landscape.zero(), scalars)[1]
    gaps = [np.max(np.abs(a - b) / (1e-3 + np.abs(a))) for a, b in zip(scalars, visit.scalars, strict=True)]
    return Solved(scalars, visit.order, float(visit.risk), float(max(gaps)))


def collapse_threshold(landscape: Landscape, setting: Setting) -> float:
    """||E[loss'(0, y) x]|| / E|loss'(0, y)|, from the moments at X = 0 and radius 1 (where Psi_rho = |loss'|)."""
    unit = setting._replace(radius=np.ones(()))
    start = step(landscape, unit, landscape.zero(), at_zero(setting))[1]
    # With curvature zero and a unit ridge the quadratic model's minimiser is minus the gradient at zero.
    slope = start.scalars.slope
    pull = Scalars(slope, 0 * slope, start.scalars.teacher_curvature, np.ones(()))
    if start.norm_slope <= 0:
        return np.inf  # a ridge instead of an attack: it never wins against a gradient at zero
    return float(step(landscape, unit, landscape.zero(), pull)[1].order.norm / start.norm_slope)


def towards_teacher(setting: Setting, size: float) -> Scalars:
    """The scalars whose student is `size` times the teacher."""
    ones = np.ones(setting.weights.shape)
    return Scalars(0 * ones, ones, -size * ones, np.zeros(()))


def solve_optimum(landscape: Landscape, setting: Setting, first: Scalars | None = None) -> Solved:
    """The minimiser of the adversarial risk on `landscape`, radius below the collapse radius and not interpolating."""
    # Start from the zero vector against the gradient there, which is not zero below the collapse radius.
    zero = landscape.zero()
    start = step(landscape, setting, zero, at_zero(setting))[1]
    if first is None:
        first = start.scalars._replace(ridge=np.asarray(float(setting.radius) ** 2 + 0.1))
    return solve_from(landscape, setting, *step(landscape, setting, zero, first, float(start.risk)))


def solve_from(landscape: Landscape, setting: Setting, student: Any, here: Visit, logarithmic: bool = False) -> Solved:
    """The same, from a student with what was found there; `logarithmic` where the moments give the risk's logarithm."""
    zero = landscape.zero()
    for _ in range(300):
        moved, found = step(landscape, setting, student, here.scalars, float(here.risk))
        gain = here.risk - found.risk
        if not gain >= 0:
            break
        student, here = moved, found
        if gain <= 1e-7 * (1.0 if logarithmic else abs(float(here.risk))):
            break

    # Newton's method, with the positive scalars as they are or in logarithms: near the zero vector the fixed point is
    # close to linear in the first, near the teacher of a noiseless problem in the second.
    best = at_scalars(landscape, setting, here.scalars)
    for logarithms in (False, True, False):
        if best.mismatch > CONVERGED:

            def found_at(u: np.ndarray, logarithms: bool = logarithms) -> np.ndarray:
                scalars = _unraveled(here.scalars, u, logarithms)
                return _raveled(step(landscape, setting, zero, scalars)[1].scalars, logarithms)

            solved = fixed_point(found_at, _raveled(best.scalars, logarithms))
            polished = at_scalars(landscape, setting, _unraveled(here.scalars, solved, logarithms))
            best = polished if polished.mismatch < best.mismatch else best
    return best._replace(descended=student, lowest=float(here.risk))


CONVERGED = 1e-11
"""Relative mismatch of the scalars that is good enough."""
SMALLEST = 1e-290
"""Keeps logarithms finite where the radius is zero."""


def _raveled(scalars: Scalars, logarithms: bool) -> np.ndarray:
    slope, curvature, pull, ridge = scalars
    if logarithms:
        curvature = np.maximum(curvature, SMALLEST)
        pull, curvature, ridge = pull / curvature, np.log(curvature), np.log(np.maximum(ridge, SMALLEST))
    return np.concatenate([slope, curvature, pull, [ridge]])


def _unraveled(like: Scalars, values: np.ndarray, logarithms: bool) -> Scalars:
    slope, curvature, pull = np.reshape(values[:-1], (3, np.size(like.slope)))
    ridge = np.asarray(values[-1])
    if logarithms:
        curvature, ridge = np.exp(np.minimum(curvature, 600.0)), np.exp(np.minimum(ridge, 600.0))
        pull = pull * curvature
    return Scalars(slope, curvature, pull, ridge)
