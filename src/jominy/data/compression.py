"""Few nodes in place of many eigenvalues: Chebyshev nodes for what is smooth in the eigenvalue, panels for what is not.

Source: theory `dynamics.md` section 7. A trajectory is a smooth function of the eigenvalue, for which a few Chebyshev
nodes do. The adversarial optimum is not: (K + lam)^{-1} K X* has a pole at -lam, which may be as near to the smallest
eigenvalue as it likes. Panels that halve towards zero resolve every such pole, whatever lam is (ours).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from jominy.data.laws import EigenLaw
from jominy.data.nodes import FixedVectors, Nodes, forecast_nodes, group_coordinates, with_fixed_vectors

ROOTS = range(1, 13)
HIGHEST_DEGREE, PROBES, PIECE = 16, 300, 2**13
PANEL_NODES = 24
"""In a panel from b/2 to b a function with a pole at -lam <= 0 is off by (3 + sqrt 8)^-24 = 4e-19 of its size; where
the pole is off the real axis, as between several classes, by 1e-11 at most."""
NARROWEST = 1e-12
"""Below this share of the largest position there is one panel."""


class Curve(NamedTuple):
    """Eigenvalues as polynomials of one variable.

    Attributes:
        position: (d,) of every coordinate on the curve, in [-1, 1].
        low, high: the variable >= 0 there at -1 and at 1, a root of the eigenvalue or of the rank.
        polynomials: of the position, one per component.
    """

    position: np.ndarray
    low: float
    high: float
    polynomials: list[np.polynomial.Chebyshev]

    def eigenvalues(self, position: np.ndarray) -> np.ndarray:
        """(n, Q) at positions (Q,)."""
        return np.maximum([polynomial(position) for polynomial in self.polynomials], 0.0)


class FineNodes(NamedTuple):
    """So many nodes, at these positions (Q,) on the curve, that they resolve the optimum."""

    nodes: Nodes
    position: np.ndarray


def compressible(law: EigenLaw) -> bool:
    """Whether `compressed_nodes` can stand for the law: whether the eigenvalues are on a smooth curve.

    An attack with weights of its own is another function of the coordinate, of which nothing is known.
    """
    return law.attack is None and _curve(law) is not None


def compressed_nodes(law: EigenLaw, fixed: FixedVectors, count: int, extrema: bool = False) -> Nodes:
    """`count` Chebyshev nodes in place of all coordinates of a compressible law.

    Everything per coordinate is a smooth function of the eigenvalue, so sums over coordinates become sums over the
    nodes with interpolated (signed) weights. Source: theory `dynamics.md` section 7.

    The nodes are the roots of a Chebyshev polynomial. Its `extrema` are as many other nodes with an error of the same
    order: of a series sum_k a_k T_k both resolve all but a_count and what follows, which they mistake differently.
    """
    curve = _curve(law)
    assert curve is not None
    nodes = chebyshev_nodes(count, extrema)
    gram, shares = _sums(law, fixed, nodes, curve.position, slice(None))
    return with_fixed_vectors(law, curve.eigenvalues(nodes), shares, gram, fixed)


def fine_nodes(law: EigenLaw, fixed: FixedVectors) -> FineNodes:
    """Panels of Chebyshev nodes that halve towards the eigenvalue zero; all groups where that spares little."""
    curve = _curve(law)
    assert curve is not None
    width = (curve.high - curve.low) / 2
    variable = curve.low + width * (curve.position + 1)
    edges = [curve.high]
    while edges[-1] / 2 > max(curve.low, NARROWEST * curve.high):
        edges.append(edges[-1] / 2)
    edges = [*edges, curve.low][::-1]
    groups = group_coordinates(law)
    if 2 * PANEL_NODES * (len(edges) - 1) >= groups.eigenvalues.shape[1]:
        position = np.zeros(groups.eigenvalues.shape[1])
        position[groups.group] = curve.position
        return FineNodes(forecast_nodes(law, fixed), position)
    within = chebyshev_nodes(PANEL_NODES)
    panel = np.clip(np.searchsorted(edges, variable, side="right") - 1, 0, len(edges) - 2)
    positions, grams, shares = [], [], []
    for index, (begin, end) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        here = np.flatnonzero(panel == index)
        if not here.size:
            continue
        local = (2 * variable[here] - begin - end) / (end - begin)
        gram, share = _sums(law, fixed, within, local, here)
        grams.append(gram)
        shares.append(share)
        positions.append(((begin + end + (end - begin) * within) / 2 - curve.low) / width - 1)
    position = np.concatenate(positions)
    gram = np.concatenate(grams, axis=2)
    nodes = with_fixed_vectors(law, curve.eigenvalues(position), np.concatenate(shares), gram, fixed)
    return FineNodes(nodes, position)


def chebyshev_nodes(count: int, extrema: bool = False) -> np.ndarray:
    """(count,) roots of a Chebyshev polynomial in [-1, 1], or extrema of one."""
    return np.cos(np.pi * (np.arange(count) / (count - 1) if extrema else (np.arange(count) + 0.5) / count))


def lagrange_basis(nodes: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(P, Q) values at the positions (P,) of the polynomials that are one at one of the nodes, zero at the others."""
    # The basis is the inverse of the polynomials at the nodes, which is well conditioned for both kinds of nodes.
    return np.linalg.solve(_chebyshev(nodes, len(nodes)).T, _chebyshev(position, len(nodes)).T).T


