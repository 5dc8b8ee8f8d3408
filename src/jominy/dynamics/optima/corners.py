"""The optimum of a convex risk with corners or flat directions, where its scalars are infinite or say nothing.

A residual loss without label noise has a corner where all targets of a component are met exactly, a margin loss with
kinks where all margins of a component lie at one. Directions in which no input varies are flat but for the means, and
flat altogether without an attack: of all minimisers the one of least norm is meant.

Source: ours. The risk is eased (a spread of every score, and a ridge) and the easing is removed; components then found
at a corner are held there, with the slope as the multiplier; of all that was found the lowest risk is taken, and by
convexity nothing is lower.
"""

from collections.abc import Iterator

import numpy as np

from jominy.dynamics.optima.landscapes import Landscape, Scalars
from jominy.dynamics.optima.minimise import Solved, as_it_is, at_scalars, from_zero, polished, solve_at, solve_from
from jominy.dynamics.optima.search import Setting
from jominy.losses import MarginLoss, ResidualLoss
from jominy.losses.targets import FixedTargets, LinearTargets

GOOD = 1e-9
"""Mismatch of the scalars of a stationary point of the risk."""
FLAT = 1e-9
"""Relative to the largest variance: directions in which so little varies are flat."""
RIDGES = np.array([1e-9, 1e-11, 1e-13])
"""Relative to what the means make of the risk's curvature along flat directions: below, rounding has its way there."""
SOLVED = 1e-4
"""Mismatch of the scalars of an eased risk, from which on to go."""
NEAR_CORNER = 0.05
"""In units of the scores: farther away, no component is tried at a corner."""


def well_found(solved: Solved, stiffness: float) -> bool:
    """Whether the scalars say what the optimum is; `stiffness` is that of flat directions, infinite without them."""
    ridge = np.inf if np.isinf(stiffness) else float(solved.scalars.ridge) / stiffness
    return solved.mismatch < GOOD and ridge > 100 * RIDGES[0] and np.isfinite(solved.risk)


def flat_stiffness(weights: np.ndarray, flat_means: np.ndarray) -> float:
    """The least curvature that means (Gram matrix (n, n) on the flat directions) give the risk there, per that of the
    loss; infinite without flat directions."""
    roots = np.sqrt(weights)
    values = np.linalg.eigvalsh(roots[:, None] * flat_means * roots)
    seen = values > 1e-10 * values[-1]
    return float(np.min(values[seen])) if values[-1] > 0 else np.inf


def optimum_with_corners(exact: Landscape, setting: Setting, stiffness: float, zero: Solved) -> Solved:
    """The optimum on nodes that are not compressed; `zero` is the zero vector in that form, and none is above it."""
    landscape = exact.orthonormal()
    ridges = stiffness * RIDGES if np.isfinite(stiffness) else np.zeros(1)
    eased = _eased(landscape, setting, zero, ridges[0])
    found = [eased]
    for ridge in ridges:
        none = as_it_is(setting)._replace(ridge=np.asarray(ridge))
        found.append(polished(landscape, setting, eased.scalars, none))
        for pins, scalars in _at_corners(setting, eased, zero):
            found.append(polished(landscape, setting, scalars, none._replace(pins=pins)))
    told = [at_scalars(landscape, setting, one.scalars) for one in found]
    told = [one for one in (*told, zero) if np.isfinite(one.risk) and np.isfinite(one.order.norm)]
    lowest = min(told, key=lambda one: one.risk)
    # Of equals the polished ones come first: they say it to rounding.
    return next((one for one in told[1:] if one.risk <= lowest.risk * (1 + 1e-12)), lowest)


def _eased(landscape: Landscape, setting: Setting, zero: Solved, ridge: float) -> Solved:
    """The optimum of the least eased risk."""
    scale = _scale(setting, zero)
    none = as_it_is(setting)._replace(ridge=np.asarray(ridge))
    if not _has_corners(setting):
        return _ended(from_zero(landscape, setting, none).solved)
    spread = 0.1 * scale
    solved = from_zero(landscape, setting, none._replace(spread=np.asarray(spread**2))).solved
    while spread > _smallest_spread(setting, scale, float(solved.order.norm)):
        spread /= 10
        easing = none._replace(spread=np.asarray(spread**2))
        ended = _ended(solved)
        if ended is solved:
            solved = solve_at(landscape, setting, solved.scalars, easing)
        else:
            assert solved.descent is not None
            solved = solve_from(landscape, setting, solved.descent.student, ended.scalars, easing)
    return _ended(solved)


def _ended(solved: Solved) -> Solved:
    """Newton's optimum, or where he failed the end of the descent."""
    descent = solved.descent
    if descent is None or (solved.mismatch < SOLVED and solved.risk <= descent.risk * (1 + 1e-9)):
        return solved
    return solved._replace(scalars=descent.scalars, order=descent.order, risk=descent.risk)


def _has_corners(setting: Setting) -> bool:
    loss, targets = setting.loss, setting.targets
    if isinstance(loss, ResidualLoss):
        return isinstance(targets, LinearTargets) and not targets.noise_variance
    return isinstance(loss, MarginLoss) and isinstance(targets, FixedTargets) and bool(loss.kinks)


def _scale(setting: Setting, zero: Solved) -> float:
    """Of scores: that of the targets of a residual loss; a margin loss has its own, one."""
    if not isinstance(setting.loss, ResidualLoss):
        return 1.0
    return float(np.sqrt(np.max(zero.order.residual_mean**2 + zero.order.residual_variance)))


def _smallest_spread(setting: Setting, scale: float, norm: float) -> float:
    """Where the easing ends: corners are as sharp as the attack is strong."""
    if not isinstance(setting.loss, ResidualLoss):
        return 2e-9
    return max(2 * min(1e-6 * scale, 1e-7 * float(setting.radius) * norm or np.inf), 1e-13 * scale)


def _at_corners(setting: Setting, eased: Solved, zero: Solved) -> Iterator[tuple[np.ndarray, Scalars]]:
    """The components that came near a corner, held there: the nearest, the two nearest, ...; with scalars to begin."""
    order, scalars = eased.order, eased.scalars
    if not _has_corners(setting):
        return
    if isinstance(setting.loss, ResidualLoss):
        pins, pull = np.zeros(setting.weights.shape), -1.0
        away = np.hypot(order.residual_mean, np.sqrt(order.residual_variance))
    else:
        margins = setting.targets.labels * order.margin_mean - setting.radius * order.norm  # type: ignore[attr-defined]
        kinks = np.asarray(setting.loss.kinks)  # type: ignore[attr-defined]
        pins, pull = kinks[np.argmin(np.abs(margins[:, None] - kinks), axis=1)], 0.0
        away = np.hypot(margins - pins, np.sqrt(order.margin_variance))
    for near in np.unique(away[away < NEAR_CORNER * _scale(setting, zero)]):
        pinned = away <= near
        yield pins, Scalars(
            scalars.slope,
            np.where(pinned, 1.0, scalars.curvature),
            np.where(pinned, pull, scalars.teacher_curvature),
            scalars.ridge,
            pinned,
        )
