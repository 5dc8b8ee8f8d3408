"""Where training at a constant rate ends under an attack on single features: the law of each weight at rest.

The law is piecewise normal, proportional to exp(-(2 / (g D)) (alpha u^2 / 2 + beta u + Gamma s |u|)); alpha, beta,
Gamma and D are those at the averages over these laws. Under l_p Gamma s |u| gives way to
Gamma s^q size^(1-q) |u|^q / q, and the averages are quadratures.

Source: theory `attacks.md` section 3 (derived there; at p = 2 the averages are those of l2 to 1e-9).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.coordinates.closure import normal_averages
from jominy.dynamics.coordinates.equations import Averages, Motion, motion, order_parameters
from jominy.dynamics.coordinates.optimum import (
    Static,
    coordinate_optimum,
    free_overlaps,
    free_points,
    minimiser,
    points_at_rest,
    static_of,
)
from jominy.dynamics.laws.risk import largest_logit, risk_spec
from jominy.dynamics.problem import Problem
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.programs import jit_lightly

SETTLED, MOST_ITERATIONS = 1e-12, 5000
DEEP = 45.0
"""Beyond a density of exp(-45) of the largest there is nothing left to average over."""
NODES = 100
"""Of Gauss and Legendre, for each side of zero."""
GRADED = 4
"""From zero on the nodes go by this power, so that powers of the weight are smooth."""
BISECTIONS = 40
STEEP = 30.0
"""Standard deviations behind zero from which on a side is an exponential, up to a series in its inverse square."""


class CoordinateRest(NamedTuple):
    """A state at rest: risk, order parameters, square distance from the optimum, Gamma, and the relative mismatch."""

    risk: float
    order: OrderParameters
    distance_squared: float
    pull: float
    mismatch: float


def _side(centre: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the density exp(-v^2 / (2 width^2) + centre v / width^2) on v > 0.

    The logarithm of its mass, up to what two sides of one width share, E v and E v^2.
    """
    import scipy.special

    t = centre / width
    log_below = scipy.special.log_ndtr(t)
    hazard = np.exp(-(t**2) / 2 - log_below) / np.sqrt(2 * np.pi)
    first, second = centre + width * hazard, centre**2 + width**2 + centre * width * hazard
    steep = t < -STEEP
    inverse = 1 / np.where(steep, t, -1.0) ** 2
    mass = 1 - inverse + 3 * inverse**2 - 15 * inverse**3
    once = 1 - 3 * inverse + 15 * inverse**2 - 105 * inverse**3
    twice = 2 - 12 * inverse + 90 * inverse**2 - 840 * inverse**3
    first = np.where(steep, width * np.sqrt(inverse) * once / mass, first)
    second = np.where(steep, width**2 * inverse * twice / mass, second)
    return log_below + t**2 / 2, first, second


def resting_averages(moved: Motion, rate: float, power: np.ndarray | None = None) -> Averages:
    """Averages over the laws at rest under this motion; a weight that nothing moves is zero.

    `power` is that of an l_p attack.
    """
    alpha, beta, pull, noise = (np.asarray(part) for part in moved)
    moves = (alpha > 0) & (noise > 0)
    alpha, noise = np.where(moves, alpha, 1.0), np.where(moves, noise, 1.0)
    if power is not None:
        cold = 2 / (rate * noise)
        told = _power_averages_at_rest(cold * alpha, cold * beta, cold * pull, float(power))
        return Averages(*(np.where(moves, part, 0.0) for part in told))
    width = np.sqrt(rate * noise / (2 * alpha))
    right, left = _side(-(beta + pull) / alpha, width), _side((beta - pull) / alpha, width)
    share = 1 / (1 + np.exp(np.clip(left[0] - right[0], -700, 700)))
    size, square = (share * right[k] + (1 - share) * left[k] for k in (1, 2))
    mean = share * right[1] - (1 - share) * left[1]
    parts = mean, square, size, 2 * share - 1
    mean, square, size, sign = (np.where(moves, part, 0.0) for part in parts)
    return Averages(mean, square, size, sign, np.zeros_like(mean), np.ones_like(mean))


