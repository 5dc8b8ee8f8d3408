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

from jominy.dynamics.laws.geometry import LocalAverages, RiskGeometry, minimiser
from jominy.dynamics.laws.risk import RiskSpec, largest_logit
from jominy.dynamics.optima.direct import frame_of, minima
from jominy.dynamics.optima.minimise import NOWHERE, OptimumSolution, as_it_is, at_scalars, polished, visit

GOOD = 1e-9
"""Mismatch of the scalars of a stationary point of the risk."""
FLAT = 1e-9
"""Relative to the largest variance: directions in which so little varies are flat."""
RIDGES = np.array([1e-9, 1e-11, 1e-13])
"""Relative to what the means make of the risk's curvature along flat directions: below, rounding has its way there."""
NEAR_CORNER = 0.05
"""In units of the scores: farther away, no component is tried at a corner."""


def well_found(solved: OptimumSolution, stiffness: float) -> bool:
    """Whether the scalars say what the optimum is; `stiffness` is that of flat directions, infinite without them."""
    ridge = np.inf if np.isinf(stiffness) else float(np.min(solved.scalars.ridges)) / stiffness
    return solved.mismatch < GOOD and ridge > 100 * RIDGES[0] and np.isfinite(solved.risk)


def flat_stiffness(weights: np.ndarray, flat_means: np.ndarray) -> float:
    """The least curvature that means (Gram matrix (n, n) on the flat directions) give the risk there, per that of the
    loss; infinite without flat directions."""
    roots = np.sqrt(weights)
    values = np.linalg.eigvalsh(roots[:, None] * flat_means * roots)
    seen = values > 1e-10 * values[-1]
    return float(np.min(values[seen])) if values[-1] > 0 else np.inf


def optimum_with_corners(
    exact: RiskGeometry, setting: RiskSpec, stiffness: float, zero: OptimumSolution, untouched: bool = False
) -> OptimumSolution:
    """The optimum on nodes that are not compressed; `zero` is the zero vector in that form, and none is above it.

    `untouched`: of the vectors alone that use nothing which the attack can touch.
    """
    geometry = exact.orthonormal()
    if np.isinf(stiffness):  # nothing is flat; but a class that does not vary may be all that holds a direction
        means = np.diag(exact.flat_means(1.0)) * setting.weights
        stiffness = float(np.min(means[means > 0], initial=np.max(means)))
        ridges = np.append(0.0, stiffness * RIDGES)
    else:
        ridges = stiffness * RIDGES
    setting, eased = _eased(geometry, setting, zero, ridges, untouched)
    polishing = []
    for ridge, one in zip(ridges, eased, strict=True):
        none = as_it_is(setting, geometry.forms)
        none = none._replace(ridges=np.full(geometry.forms, NOWHERE if untouched else ridge))
        polishing.append(polished(geometry, setting, one.scalars._replace(flat=None), none))
        for pins, scalars in _at_corners(setting, one, zero):
            polishing.append(polished(geometry, setting, scalars, none._replace(pins=pins)))
    # Of equals the polished ones come first, which say it to rounding, and of those the most eased ones, which are as
    # short as can be.
    found = [*(at_scalars(geometry, setting, one.scalars) for one in polishing), *eased, zero]
    found = [one for one in found if np.isfinite(one.risk) and np.isfinite(one.order.norm)]
    lowest = min(one.risk for one in found)
    return next(one for one in found if one.risk <= lowest * (1 + 1e-12))


def _eased(
    geometry: RiskGeometry, setting: RiskSpec, zero: OptimumSolution, ridges: np.ndarray, untouched: bool
) -> tuple[RiskSpec, list[OptimumSolution]]:
    """The optima of the least softened risk with each of the ridges, and a quadrature that resolves them."""
    frame, scale = frame_of(geometry, untouched), _scale(setting, zero)
    for _ in range(4):
        found = []
        for scalars in minima(frame, setting, scale, _spreads(setting, scale), ridges):
            if untouched:
                scalars = scalars._replace(ridges=np.full(geometry.forms, NOWHERE))
            there = visit(geometry, setting, minimiser(geometry, scalars))
            found.append(OptimumSolution(scalars, there.order, float(there.risk), np.inf))
        finer = setting.finer(max(largest_logit(setting, one.order) for one in found))
        if finer is None:
            break
        setting = finer
    return setting, found


def _spreads(setting: RiskSpec, scale: float) -> list[float]:
    """Of scores, in turn."""
    if not setting.targets.have_corners(setting.loss):
        return [0.0]
    # Where no corner is held, slopes stand for the vector, and the rounding of scores counts 1 / spread in them.
    last = 8 if setting.targets.random else 9
    return [scale * 10.0**-power for power in range(1, last + 1)]


def _scale(setting: RiskSpec, zero: OptimumSolution) -> float:
    """Of scores: that of the targets of a residual loss; a margin loss has its own, one."""
    return setting.loss.unit_score(float(np.max(zero.order.residual_mean**2 + zero.order.residual_variance)))


def _at_corners(
    setting: RiskSpec, eased: OptimumSolution, zero: OptimumSolution
) -> Iterator[tuple[np.ndarray, LocalAverages]]:
    """The components that came near a corner, held there: the nearest, the two nearest, ...; with scalars to begin."""
    order, scalars = eased.order, eased.scalars
    if not setting.targets.have_corners(setting.loss):
        return
    corner = setting.targets.nearest_corner(setting.loss, order, setting.radius * order.size)
    if corner is None:
        return
    pins, pull, away = corner
    for near in np.unique(away[away < NEAR_CORNER * _scale(setting, zero)]):
        pinned = away <= near
        yield (
            pins,
            LocalAverages(
                scalars.slope,
                np.where(pinned, 1.0, scalars.curvature),
                np.where(pinned, pull, scalars.teacher_curvature),
                scalars.ridges,
                pinned,
            ),
        )
