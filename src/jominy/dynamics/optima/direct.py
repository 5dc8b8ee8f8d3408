"""The minimiser of a convex adversarial risk by Newton's method on the vector itself, where its scalars say too little.

Directions in which no input varies are told by the class means alone: there the scalars of the optimum vanish with the
attack, or cancel, while the vector stays as definite as any other.

Source: ours. The risk of component i is a function of four numbers, the mean and the variance of the score, its
covariance with the teacher's, and the size that the attack sees; the moments of the loss are its slopes, their
derivatives its curvature.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.laws.geometry import (
    NO_VARIANCE,
    DenseGeometry,
    LocalAverages,
    NodeGeometry,
    RiskGeometry,
    kernel,
)
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.students import attack_ridges
from jominy.errors import InputError
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array

SEEN = 1e-12
"""Relative to the largest: so little of the means on flat directions is rounding."""
MOST_STEPS, MOST_TURNS = 300, 60
ROUNDING = 1e-16
"""Of the risk: a step that promises less is the last."""
LENGTHS = np.geomspace(1e-6, 1e4, 21)
"""Of first vectors, in units of the scores."""


class Frame(NamedTuple):
    """Coordinates z (D,) of a student, in which all scores are of order one.

    Attributes:
        weights: (n,) of the components.
        means: (n, D); the score's mean is `means @ z`.
        variances: (n, D) diagonals or (n, D, D) matrices; the score's variance is z' V z.
        sizes: (D,) lengths of the coordinates' vectors, orthogonal to each other.
        teacher: (D,) the teacher, as far as it is seen.
        at_zero: order parameters of the zero vector.
        flat: (n, D) from coordinates to the class means' coefficients on flat directions.
        attack: (G, D, D) with rho_g^2 = z' attack_g z, or None for l2, where it is the square of the lengths.
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    sizes: np.ndarray
    teacher: np.ndarray
    at_zero: OrderParameters
    flat: np.ndarray
    attack: np.ndarray | None

    def pull(self, z: np.ndarray) -> np.ndarray:
        """(G, D) half the gradients of the square sizes."""
        return (self.sizes**2 * z)[None] if self.attack is None else self.attack @ z

    def spread(self, z: np.ndarray) -> np.ndarray:
        """(n, D) V z."""
        return self.variances * z if self.variances.ndim == 2 else self.variances @ z

    def order(self, z: np.ndarray) -> OrderParameters:
        """Order parameters of a student."""
        zero, mean, spread = self.at_zero, self.means @ z, self.spread(z)
        variance, shared = np.maximum(spread @ z, 0.0), spread @ self.teacher
        apart = self.spread(z - self.teacher) @ (z - self.teacher) - self.spread(self.teacher) @ self.teacher
        return zero._replace(
            margin_mean=mean,
            margin_variance=variance,
            residual_mean=zero.residual_mean + mean,
            residual_variance=np.maximum(zero.residual_variance + apart, 0.0),
            norm=np.asarray(np.linalg.norm(self.sizes * z)),
            sizes=np.sqrt(np.maximum(self.pull(z) @ z, 0.0)),
            teacher_covariance=shared,
        )


