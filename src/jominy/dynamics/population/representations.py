"""What stands for a law in the equations: nodes (all groups, or fewer Chebyshev nodes), or dense matrices.

Remembered, because a user asks many things (rates, radii, schedules) of one law.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import FixedVectors, compressed_nodes, fixed_vectors, forecast_nodes
from jominy.dynamics.optima.landscapes import Landscape, NodeLandscape, dense_landscape
from jominy.dynamics.start import start_in_eigenbasis

LONG_SPECTRUM = 64
"""More distinct eigenvalues than this are compressed to Chebyshev nodes."""
RESOLUTIONS = (24, 48, 96)
"""Numbers of nodes tried in turn: 24 leave less than a tolerance of 1e-9 does, but for very long times."""


@dataclass(frozen=True, eq=False)
class Representation:
    """What stands for a law; compared and hashed by identity.

    landscape:   what is reported on
    coarse:      another version no better, whose forecast says how far to trust the reported one (or the same again)
    fixed:       the fixed vectors behind the nodes' coefficients; None for dense matrices
    description: in words
    """

    landscape: Landscape
    coarse: Landscape
    fixed: FixedVectors | None
    description: str


def representations(law: EigenLaw | DenseLaw, start: Any = None, compress: bool | int = False) -> list[Representation]:
    """What may stand for a law, the cheapest first, the exact one last; a number of nodes given is kept to.

    Unless there are no more eigenvalues than that: then all are kept.
    """
    if isinstance(law, DenseLaw):
        return [_dense(law)]
    return _on_nodes(law, start_in_eigenbasis(start, law).tobytes(), compress)


@lru_cache(maxsize=16)
def _dense(law: DenseLaw) -> Representation:
    landscape = dense_landscape(law)
    return Representation(landscape, landscape, None, f"dense mean and covariance, dimension {law.dimension}")


@lru_cache(maxsize=16)
def _on_nodes(law: EigenLaw, start: bytes, compress: bool | int) -> list[Representation]:
    fixed = fixed_vectors(law, np.frombuffer(start))
    exact = NodeLandscape(forecast_nodes(law, fixed))
    distinct = exact.nodes.shares.size
    found = []
    given = compress is not True and compress > 0
    counts: tuple[int, ...] = (compress,) if given else RESOLUTIONS if compress else ()
    for count in counts if distinct > (compress if given else LONG_SPECTRUM) else ():
        fine = compressed_nodes(law, fixed, count)
        coarse = compressed_nodes(law, fixed, count, extrema=True)
        if fine is not None and coarse is not None:
            text = f"{count} Chebyshev nodes for {distinct} distinct eigenvalues"
            found.append(Representation(NodeLandscape(fine), NodeLandscape(coarse), fixed, text))
    if given and found:
        return found
    return [*found, Representation(exact, exact, fixed, f"{distinct} groups of equal eigenvalues")]
