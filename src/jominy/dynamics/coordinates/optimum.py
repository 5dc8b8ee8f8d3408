"""The adversarial optimum under an attack on single features: a soft threshold for each weight.

Given a few scalars (expectations of the loss) the optimum is u_j = soft(-beta_j, Gamma s_j) / alpha_j, s_j the budget
of the feature; the scalars are those at the optimum. A descent of the risk along the way to the next such u, then
Newton's method in the scalars.

Source: theory `attacks.md` sections 2 (collapse, any loss) and 3.
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import EigenLaw
from jominy.data.points import Grouped, Points, grouped
from jominy.dynamics.coordinates.equations import TINY, Averages, order_parameters
from jominy.dynamics.least_squares import interpolation_threshold, is_least_squares_on_one_class
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import Loss, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.numerics.programs import jit_lightly

SETTLED = 1e-12
"""Relative mismatch of the scalars at an optimum."""
MOST_DESCENTS, BETWEEN = 2000, 25
"""Steps of the descent, and how many are taken between two tries of Newton's method."""
FAR_OFF = 1e6
"""Size of the weights from which on a risk that still falls has its optimum at infinity."""


EARLY = (4, 11)
"""After so many steps Newton's method is tried as well: mostly it ends there."""
MARGINS = 0.3
"""Standard deviation of margins at which a search begins."""


class Scalars(NamedTuple):
    """What determines the optimum at every point.

    Attributes:
        slope, curvature, teacher_curvature: (n,) E_i Psi_r, E_i Psi_rr, E_i Psi_{r r*}.
        threshold: () Gamma, under l_p Gamma size^(1-q).
        free: (n,) the class means' coefficients in the optimum on features that neither vary nor can be attacked (an
            intercept), which no soft threshold tells.
    """

    slope: Array
    curvature: Array
    teacher_curvature: Array
    threshold: Array
    free: Array

    @classmethod
    def of_row(cls, row: Array) -> "Scalars":
        """From all of them in a row (4 n + 1,)."""
        n = (len(row) - 1) // 4
        return cls(row[:n], row[n : 2 * n], row[2 * n : 3 * n], row[3 * n], row[3 * n + 1 :])


class Seen(NamedTuple):
    """What is found at weights u: the risk, the scalars, the order parameters, and E Psi_s of the attack's shift s."""

    risk: Array
    scalars: Scalars
    order: OrderParameters
    push: Array


class Static(NamedTuple):
    """The parts of a problem at a fixed radius."""

    points: Points
    loss: Loss
    targets: Targets
    radius: Array
    rule: GaussianRule


class CoordinateOptimum(NamedTuple):
    """The optimum of a mixture: its record, the scalars from which it follows at any points, order parameters there."""

    record: Optimum
    scalars: Scalars
    order: OrderParameters


def point_averages(u: Array, power: Array | None = None) -> Averages:
    """Of weights that are certain."""
    if power is None:
        return Averages(u, u**2, jnp.abs(u), jnp.sign(u), jnp.zeros_like(u), jnp.ones_like(u))
    lengths = jnp.abs(u)
    slope = lengths ** (power - 1) * jnp.sign(u)
    return Averages(u, u**2, lengths**power, slope, jnp.zeros_like(u), slope**2)


def minimiser(points: Points, scalars: Scalars) -> Array:
    """(Q,) weights u that minimise the risk's model in which the scalars are frozen."""
    weights, eigenvalues = points.weights, points.eigenvalues
    alpha, pulled = (weights * scalars.curvature) @ eigenvalues, _pulled(points, scalars)
    if points.power is None:
        threshold = jnp.where(points.budgets > 0, scalars.threshold * jnp.maximum(points.budgets, 1e-300), 0.0)
        left = jnp.maximum(jnp.abs(pulled) - threshold, 0.0)
        attacked = jnp.where(left > 0, -jnp.sign(pulled) * left / jnp.where(alpha > 0, alpha, 1e-300), 0.0)
    else:
        strength = jnp.where(points.budgets > 0, scalars.threshold * points.budgets**points.power, 0.0)
        attacked = -jnp.sign(pulled) * _balanced(alpha, strength, jnp.abs(pulled), points.power)
    return jnp.where(free_points(points), scalars.free @ points.means, attacked)


