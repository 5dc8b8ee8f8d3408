"""Optima under attacks with several budgets at once: blocks of features that are not worth their price hold no weight.

The size of such an attack is a sum of norms, which has a corner where the weights of one block are zero, as that of a
group lasso. There the ridge of the block is infinite, so that the scalars' fixed point cannot tell it: the block is
held at zero instead, and the rest is solved with it.

Source: theory `attacks.md` section 2 (several budgets at once, and the collapse rule, block by block).
"""

import numpy as np

from jominy.dynamics.laws.geometry import LocalAverages, RiskGeometry, minimiser
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.optima.direct import frame_of, rounded_minimum
from jominy.dynamics.optima.minimise import NOWHERE, OptimumSolution, as_it_is, polished, solve_from, visit
from jominy.dynamics.optima.search import Easing

GOOD = 1e-10
"""Mismatch of the scalars of an optimum."""
MOST_TURNS = 4
"""Of what is held, before the corners are rounded."""
BARELY = 1e-9
"""Relative: a gradient that is larger than the attack's pull by this is."""


def with_empty_blocks(geometry: RiskGeometry, setting: RiskSpec, solved: OptimumSolution) -> OptimumSolution:
    """The optimum, from where a search without corners in the size has ended, with those blocks at zero that are.

    Block g is empty where sqrt(g' M_g^-1 g) <= eps E Psi_s, with g the gradient without the attack's part and the block
    at zero. What to hold is told by where the search has ended, or else by the minimiser with rounded corners.
    """
    if geometry.forms == 1 or solved.mismatch < GOOD or solved.descent is None:
        return solved
    student, scalars, held = solved.descent.student, solved.descent.scalars, None
    found = [solved]
    for _ in range(MOST_TURNS):
        before, held = held, _empty(geometry, setting, scalars)
        if before is not None and np.array_equal(held, before):
            break
        first = scalars._replace(ridges=np.where(held, NOWHERE, np.minimum(scalars.ridges, NOWHERE)))
        found.append(solve_from(geometry, setting, student, first, _holding(geometry, setting, held)))
        if not np.isfinite(found[-1].risk):
            break
        if _is_optimum(geometry, setting, found[-1], held):
            return found[-1]
        student, scalars = found[-1].descent.student, found[-1].scalars  # type: ignore[union-attr]
    exact = geometry.orthonormal()
    for scalars in rounded_minimum(frame_of(exact), setting):
        held = _empty(geometry, setting, scalars)
        first = scalars._replace(ridges=np.where(held, NOWHERE, scalars.ridges), flat=None)
        found.append(polished(geometry, setting, first, _holding(geometry, setting, held)))
        if _is_optimum(geometry, setting, found[-1], held):
            return found[-1]
    return min(found, key=lambda one: one.risk if np.isfinite(one.risk) else np.inf)


def _holding(geometry: RiskGeometry, setting: RiskSpec, held: np.ndarray) -> Easing:
    """What keeps the blocks `held` (G,) at zero."""
    return as_it_is(setting, geometry.forms)._replace(ridges=np.where(held, NOWHERE, 0.0))


def _is_optimum(geometry: RiskGeometry, setting: RiskSpec, found: OptimumSolution, held: np.ndarray) -> bool:
    """Whether nothing is lower, by convexity: the scalars are their own, and no block that is held would leave zero."""
    return found.mismatch < GOOD and not np.any(held & ~_empty(geometry, setting, found.scalars))


def _empty(geometry: RiskGeometry, setting: RiskSpec, scalars: LocalAverages) -> np.ndarray:
    """(G,) which blocks would stay at zero beside the others."""
    empty, ridges = np.zeros(geometry.forms, bool), np.minimum(scalars.ridges, NOWHERE)
    for block in range(geometry.forms):
        alone = scalars._replace(ridges=np.where(np.arange(geometry.forms) == block, NOWHERE, ridges), flat=None)
        student = minimiser(geometry, alone)
        seen = visit(geometry, setting, student)
        pull = geometry.attackable_pulls(student, seen.scalars)[block]
        empty[block] = pull <= float(seen.norm_slope) * (1 + BARELY)
    return empty
