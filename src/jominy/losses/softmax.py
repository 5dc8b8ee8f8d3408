"""Cross-entropy of several classes under attack: its inner maximum without attacking the input, and its bound.

Source: theory `multiclass.md` section 1. CE is convex in the scores, so the best linear step towards a larger loss,
s <- radius * shift(softmax(z + s) - e_y), never lowers it: from s = 0 one such step is FGM, and a few are projected
gradient ascent. Convex functions may have several local maxima on a ball, so that the exact maximum is also looked for
from the corners, where one class gains on the own one.
"""

from __future__ import annotations

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from jominy.errors import InputError
from jominy.losses.classes import ClassLoss, Moves, Pull, Response, margins
from jominy.numerics.arrays import Array

MOST_STEPS = 50
"""Of the ascent to the exact maximum; a handful are usual."""
UNROLLED = 4
"""Steps of an attack up to which they are written out one by one."""
GRADIENT = 1e-7
"""How exactly the exact attack of training is found, relative to its reach."""
EXACT_STEPS = 10
"""Of the attack in the theory of training where it is the exact one: more change a gradient by 1e-5 of itself."""
SMALLEST_ROOT = 1e-4
"""Scores that attacks of radius one move by less have no direction: at zero weights there is none."""
CORNERS = 3
"""Classes whose corners are tried: those whose scores an attack can bring highest above the own one."""
NEAR, NEAR_IN_SINGLE = 0.5, 1.0
"""Corners are not tried for attacks that move no score by more than this against another: the mean loss then lacks at
most 2e-7 and 2e-6 of itself (measured on random weights of 3 to 10 classes in 2 to 60 dimensions)."""


