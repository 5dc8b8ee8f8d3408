"""The minimiser of the adversarial risk on a landscape: what is asked of the compiled search.

Source: theory `dynamics.md` section 4.2. The scalars that make the optimum solve a fixed-point equation; a damped
iteration descends the convex risk towards it, and Newton's method finishes.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.laws.landscapes import Landscape, Scalars
from jominy.dynamics.laws.risk import Setting
from jominy.dynamics.optima.search import (
    AT,
    FROM_ZERO,
    LOOK,
    MOST_TRIES,
    SLOPES,
    TOWARDS,
    Easing,
    Opening,
    Visit,
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
    scalars: Scalars
    order: OrderParameters


class Solved(NamedTuple):
    """The optimum found: the scalars, its order parameters and risk, and the remaining mismatch of the scalars.

    `descent` is where the descent before it ended: what to begin with where the rest failed.
    """

    scalars: Scalars
    order: OrderParameters
    risk: float
    mismatch: float
    descent: Descent | None = None


class FromZero(NamedTuple):
    """The collapse radius, the zero vector as an optimum, and, below that radius, the optimum."""

    threshold: float
    zero: Solved
    solved: Solved


NOWHERE = 1e200
"""A ridge that presses every student to the zero vector."""


@jax.jit
def _compiled_visit(landscape: Landscape, setting: Setting, student: Any) -> Visit:
    return visited(landscape, setting, as_it_is(setting), student)


def visit(landscape: Landscape, setting: Setting, student: Any) -> Visit:
    """What is found at a student, as NumPy arrays."""
    return jax.tree.map(np.asarray, _compiled_visit(landscape, setting, student))


def as_it_is(setting: Setting) -> Easing:
    """No easing."""
    return Easing(np.zeros(()), np.zeros(()), np.zeros(setting.weights.shape))


def at_zero(setting: Setting) -> Scalars:
    """The scalars whose student is the zero vector."""
    ones = np.ones(setting.weights.shape)
    return Scalars(0 * ones, ones, 0 * ones, np.asarray(NOWHERE))


def towards_teacher(setting: Setting, size: float) -> Scalars:
    """The scalars whose student is `size` times the teacher."""
    ones = np.ones(setting.weights.shape)
    return Scalars(0 * ones, ones, -size * ones, np.zeros(()))


def from_zero(landscape: Landscape, setting: Setting, easing: Easing | None = None) -> FromZero:
    """The search from the zero vector."""
    scalars = at_zero(setting)
    found = _asked(landscape, setting, easing, _opening(landscape.zero(), scalars, LOOK, FROM_ZERO))
    at_start = found.rows["zero"]
    zero = Solved(scalars, order_of(at_start, len(setting.weights)), float(risk_of(at_start)), 0.0)
    return FromZero(float(found.rows["threshold"][0]), zero, _solved(found, scalars))


def solve_from(
    landscape: Landscape,
    setting: Setting,
    student: Any,
    first: Scalars,
    easing: Easing | None = None,
    logarithmic: bool = False,
) -> Solved:
    """The minimiser of the adversarial risk by a descent from a student, which begins towards that for `first`.

    `logarithmic` where the moments give the risk's logarithm.
    """
    opening = _opening(student, first, LOOK, TOWARDS)
    return _solved(_asked(landscape, setting, easing, opening, logarithmic), first)


def solve_at(landscape: Landscape, setting: Setting, first: Scalars, easing: Easing | None = None) -> Solved:
    """The same, from the student that `first` stand for."""
    return _solved(_asked(landscape, setting, easing, _opening(landscape.zero(), first, LOOK, AT)), first)


def polished(landscape: Landscape, setting: Setting, first: Scalars, easing: Easing | None = None) -> Solved:
    """By Newton's method from scalars nearby."""
    return _solved(_asked(landscape, setting, easing, _opening(landscape.zero(), first, SLOPES, AT)), first)


def at_scalars(landscape: Landscape, setting: Setting, scalars: Scalars) -> Solved:
    """A known optimum in the form of a solved one."""
    opening = _opening(landscape.zero(), scalars, SLOPES, AT, tries=0)
    return _solved(_asked(landscape, setting, None, opening), scalars)


class _Answer(NamedTuple):
    """What a search found: the student where the descent ended, and rows of numbers by their names in `TOLD`."""

    student: Any
    rows: dict[str, np.ndarray]


def _opening(student: Any, first: Scalars, begin: int, lead: int, tries: int = MOST_TRIES) -> Opening:
    return Opening(student, first, np.asarray(begin), np.asarray(lead), np.asarray(tries))


def _asked(
    landscape: Landscape, setting: Setting, easing: Easing | None, opening: Opening, logarithmic: bool = False
) -> _Answer:
    easing = as_it_is(setting) if easing is None else easing
    found = search(landscape, setting, easing, opening, logarithmic=logarithmic, centred=landscape.centred)
    return _Answer(found.student, told(np.asarray(found.row), len(opening.first.slope)))


def _solved(found: _Answer, first: Scalars) -> Solved:
    count, rows = len(first.slope), found.rows
    lead = scalars_of(rows["lead"], first.pinned)
    descent = Descent(found.student, float(risk_of(rows["there"])), lead, order_of(rows["there"], count))
    scalars, risk = scalars_of(rows["best"], first.pinned), float(risk_of(rows["found"]))
    return Solved(scalars, order_of(rows["found"], count), risk, float(rows["mismatch"][0]), descent)
