"""The adversarial optimum on samples: the minimiser of the empirical adversarial risk.

A convex problem with a kink at X = 0, where a residual vanishes (residual losses), and where the profile has one; those
kinks are smoothed, and the smoothing is removed step by step (trust-region Newton from SciPy at each stage).
"""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import Reach
from jominy.data import Samples
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.optima.separation import last_kink, widest_margin
from jominy.dynamics.problem import Problem
from jominy.dynamics.samples.frame import frame_of, rotation
from jominy.dynamics.samples.law import NOISY_LOGITS, SMALLEST_VARIANCE, rule_for_rows, weighed
from jominy.losses import Loss, Moments, OrderParameters
from jominy.numerics.arrays import Array

BLUNT = 0.1
"""How far from zero |X_j| is rounded, in units of the smoothing."""
SMOOTHINGS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
LEAST_SPREAD = 1e-12
ROUNDING = 1e-13
DEPENDENT = 1e-12
"""Relative to the largest singular value of columns of equal length: so little is rounding."""


class SmoothedRisk(NamedTuple):
    """Value, gradient (d,) and Hessian (d, d) of the smoothed risk, and the risk itself."""

    value: Array
    gradient: Array
    hessian: Array
    risk: Array


class Noise(NamedTuple):
    """Normal noise on the inputs: its covariance (d, d), and a quadrature for averages over it."""

    covariance: Array
    rule: Any


@partial(jax.jit, static_argnames="loss")
def _risk(
    loss: Loss,
    features: Array,
    targets: Array,
    weights: Array | None,
    noise: Noise | None,
    radius: Array,
    form: Array | Reach,
    smoothing: Array,
    x: Array,
) -> SmoothedRisk:
    """The smoothed risk at x: |e| becomes sqrt(e^2 + smoothing^2), the size likewise (a millionth of it).

    Corners of the loss are rounded too; see `Loss.smoothed`. `form` (d,) is the diagonal
    of the attack's form, ones for l2. Each row's loss counts with its weight (n,).
    """
    if noise is not None:
        return _noisy_risk(loss, features, targets, weights, noise, radius, form, smoothing, x)
    count = len(targets)
    norm, unit, tangent, size = _smoothed_size(form, smoothing, x)
    scores = features @ x
    at, risks = (
        loss.smoothed(scores, radius * norm, targets, smoothing),
        loss.adversarial(scores, radius * size, targets),
    )
    if weights is not None:
        at, risks = jax.tree.map(lambda part: weights * part, (at, risks))
    along = radius * jnp.mean(at.by_shift)  # of the risk, by the smoothed size
    cross = (radius * at.by_score_and_shift @ features / count)[:, None] * unit
    return SmoothedRisk(
        jnp.mean(at.value),
        at.by_score @ features / count + along * unit,
        features.T @ (at.by_score_twice[:, None] * features) / count
        + cross
        + cross.T
        + radius**2 * jnp.mean(at.by_shift_twice) * unit[:, None] * unit
        + along * tangent,
        jnp.mean(risks),
    )


def _noisy_risk(
    loss: Loss,
    features: Array,
    targets: Array,
    weights: Array | None,
    noise: Noise,
    radius: Array,
    form: Array | Reach,
    smoothing: Array,
    x: Array,
) -> SmoothedRisk:
    """The risk averaged over noise N(0, N) on the inputs, which rounds all corners in the scores.

    A row's risk is a function of its score's mean <X, x>, of the noise's variance X' N X in it, which has the square of
    the smoothing beside it, and of the shift: its slopes and their derivatives are those of the moments.
    """
    count = len(targets)
    norm, unit, tangent, size = _smoothed_size(form, smoothing, x)
    tilt = noise.covariance @ x
    zeros, variance = jnp.zeros_like(targets), jnp.maximum(x @ tilt, SMALLEST_VARIANCE)

    def moments(mean: Array, spread: Array, shift: Array) -> Moments:
        none = zeros, zeros, zeros
        order = OrderParameters(mean, spread, mean - targets, spread, norm, norm[None], *none)
        return weighed(loss.moments(order, targets, shift, noise.rule), weights)

    def slopes(mean: Array, spread: Array, shift: Array) -> Array:
        found = moments(mean, spread, shift)
        return jnp.stack([found.slope, found.curvature / 2, found.shift_slope])

    at = features @ x, zeros + variance + smoothing**2, radius * norm
    first = slopes(*at)
    still = tuple(jnp.zeros_like(part) for part in at)
    second = jnp.stack(
        [
            jax.jvp(slopes, at, tuple(jnp.ones_like(part) if k == j else still[k] for k, part in enumerate(at)))[1]
            for j in range(3)
        ]
    )
    commons = jnp.stack([2 * tilt, radius * unit])  # gradients of what all rows share: the variance and the shift
    by_row = second[0] @ features / count  # (3, d): derivatives by a row's own score, of each slope
    mixed = by_row[1:].T @ commons
    shared = jnp.mean(second[1:, 1:], axis=-1)
    means = jnp.mean(first[1:], axis=-1)
    return SmoothedRisk(
        jnp.mean(moments(*at).value),
        first[0] @ features / count + means @ commons,
        features.T @ (second[0, 0][:, None] * features) / count
        + mixed
        + mixed.T
        + commons.T @ ((shared + shared.T) / 2) @ commons
        + 2 * means[0] * noise.covariance
        + radius * means[1] * tangent,
        jnp.mean(moments(features @ x, zeros + variance, radius * size).value),
    )