def frame_of(geometry: RiskGeometry, untouched: bool = False) -> Frame:
    """The coordinates of an orthonormal geometry; those alone that are `untouched` by the attack, if only these vary.

    InputError where class means differ in directions without variance that an attack with weights can touch.
    """
    order = jax.tree.map(np.asarray, geometry.order(geometry.zero()))
    if isinstance(geometry, NodeGeometry):
        nodes = geometry.nodes
        present = np.einsum("aaq->aq", nodes.gram) > 0
        means, teacher = nodes.means[:, present], nodes.teacher[present]
        variances = np.broadcast_to(nodes.eigenvalues[:, None], (len(means), *present.shape))[:, present]
        widest = np.max(variances, axis=0)
        flat = widest <= NO_VARIANCE * np.max(widest, initial=0.0)
        forms = np.broadcast_to(nodes.attack[:, None], (len(nodes.attack), *present.shape))[:, present]
        isotropic = len(forms) == 1 and bool(np.all(np.asarray(nodes.attack)[:, geometry.there] == 1))
        if untouched:
            seen = flat | np.all(forms == 0, axis=0)
            means, teacher, variances, forms, flat = (
                means[:, seen],
                teacher[seen],
                variances[:, seen],
                forms[:, seen],
                flat[seen],
            )
        reached = bool(np.any(means[:, flat] * np.sum(forms[:, flat], axis=0)))
        curved, forms = variances[:, ~flat], forms[:, ~flat]
    else:
        assert isinstance(geometry, DenseGeometry)
        values, vectors = np.linalg.eigh(np.sum(geometry.covariances, axis=0))
        means, teacher = np.asarray(geometry.means) @ vectors, np.asarray(geometry.teacher) @ vectors
        flat = values <= NO_VARIANCE * values[-1]
        attack = np.asarray(geometry.reached)
        isotropic = geometry.forms == 1 and np.array_equal(attack, np.eye(len(values)))
        reached = bool(
            np.max(np.abs(means[:, flat] @ vectors[:, flat].T @ attack), initial=0.0) > 1e-12 * np.max(attack)
        )
        on = vectors[:, ~flat]
        if untouched:
            on = on @ kernel(on.T @ attack @ on, NO_VARIANCE * np.max(attack))
            vectors = np.concatenate([on, vectors[:, flat]], axis=1)
            means, teacher = np.asarray(geometry.means) @ vectors, np.asarray(geometry.teacher) @ vectors
            flat = np.arange(vectors.shape[1]) >= on.shape[1]
        curved = on.T @ np.asarray(geometry.covariances) @ on
        forms = on.T @ np.asarray(geometry.attack) @ on
    # On flat directions nothing but the span of the means is seen.
    left, lengths, rows = np.linalg.svd(means[:, flat], full_matrices=False)
    kept = lengths > SEEN * np.max(np.abs(means), initial=0.0)
    left, lengths, rows = left[:, kept], lengths[kept], rows[kept]
    if not isotropic and lengths.size and reached:
        raise InputError(
            "The optimum under an attack with weights is not known where class means lie in directions without "
            "variance that the attack can touch",
            f"{lengths.size} such directions",
            "Give these directions a small variance, or the weight 0",
        )
    means = np.concatenate([means[:, ~flat], left * lengths], axis=1)
    teacher = np.concatenate([teacher[~flat], rows @ teacher[flat]])
    weights = np.asarray(_weights(geometry))
    diagonal = curved if curved.ndim == 2 else np.einsum("ijj->ij", curved)
    heights = weights @ means**2
    heights[: diagonal.shape[1]] += weights @ diagonal
    sizes = 1 / np.sqrt(np.maximum(heights, 1e-26 * np.max(heights)))
    count, curves = len(sizes), diagonal.shape[1]
    variances = np.zeros((len(means), count) if curved.ndim == 2 else (len(means), count, count))
    if curved.ndim == 2:
        variances[:, :curves] = curved * sizes[:curves] ** 2
    else:
        variances[:, :curves, :curves] = curved * np.outer(sizes[:curves], sizes[:curves])
    coefficients = np.concatenate([np.zeros((len(means), curves)), left / lengths * sizes[curves:]], axis=1)
    pulled = None
    if not isotropic:
        pulled = np.zeros((len(forms), count, count))
        pulled[:, :curves, :curves] = (forms[:, :, None] * np.eye(curves) if forms.ndim == 2 else forms) * np.outer(
            sizes[:curves], sizes[:curves]
        )
    return Frame(weights, means * sizes, variances, sizes, teacher / sizes, order, coefficients, pulled)


def _weights(geometry: RiskGeometry) -> np.ndarray:
    """(n,) of the components."""
    return geometry.nodes.weights if isinstance(geometry, NodeGeometry) else geometry.weights  # type: ignore[attr-defined]


class Slopes(NamedTuple):
    """Of each component's risk, by mean, variance and covariance of the score and by the size: (n,) and (n, 4).

    The size is the sum of those of the attack's forms.
    """

    value: Array
    slopes: Array


