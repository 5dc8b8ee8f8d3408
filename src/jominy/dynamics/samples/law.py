"""The law of a user's samples: every sample is a component of zero covariance.

Source: theory `realdata.md` section 1. State: mean m (d,) and covariance V of X, dense (d, d) or its diagonal (d,).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import NormalReach, Reach
from jominy.losses import Loss, Moments, OrderParameters
from jominy.losses.base import FLOOR
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule, RowsRule, coarse_rule, rows_rule
from jominy.numerics.precision import as_precise_as
from jominy.schedules import Descent

SMALLEST_VARIANCE = 1e-14
NOISY_LOGITS = 10.0
"""Standard deviations of the scores of noisy inputs that losses with kinks are resolved for."""


class Rows(NamedTuple):
    """Features (d, n) in the eigenbasis of E[x x'], their squares (for the diagonal covariance), and targets (n,).

    `weights` (n,): what each row counts in the loss, or None where all count alike. A row of the user's is a column
    here: products with a vector of either kind then read memory in its order.
    """

    columns: Array
    squares: Array
    targets: Array
    weights: Array | None = None


def as_rows(features: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> Rows:
    """Rows from features (n, d), targets (n,) and weights (n,)."""
    columns = np.ascontiguousarray(features.T)
    return Rows(columns, columns**2, targets, weights)


def weighed(moments: Moments, weights: Array | None) -> Moments:
    """The moments (n,) of each row's loss times its weight."""
    if weights is None:
        return moments
    twice = weights**2
    return jax.tree.map(lambda part: weights * part, moments)._replace(
        slope_squared=twice * moments.slope_squared,
        slope_shift_slope=twice * moments.slope_shift_slope,
        shift_slope_squared=twice * moments.shift_slope_squared,
    )


class Spread(NamedTuple):
    """The law of X: `mean` (d,) and `covariance` (d, d), or (d,) for its diagonal alone."""

    mean: Array
    covariance: Array


class Slope(NamedTuple):
    """Frozen coefficients of the recursion at a spread.

    Attributes:
        gradient: (d,) E grad, over X and the samples.
        hessian: (d, d) or (d,).
        noise: (d, d) or (d,) covariance of one sample's gradient.
        ridge: () the attack's part of the Hessian, which is inversely proportional to the student's size.
    """

    gradient: Array
    hessian: Array
    noise: Array
    ridge: Array


MANY_NUMBERS = 2**16
"""Rows of fewer numbers are so fast that rounding gains nothing."""


def rounding_does(loss: Loss, numbers: Array) -> bool:
    """Whether averages over rows may be taken of values rounded to 1e-7: of many numbers, where none grows fast."""
    return not loss.closed_form and not loss.growth and numbers.size >= MANY_NUMBERS


def single_precision_does(loss: Loss, rows: Rows, largest_block: int) -> bool:
    """Whether sums over samples may be rounded to 1e-7.

    That is where blocks of steps (good to 1e-3) and the quadrature (1e-5) are coarser anyway. A trajectory next to an
    unstable point, such as that of a collapse in few dimensions, leaves it earlier by the logarithm of the rounding.
    """
    return rounding_does(loss, rows.columns) and largest_block > 1


def rule_for_rows(loss: Loss, logit_scale: float) -> GaussianRule | RowsRule:
    """A quadrature for means over rows: follows the logits of smooth losses (to 1e-6), for others good to 1e-5.

    For other losses it is good for logits up to `logit_scale` or a little more; `rule.logit_scale` says up to which.
    """
    smooth = not (loss.kinked or loss.closed_form or loss.growth)
    return rows_rule(loss.sharpness) if smooth else coarse_rule(logit_scale)


def light(rows: Rows) -> Rows:
    """Rows in single precision; students stay in double precision."""
    return as_precise_as(np.float32(0), rows)


def pulled(form: Array | None, vector: Array) -> Array:
    """M X for the attack's form M (d,), (d, d) or None, the identity; X (d,) or (d, m)."""
    if form is None:
        return vector
    return (form * vector.T).T if form.ndim == 1 else form @ vector


def mean_square_size(form: Array | None, spread: Spread) -> Array:
    """E X' M X."""
    mean, covariance = spread
    spread_out: Any
    if form is None:
        spread_out = jnp.sum(covariance) if covariance.ndim == 1 else jnp.trace(covariance)
    elif form.ndim == 1:
        spread_out = form @ (covariance if covariance.ndim == 1 else jnp.diagonal(covariance))
    else:
        spread_out = jnp.sum(form * covariance)
    return mean @ pulled(form, mean) + spread_out


def over_normal(reach: Reach, spread: Spread) -> NormalReach:
    """Averages of an attack on single features over the law of X, whose weights are taken for normal.

    An attack in l_inf is not rotation invariant: weights are followed where they are. Given mean m and covariance V of
    X, a weight's sign has the mean erf(m_j / sqrt(2 V_jj)), and its |X_j| a mean in closed form; that X is normal is
    what is not exact. Against 400 runs on real data the risk is within 1 % (`attacks.md` section 5).

    Source: theory `attacks.md` section 4, correlated features.
    """
    covariance = spread.covariance
    return reach.over_normal(spread.mean, covariance if covariance.ndim == 1 else jnp.diagonal(covariance))


def mean_size(form: Array | Reach | None, spread: Spread) -> Array:
    """The size of the attack: sqrt(E X' M X), or E of the sum over single weights."""
    if isinstance(form, Reach):
        return over_normal(form, spread).size
    return jnp.sqrt(jnp.maximum(mean_square_size(form, spread), 0.0))


def size_of(form: Array | Reach | None, vector: Array) -> Array:
    """The size of the attack at one student (d,)."""
    if isinstance(form, Reach):
        return form.size(vector)
    return jnp.sqrt(jnp.maximum(vector @ pulled(form, vector), 0.0))


def pull_of(form: Array | Reach | None, vector: Array, push: Array) -> Array:
    """(d,) `push` times the gradient of the size; zero where that is not defined."""
    if isinstance(form, Reach):
        return push * form.slope(vector)
    size = size_of(form, vector)
    return jnp.where(size > 0, push / jnp.where(size > 0, size, 1.0), 0.0) * pulled(form, vector)


def noise_in_scores(spread: Spread, noise: Array) -> Array:
    """E X' N X, the variance that noise on the inputs, (d,) in each coordinate, gives every score."""
    covariance = spread.covariance
    return noise @ (spread.mean**2 + (covariance if covariance.ndim == 1 else jnp.diagonal(covariance)))


def sample_order(
    rows: Rows, spread: Spread, form: Array | Reach | None = None, noise: Array | None = None
) -> OrderParameters:
    """Order parameters with every row a component, arrays (n,), in the rows' precision; of inputs with `noise` (d,)."""
    spread, form, noise = as_precise_as(rows.columns, (spread, form, noise))
    x, covariance = rows.columns, spread.covariance
    variance = covariance @ rows.squares if covariance.ndim == 1 else jnp.sum(x * (covariance @ x), axis=0)
    variance = jnp.maximum(variance, SMALLEST_VARIANCE)
    variance = variance if noise is None else variance + noise_in_scores(spread, noise)
    score = spread.mean @ x
    norm = jnp.sqrt(jnp.maximum(mean_square_size(None, spread), 0.0))
    size = norm if form is None else mean_size(form, spread)
    no_teacher = jnp.zeros_like(score)
    teacher = no_teacher, no_teacher, no_teacher
    return OrderParameters(score, variance, score - rows.targets, variance, norm, size[None], *teacher)


class InputNoise(NamedTuple):
    """Normal noise that training adds to every input: its `variance` (d,) in a coordinate, and that of all the
    dimensions that the coordinate stands for together, `total` (d,)."""

    variance: Array
    total: Array


def slope_at(
    rows: Rows,
    spread: Spread,
    loss: Loss,
    radius: Array,
    rule: Any,
    form: Array | Reach | None = None,
    noise: InputNoise | None = None,
) -> Slope:
    """The recursion's coefficients at a spread, in the spread's precision; sums over rows in that of the rows.

    An attack whose `form` is a matrix needs a dense covariance.
    """
    if noise is not None:
        return _under_noise(rows, spread, loss, radius, rule, form, noise)
    student = spread.mean
    spread, radius, rule, form = as_precise_as(rows.columns, (spread, jnp.asarray(radius), rule, form))
    order = sample_order(rows, spread, form)
    moments = weighed(loss.moments(order, rows.targets, radius * order.size, rule), rows.weights)
    return as_precise_as(student, _slope(rows, spread, order.size, moments, radius, form))


def _slope(
    rows: Rows, spread: Spread, size: Array, moments: Moments, radius: Array, form: Array | Reach | None
) -> Slope:
    """The coefficients of inputs without noise, from the moments of the rows' losses."""
    if isinstance(form, Reach):
        return _under_signs(rows, spread, moments, radius, form)
    count = rows.columns.shape[1]
    x, mean = rows.columns, pulled(form, spread.mean)
    pull = radius / jnp.maximum(size, FLOOR)
    ridge = pull * jnp.mean(moments.shift_slope)
    first, cross = x @ moments.slope / count, x @ moments.slope_shift_slope * (pull / count)
    gradient = first + ridge * mean
    # Times E M X X' M. Without its covariance part a small student in few dimensions would lose all variance.
    along = pull**2 * jnp.mean(moments.shift_slope_squared)
    if spread.covariance.ndim == 1:
        hessian, noise = rows.squares @ moments.curvature / count, rows.squares @ moments.slope_squared / count
        weights = 1.0 if form is None else form
        square = mean**2 + weights**2 * spread.covariance
        noise = noise + 2 * cross * mean + along * square - gradient**2
        return Slope(gradient, hessian + ridge * weights, noise, ridge)
    attack = jnp.eye(mean.size) if form is None else jnp.diag(form) if form.ndim == 1 else form
    hessian = (moments.curvature * x) @ x.T / count + ridge * attack
    noise = (moments.slope_squared * x) @ x.T / count - gradient[:, None] * gradient
    mixed = cross[:, None] * mean
    varied = spread.covariance if form is None else pulled(form, pulled(form, spread.covariance).T)
    square = mean[:, None] * mean + varied
    return Slope(gradient, hessian, noise + mixed + mixed.T + along * square, ridge)


def _under_noise(
    rows: Rows,
    spread: Spread,
    loss: Loss,
    radius: Array,
    rule: Any,
    form: Array | Reach | None,
    noise: InputNoise,
) -> Slope:
    """The coefficients where every input x is x + xi, xi ~ N(0, N), in the loss and in its gradient.

    Given X a score has the further variance X' N X, and by Stein's lemma, with f = Psi_r, Psi_r^2 or Psi_r Psi_s,
    E f xi = E f' N X and E f xi xi' = E f N + E f'' N X X' N. Over X ~ N(m, V) these are E f' N m + E f'' N V x, for
    the score knows X, and E f'' N (m m' + V) N but for higher derivatives. Those of averages by the score's mean and
    variance are E f' and E f'' / 2.

    Source: theory `attacks.md` section 6, random noise.
    """
    student = spread.mean
    spread, radius, rule, form, noise = as_precise_as(rows.columns, (spread, jnp.asarray(radius), rule, form, noise))
    order, count = sample_order(rows, spread, form, noise.variance), rows.columns.shape[1]

    def moments_at(mean: Array, variance: Array) -> Moments:
        moved = order._replace(
            margin_mean=order.margin_mean + mean, residual_mean=order.residual_mean + mean,
            margin_variance=order.margin_variance + variance, residual_variance=order.residual_variance + variance,
        )  # fmt: skip
        return weighed(loss.moments(moved, rows.targets, radius * order.size, rule), rows.weights)

    still = jnp.zeros_like(order.margin_mean)
    moments, by_mean = jax.jvp(lambda mean: moments_at(mean, still), (still,), (jnp.ones_like(still),))
    by_variance = jax.jvp(lambda variance: moments_at(still, variance), (still,), (jnp.ones_like(still),))[1]
    found = _slope(rows, spread, order.size, moments, radius, form)

    x, covariance, tilt = rows.columns, spread.covariance, noise.variance * spread.mean  # N m
    turning = x @ by_mean.curvature / count  # E Psi_rrr x
    push, attack = radius * jnp.mean(by_mean.slope_shift_slope), _size_slopes(form, spread, order.size)
    crossed = x @ by_mean.slope_squared / count + push * attack.mean
    curvature, bend = jnp.mean(moments.curvature), 2 * jnp.mean(by_variance.curvature)
    power, bends = jnp.mean(moments.slope_squared), 2 * by_variance.slope_squared
    if covariance.ndim == 1:
        gradient = found.gradient + curvature * tilt + noise.variance * covariance * turning
        hessian = found.hessian + curvature * noise.variance + 2 * turning * tilt + bend * tilt**2
        along = (
            crossed * tilt + (rows.squares @ bends / count * covariance + push * attack.with_weights) * noise.variance
        )
        added = power * noise.total + 2 * along + jnp.mean(bends) * (tilt**2 + noise.variance**2 * covariance)
        added = added + found.gradient**2 - gradient**2
        return as_precise_as(student, Slope(gradient, hessian, found.noise + added, found.ridge))
    gradient = found.gradient + curvature * tilt + noise.variance * (covariance @ turning)
    both = turning[:, None] * tilt
    hessian = found.hessian + curvature * jnp.diag(noise.variance) + both + both.T + bend * tilt[:, None] * tilt
    told = (bends * x) @ (x.T @ covariance) / count + push * attack.with_weights
    along = crossed[:, None] * tilt + told * noise.variance
    square = tilt[:, None] * tilt + noise.variance[:, None] * covariance * noise.variance
    added = jnp.diag(power * noise.total) + along + along.T + jnp.mean(bends) * square
    added = added + found.gradient[:, None] * found.gradient - gradient[:, None] * gradient
    return as_precise_as(student, Slope(gradient, hessian, found.noise + added, found.ridge))


class _SizeSlopes(NamedTuple):
    """Of the gradient of an attack's size, over the law of X: its mean (d,), and covariance with X as that of X is."""

    mean: Array
    with_weights: Array


def _size_slopes(form: Array | Reach | None, spread: Spread, size: Array) -> _SizeSlopes:
    if isinstance(form, Reach):
        found = over_normal(form, spread)
        return _SizeSlopes(found.slope, (found.bend * spread.covariance.T).T)
    size = jnp.maximum(size, FLOOR)
    return _SizeSlopes(pulled(form, spread.mean) / size, pulled(form, spread.covariance) / size)


def _under_signs(rows: Rows, spread: Spread, moments: Moments, radius: Array, reach: Reach) -> Slope:
    """The coefficients under an attack on single features. Source: theory `attacks.md` section 4."""
    x, count = rows.columns, rows.columns.shape[1]
    attack = over_normal(reach, spread)
    push = radius * jnp.mean(moments.shift_slope)
    gradient = x @ moments.slope / count + push * attack.slope
    cross = radius * (x @ moments.slope_shift_slope) / count
    along, ridge = radius**2 * jnp.mean(moments.shift_slope_squared), push * attack.bend
    # What two weights pull is taken for independent of each other.
    own = along * (attack.square - attack.slope**2)
    if spread.covariance.ndim == 1:
        noise = rows.squares @ moments.slope_squared / count + 2 * cross * attack.slope - gradient**2
        hessian = rows.squares @ moments.curvature / count + ridge
        return Slope(gradient, hessian, noise + along * attack.slope**2 + own, jnp.max(ridge))
    mixed = cross[:, None] * attack.slope
    noise = (moments.slope_squared * x) @ x.T / count - gradient[:, None] * gradient + mixed + mixed.T
    noise = noise + along * attack.slope[:, None] * attack.slope + jnp.diag(own)
    return Slope(gradient, (moments.curvature * x) @ x.T / count + jnp.diag(ridge), noise, jnp.max(ridge))


def sample_descent(spread: Spread, slope: Slope, optimum: Array, dimension: float | None = None) -> Descent:
    """What a step would do to distance and risk on the samples; `dimension` is that of X, if not of `spread.mean`."""
    g, error = slope.gradient, spread.mean - optimum
    if dimension is None:
        dimension = g.size
    if spread.covariance.ndim == 1:
        h, v, n = slope.hessian, spread.covariance, slope.noise
        contracted, twice, total = jnp.sum(h * v), jnp.sum(h**2 * v), jnp.sum(n)
        curved = jnp.sum(h * n) + g @ (h * g)
    else:
        spread_slope = slope.hessian @ spread.covariance
        contracted, twice = jnp.trace(spread_slope), jnp.sum(spread_slope * slope.hessian)
        total = jnp.trace(slope.noise)
        curved = jnp.sum(slope.hessian * slope.noise) + g @ slope.hessian @ g
    return Descent(g @ error + contracted, g @ g + twice, (total + g @ g) / dimension, curved / dimension)


def risk_sd(spread: Spread, slope: Slope, copies: Array) -> Array:
    """Standard deviation of the risk over single runs: the delta method to second order, times 1.15.

    `copies` (d,) dimensions share a coordinate (`Frame`).

    Source: theory `realdata.md` section 1 (band); the factor is that of its section 6.
    """
    g = slope.gradient
    if spread.covariance.ndim == 1:
        first = g @ (spread.covariance * g)
        second = jnp.sum((slope.hessian * spread.covariance) ** 2 / copies)
    else:
        product = slope.hessian @ spread.covariance
        first, second = g @ spread.covariance @ g, jnp.sum(product * product.T / jnp.sqrt(copies[:, None] * copies))
    return 1.15 * jnp.sqrt(jnp.maximum(first + second / 2, 0.0))


def first_step(rows: Rows, slopes: np.ndarray, diagonal: bool, noise: InputNoise | None = None) -> Spread:
    """The exact law after one step of size one from X = 0, where the attack has no direction yet.

    `slopes` (n,) are loss'(0, y). A step of another size multiplies the mean by it and the covariance by its square.
    """
    pulls = slopes * rows.columns
    mean = pulls.mean(axis=1)
    centred = pulls - mean[:, None]
    covariance = np.mean(centred**2, axis=1) if diagonal else centred @ centred.T / pulls.shape[1]
    if noise is not None:
        added = np.mean(slopes**2) * noise.total
        covariance = covariance + (added if diagonal else np.diag(added))
    return Spread(-mean, covariance)


def advance(spread: Spread, slope: Slope, step: Array, count: Array) -> Spread:
    """`count` steps of size `step` with frozen coefficients: the affine map, iterated exactly."""
    if spread.covariance.ndim == 1:
        decay = 1 - step * slope.hessian
        mean = spread.mean - step * geometric(decay, count) * slope.gradient
        both = 1 - 2 * step * slope.hessian
        return Spread(mean, both**count * spread.covariance + step**2 * slope.noise * geometric(both, count))
    values, vectors = jnp.linalg.eigh(slope.hessian)
    mean = spread.mean - vectors @ (step * geometric(1 - step * values, count) * (vectors.T @ slope.gradient))
    both = 1 - step * (values[:, None] + values[None, :])
    covariance = vectors.T @ spread.covariance @ vectors
    noise = vectors.T @ slope.noise @ vectors
    moved = both**count * covariance + step**2 * noise * geometric(both, count)
    return Spread(mean, vectors @ moved @ vectors.T)


def single_step(spread: Spread, slope: Slope, step: Array) -> Spread:
    """One step of the recursion."""
    if spread.covariance.ndim == 1:
        shrink = slope.hessian * spread.covariance
        turned = shrink
    else:
        shrink = slope.hessian @ spread.covariance
        turned = shrink.T
    return Spread(
        spread.mean - step * slope.gradient, spread.covariance - step * (shrink + turned) + step**2 * slope.noise
    )


def geometric(ratio: Array, count: Array) -> Array:
    """1 + ratio + ... + ratio^(count - 1), also at ratio 1."""
    near = jnp.abs(1 - ratio) < 1e-12
    return jnp.where(near, count, (1 - ratio**count) / jnp.where(near, 1.0, 1 - ratio))
