"""The training radius as a number to be chosen.

Source: theory `design.md` section 2: it is the larger lever. A constant radius is sought; a radius over time gains at
most some per cent from a start near zero, has local minima, and is not sought.
"""

from __future__ import annotations

import numpy as np

from jominy.dynamics.design.families import Hills
from jominy.dynamics.design.search import best_of
from jominy.dynamics.design.trials import Trials
from jominy.dynamics.engines import engines_of

SHARES = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
"""Of the largest radius, that are looked at first."""
CLOSE = 0.01
"""Share of the largest radius to which the best one is found."""


def best_radius(trials: Trials, largest_rate: float, largest: float) -> tuple[float, np.ndarray]:
    """The training radius whose best Hill schedule ends lowest, and (R, 2) radii looked at with their excesses.

    A grid, on which the radii of the training and of the test are, and then golden sections around its best point.
    """
    import scipy.optimize

    seen: dict[float, float] = {}
    family = Hills(trials.horizon, largest_rate)
    starts: list[np.ndarray] = []
    quick = engines_of(trials.problem).many_at_once

    def at(radius: float) -> float:
        radius = float(min(max(radius, 0.0), largest))
        if radius not in seen:
            found = best_of(
                family, trials.at_radius(radius).judge, starts[-1:], grid=not starts and quick, sparing=not quick
            )
            starts.append(found.numbers)
            seen[radius] = found.value
        return seen[radius]

    given = (min(one, largest) for one in (trials.problem.final_radius, trials.objective.radius))
    grid = sorted({*(share * largest for share in SHARES), *given})
    values = [at(radius) for radius in grid]
    best = int(np.argmin(values))
    below, above = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if below < above:
        scipy.optimize.minimize_scalar(at, bounds=(below, above), method="bounded", options={"xatol": CLOSE * largest})
    radii = np.array(sorted(seen))
    excess = np.exp([seen[radius] for radius in radii])
    return float(radii[int(np.argmin(excess))]), np.column_stack([radii, excess])