@jax.jit
def _bends(setting: RiskSpec, spread: Array, order: OrderParameters) -> tuple[Slopes, LocalAverages, Array]:
    """Values and slopes; the scalars; and how the slopes change with each of the four, (4, n, 4)."""

    def slopes(moved: OrderParameters) -> tuple[Slopes, LocalAverages]:
        softer = moved._replace(
            margin_variance=moved.margin_variance + spread, residual_variance=moved.residual_variance + spread
        )
        found = setting.moments(softer)
        each = (found.slope, found.curvature / 2, found.teacher_curvature, setting.radius * found.shift_slope)
        ridges = attack_ridges(found, setting.weights, setting.radius, moved.sizes)
        scalars = LocalAverages(found.slope, found.curvature, found.teacher_curvature, ridges)
        return Slopes(found.value, jnp.stack(each, axis=-1)), scalars

    def along(way: Array) -> Array:
        nothing = jax.tree.map(lambda leaf: jnp.zeros_like(jnp.asarray(leaf)), order)
        ones = jnp.ones(setting.weights.shape)
        first_size = jnp.zeros(order.sizes.shape).at[0].set(1.0)  # any of them: they count by their sum
        tangent = nothing._replace(
            margin_mean=way[0] * ones,
            residual_mean=way[0] * ones,
            margin_variance=way[1] * ones,
            residual_variance=(way[1] - 2 * way[2]) * ones,
            teacher_covariance=way[2] * ones,
            sizes=way[3] * first_size,
        )
        return jax.jvp(lambda moved: slopes(moved)[0].slopes, (order,), (tangent,))[1]

    found, scalars = slopes(order)
    return found, scalars, jax.vmap(along)(jnp.eye(4))


class Point(NamedTuple):
    """The eased risk at z (D,), its gradient and what its Hessian is made of."""

    z: np.ndarray
    risk: float
    gradient: np.ndarray
    hessian: Callable[[], np.ndarray]
    scalars: LocalAverages


def _point(
    frame: Frame, setting: RiskSpec, spread: float, ridge: float, z: np.ndarray, rounding: float = 1e-150
) -> Point:
    """The risk where sizes are sqrt(rho_g^2 + rounding^2)."""
    order = frame.order(z)
    order = order._replace(sizes=np.hypot(order.sizes, rounding))
    found, scalars, bends = jax.tree.map(np.asarray, _bends(setting, np.asarray(spread**2), order))
    weighted = frame.weights[:, None] * found.slopes
    metric, pull = frame.sizes**2, frame.pull(z)
    turned = frame.spread(z)
    along = pull / order.sizes[:, None]
    ways = np.stack(
        [
            frame.means,
            2 * turned,
            frame.spread(frame.teacher),
            np.broadcast_to(np.sum(along, axis=0), frame.means.shape),
        ],
        axis=1,
    )  # (n, 4, D)
    risk = float(frame.weights @ found.value + ridge * order.norm**2 / 2)
    gradient = np.einsum("nk,nkj->j", weighted, ways) + ridge * metric * z

    def hessian() -> np.ndarray:
        count = len(z)
        rows = ways.reshape(-1, count)
        inner = np.zeros((len(rows), len(rows)))
        for i, weight in enumerate(frame.weights):
            block = weight * bends[:, i, :]
            inner[4 * i : 4 * i + 4, 4 * i : 4 * i + 4] = (block + block.T) / 2
        pushes = float(np.sum(weighted[:, 3])) / order.sizes
        total = rows.T @ inner @ rows - (pushes[:, None] * along).T @ along
        total[np.diag_indices(count)] += ridge * metric
        if frame.attack is None:
            total[np.diag_indices(count)] += pushes[0] * metric
        else:
            total += np.tensordot(pushes, frame.attack, 1)
        if frame.variances.ndim == 2:
            total[np.diag_indices(count)] += 2 * weighted[:, 1] @ frame.variances
        else:
            total += 2 * np.einsum("n,nij->ij", weighted[:, 1], frame.variances)
        return total

    return Point(z, risk if np.isfinite(risk) else np.inf, gradient, hessian, scalars)