class _CrossEntropy(ClassLoss):
    """What the losses that report the cross-entropy share."""

    bounded = True
    responds = True

    def value(self, scores: Array, own: Array) -> Array:
        return cross_entropy(scores, own)

    def adversarial_value(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return worst_direction(scores, own, moves, radius, _tolerance(scores))[1]

    def attacked(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        direction, _ = worst_direction(scores, own, moves, radius, _tolerance(scores))
        return scores + radius * moves.shift(direction)

    def starts(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return corner_starts(scores, own, moves, radius)

    def rounded(
        self, scores: Array, own: Array, moves: Moves, radius: Array, smoothing: Array, starts: Array
    ) -> tuple[Array, Pull]:
        directions, values = local_maxima(scores, own, moves, radius, GRADIENT, starts)
        # Where two maxima are as large the loss has a corner: the largest is rounded to a logarithm of exponentials.
        value = smoothing * (jax.nn.logsumexp(values / smoothing, axis=0) - math.log(len(values)))
        share = jax.nn.softmax(values / smoothing, axis=0)[:, None]
        slope = share * jnp.stack([slopes(scores + radius * moves.shift(way), own) for way in directions])
        return value, Pull(jnp.sum(slope, axis=0), slope, directions)

    @property
    def least_wrong(self) -> float:
        return math.log(2)

    def bound(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
        return cross_entropy(scores + radius * moves.pairs(own), own)

    @abc.abstractmethod
    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull: ...


class SoftmaxLoss(_CrossEntropy):
    """Cross-entropy of softmax scores, log sum_k exp(z_k - z_y), for two classes or more.

    Parameters
    ----------
    attack_steps : how the attack is found that training meets: 0 for none (clean training), 1 for FGM, 3 for what PGD
        finds in practice, None (default) for the exact maximum. Whatever it is, results report the exact maximum

    Notes
    -----
    Source: theory `multiclass.md` section 1. The exact maximum is the best local one that is found from the clean
    scores and from one of the corners. Its mean over rows lacks at most 3e-7 of the best of all corners and 100 random
    directions (random weights of 3 to 10 classes, optima of iris, wine and digits, radius 0.3 to 2). For two classes
    it is the logistic loss of the difference of scores, at twice the rate.

    Examples
    --------
    >>> import jominy as jm, numpy as np
    >>> g = np.random.default_rng(0)
    >>> y = g.integers(3, size=300)
    >>> X = 2 * np.eye(3)[y] + g.standard_normal((300, 3))
    >>> problem = jm.Problem(jm.Samples(X, y), jm.SoftmaxLoss(attack_steps=1), radius=0.2)
    >>> curve = jm.forecast(problem, jm.Constant(0.5), time=10)
    >>> bool(0.5 < curve.adversarial_accuracy[-1] < curve.clean_accuracy[-1] < 1)
    True
    """

    attack_steps: int | None = eqx.field(default=None, static=True)

    def __post_init__(self) -> None:
        steps = self.attack_steps
        if steps is not None and not (isinstance(steps, int) and not isinstance(steps, bool) and 0 <= steps <= 1000):
            raise InputError(
                "attack_steps must be a whole number from 0 to 1000, or None for the exact maximum",
                steps,
                "0 is clean training, 1 is FGM, 3 is what PGD finds",
            )

    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull:
        if self.attack_steps == 0:
            nothing = jnp.zeros_like(scores)[None]
            return Pull(slopes(scores, own), nothing, nothing)
        direction = (
            worst_direction(scores, own, moves, radius, GRADIENT)[0]
            if self.attack_steps is None
            else ascent(scores, own, moves, radius, self.attack_steps)
        )
        slope = slopes(scores + radius * moves.shift(direction), own)
        return Pull(slope, slope[None], direction[None])

    def response(self, scores: Array, own: Array, moves: Moves, gram: Array, radius: Array) -> Response:
        steps = EXACT_STEPS if self.attack_steps is None else self.attack_steps
        clean = slopes(scores, own)
        if steps == 0:
            nothing = jnp.zeros((*gram.shape, scores.shape[1]))
            return Response(clean, _curvature(clean, own), nothing, jnp.zeros_like(scores))
        # Before the last step the direction is that of the attack itself, up to what the ascent has left.
        direction = ascent(scores, own, moves, radius, steps)
        u = slopes(scores + radius * moves.shift(direction), own)
        v = clean if steps == 1 else u
        moved = gram @ v
        root = jnp.sqrt(jnp.sum(v * moved, axis=0) + SMALLEST_ROOT**2)
        # (K, K, n) by how much the shift follows v.
        bend = radius * (gram[:, :, None] / root - moved[:, None] * moved / root**3)
        here = _curvature(u, own)
        if steps == 1:
            slope = here + _product(_product(here, bend), _curvature(clean, own))
        else:
            stay = jnp.eye(len(u))[:, :, None] - _product(here, bend)
            slope = jnp.moveaxis(jnp.linalg.solve(jnp.moveaxis(stay, 2, 0), jnp.moveaxis(here, 2, 0)), 0, 2)
        along = radius * v / root
        return Response(u, slope, u[:, None] * along, along)

    def describe(self) -> dict[str, str]:
        return super().describe() | ({} if self.attack_steps is None else {"attack_steps": str(self.attack_steps)})


class SoftmaxBoundLoss(_CrossEntropy):
    """Training on the pairwise bound of the cross-entropy under attack, log sum_k exp(z_k - z_y + radius |w_k - w_y|).

    The bound is certified: no attack within the radius makes a larger cross-entropy. Results report the exact
    cross-entropy under attack, and beside it the bound (`adversarial_risk_bound`), which is 1 to 24 % above.

    Notes
    -----
    Source: theory `multiclass.md` section 1: the maximum of a sum is at most the sum of the maxima.

    Examples
    --------
    >>> SoftmaxBoundLoss().describe()
    {'kind': 'SoftmaxBoundLoss'}
    """

    def pull(self, scores: Array, own: Array, moves: Moves, radius: Array) -> Pull:
        count = scores.shape[0]
        slope = slopes(scores + radius * moves.pairs(own), own)
        likely = jnp.where(own > 0, 0.0, slope)
        gains = jnp.eye(count)[:, :, None] - own  # (J, K, n): class j gains on the own one
        return Pull(slope, likely[:, None] * gains, gains)

    def response(self, scores: Array, own: Array, moves: Moves, gram: Array, radius: Array) -> Response:
        pairs = moves.pairs(own)
        slope = slopes(scores + radius * pairs, own)
        per_size = radius * jnp.where(own > 0, 0.0, slope) / jnp.sqrt(pairs**2 + SMALLEST_ROOT**2)
        gains = jnp.eye(len(scores))[:, :, None] - own
        attack = jnp.einsum("jn,jkn,jln->kln", per_size, gains, gains)
        return Response(slope, _curvature(slope, own), attack, jnp.zeros_like(scores))


def _curvature(slope: Array, own: Array) -> Array:
    """(K, K, n) diag p - p p' of the probabilities p = slope + own."""
    likely = slope + own
    return jnp.eye(len(likely))[:, :, None] * likely - likely[:, None] * likely


def _product(one: Array, other: Array) -> Array:
    return jnp.einsum("kln,lmn->kmn", one, other)


def _tolerance(scores: Array) -> float:
    """Of the direction of an attack: at a maximum the value knows of the square of what is left of it."""
    return 1e-3 if scores.dtype == jnp.float32 else 1e-6


def cross_entropy(scores: Array, own: Array) -> Array:
    """(n,) log sum_k exp(z_k - z_y) of scores (K, n), own classes (K, n)."""
    lead = -margins(scores, own)
    return jax.nn.logsumexp(lead, axis=0)


def slopes(scores: Array, own: Array) -> Array:
    """(K, n) softmax(z) - e_y; where the own class is all but certain still of full relative precision."""
    # A sum that leaves out the own class does not round to zero as 1 - p_y does.
    others = jnp.where(own > 0, 0.0, jax.nn.softmax(scores, axis=0))
    return others - own * jnp.sum(others, axis=0)


def ascent(scores: Array, own: Array, moves: Moves, radius: Array, steps: int) -> Array:
    """(K, n) the direction of the attack after so many steps from the clean scores."""
    lead = scores - jnp.sum(scores * own, axis=0)
    direction = _steepest(lead, own)
    if steps <= UNROLLED:
        for _ in range(steps - 1):
            direction = _steepest(_led(lead, moves.shift(direction), own, radius), own)
        return direction

    def step(_: int, direction: Array) -> Array:
        return _steepest(_led(lead, moves.shift(direction), own, radius), own)

    return lax.fori_loop(1, steps, step, direction)


def worst_direction(scores: Array, own: Array, moves: Moves, radius: Array, tolerance: float) -> tuple[Array, Array]:
    """The direction of the attack that makes the largest loss (K, n), and that loss (n,).

    The ascent is made from the clean scores, and where corners may be better once more from the best of them. A loop
    that goes round once or twice is compiled once, and costs nothing where no row of a batch needs the second.
    """
    count = scores.shape[0]
    lead = scores - jnp.sum(scores * own, axis=0)
    from_clean = _steepest(lead, own)

    def value(direction: Array) -> Array:
        return cross_entropy(lead + radius * moves.shift(direction), own)

    if moves.climb is not None:
        found = ascent(scores, own, moves, radius, moves.climb)
        return found, value(found)

    def corner(_: Array, best: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        direction, largest, reachable = best
        gaining = jax.nn.one_hot(jnp.argmax(reachable, axis=0), count, axis=0, dtype=lead.dtype)
        # After one step the values tell which corner leads highest; at the corners themselves they often do not.
        way = _steepest(_led(lead, moves.shift(gaining - own), own, radius), own)
        found = value(way)
        better = found > largest
        left = jnp.where(gaining > 0, -jnp.inf, reachable)
        return jnp.where(better, way, direction), jnp.where(better, found, largest), left

    def attempt(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        number, best, largest = state
        nothing = jnp.full_like(largest, -jnp.inf)
        reachable = jnp.where(own > 0, -jnp.inf, lead + radius * moves.pairs(own))
        corners = jnp.where(number == 0, 0, min(count - 1, CORNERS))
        start = lax.fori_loop(0, corners, corner, (from_clean, nothing, reachable))[0]
        direction = _converged(start, lead, own, moves, radius, tolerance)
        found = value(direction)
        better = found > largest
        return number + 1, jnp.where(better, direction, best), jnp.where(better, found, largest)

    near = NEAR_IN_SINGLE if scores.dtype == jnp.float32 else NEAR
    apart = radius * jnp.max(moves.pairs(own)) > near
    attempts = jnp.where(apart & (count > 2), 2, 1)  # two classes have one direction
    first: tuple[Array, Array, Array] = (jnp.array(0), from_clean, jnp.full(lead.shape[1], -jnp.inf, lead.dtype))
    _, direction, largest = lax.while_loop(lambda state: state[0] < attempts, attempt, first)
    return direction, largest


def corner_starts(scores: Array, own: Array, moves: Moves, radius: Array) -> Array:
    """(J, K, n) directions of the steepest ascent from the clean scores, and of corners."""
    lead = scores - jnp.sum(scores * own, axis=0)
    reachable = jnp.where(own > 0, -jnp.inf, lead + radius * moves.pairs(own))
    starts = [_steepest(lead, own)]
    order = jnp.argsort(-reachable, axis=0)
    for place in range(min(len(own) - 1, CORNERS) if len(own) > 2 else 0):
        starts.append(jax.nn.one_hot(order[place], len(own), axis=0) - own)
    return jnp.stack(starts)


def local_maxima(
    scores: Array, own: Array, moves: Moves, radius: Array, tolerance: float, starts: Array
) -> tuple[Array, Array]:
    """Directions (J, K, n) of the attacks found from some (J, K, n), and losses (J, n)."""
    lead = scores - jnp.sum(scores * own, axis=0)
    found = lax.map(lambda start: _converged(start, lead, own, moves, radius, tolerance), starts)
    return found, jnp.stack([cross_entropy(lead + radius * moves.shift(way), own) for way in found])


def _converged(direction: Array, lead: Array, own: Array, moves: Moves, radius: Array, tolerance: float) -> Array:
    """The direction of the ascent where scores move no more than by `tolerance` times the attack's reach, rms."""

    def step(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        _, shift, _, number = state
        direction = _steepest(_led(lead, shift, own, radius), own)
        moved = moves.shift(direction)
        change, reach = jnp.sum((moved - shift) ** 2), jnp.sum(moved**2)
        return direction, moved, change > tolerance**2 * reach, number + 1

    first: tuple[Array, Array, Array, Array] = (direction, moves.shift(direction), jnp.array(True), jnp.array(0))
    return lax.while_loop(lambda state: state[2] & (state[3] < MOST_STEPS), step, first)[0]


def _led(lead: Array, shift: Array, own: Array, radius: Array) -> Array:
    """(K, n) by how much each score leads that of the own class after a shift."""
    return lead + radius * (shift - jnp.sum(shift * own, axis=0))


def _steepest(lead: Array, own: Array) -> Array:
    """(K, n) the slope of the loss, up to a positive factor that makes its largest number about one."""
    others = jnp.where(own > 0, -jnp.inf, lead)
    likely = jnp.exp(others - jnp.max(others, axis=0))
    return likely - own * jnp.sum(likely, axis=0)
