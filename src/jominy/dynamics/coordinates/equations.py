"""How a weight moves under an attack on single features, given averages over the law of each weight.

In units u = sqrt(d) X a weight is a diffusion, du = -g [alpha u + beta + Gamma s sign(u)] dt + g sqrt(D) dB, s its
budget; alpha, beta, Gamma and D are sums over classes of the loss's expectations, which depend on a few averages over
all weights. The drift jumps at zero, so that the law of a weight is not Gaussian. Under l_p the sign gives way to
f(u) = |u|^(q-1) sign(u), and Gamma s to Gamma s^q size^(1-q).

Source: theory `attacks.md` section 3 (derived there).
"""

from typing import NamedTuple

import jax.numpy as jnp

from jominy.data.points import Points
from jominy.losses import Moments, OrderParameters
from jominy.numerics.arrays import Array, root
from jominy.schedules import Descent


class Averages(NamedTuple):
    """Over the law of u at each point, all (Q,): E u, E u^2, E u f, E f, half of E f' and E f^2.

    Under l_inf f is the sign: E u f is E|u|, half of E f' the density at zero, and E f^2 one.
    """

    mean: Array
    square: Array
    size: Array
    sign: Array
    at_zero: Array
    sign_squared: Array


class Motion(NamedTuple):
    """What moves the weights, all (Q,): alpha, beta, Gamma s (under l_p Gamma s^q size^(1-q)) and D."""

    curvature: Array
    slope: Array
    pull: Array
    noise: Array


TINY = 1e-150


def size_of(points: Points, averages: Averages) -> Array:
    """The attack's: <s |u|>, or <(s |u|)^q>^(1/q)."""
    if points.power is None:
        return (points.shares * points.budgets) @ averages.size
    total = (points.shares * points.budgets**points.power) @ averages.size
    return jnp.where(total > 0, jnp.where(total > 0, total, 1.0) ** (1 / points.power), 0.0)


def strengths(points: Points, size: Array) -> Array:
    """(Q,) what f is multiplied by in the slope of the size: s, or s^q size^(1-q)."""
    if points.power is None:
        return jnp.asarray(points.budgets)
    return points.budgets**points.power * jnp.maximum(size, TINY) ** (1 - points.power)


def order_parameters(points: Points, averages: Averages) -> OrderParameters:
    """The scalars that enter every expectation."""
    shares, teacher = points.shares, points.teacher
    mean, square = averages.mean, averages.square
    # Not E u^2 - 2 u* E u + u*^2, which cancels near the teacher.
    variance = square - mean**2
    return OrderParameters(
        margin_mean=points.means @ (shares * mean),
        margin_variance=jnp.maximum(points.eigenvalues @ (shares * square), 0.0),
        residual_mean=points.means @ (shares * (mean - teacher)) - points.labels,
        residual_variance=points.noise_variance
        + jnp.maximum(points.eigenvalues @ (shares * (variance + (mean - teacher) ** 2)), 0.0),
        norm=root(shares @ square),
        sizes=size_of(points, averages)[None],
        teacher_mean=points.means @ (shares * teacher),
        teacher_variance=points.eigenvalues @ (shares * teacher**2),
        teacher_covariance=points.eigenvalues @ (shares * mean * teacher),
    )


def motion(points: Points, moments: Moments, radius: Array, size: Array) -> Motion:
    """What moves the weights at these moments of the loss and this size of the attack."""
    weights = points.weights
    return Motion(
        (weights * moments.curvature) @ points.eigenvalues,
        (weights * moments.slope) @ points.means
        + (weights * moments.teacher_curvature) @ points.eigenvalues * points.teacher,
        radius * (weights @ moments.shift_slope) * strengths(points, size),
        (weights * moments.slope_squared) @ points.eigenvalues,
    )


def descent(shares: Array, averages: Averages, moved: Motion, optimum: Array, memory: Array) -> Descent:
    """What a step would do to the distance from `optimum` (Q,) and to the risk."""
    alpha, beta, pull, noise = moved
    mean, square, size, sign, at_zero, sign_squared = averages
    towards = alpha * (square - optimum * mean) + beta * (mean - optimum) + pull * (size - optimum * sign)
    squared = (
        alpha**2 * square
        + beta**2
        + pull**2 * sign_squared
        + 2 * (alpha * beta * mean + alpha * pull * size + beta * pull * sign)
    )
    return Descent(
        gradient_dot_error=shares @ towards,
        gradient_squared=shares @ squared,
        noise=shares @ noise,
        curved_noise=shares @ (noise * (alpha + 2 * pull * at_zero)),  # the jump of the sign, times the density there
        memory=memory,
    )