def _smoothed_size(form: Array | Reach, smoothing: Array, x: Array) -> tuple[Array, Array, Array, Array]:
    """The smoothed size of the attack, its gradient (d,) and Hessian (d, d), and the size itself."""
    if isinstance(form, Reach):
        return (*form.smoothed(BLUNT * smoothing, x), form.size(x))
    norm = jnp.sqrt(x @ (form * x) + (1e-6 * smoothing) ** 2)
    unit = form * x / norm
    return norm, unit, (jnp.diag(form) - unit[:, None] * unit) / norm, jnp.sqrt(x @ (form * x))


class AtZero(NamedTuple):
    """At X = 0: loss'(0, y) (n,), E[loss'(0, y) x] (d,), the mean slope along the shift, largest and least loss.

    The slope along the shift is |loss'(0, y)|, or what an objective leaves of it under attack.
    Each row's loss with the row's weight.
    """

    slopes: Array
    pull: Array
    size: Array
    loss: Array
    least: Array


@jax.jit
def _compiled_at_zero(loss: Loss, features: Array, targets: Array, weights: Array | None) -> AtZero:
    zero = jnp.zeros_like(targets)
    slopes, along = loss.adversarial_slopes(zero, jnp.zeros(()), targets)
    losses = loss(zero, targets)
    if weights is not None:
        slopes, along, losses = weights * slopes, weights * along, weights * losses
    pull = slopes @ features / len(targets)
    return AtZero(slopes, pull, jnp.mean(jnp.abs(along)), jnp.max(losses), jnp.min(losses))


@lru_cache(maxsize=16)
def at_zero(samples: Samples, loss: Loss) -> AtZero:
    return jax.tree.map(np.asarray, _compiled_at_zero(loss, samples.features, samples.targets, samples.sample_weights))


def sample_collapse_radius(problem: Problem) -> float:
    """||E[loss'(0, y) x]|| over the mean slope along the shift; with weights M of the attack in the norm of M^-1/2.

    Where features cannot be touched the optimum without the others takes the place of the zero vector.
    """
    samples = problem.samples
    if problem.form is not None or problem.feature_noise is not None:
        return _weighted(problem).threshold
    zero = at_zero(samples, problem.loss)
    return float(np.linalg.norm(zero.pull) / zero.size) if zero.size > 0 else np.inf


def _scale(samples: Samples, loss: Loss) -> float:
    """Of scores, on which the loss bends."""
    return loss.unit_score(float(np.mean(np.asarray(samples.targets) ** 2)))


