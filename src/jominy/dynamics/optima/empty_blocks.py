"""Optima under attacks with several budgets at once: blocks of features that are not worth their price hold no weight.

The size of such an attack is a sum of norms, which has a corner where the weights of one block are zero, as that of a
group lasso. There the ridge of the block is infinite, so that the scalars' fixed point cannot tell it: the block is
held at zero instead, and the rest is solved with it.

Source: theory `attacks.md` section 2 (several budgets at once, and the collapse rule, block by block).
"""

import numpy as np

from jominy.dynamics.laws.geometry import LocalAverages, RiskGeometry, minimiser
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.optima.minimise import NOWHERE, OptimumSolution, as_it_is, solve_from, visit

GOOD = 1e-10
"""Mismatch of the scalars of an optimum."""
MOST_TURNS = 20
"""Of what is held."""
BARELY = 1e-12
"""Relative: a gradient that is larger than the attack's pull by this is."""


def with_empty_blocks(geometry: RiskGeometry, setting: RiskSpec, solved: OptimumSolution) -> OptimumSolution:
    """The optimum, from where a search without corners in the size has ended, with those blocks at zero that are.

    Block g is empty where sqrt(g' M_g^-1 g) <= eps E Psi_s, with g the gradient without the attack's part and the block
    at zero.
    """
    if geometry.forms == 1 or solved.mismatch < GOOD or solved.descent is None:
        return solved
    held, tried = np.zeros(geometry.forms, bool), list[np.ndarray]()
    student, scalars = solved.descent.student, solved.descent.scalars
    for _ in range(MOST_TURNS):
        empty = _empty(geometry, setting, scalars, held)
        if any(np.array_equal(empty, one) for one in tried):
            break
        tried.append(held := empty)
        easing = as_it_is(setting, geometry.forms)._replace(ridges=np.where(held, NOWHERE, 0.0))
        first = _holding(scalars, held)
        found = solve_from(geometry, setting, student, first, easing)
        if not np.isfinite(found.risk):
            break
        student, scalars = found.descent.student, found.scalars  # type: ignore[union-attr]
        if found.mismatch < solved.mismatch or found.risk < solved.risk:
            solved = found
    return solved


def _holding(scalars: LocalAverages, held: np.ndarray) -> LocalAverages:
    """The scalars with nothing in the blocks `held` (G,)."""
    return scalars._replace(ridges=np.where(held, NOWHERE, np.minimum(np.asarray(scalars.ridges), NOWHERE)))


def _empty(geometry: RiskGeometry, setting: RiskSpec, scalars: LocalAverages, held: np.ndarray) -> np.ndarray:
    """(G,) which blocks would stay at zero beside the others."""
    empty = np.zeros(len(held), bool)
    for block in range(len(held)):
        alone = held.copy()
        alone[block] = True
        free = scalars._replace(ridges=np.where(held & ~alone, NOWHERE, scalars.ridges))
        student = minimiser(geometry, _holding(free, alone))
        push = float(visit(geometry, setting, student).norm_slope)
        empty[block] = geometry.attackable_pulls(student, scalars)[block] <= push * (1 + BARELY)
    return empty