def _balanced(alpha: Array, strength: Array, force: Array, power: Array) -> Array:
    """(Q,) the u >= 0 with alpha u + strength u^(q-1) = force.

    In log u both sides' logarithms differ by a convex function of bounded slope, on which Newton's method cannot fail.
    """
    held = (strength < np.inf) & (force > 0) & ((alpha > 0) | (strength > 0))
    a, s, b = (jnp.where(held, one, 1.0) for one in (alpha, strength, force))
    log_a, log_s = (jnp.log(jnp.maximum(one, 1e-300)) for one in (a, s))

    def step(z: Array) -> Array:
        linear, bent = log_a + z, log_s + (power - 1) * z
        total = jnp.logaddexp(linear, bent)
        share = jnp.exp(linear - total)
        return z - (total - jnp.log(b)) / (share + (power - 1) * (1 - share))

    begin = jnp.minimum(jnp.log(b) - log_a, (jnp.log(b) - log_s) / (power - 1))
    found = jax.lax.stop_gradient(jax.lax.fori_loop(0, 60, lambda _, z: step(z), begin))
    # The last step has the slopes of the solution.
    return jnp.where(held, jnp.exp(jnp.clip(step(found), -700.0, 300.0)), 0.0)


weights_at = jit_lightly(minimiser)


def _pulled(points: Points, scalars: Scalars) -> Array:
    """(Q,) the slope of the risk without the attack's own part and without curvature."""
    weights = points.weights
    pulled = (weights * scalars.slope) @ points.means
    return pulled + (weights * scalars.teacher_curvature) @ points.eigenvalues * points.teacher


def free_points(points: Points) -> Array:
    """(Q,) features that neither vary nor can be attacked."""
    return (points.budgets == 0) & jnp.all(points.eigenvalues == 0, axis=0)


def free_overlaps(points: Points) -> Array:
    """(n, n) inner products of the class means on these."""
    return (points.means * points.shares * free_points(points)) @ points.means.T


def _seen(static: Static, u: Array) -> Seen:
    points, loss, targets, radius, rule = static
    order = order_parameters(points, point_averages(u, points.power))
    moments = targets.moments(loss, order, radius * order.size, rule)
    push = points.weights @ moments.shift_slope
    threshold = radius * push
    if points.power is not None:
        threshold = threshold * jnp.maximum(order.size, TINY) ** (1 - points.power)
    scalars = Scalars(
        moments.slope, moments.curvature, moments.teacher_curvature, threshold, jnp.zeros_like(moments.slope)
    )
    return Seen(points.weights @ moments.value, scalars, order, push)


_look = jit_lightly(_seen)


@jit_lightly
def _next(static: Static, u: Array, within: Array) -> tuple[Seen, Array, Array]:
    """What is seen, the way to the next weights, and the risk's slope along it; weights not `within` stay at zero."""
    seen = _seen(static, u)
    points, scalars = static.points, seen.scalars
    way = jnp.where(within, minimiser(points, scalars), 0.0) - u
    alpha = (points.weights * scalars.curvature) @ points.eigenvalues
    # Means alone hold a weight that is free: no curvature there is larger than this.
    bound = jnp.maximum((points.weights * scalars.curvature) @ jnp.diag(free_overlaps(points)), 1e-300)
    alpha = jnp.where(free_points(points), bound, alpha)
    way = jnp.where(free_points(points), jnp.where(within, -_pulled(points, scalars) / bound, -u), way)
    return seen, way, -points.shares @ (alpha * way**2)


@jit_lightly
def _newton(static: Static, row: Array, within: Array) -> tuple[Array, Array]:
    """The mismatch of the scalars `row` with those at their weights, and Newton's step."""
    points = static.points
    overlaps = free_overlaps(points)

    def mismatch(row: Array) -> Array:
        scalars = Scalars.of_row(row)
        found = _seen(static, jnp.where(within, minimiser(points, scalars), 0.0)).scalars
        gaps = jnp.asarray(_row(found) - row)
        # A weight that is free is where the slope along it vanishes.
        return gaps.at[3 * points.weights.size + 1 :].set(overlaps @ (points.weights * found.slope))

    here = mismatch(row)
    slope = jax.jacfwd(mismatch)(row)
    # Not a solve: scalars that do not matter, such as a teacher's without one, leave the matrix what it is.
    return here, -jnp.linalg.lstsq(slope, here)[0]


def _row(scalars: Scalars) -> Array:
    return jnp.concatenate([*scalars[:3], scalars.threshold[None], scalars.free])


