"""What stands for a law in the equations: nodes (all groups, or fewer Chebyshev nodes), or dense matrices.

Remembered, because a user asks many things (rates, radii, schedules) of one law.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from jominy.data.compression import (
    FineNodes,
    chebyshev_nodes,
    compressed_nodes,
    compressible,
    fine_nodes,
    lagrange_basis,
)
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import FixedVectors, Nodes, fixed_vectors, forecast_nodes
from jominy.dynamics.laws.geometry import NodeGeometry, RiskGeometry, dense_geometry
from jominy.dynamics.start import start_in_eigenbasis

LONG_SPECTRUM = 64
"""More distinct eigenvalues than this are compressed to Chebyshev nodes."""
SMALLEST_SQUARE = 1e-300
RESOLUTIONS = (24, 48, 96)
"""Numbers of nodes tried in turn: 24 leave less than a tolerance of 1e-9 does, but for very long times."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Where the optimum of a law is sought: on all of it, or on nodes that resolve it. Hashed by identity."""

    geometry: RiskGeometry


class Projection(NamedTuple):
    """How a vector on the nodes of a reference is seen from Q nodes, from where everything is a polynomial.

    Attributes:
        basis: (N, Q) the nodes' Lagrange polynomials at the N nodes of the reference.
        inverse: (Q, A, A) of the nodes' Gram matrices.
    """

    basis: np.ndarray
    inverse: np.ndarray


@dataclass(frozen=True, eq=False)
class Representation:
    """What stands for a law; compared and hashed by identity.

    geometry:   what is reported on
    coarse:      another version no better, whose forecast says how far to trust the reported one (or the same again)
    fixed:       the fixed vectors behind the nodes' coefficients; None for dense matrices
    description: in words
    reference:   where the optimum is sought
    projections: of what is on the reference onto the geometry and the coarse one; none where they resolve everything
    """

    geometry: RiskGeometry
    coarse: RiskGeometry
    fixed: FixedVectors | None
    description: str
    reference: Reference
    projections: tuple[Projection, ...] = ()

    @property
    def size(self) -> int:
        """How many nodes there are; zero for dense matrices."""
        return self.geometry.nodes.shares.size if isinstance(self.geometry, NodeGeometry) else 0

    @cached_property
    def mirrored(self) -> "Representation":
        """The coarse version as what is reported on."""
        return replace(self, geometry=self.coarse, coarse=self.geometry, projections=self.projections[::-1])


class Representations:
    """What may stand for a law, the cheapest first, the exact one last; each is made when it is asked for."""

    def __init__(self, makers: Sequence[Callable[[], Representation]]) -> None:
        self.makers = [cache(make) for make in makers]

    def __len__(self) -> int:
        return len(self.makers)

    def __getitem__(self, index: int) -> Representation:
        return self.makers[index]()

    def __iter__(self) -> Iterator[Representation]:
        return (make() for make in self.makers)

    @property
    def unchecked(self) -> Representation:
        """For whoever does not look at its error: finer than what a forecast, which does, tries first."""
        return self[min(1, len(self) - 1)]


def representations(law: EigenLaw | DenseLaw, start: Any = None, compress: bool | int = False) -> Representations:
    """What may stand for a law. A number of nodes given is kept to, unless there are no more eigenvalues than that."""
    if not law.commuting:
        return _dense(law.dense)
    law = law.in_eigenbasis
    return _on_nodes(law, start_in_eigenbasis(start, law).tobytes(), compress)


@lru_cache(maxsize=16)
def _dense(law: DenseLaw) -> Representations:
    geometry = dense_geometry(law)
    text = f"dense mean and covariance, dimension {law.dimension}"
    return Representations([lambda: Representation(geometry, geometry, None, text, Reference(geometry))])


@lru_cache(maxsize=16)
def _on_nodes(law: EigenLaw, start: bytes, compress: bool | int) -> Representations:
    fixed = fixed_vectors(law, np.frombuffer(start))
    exact = NodeGeometry(forecast_nodes(law, fixed))
    distinct = exact.nodes.shares.size

    @cache
    def reference() -> tuple[Reference, FineNodes]:
        found = fine_nodes(law, fixed)
        return Reference(NodeGeometry(found.nodes)), found

    def compressed(count: int) -> Representation:
        fine, coarse = (compressed_nodes(law, fixed, count, extrema) for extrema in (False, True))
        known, everything = reference()
        onto_fine = _projection(fine, chebyshev_nodes(count), everything)
        onto_coarse = _projection(coarse, chebyshev_nodes(count, extrema=True), everything)
        text = f"{count} Chebyshev nodes for {distinct} distinct eigenvalues"
        return Representation(NodeGeometry(fine), NodeGeometry(coarse), fixed, text, known, (onto_fine, onto_coarse))

    given = compress is not True and compress > 0
    counts: tuple[int, ...] = (compress,) if given else RESOLUTIONS if compress else ()
    makers: list[Callable[[], Representation]] = []
    if counts and distinct > (compress if given else LONG_SPECTRUM) and compressible(law):
        makers = [partial(compressed, count) for count in counts]
    if given and makers:
        return Representations(makers)
    text = f"{distinct} groups of equal eigenvalues"
    return Representations([*makers, lambda: Representation(exact, exact, fixed, text, Reference(exact))])


def _projection(nodes: Nodes, position: np.ndarray, everything: FineNodes) -> Projection:
    # Fixed vectors that are multiples of each other on a node leave its matrix singular: any of them will do. Squares
    # so small that one over them is no number are those of nothing.
    gram = np.where(np.abs(nodes.gram) < SMALLEST_SQUARE, 0.0, nodes.gram)
    inverse = np.linalg.pinv(np.moveaxis(gram, 2, 0), rcond=1e-12, hermitian=True)
    return Projection(lagrange_basis(position, everything.position), inverse)
