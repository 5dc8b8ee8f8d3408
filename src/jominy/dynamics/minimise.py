"""The minimiser of the adversarial risk on a landscape.

Source: theory `dynamics.md` section 4.2. The scalars that make the optimum solve a fixed-point equation; a damped
iteration descends the convex risk towards it, and Newton's method finishes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from jominy.dynamics.landscapes import Landscape, Scalars, minimiser
from jominy.dynamics.students import attack_ridge
from jominy.losses import Loss, Moments, OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule


class Solved(NamedTuple):
    """The optimum found: the scalars, its order parameters and risk, and the remaining mismatch of the scalars."""

    scalars: Scalars
    order: OrderParameters
    risk: Array
    mismatch: Array


class Setting(NamedTuple):
    """What the moments need besides the student."""

    loss: Loss
    labels: Array
    weights: Array
    radius: Array
    rule: GaussianRule

    def moments(self, order: OrderParameters) -> Moments:
        return self.loss.moments(order, self.labels, self.radius, self.rule)


def _scalars(moments: Moments, weights: Array, norm: Array) -> Scalars:
    ridge = attack_ridge(moments, weights, norm)
    return Scalars(moments.slope, moments.curvature, moments.teacher_curvature, ridge)


def visit(landscape: Landscape, setting: Setting, student: Any) -> tuple[Array, Scalars, OrderParameters]:
    """Risk, scalars and order parameters of a student."""
    order = landscape.order(student)
    moments = setting.moments(order)
    return setting.weights @ moments.value, _scalars(moments, setting.weights, order.norm), order


@jax.jit
def at_scalars(landscape: Landscape, setting: Setting, scalars: Scalars) -> Solved:
    """A known optimum in the form of a solved one."""
    risk, found, order = visit(landscape, setting, landscape.minimiser(scalars))
    gaps = [jnp.max(jnp.abs(a - b) / (1e-3 + jnp.abs(a))) for a, b in zip(scalars, found, strict=True)]
    return Solved(scalars, order, risk, jnp.max(jnp.stack(gaps)))


SHARES = 2.0 ** -np.arange(14)
"""Lengths of a step that are tried at once; the step is a preconditioned gradient, so a short enough one descends."""


@jax.jit
def _approach(landscape: Landscape, setting: Setting, student: Any, scalars: Scalars) -> tuple[Any, Any]:
    """Steps of all lengths from `student` towards the minimiser for `scalars`: the students, and `visit` of each."""
    target = landscape.minimiser(scalars)
    moved = jax.vmap(lambda share: jax.tree.map(lambda old, new: old + share * (new - old), student, target))(SHARES)
    return moved, jax.vmap(lambda one: visit(landscape, setting, one))(moved)


def solve_optimum(landscape: Landscape, setting: Setting) -> Solved:
    """The minimiser of the adversarial risk on `landscape`, radius below the collapse radius and not interpolating."""
    ones = np.ones(setting.labels.shape)
    slope, pull = (-setting.labels / 2, 0 * ones) if setting.loss.needs_classes else (0 * ones, -ones)
    scalars = Scalars(slope, ones, pull, np.asarray(float(setting.radius) ** 2 + 0.1))
    student = minimiser(landscape, scalars)

    def pick(tree: Any, index: int) -> Any:
        return jax.tree.map(lambda leaf: np.asarray(leaf)[index], tree)

    risk = np.inf
    for _ in range(300):
        moved, (risks, *found) = _approach(landscape, setting, student, scalars)
        choice = int(np.argmax(np.asarray(risks) <= risk))  # the longest step that descends
        gain, risk = risk - float(risks[choice]), float(risks[choice])
        student, scalars = pick(moved, choice), pick(found[0], choice)
        if gain <= 1e-7 * abs(risk):
            break

    # Newton's method on the fixed point of the scalars
    def mismatch(u: np.ndarray) -> np.ndarray:
        _, (_, found, _) = _approach(landscape, setting, student, _unraveled(scalars, u))
        return np.concatenate([np.ravel(np.asarray(leaf)[0]) for leaf in found]) - u

    root = scipy.optimize.root(mismatch, _raveled(scalars), options={"xtol": 1e-13})
    return at_scalars(landscape, setting, _unraveled(scalars, root.x))


def _raveled(scalars: Scalars) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in scalars])


def _unraveled(like: Scalars, values: np.ndarray) -> Scalars:
    count = np.size(like.slope)
    slope, curvature, pull = np.reshape(values[:-1], (3, count))
    return Scalars(slope, curvature, pull, np.asarray(values[-1]))