def _minimised(static: Static, u: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, Scalars, float]:
    """The weights of least risk, their scalars, and the relative mismatch of these."""
    free, means = np.asarray(free_points(static.points)), static.points.means
    seen, way, slope = _next(static, u, within)
    best: tuple[np.ndarray, Scalars, float] | None = None
    for count in range(MOST_DESCENTS):
        if count in EARLY or count % BETWEEN == BETWEEN - 1:
            here = np.linalg.lstsq(means[:, free].T, np.asarray(u)[free], rcond=None)[0]
            row, error = _by_newton(static, np.asarray(_row(seen.scalars._replace(free=here))), within)
            scalars = Scalars.of_row(row)
            there = np.where(within, np.asarray(minimiser(static.points, scalars)), 0.0)
            lower = float(_look(static, there).risk) <= float(seen.risk) * (1 + 1e-9) + 1e-300
            if lower and (best is None or error < best[2]):
                best = there, scalars, error
            if best is not None and best[2] < SETTLED:
                return best
            if best is not None and best[2] < 1e-9 and count > 8 * BETWEEN:
                return best
        share, risk = 1.0, float(seen.risk)
        while share > 1e-12:
            there = _next(static, u + share * np.asarray(way), within)
            if float(there[0].risk) <= risk + 1e-4 * share * float(slope):
                break
            share /= 2
        else:
            break  # as low as rounding can tell
        u = u + share * np.asarray(way)
        seen, way, slope = there
        if float(seen.order.norm) > FAR_OFF:
            break
    if best is None:
        here = np.linalg.lstsq(means[:, free].T, np.asarray(u)[free], rcond=None)[0]
        return u, seen.scalars._replace(free=here), np.inf
    return best


def _by_newton(static: Static, row: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, float]:
    here, step = (np.asarray(one) for one in _newton(static, row, within))
    for _ in range(30):
        scale = 1e-300 + np.max(np.abs(row))
        error = float(np.max(np.abs(here)) / scale)
        if error < SETTLED / 10 or not np.all(np.isfinite(step)):
            break
        for share in (1.0, 0.5, 0.25, 0.1, 0.02):
            there, further = (np.asarray(one) for one in _newton(static, row + share * step, within))
            if np.max(np.abs(there)) < np.max(np.abs(here)):
                break
        else:
            break
        row, here, step = row + share * step, there, further
    error = float(np.max(np.abs(here)) / (1e-300 + np.max(np.abs(row))))
    return row, error if np.isfinite(error) else np.inf


def static_of(problem: Problem, points: Points, radius: float, scale: float = 2.0) -> Static:
    """The parts of a problem, with a quadrature for logits of that scale."""
    targets = problem.loss.targets(problem.law)
    return Static(points, problem.loss, targets, np.asarray(radius, dtype=float), gaussian_rule(scale))


@lru_cache(maxsize=64)
def points_at_rest(law: EigenLaw) -> Grouped:
    """The law's points, for what does not depend on where training starts."""
    varies, has_mean = np.any(law.eigenvalues > 0, axis=0), np.any(law.means != 0, axis=0)
    attacked = has_mean & ~varies & (law.budgets > 0)  # type: ignore[operator]
    if np.any(attacked):
        raise InputError(
            "Under an attack on single features every one in which the classes differ must vary within a class",
            f"feature {int(np.flatnonzero(attacked)[0])} has no variance",
            "Give it a small variance, or the budget 0",
        )
    return grouped(law, np.zeros_like(law.shares))


class _Collapse(NamedTuple):
    """The weights without what can be attacked, the radius from which on they are the optimum, and its feature."""

    alone: np.ndarray
    scalars: Scalars
    radius: float
    feature: int | None


def _logit(static: Static, u: np.ndarray) -> float:
    loss, targets = static.loss, static.targets
    if loss.closed_form and type(targets).logit_sd is Targets.logit_sd:
        return 0.0
    return float(np.max(np.asarray(targets.logit_sd(loss, _look(static, u).order))))


def _resolved(static: Static, u: np.ndarray, within: np.ndarray) -> tuple[Static, np.ndarray, Scalars, float]:
    """Minimised, with a quadrature that resolves the logits there."""
    for _ in range(4):
        u, scalars, error = _minimised(static, u, within)
        finer = gaussian_rule(_logit(static, u))
        if finer.logit_scale <= static.rule.logit_scale:
            break
        static = static._replace(rule=finer)
    return static, u, scalars, error