@lru_cache(maxsize=16)
def sample_optimum(problem: Problem) -> Optimum:
    """The adversarial optimum on samples; `separable` where the risk falls to zero only at infinity.

    Where samples can be separated and the profile vanishes beyond some margin (the hinges), the risk is zero on a whole
    convex set; the optimum is its vector of least norm, the support vector machine.
    """
    samples, loss, radius = problem.samples, problem.loss, problem.final_radius
    if problem.form is not None or problem.feature_noise is not None:
        return _weighted_optimum(problem)
    threshold = sample_collapse_radius(problem)
    start = at_zero(samples, loss)
    features, pull, basis = samples.features, np.asarray(start.pull), None
    few = samples.count < samples.dimension
    if few:  # the optimum is in the space of the rows
        rows, basis = rotation(samples)
        features, pull = np.ascontiguousarray(np.asarray(rows.columns).T), pull @ basis
    elif (basis := _space_of_rows(samples)) is not None:
        features, pull = np.asarray(features) @ basis, pull @ basis
    evaluate = partial(_risk, loss, features, samples.targets, samples.sample_weights, None, radius, np.ones(len(pull)))
    if radius >= threshold:
        risk = float(evaluate(0.0, 0 * pull + 1e-150).risk)
        return Optimum(risk, 0.0, "collapse", radius, threshold, None, np.zeros(samples.dimension))
    sizes = np.sqrt(np.mean(np.asarray(features) ** 2, axis=0))
    scale = _scale(samples, loss)
    units, height = scale / np.where(sizes > 0, sizes, 1.0), float(start.loss)
    x = -0.1 * scale * pull / np.sqrt(np.mean((np.asarray(features) @ pull) ** 2))
    bound = float(start.least) / samples.count if loss.needs_classes else -np.inf
    if few and loss.needs_classes and last_kink(loss) is None:
        if _even_margins_do(loss, features, samples.targets, radius, bound):
            return Optimum(0.0, float("inf"), "separable", radius, threshold, None, None)
    kinked = loss.kinked
    for smoothing in scale * np.array(SMOOTHINGS if kinked else SMOOTHINGS[-1:]):
        x = _minimise(partial(evaluate, smoothing), x, units, height, bound)
        here = evaluate(smoothing, x)
        value = float(here.value)
        if value < bound:
            # Some sample would have loss(0) or more if any were misclassified: all are right, and scaling up helps.
            if (reach := last_kink(loss)) is None:
                return Optimum(0.0, float("inf"), "separable", radius, threshold, None, None)
            folded = features * samples.targets[:, None]
            weights, margin = widest_margin(folded)
            if not margin > radius:  # apart, but by less than rounding tells
                continue
            # Along any direction the shortest vector follows from the least <X, u_i> / ||X||: it is the same one.
            x = weights @ folded * reach / (1 - radius / margin)
            here = evaluate(smoothing, x)
            break
    risk = float(here.risk)
    regime = "interior"
    if not loss.needs_classes:
        residual = np.max(np.abs(features @ x - samples.targets))
        regime = "interpolating" if residual < 1e-4 * scale else "shrink"
    vector = x if basis is None else basis @ x
    return Optimum(risk, float(np.linalg.norm(x)), regime, radius, threshold, None, vector)


class _Weighted(NamedTuple):
    """A problem in the coordinates in which the attack's form is diagonal, and the optimum without what it can touch.

    Attributes:
        features: (n, r) in these coordinates.
        form: (r,) diagonal of the attack's form there.
        basis: (d, r) of the coordinates.
        alone: (r,) the optimum that uses only what cannot be touched.
        pull: (r,) gradient of the clean risk there.
        threshold: radius from which on that is the optimum.
        feature: the one that sets it, where one alone does.
        noise: on the inputs, in these coordinates.
    """

    features: np.ndarray
    form: np.ndarray
    basis: np.ndarray
    alone: np.ndarray
    pull: np.ndarray
    threshold: float
    feature: int | None
    noise: Noise | None


@lru_cache(maxsize=16)
def _weighted(problem: Problem) -> _Weighted:
    """Source: theory `attacks.md` section 2, general collapse rule."""
    samples, loss, noise = problem.samples, problem.loss, None
    if isinstance(problem.form, Reach):
        form, basis, features = problem.form.weights, np.eye(samples.dimension), np.asarray(samples.features)
    elif problem.form is not None and problem.form.ndim == 2:
        form, basis = np.linalg.eigh(problem.form)
        features = np.asarray(samples.features) @ basis
    else:  # few rows are looked at in the spaces that they span
        within = np.ones(samples.dimension) if problem.form is None else problem.form
        frame, rows, weights = frame_of(samples, np.zeros(samples.dimension), 0.0, within, problem.feature_noise)
        assert weights is not None
        own = np.any(frame.basis, axis=0)  # but for what stands for dimensions without rows
        features = np.ascontiguousarray(np.asarray(rows.columns).T[:, own])
        basis, form = frame.basis[:, own], weights[own]
    form = np.where(form > DEPENDENT * np.max(form), form, 0.0)
    within = form > 0
    lengths = np.linalg.norm(features, axis=0)
    features = np.where(lengths > ROUNDING * np.max(lengths), features, 0.0)  # where no row reaches
    if problem.feature_noise is not None:
        noise = Noise((basis.T * problem.feature_noise) @ basis, rule_for_rows(loss, NOISY_LOGITS))
        order = np.arange(len(form))
    elif not np.all(within) and (seen := _seen_directions(features[:, ~within])) is not None:
        # Of what cannot be touched some is a sum of the rest, such as all kinds of a word and the intercept.
        order = np.concatenate([np.flatnonzero(within), np.flatnonzero(~within)])
        features = np.concatenate([features[:, within], features[:, ~within] @ seen], axis=1)
        basis = np.concatenate([basis[:, within], basis[:, ~within] @ seen], axis=1)
        form = np.concatenate([form[within], np.zeros(seen.shape[1])])
        within = form > 0
    else:
        order = np.arange(len(form))
    alone = np.zeros(len(form))
    if not np.all(within):
        free = features[:, ~within]
        inside = None if noise is None else noise._replace(covariance=noise.covariance[np.ix_(~within, ~within)])
        nothing = np.zeros(free.shape[1])
        clean = partial(_risk, loss, free, samples.targets, samples.sample_weights, inside, 0.0, nothing)
        begin = np.asarray(at_zero(samples, loss).slopes) @ free / samples.count
        alone[~within] = _descended(problem, clean, free, begin)
    slopes, bend, along = map(np.asarray, _slopes_at(loss, features @ alone, samples.targets, noise, alone))
    if samples.sample_weights is not None:
        slopes, bend, along = (samples.sample_weights * part for part in (slopes, bend, along))
    pull, size = slopes @ features / samples.count, float(np.mean(np.abs(along)))
    if noise is not None:
        pull = pull + np.mean(bend) * noise.covariance @ alone
    if isinstance(problem.form, Reach):
        reach, first = problem.form.with_weights(form).strongest(pull)
        feature = None if first is None else int(order[first])
    else:
        feature, reach = None, np.sqrt(np.sum(pull[within] ** 2 / form[within]))
    threshold = float(reach / size) if size > 0 else np.inf
    return _Weighted(features, form, basis, alone, pull, threshold, feature, noise)


