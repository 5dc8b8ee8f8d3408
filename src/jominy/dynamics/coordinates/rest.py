"""Where training at a constant rate ends under an attack on single features: the law of each weight at rest.

The law is piecewise normal, proportional to exp(-(2 / (g D)) (alpha u^2 / 2 + beta u + Gamma s |u|)); alpha, beta,
Gamma and D are those at the averages over these laws.

Source: theory `attacks.md` section 3 (derived there).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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
from jominy.errors import InputError
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.programs import jit_lightly

SETTLED, MOST_ITERATIONS = 1e-12, 5000
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


def resting_averages(moved: Motion, rate: float) -> Averages:
    """Averages over the laws at rest under this motion; a weight that nothing moves is zero."""
    alpha, beta, pull, noise = (np.asarray(part) for part in moved)
    moves = (alpha > 0) & (noise > 0)
    alpha, noise = np.where(moves, alpha, 1.0), np.where(moves, noise, 1.0)
    width = np.sqrt(rate * noise / (2 * alpha))
    right, left = _side(-(beta + pull) / alpha, width), _side((beta - pull) / alpha, width)
    share = 1 / (1 + np.exp(np.clip(left[0] - right[0], -700, 700)))
    size, square = (share * right[k] + (1 - share) * left[k] for k in (1, 2))
    mean = share * right[1] - (1 - share) * left[1]
    parts = mean, square, size, 2 * share - 1
    mean, square, size, sign = (np.where(moves, part, 0.0) for part in parts)
    return Averages(mean, square, size, sign, np.zeros_like(mean), np.ones_like(mean))


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
    if points.power is not None:
        raise InputError(
            "The state at rest is known under l_inf, where the law of a weight is piecewise normal",
            repr(problem.attack),
            "Use a forecast over a long time",
        )
    found = coordinate_optimum(problem)
    optimum = np.asarray(minimiser(points, found.scalars))
    optimum = np.where(np.isfinite(optimum), optimum, 0.0)
    scale = largest_logit(risk_spec(problem.law, problem), found.order)
    static = static_of(problem, points, problem.final_radius, scale)
    width = np.max(points.eigenvalues, axis=0) * rate
    averages = Averages(
        optimum, optimum**2 + width, np.abs(optimum) + 0.5 * np.sqrt(width), np.sign(optimum), 0 * optimum,
        np.ones_like(optimum),
    )  # fmt: skip
    mismatch, free = np.inf, np.asarray(free_points(points))
    for _ in range(MOST_ITERATIONS):
        risk, order, moved, pull, held = _moved(static, averages)
        logit = largest_logit(risk_spec(problem.law, problem), order)
        if gaussian_rule(logit).logit_scale > static.rule.logit_scale:
            static = static._replace(rule=gaussian_rule(logit))
            continue
        following = resting_averages(moved, rate)
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
