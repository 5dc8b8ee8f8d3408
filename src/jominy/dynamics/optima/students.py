"""The adversarial optimum as a student on the nodes of a forecast.

Few Chebyshev nodes follow a trajectory, which is smooth in the eigenvalue, but not the optimum, which has a pole. What
a forecast asks of the optimum X0 are its overlaps with polynomials: of the student, of its gradient. So X0 is replaced
by the vector on the nodes that has the same overlaps with all polynomials of their degree, and what is left of its
square norm becomes a part orthogonal to all of them: no product with it is interpolated. Source: ours.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from jominy.data.nodes import Nodes
from jominy.dynamics.laws.geometry import NodeGeometry, known_minimiser
from jominy.dynamics.laws.representations import Projection, Representation
from jominy.dynamics.optima.optimum import population_optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.students import Student

RESOLVED = 1e-12
"""Relative error between the nodes at which an optimum counts as a polynomial."""


@lru_cache(maxsize=64)
def optimum_students(problem: Problem, representation: Representation) -> tuple[Any, Any]:
    """The optimum as a student on a representation's geometry, and on the coarser one."""
    scalars = population_optimum(problem, representation).solved.scalars
    geometries = (representation.geometry, representation.coarse)
    if not representation.projections:
        fine, coarse = (known_minimiser(geometry, scalars) for geometry in geometries)
        return fine, coarse
    every, joined = _joined(representation)
    whole = known_minimiser(joined, scalars)
    ends = np.cumsum([nodes.shares.size for nodes in every]).tolist()
    fine, coarse, exact = (
        Student(*(leaf[..., begin:end] for leaf in whole)) for begin, end in zip([0, *ends], ends, strict=False)
    )
    onto_fine, onto_coarse = representation.projections
    return _projected(fine, every[0], exact, every[2], onto_fine), _projected(
        coarse, every[1], exact, every[2], onto_coarse
    )


@lru_cache(maxsize=16)
def _joined(representation: Representation) -> tuple[list[Nodes], NodeGeometry]:
    """The nodes of a representation, of the coarser one and of the reference, and all of them as one geometry.

    The minimiser is a matter of each node by itself, so that it is found on all of them at once.
    """
    geometries = (representation.geometry, representation.coarse, representation.reference.geometry)
    every: list[Nodes] = [one.nodes for one in geometries]  # type: ignore[attr-defined]
    first = every[0]
    per_node = ("eigenvalues", "shares", "gram", "means", "mean_overlaps", "teacher", "attack")
    joined = {name: np.concatenate([getattr(nodes, name) for nodes in every], axis=-1) for name in per_node}
    return every, NodeGeometry(first._replace(**joined))


def _projected(student: Student, nodes: Nodes, exact: Student, everywhere: Nodes, projection: Projection) -> Student:
    """The student on a few nodes with the overlaps of `exact`; that given, which has its values, where this is one."""
    rest = exact.coefficients - student.coefficients @ projection.basis.T
    if np.max(np.abs(rest), initial=0.0) <= RESOLVED * np.max(np.abs(exact.coefficients), initial=0.0):
        return student
    along = np.einsum("abn,bn->an", everywhere.gram, exact.coefficients)
    overlaps = along @ projection.basis
    missing = overlaps - np.einsum("abq,bq->aq", nodes.gram, student.coefficients)
    more = np.einsum("qab,bq->aq", projection.inverse, missing)
    coefficients = student.coefficients + more
    left = np.sum(exact.coefficients * along) - np.sum(coefficients * overlaps)
    return Student(coefficients, student.residual + more, np.full_like(nodes.shares, left / nodes.shares.size))
