"""The minimiser of the adversarial risk on a landscape.

Source: theory `dynamics.md` section 4.2. The scalars that make the optimum solve a fixed-point equation; a damped
iteration descends the convex risk towards it, and Newton's method finishes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jax import Array

from jominy.dynamics.landscapes import Landscape, Scalars
from jominy.dynamics.students import attack_ridge
from jominy.losses import Loss, Moments, OrderParameters
from jominy.numerics.gaussian import GaussianRule


class Solved(NamedTuple):
    """The optimum found: the scalars, its order parameters and risk, and the remaining mismatch of the scalars."""

    scalars: Scalars
    order: OrderParameters
    risk: float
    mismatch: float


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


@jax.jit
def visit(landscape: Landscape, setting: Setting, student: Any) -> tuple[Array, Scalars, OrderParameters]:
    """Risk, scalars and order parameters of a student."""
    order = landscape.order(student)
    moments = setting.moments(order)
    return setting.weights @ moments.value, _scalars(moments, setting.weights, order.norm), order


_minimise = jax.jit(lambda landscape, scalars: landscape.minimiser(scalars))


def solve_optimum(landscape: Landscape, setting: Setting) -> Solved:
    """The minimiser of the adversarial risk on `landscape`, radius below the collapse radius and not interpolating."""
    shape = setting.labels.shape
    scalars = Scalars(jnp.zeros(shape), jnp.ones(shape), -jnp.ones(shape), jnp.asarray(float(setting.radius) ** 2 + 0.1))
    if setting.loss.needs_classes:
        scalars = scalars._replace(slope=-setting.labels * 0.5, teacher_curvature=jnp.zeros(shape))
    student = _minimise(landscape, scalars)
    risk, scalars, order = visit(landscape, setting, student)
    for _ in range(300):
        target = _minimise(landscape, scalars)
        share = 1.0
        while share > 1e-4:  # the step is a preconditioned gradient, so a short enough one descends
            trial = jax.tree.map(lambda old, new, s=share: old + s * (new - old), student, target)
            trial_risk, trial_scalars, trial_order = visit(landscape, setting, trial)
            if trial_risk <= risk:
                break
            share /= 2
        gain = float(risk - trial_risk)
        student, risk, scalars, order = trial, trial_risk, trial_scalars, trial_order
        if gain <= 1e-7 * float(risk):
            break
    return _polish(landscape, setting, scalars)


def _polish(landscape: Landscape, setting: Setting, scalars: Scalars) -> Solved:
    """Newton's method on the scalars; falls back on the iterate given where it does not converge."""
    has_ridge = float(setting.radius) > 0
    count = setting.labels.shape[0]

    def pack(s: Scalars) -> np.ndarray:
        parts = [s.slope, np.log(s.curvature), s.teacher_curvature]
        return np.concatenate([*map(np.asarray, parts), [np.log(s.ridge)] if has_ridge else []])

    def unpack(u: np.ndarray) -> Scalars:
        ridge = np.exp(np.clip(u[-1], -400, 400)) if has_ridge else 0.0
        return Scalars(u[:count], np.exp(np.clip(u[count : 2 * count], -400, 400)), u[2 * count : 3 * count], np.asarray(ridge))

    def mismatch(u: np.ndarray) -> np.ndarray:
        _, found, _ = visit(landscape, setting, _minimise(landscape, unpack(u)))
        return pack(found) - u

    first = pack(scalars)
    solution = scipy.optimize.root(mismatch, first, method="hybr", options={"xtol": 1e-13})
    best = solution.x if np.max(np.abs(solution.fun)) <= np.max(np.abs(mismatch(first))) else first
    scalars = unpack(best)
    risk, _, order = visit(landscape, setting, _minimise(landscape, scalars))
    return Solved(scalars, order, float(risk), float(np.max(np.abs(mismatch(best)))))