def _first(static: Static, seen: Seen, within: np.ndarray) -> np.ndarray:
    """Weights on the way down from zero, of a size at which the loss has a curvature."""
    ones = np.ones_like(static.points.weights)
    scalars = seen.scalars._replace(curvature=ones)
    if static.points.power is not None:  # from zero no way is free of the attack: any will do to begin with
        scalars = scalars._replace(threshold=np.asarray(0.0))
    way = np.where(within, np.asarray(minimiser(static.points, scalars)), 0.0)
    spread = float(np.sqrt(np.max(static.points.eigenvalues @ (static.points.shares * way**2))))
    if static.loss.needs_classes and spread > 0:
        return way * MARGINS / spread
    return way


@lru_cache(maxsize=64)
def _collapse(problem: Problem) -> _Collapse:
    """Source: theory `attacks.md` section 2, general rule."""
    points, place, _ = points_at_rest(problem.law)
    clean = static_of(problem, points, 0.0)
    within = points.budgets > 0
    alone = np.zeros_like(points.shares)
    seen = _look(clean, alone)
    nothing = np.zeros_like(points.weights)
    scalars = Scalars(nothing, nothing + 1, nothing, np.asarray(np.inf), nothing)
    if not np.all(within):
        begin = _first(clean, seen, ~within)
        if np.any(begin) or np.any(np.asarray(free_overlaps(points))):
            clean, alone, scalars, _ = _resolved(clean, begin, ~within)
            scalars = scalars._replace(threshold=np.asarray(np.inf))
            seen = _look(clean, alone)
    weights, found = points.weights, seen.scalars
    pulled = (weights * found.slope) @ points.means
    pulled = np.abs(pulled + (weights * found.teacher_curvature) @ points.eigenvalues * points.teacher)
    reach = np.where(within, pulled / np.where(within, points.budgets, 1.0), -np.inf)
    radius, first = float(np.max(reach) / seen.push), None
    if points.power is not None:
        dual = float(points.power / (points.power - 1))
        largest = float(np.max(reach))
        if largest > 0:
            each = points.shares * np.maximum(reach / largest, 0.0) ** dual
            radius = float(largest * np.sum(each) ** (1 / dual) / seen.push)
    elif radius > 0:
        first = int(np.flatnonzero(np.isin(place, np.flatnonzero(reach >= np.max(reach) * (1 - 1e-12))))[0])
    return _Collapse(alone, scalars, radius, first)


def coordinate_collapse_radius(problem: Problem) -> float:
    """The radius from which on no feature is used that can be attacked; the largest over single features."""
    return _collapse(problem).radius


@lru_cache(maxsize=64)
def coordinate_optimum(problem: Problem) -> CoordinateOptimum:
    """The optimum of a mixture under an attack on single features."""
    law, loss, radius = problem.law.in_eigenbasis, problem.loss, problem.final_radius
    points, place, sign = points_at_rest(law)
    within = np.ones(points.shares.size, bool)
    collapse = _collapse(problem)
    least_squares = loss.least_squares
    regime = "shrink" if least_squares else "interior"
    static = static_of(problem, points, radius)
    nothing = np.zeros_like(points.weights)
    if radius >= collapse.radius:
        u, scalars = collapse.alone, collapse.scalars
        regime = regime if np.any(u) else "collapse"
    elif is_least_squares_on_one_class(problem) and radius <= interpolation_threshold(law):
        scalars = Scalars(nothing, nothing + 1, nothing - 1, np.asarray(0.0), nothing)
        u, regime = np.asarray(minimiser(points, scalars)), "interpolating"
    elif law.label_law is not None and law.label_law.certain and radius == 0:
        u, scalars, regime = collapse.alone, collapse.scalars, "separable"
    else:
        begin = _first(static, _look(static, collapse.alone), within)
        static, u, scalars, error = _resolved(static, begin if np.any(begin) else collapse.alone, within)
        if not loss.convex and law.teacher is not None:
            for size in (1.0, 3.0):
                other = _resolved(static, size * points.teacher, within)
                if float(_look(other[0], other[1]).risk) < float(_look(static, u).risk):
                    static, u, scalars, error = other
    static = static._replace(rule=gaussian_rule(_logit(static, u)))
    seen = jax.tree.map(np.asarray, _look(static, u))
    vector = (u[place] * sign * np.sqrt(law.shares)) if law.listed else None
    risk, norm = float(seen.risk), float(seen.order.norm)
    if regime == "separable":
        risk, norm, vector = loss.infimum, np.inf, None
    record = Optimum(risk, norm, regime, radius, collapse.radius, None, vector, collapse.feature)
    return CoordinateOptimum(record, scalars, seen.order)