def _edges(
    alpha: np.ndarray, beta: np.ndarray, pull: np.ndarray, q: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where exp(-V), V = alpha v^2 / 2 + beta v + pull v^q / q on v > 0, is not negligible, and the least V there."""

    def potential(v: np.ndarray) -> np.ndarray:
        return alpha * v**2 / 2 + beta * v + pull * v**q / q

    def between(low: np.ndarray, high: np.ndarray, beyond: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            far = beyond(middle)
            low, high = np.where(far, low, middle), np.where(far, middle, high)
        return high

    farthest = np.maximum(-beta, 0.0) / alpha
    mode = between(0 * alpha, farthest, lambda v: alpha * v + beta + pull * v ** (q - 1) > 0)
    least = np.minimum(potential(mode), 0.0)
    high = between(mode, farthest + np.sqrt(2 * (DEEP + 1) / alpha), lambda v: potential(v) > least + DEEP)
    low = between(0 * alpha, mode, lambda v: potential(v) < least + DEEP)
    return np.where(least > -DEEP, 0.0, low), high, least


def _power_averages_at_rest(alpha: np.ndarray, beta: np.ndarray, pull: np.ndarray, q: float) -> Averages:
    """Averages over the laws proportional to exp(-(alpha u^2 / 2 + beta u + pull |u|^q / q))."""
    t, w = np.polynomial.legendre.leggauss(NODES)
    t, w = (t + 1) / 2, w / 2
    edges = [_edges(alpha, slope, pull, q) for slope in (beta, -beta)]
    deepest = np.minimum(edges[0][2], edges[1][2])
    sums = []
    for slope, (low, high, _) in zip((beta, -beta), edges, strict=True):
        graded = low[:, None] == 0
        length = (high - low)[:, None]
        v = low[:, None] + length * np.where(graded, t**GRADED, t)
        measure = w * length * np.where(graded, GRADED * t ** (GRADED - 1), 1.0)
        depth = alpha[:, None] * v**2 / 2 + slope[:, None] * v + pull[:, None] * v**q / q - deepest[:, None]
        mass = measure * np.exp(-depth)
        sums.append([np.sum(mass * part, axis=1) for part in (1.0, v, v**2, v**q, v ** (q - 1), v ** (2 * q - 2))])
    right, left = sums
    total = right[0] + left[0]
    mean, slope = ((right[k] - left[k]) / total for k in (1, 4))
    square, size, squared = ((right[k] + left[k]) / total for k in (2, 3, 5))
    return Averages(mean, square, size, slope, np.zeros_like(mean), squared)


@jit_lightly
def _moved(static: Static, averages: Averages) -> tuple[Array, OrderParameters, Motion, Array, Array]:
    """Risk, order parameters, motion and Gamma; and where a weight goes that means alone hold, by a step downhill."""
    points, loss, targets, radius, rule = static
    order = order_parameters(points, averages)
    moments = targets.moments(loss, order, radius * order.size, rule)
    pull = radius * (points.weights @ moments.shift_slope)
    moved = motion(points, moments, radius, order.size)
    bound = (points.weights * moments.curvature) @ jnp.diag(free_overlaps(points))
    held = averages.mean - moved.slope / jnp.maximum(bound, 1e-300)
    return points.weights @ moments.value, order, moved, pull, held


def coordinate_rest(problem: Problem, rate: float) -> CoordinateRest:
    """The state at rest, by a damped iteration from the optimum; its mismatch tells whether it was found."""
    points = points_at_rest(problem.law).points
    found = coordinate_optimum(problem)
    optimum = np.asarray(minimiser(points, found.scalars))
    optimum = np.where(np.isfinite(optimum), optimum, 0.0)
    scale = largest_logit(risk_spec(problem.law, problem), found.order)
    static = static_of(problem, points, problem.final_radius, scale)
    width = np.max(points.eigenvalues, axis=0) * rate
    averages = jax.tree.map(np.asarray, normal_averages(optimum, width, points.power))
    mismatch, free = np.inf, np.asarray(free_points(points))
    for _ in range(MOST_ITERATIONS):
        risk, order, moved, pull, held = _moved(static, averages)
        logit = largest_logit(risk_spec(problem.law, problem), order)
        if gaussian_rule(logit).logit_scale > static.rule.logit_scale:
            static = static._replace(rule=gaussian_rule(logit))
            continue
        following = resting_averages(moved, rate, points.power)
        if np.any(free):
            told = np.where(free, held, following.mean)
            following = following._replace(
                mean=told,
                square=np.where(free, told**2, following.square),
                size=np.where(free, np.abs(told), following.size),
                sign=np.where(free, np.sign(told), following.sign),
            )
        size = float(points.shares @ following.square)
        mismatch = float(points.shares @ np.abs(following.square - averages.square)) / max(size, 1e-300)
        mismatch += float(points.shares @ np.abs(following.mean - averages.mean)) / max(np.sqrt(size), 1e-300)
        if not np.isfinite(mismatch) or mismatch < SETTLED:
            break
        averages = Averages(*(np.asarray((one + other) / 2) for one, other in zip(averages, following, strict=True)))
    error = float(points.shares @ (averages.square - 2 * optimum * averages.mean + optimum**2))
    return CoordinateRest(float(risk), jax.tree.map(np.asarray, order), error, float(pull), mismatch)