def _chebyshev(position: np.ndarray, count: int) -> np.ndarray:
    return np.polynomial.chebyshev.chebvander(np.clip(position, -1.0, 1.0), count - 1)


@lru_cache(maxsize=4)
def _curve(law: EigenLaw) -> Curve | None:
    """The smooth curve on which the eigenvalues are, if they are on one."""
    eigenvalues = law.eigenvalues
    lead = eigenvalues[np.argmax(np.ptp(eigenvalues, axis=1))]
    if np.ptp(lead) == 0:
        return None
    # Powers of the leading eigenvalue, or of s_j = (j + 1/2)/d or a node's position: families are functions of these.
    steps = (np.arange(lead.size) + 0.5) / lead.size if law.listed else law.position
    for variable in (lead / lead.max(), *([] if steps is None else [steps])):
        for root in ROOTS:
            curve = _polynomials(variable ** (1 / root), eigenvalues)
            if curve is not None:
                return curve
    return None


def _polynomials(variable: np.ndarray, eigenvalues: np.ndarray) -> Curve | None:
    """Polynomials that give the eigenvalues to rounding, or None."""
    low, high = variable.min(), variable.max()
    position = (2 * variable - low - high) / (high - low)
    # Probes in the bulk, and along the curve: without these a fit is at a loss where few eigenvalues are far out.
    order = np.argsort(position)
    along = np.searchsorted(position[order], np.cos(np.linspace(0, np.pi, PROBES)))
    spread = np.linspace(0, position.size - 1, PROBES).astype(int)
    probes = order[np.unique([*spread, *np.minimum(along, position.size - 1)])]
    polynomials = []
    for row in eigenvalues:
        degree = min(HIGHEST_DEGREE, (len(probes) - 1) // 3)
        polynomial = np.polynomial.Chebyshev.fit(position[probes], row[probes], degree, domain=[-1, 1])
        bound = 1e-12 * np.max(np.abs(row))
        if np.max(np.abs(polynomial(position[probes]) - row[probes])) > bound:
            return None
        if np.max(np.abs(polynomial(position) - row)) > bound:
            return None
        polynomials.append(polynomial)
    return Curve(position, float(low), float(high), polynomials)


def _sums(law: EigenLaw, fixed: FixedVectors, nodes, position, coordinates) -> tuple[np.ndarray, np.ndarray]:
    """Gram sums (A, A, Q) and shares (Q,) of some coordinates, which have these positions, on Chebyshev nodes (Q,)."""
    vectors = fixed.vectors[:, coordinates]
    products = vectors[:, None] * vectors[None]
    gram = _onto_nodes(nodes, position, products.reshape(-1, position.size))
    shares = _onto_nodes(nodes, position, law.shares[None, coordinates])[0]
    return gram.reshape(*products.shape[:2], len(nodes)), shares


def _onto_nodes(nodes: np.ndarray, position: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(W, Q) from values (W, d) at the positions: their sums with the Lagrange basis of the Chebyshev nodes.

    Through the discrete Chebyshev transform, piece by piece: the basis at a million positions would fill the memory.
    """
    sums = np.zeros((len(values), len(nodes)))
    for begin in range(0, position.size, PIECE):
        piece = slice(begin, begin + PIECE)
        sums += values[:, piece] @ _chebyshev(position[piece], len(nodes))
    return np.linalg.solve(_chebyshev(nodes, len(nodes)).T, sums.T).T