@partial(jax.jit, static_argnames="loss")
def _slopes_at(loss: Loss, scores: Array, targets: Array, noise: Noise | None, x: Array) -> tuple[Array, Array, Array]:
    """(n,) Psi_r, Psi_rr and Psi_s without attack; averages over noise where the weights x feel any."""
    slopes, along = loss.adversarial_slopes(scores, jnp.zeros(()), targets)
    zeros = jnp.zeros_like(targets)
    if noise is None:
        return slopes, zeros, along
    variance = x @ noise.covariance @ x
    spread = zeros + jnp.maximum(variance, SMALLEST_VARIANCE)
    order = OrderParameters(scores, spread, scores - targets, spread, spread[0], spread[:1], zeros, zeros, zeros)
    found = loss.moments(order, targets, jnp.zeros(()), noise.rule)
    felt = variance > 0
    return (
        jnp.where(felt, found.slope, slopes), jnp.where(felt, found.curvature, 0.0),
        jnp.where(felt, found.shift_slope, along),
    )  # fmt: skip


def _weighted_optimum(problem: Problem) -> Optimum:
    """The optimum under an attack with weights of its own."""
    samples, loss, radius = problem.samples, problem.loss, problem.final_radius
    features, form, basis, alone, pull, threshold, feature, noise = _weighted(problem)
    signs = isinstance(problem.form, Reach)
    size = problem.form.with_weights(form) if isinstance(problem.form, Reach) else form
    evaluate = partial(_risk, loss, features, samples.targets, samples.sample_weights, noise, radius, size)
    vector = alone
    if radius < threshold:
        begin = alone - 0.1 * pull * np.linalg.norm(alone) / max(np.linalg.norm(pull), 1e-300)
        vector = _descended(problem, evaluate, features, pull, begin if np.any(alone) else None, signs)
        if signs and feature is not None:  # only corners in single weights leave exact zeros
            vector = _thresholded(problem, form, vector)
    risk = float(evaluate(0.0, vector + 1e-150).risk)
    separable = loss.needs_classes and noise is None
    if separable and risk < float(at_zero(samples, loss).least) / samples.count and not loss.plain.kinks:
        return Optimum(0.0, float("inf"), "separable", radius, threshold, None, None)
    regime = "interior" if loss.needs_classes else "shrink"
    if radius >= threshold and not np.any(alone):
        regime = "collapse"
    elif not loss.needs_classes and np.max(np.abs(features @ vector - samples.targets)) < 1e-4:
        regime = "interpolating"
    own = basis @ vector
    return Optimum(risk, float(np.linalg.norm(own)), regime, radius, threshold, None, own, feature)