def descend(at: Callable[[np.ndarray], Point], here: Point) -> Point:
    """The minimiser of a convex function by Newton's method, damped as far as is needed."""
    damping = 0.0
    for _ in range(MOST_STEPS):
        hessian = here.hessian()
        if not (np.all(np.isfinite(hessian)) and np.all(np.isfinite(here.gradient))):
            return here
        newton, spectrum = _solution(hessian, -here.gradient), None
        while True:
            if damping == 0 and newton is not None:
                step, promised = newton, -float(here.gradient @ newton) / 2
            else:
                spectrum = _spectrum(hessian) if spectrum is None else spectrum
                values, vectors = spectrum
                pull = vectors.T @ here.gradient
                along = -pull / (values + damping)
                step, promised = vectors @ along, -float(pull @ along + along @ (values * along) / 2)
            if not promised > ROUNDING * abs(here.risk):
                return here
            there = at(here.z + step)
            kept = (here.risk - there.risk) / promised
            least = 1e-15 * float(np.max(np.abs(hessian)))
            if kept > 0.75:
                damping = damping / 10 if damping > least else 0.0
            elif not kept > 0.25:
                damping = max(4 * damping, 1e-6 * float(np.linalg.norm(here.gradient)), least)
            if kept > 1e-4:
                here = there
                break
            if np.linalg.norm(step) < 1e-15 * np.linalg.norm(here.z):
                return here
    return here


WELL_POSED = 1e-5
"""Of the smallest pivot's root to the largest, in units of the matrix's own diagonal: then it is solved as it is."""


