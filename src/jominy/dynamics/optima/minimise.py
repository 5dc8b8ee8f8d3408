"""The minimiser of the adversarial risk on a geometry: what is asked of the compiled search.

Source: theory `dynamics.md` section 4.2. The scalars that make the optimum solve a fixed-point equation; a damped
iteration descends the convex risk towards it, and Newton's method finishes.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.laws.geometry import LocalAverages, RiskGeometry
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.optima.search import (
    AT,
    FROM_ZERO,
    LOOK,
    MOST_TRIES,
    SLOPES,
    TOWARDS,
    Easing,
    Evaluation,
    Found,
    Opening,
    order_of,
    risk_of,
    scalars_of,
    search,
    told,
    visited,
)
from jominy.losses import OrderParameters


class Descent(NamedTuple):
    """Where a descent ended: the student, and risk, scalars and order parameters there."""

    student: Any
    risk: float
    scalars: LocalAverages
    order: OrderParameters


class OptimumSolution(NamedTuple):
    """The optimum found: the scalars, its order parameters and risk, and the remaining mismatch of the scalars.

    `descent` is where the descent before it ended: what to begin with where the rest failed.
    """

    scalars: LocalAverages
    order: OrderParameters
    risk: float
    mismatch: float
    descent: Descent | None = None


class FromZero(NamedTuple):
    """The collapse radius, the zero vector as an optimum, and, below that radius, the optimum."""

    threshold: float
    zero: OptimumSolution
    solved: OptimumSolution


NOWHERE = 1e200
"""A ridge that presses every student to the zero vector."""


@jax.jit
def _compiled_visit(geometry: RiskGeometry, setting: RiskSpec, student: Any) -> Evaluation:
    return visited(geometry, setting, as_it_is(setting, geometry.forms), student)


def visit(geometry: RiskGeometry, setting: RiskSpec, student: Any) -> Evaluation:
    """What is found at a student, as NumPy arrays."""
    return jax.tree.map(np.asarray, _compiled_visit(geometry, setting, student))


def as_it_is(setting: RiskSpec, forms: int) -> Easing:
    """No easing, of a risk under an attack with so many forms."""
    return Easing(np.zeros(()), np.zeros(forms), np.zeros(setting.weights.shape))


def at_zero(setting: RiskSpec, forms: int) -> LocalAverages:
    """The scalars whose student is the zero vector."""
    ones = np.ones(setting.weights.shape)
    return LocalAverages(0 * ones, ones, 0 * ones, np.full(forms, NOWHERE))


def towards_teacher(setting: RiskSpec, forms: int, size: float) -> LocalAverages:
    """The scalars whose student is `size` times the teacher."""
    ones = np.ones(setting.weights.shape)
    return LocalAverages(0 * ones, ones, -size * ones, np.zeros(forms))


def search_from_zero(geometry: RiskGeometry, setting: RiskSpec, easing: Easing | None = None) -> Found:
    """The search from the zero vector, which goes on while its caller does other things."""
    return _begun(
        geometry, setting, easing, _opening(geometry.zero(), at_zero(setting, geometry.forms), LOOK, FROM_ZERO)
    )


def from_zero(
    geometry: RiskGeometry, setting: RiskSpec, easing: Easing | None = None, begun: Found | None = None
) -> FromZero:
    """What the search from the zero vector finds, which may have been `begun`."""
    scalars = at_zero(setting, geometry.forms)
    found = _told(search_from_zero(geometry, setting, easing) if begun is None else begun, scalars)
    at_start = found.rows["zero"]
    zero = OptimumSolution(scalars, order_of(at_start, len(setting.weights)), float(risk_of(at_start)), 0.0)
    return FromZero(float(found.rows["threshold"][0]), zero, _solved(found, scalars))


def solve_from(
    geometry: RiskGeometry,
    setting: RiskSpec,
    student: Any,
    first: LocalAverages,
    easing: Easing | None = None,
    logarithmic: bool = False,
) -> OptimumSolution:
    """The minimiser of the adversarial risk by a descent from a student, which begins towards that for `first`.

    `logarithmic` where the moments give the risk's logarithm.
    """
    opening = _opening(student, first, LOOK, TOWARDS)
    return _solved(_asked(geometry, setting, easing, opening, logarithmic), first)


def solve_at(
    geometry: RiskGeometry, setting: RiskSpec, first: LocalAverages, easing: Easing | None = None
) -> OptimumSolution:
    """The same, from the student that `first` stand for."""
    return _solved(_asked(geometry, setting, easing, _opening(geometry.zero(), first, LOOK, AT)), first)


def polished(
    geometry: RiskGeometry, setting: RiskSpec, first: LocalAverages, easing: Easing | None = None
) -> OptimumSolution:
    """By Newton's method from scalars nearby."""
    return _solved(_asked(geometry, setting, easing, _opening(geometry.zero(), first, SLOPES, AT)), first)


def at_scalars(geometry: RiskGeometry, setting: RiskSpec, scalars: LocalAverages) -> OptimumSolution:
    """A known optimum in the form of a solved one."""
    opening = _opening(geometry.zero(), scalars, SLOPES, AT, tries=0)
    return _solved(_asked(geometry, setting, None, opening), scalars)


class _Answer(NamedTuple):
    """What a search found: the student where the descent ended, and rows of numbers by their names in `TOLD`."""

    student: Any
    rows: dict[str, np.ndarray]


def _opening(student: Any, first: LocalAverages, begin: int, lead: int, tries: int = MOST_TRIES) -> Opening:
    return Opening(student, first, np.asarray(begin), np.asarray(lead), np.asarray(tries))


def _asked(
    geometry: RiskGeometry, setting: RiskSpec, easing: Easing | None, opening: Opening, logarithmic: bool = False
) -> _Answer:
    return _told(_begun(geometry, setting, easing, opening, logarithmic), opening.first)


def _begun(
    geometry: RiskGeometry, setting: RiskSpec, easing: Easing | None, opening: Opening, logarithmic: bool = False
) -> Found:
    easing = as_it_is(setting, geometry.forms) if easing is None else easing
    return search(geometry, setting, easing, opening, logarithmic=logarithmic, centred=geometry.centred)


def _told(found: Found, first: LocalAverages) -> _Answer:
    return _Answer(found.student, told(np.asarray(found.row), len(first.slope), len(first.ridges)))


def _solved(found: _Answer, first: LocalAverages) -> OptimumSolution:
    count, rows = len(first.slope), found.rows
    lead = scalars_of(rows["lead"], count, first.pinned)
    descent = Descent(found.student, float(risk_of(rows["there"])), lead, order_of(rows["there"], count))
    scalars, risk = scalars_of(rows["best"], count, first.pinned), float(risk_of(rows["found"]))
    return OptimumSolution(scalars, order_of(rows["found"], count), risk, float(rows["mismatch"][0]), descent)