def _thresholded(problem: Problem, reach: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """With exact zeros for weights that are as small as |X_j| is rounded; the others are right to the square of it."""
    scale = _scale(problem.samples, problem.loss)
    return np.where((reach > 0) & (np.abs(vector) < 100 * BLUNT * SMOOTHINGS[-1] * scale), 0.0, vector)


def _descended(
    problem: Problem, evaluate, features: np.ndarray, pull: np.ndarray, begin=None, signs: bool = False
) -> np.ndarray:
    """The minimiser of a risk whose gradient at zero is `pull`, as its kinks, also those of `signs`, become sharp."""
    samples, loss = problem.samples, problem.loss
    margin = loss.needs_classes and problem.feature_noise is None  # with noise no rows are apart
    scale = _scale(samples, loss)
    sizes = np.sqrt(np.mean(features**2, axis=0))
    height = float(at_zero(samples, loss).loss)
    bound = float(at_zero(samples, loss).least) / samples.count if margin else -np.inf
    way = features @ pull
    if not np.any(way):
        return np.zeros(len(pull))
    x = -0.1 * scale * pull / np.sqrt(np.mean(way**2)) if begin is None else begin
    kinked = loss.kinked or signs
    for smoothing in scale * np.array(SMOOTHINGS if kinked else SMOOTHINGS[-1:]):
        x = _minimise(partial(evaluate, smoothing), x, scale / np.where(sizes > 0, sizes, 1.0), height, bound)
    return x


def _even_margins_do(loss: Loss, features: Array, targets: Array, radius: float, bound: float) -> bool:
    """Whether the X of least norm that meets the labels has a risk below `bound` if it is long enough.

    Fewer rows than dimensions mostly have such an X, and here, where the columns of the features (n, r) are orthogonal,
    it takes no more than a product; to descend there takes a Hessian (n, n) at every step.
    """
    features = np.asarray(features)
    sizes = np.sum(features**2, axis=0)
    reached = sizes > 1e-9 * sizes.max()
    x = np.where(reached, targets @ features / np.where(reached, sizes, 1.0), 0.0)
    margin = np.min(targets * (features @ x)) - radius * np.linalg.norm(x)
    return bool(margin > 0) and any(
        float(loss(np.asarray(size), np.ones(()))) < bound for size in (10.0, 30.0, 100.0, 1e3)
    )


@lru_cache(maxsize=16)
def _space_of_rows(samples: Samples) -> np.ndarray | None:
    """(d, r) orthonormal basis of the space of the rows (n, d), or None where that is everything."""
    return _seen_directions(np.asarray(samples.features))


def _seen_directions(features: np.ndarray) -> np.ndarray | None:
    """(d, r) orthonormal basis of the space of the rows (n, d), or None where that is everything.

    Columns may be sums of others, or constant and nothing: what no row sees is zero in the vector of least norm.
    """
    sizes = np.linalg.norm(features, axis=0)
    units = np.where(sizes > 0, sizes, 1.0)
    # Squares of singular values are known to 1e-16 of the largest. Where they are well above that nothing is unseen,
    # which takes a tenth of the time of a decomposition of the rows.
    squares = np.linalg.eigvalsh(features.T @ features / np.outer(units, units))
    if squares[0] > 1e-10 * squares[-1]:
        return None
    _, values, rows = np.linalg.svd(np.linalg.qr(features / units, mode="r"))
    unseen = rows[values <= DEPENDENT * values[0]].T / units[:, None]
    if not unseen.shape[1]:
        return None
    left, _, _ = np.linalg.svd(unseen / np.linalg.norm(unseen, axis=0))
    return left[:, unseen.shape[1] :]


def _minimise(evaluate, x: np.ndarray, units: np.ndarray, height: float, bound: float) -> np.ndarray:
    """Trust-region Newton in units of coordinates and risks; stops where the risk is below `bound`."""

    import scipy.optimize  # here, because it takes a third of a second that other commands need not pay

    last: dict[bytes, SmoothedRisk] = {}

    def at(point: np.ndarray) -> SmoothedRisk:
        key = point.tobytes()
        if key not in last:
            last.clear()
            found = jax.tree.map(np.asarray, evaluate(units * point))
            last[key] = found._replace(
                value=found.value / height,
                gradient=units * found.gradient / height,
                hessian=units[:, None] * found.hessian * units / height,
            )
        return last[key]

    best = x / units

    def watch(intermediate_result) -> None:
        nonlocal best
        best = intermediate_result.x
        if intermediate_result.fun * height < bound:
            raise StopIteration

    scipy.optimize.minimize(
        lambda p: float(at(p).value),
        x / units,
        jac=lambda p: at(p).gradient,
        hess=lambda p: at(p).hessian,
        method="trust-exact",
        callback=watch,
        options={"gtol": 1e-11, "maxiter": 200},
    )
    return units * best