def _solution(matrix: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """The solution of a symmetric positive definite system, far cheaper than its eigenvectors; None for others."""
    import scipy.linalg  # as in `separation`

    diagonal = np.diag(matrix)
    if not np.all(diagonal > 0):
        return None
    units = 1 / np.sqrt(diagonal)
    try:
        factor = scipy.linalg.cholesky(matrix * units * units[:, None], lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return None
    if np.min(np.diag(factor)) < WELL_POSED * np.max(np.diag(factor)):
        return None
    return units * scipy.linalg.cho_solve((factor, True), units * right, check_finite=False)


def _spectrum(hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, none of them below rounding, and eigenvectors."""
    values, vectors = np.linalg.eigh(hessian)
    return np.maximum(values, 1e-15 * max(values[-1], 1e-300)), vectors


def settled(at: Callable[[np.ndarray], Point], here: Point) -> Point:
    """Closer to the minimiser than the risk can tell, by the gradient alone: it vanishes to rounding of its parts."""
    for _ in range(MOST_TURNS):
        found = _newton_way(here)
        if found is None:
            break
        way, size = found
        there = _along(at, here, way)
        after = None if there is None else _newton_way(there)
        if there is None or after is None or not (after[1] < size and there.risk <= here.risk * (1 + 1e-13)):
            break
        here = there
    return here


def _newton_way(here: Point) -> tuple[np.ndarray, float] | None:
    """(D,) Newton's step, with a Hessian in units of its own diagonal, and twice the decrease that it promises."""
    hessian = here.hessian()
    diagonal = np.diag(hessian)
    if not (np.all(np.isfinite(hessian)) and np.all(np.isfinite(here.gradient)) and np.all(diagonal > 0)):
        return None
    newton = _solution(hessian, -here.gradient)
    if newton is not None:
        return newton, -float(here.gradient @ newton)
    units = 1 / np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(hessian * units * units[:, None])
    pull = vectors.T @ (units * here.gradient)
    step = -pull / np.maximum(values, 1e-13 * values[-1])
    return units * (vectors @ step), float(-pull @ step)


def _along(at: Callable[[np.ndarray], Point], here: Point, way: np.ndarray) -> Point | None:
    """Where the slope along a descending way is at most half of what it was, as near to the whole step as can be."""
    slope = here.gradient @ way
    low, high, share = 1e-60, 1.0, 1.0
    for _ in range(MOST_TURNS):
        there = at(here.z + share * way)
        now = there.gradient @ way
        if abs(now) <= abs(slope) / 2:
            return there
        low, high = (share, high) if now < 0 else (low, share)  # what is not a number lies too far
        if high <= low * (1 + 1e-12):
            return None
        share = np.sqrt(low * high)
    return None


def begun(frame: Frame, at: Callable[[np.ndarray], Point], scale: float) -> Point:
    """The best of some multiples of the gradient at the zero vector, in both metrics; `scale` is that of the scores.

    The zero vector itself where no score has a slope there, such as that of an intercept of centred targets.
    """
    zero = at(np.zeros(len(frame.sizes)))
    pull, found = zero.gradient, []
    for way in (-pull / frame.sizes**2, -pull):
        score = np.max(np.abs(frame.means @ way)) + np.sqrt(np.max(frame.spread(way) @ way))
        if np.isfinite(score) and score > 0:
            found += [at(length * scale / score * way) for length in LENGTHS]
    return min(found, key=lambda point: point.risk, default=zero)


def minima(
    frame: Frame, setting: RiskSpec, scale: float, spreads: Sequence[float], ridges: Iterable[float]
) -> list[LocalAverages]:
    """The scalars of the minimisers of the risk with each of the ridges, as its corners become sharp.

    `scale` is that of the scores; the spreads, one after the other, soften the corners.
    """
    here, told, ridges = None, [], list(ridges)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # steps that go too far are taken back
        for spread in spreads:
            at = partial(_point, frame, setting, spread, ridges[0])
            here = descend(at, begun(frame, at, scale) if here is None else at(here.z))
        assert here is not None
        for ridge in ridges:
            at = partial(_point, frame, setting, spreads[-1], ridge)
            here = settled(at, descend(at, at(here.z)))
            slope = here.scalars.slope + _missing_slopes(frame, here)
            scalars = here.scalars._replace(slope=slope, ridges=here.scalars.ridges + ridge)
            told.append(scalars._replace(flat=frame.flat @ here.z))
    return told


ROUNDINGS = np.geomspace(1e-1, 1e-9, 9)
"""Of the sizes of an attack's blocks, in units of that of a first vector."""


def rounded_minimum(frame: Frame, setting: RiskSpec) -> list[LocalAverages]:
    """The scalars of the minimisers of a risk whose corners, where a block of the student is zero, become sharp.

    The sharpest last but one first: of very sharp corners rounding takes one side for the other.
    """
    told: list[LocalAverages] = []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # steps that go too far are taken back
        scale = setting.loss.unit_score(float(np.max(frame.at_zero.residual_mean**2 + frame.at_zero.residual_variance)))
        here = begun(frame, partial(_point, frame, setting, 0.0, 0.0, rounding=1e-2), scale)
        unit = float(np.max(frame.order(here.z).sizes))
        for rounding in unit * ROUNDINGS:
            at = partial(_point, frame, setting, 0.0, 0.0, rounding=rounding)
            here = descend(at, at(here.z))
            told.append(here.scalars)
    return told[:2:-1]


def _missing_slopes(frame: Frame, here: Point) -> np.ndarray:
    """(n,) what the slopes lack of the multipliers that hold the student where it is.

    Where the risk no longer tells one student from the next, slopes may still change by many powers of ten (those of
    a class that is told with certainty), and a vector made of them would be another one.
    """
    curved = np.any(frame.variances, axis=0 if frame.variances.ndim == 2 else (0, 1))
    rows = (frame.weights[:, None] * frame.means / frame.sizes)[:, curved]
    lengths = np.linalg.norm(rows, axis=1)
    there = lengths > 0
    rows = np.where(there[:, None], rows / np.where(there, lengths, 1.0)[:, None], 0.0)
    found = np.linalg.lstsq(rows.T, -(here.gradient / frame.sizes)[curved], rcond=1e-10)[0]
    return np.where(there, found / np.where(there, lengths, 1.0), 0.0)
