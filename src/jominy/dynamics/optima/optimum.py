"""The adversarial optimum of a problem: minimiser, risk, regime, and the radius at which it collapses to zero.

Source: theory `dynamics.md` section 4.2 (derived there; the thresholds also for every loss).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import coordinate_nodes
from jominy.dynamics.laws.geometry import LocalAverages, NodeGeometry, RiskGeometry, minimiser, padded
from jominy.dynamics.laws.representations import Reference, Representation, representations
from jominy.dynamics.laws.risk import RiskSpec, largest_logit, risk_spec
from jominy.dynamics.least_squares import interpolation_threshold
from jominy.dynamics.optima.corners import FLAT, GOOD, flat_stiffness, optimum_with_corners, well_found
from jominy.dynamics.optima.empty_blocks import with_empty_blocks
from jominy.dynamics.optima.far_classes import are_far, far_optimum, is_tail
from jominy.dynamics.optima.minimise import (
    NOWHERE,
    FromZero,
    OptimumSolution,
    as_it_is,
    at_scalars,
    at_zero,
    from_zero,
    search_from_zero,
    solve_at,
    solve_from,
    towards_teacher,
    visit,
)
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.optima.search import Found, threshold_of
from jominy.dynamics.optima.separation import last_kink, rows_of, separable_part, widest_margin
from jominy.dynamics.problem import Problem
from jominy.losses import Loss, OrderParameters
from jominy.losses.targets import stated_labels

HELD, NOTHING = 1e-25, 1e-150
"""Relative to the largest, and by itself: weights so small are those of what is held at zero."""
CERTAIN = 1e-6
"""In units of the loss at zero: classes with a larger risk are not told apart with certainty."""
TEACHER_SIZES = (1.0, 3.0)
"""Where the search for the optimum of a risk that is not convex starts again, in units of the teacher."""


@dataclass(frozen=True)
class PopulationOptimum:
    """The optimum as scalars, which `NodeGeometry.minimiser` turns into a student on any set of nodes."""

    solved: OptimumSolution
    regime: str
    collapse_radius: float

    def record(self, radius: float, ridge: float | None = None, vector: np.ndarray | None = None) -> Optimum:
        """The optimum as users see it."""
        risk, norm = float(self.solved.risk), float(self.solved.order.norm)
        if vector is not None:
            lengths = np.abs(vector)
            vector = np.where(lengths <= HELD * np.max(lengths) + NOTHING, 0.0, vector)
            norm = float(np.linalg.norm(vector))  # the scalars multiply their rounding by flat directions' stiffness
        return Optimum(risk, norm, self.regime, radius, self.collapse_radius, ridge, vector)


def mixture_collapse_radius(problem: Problem) -> float:
    """The radius from which on the adversarial optimum of a mixture uses no feature that can be attacked."""
    law = problem.law
    return _begun(padded(representations(law)[-1].geometry), risk_spec(law, problem))[0].threshold


def mixture_optimum(problem: Problem) -> Optimum:
    """The adversarial optimum of a mixture, on all of its law, as users see it."""
    law = problem.law
    found = population_optimum(problem, representations(law)[-1])
    scalars = found.solved.scalars
    centred = len(law.weights) == 1 and not np.any(law.means)
    ridge = None
    if centred and problem.loss.least_squares and len(scalars.ridges) == 1:
        ridge = float(scalars.ridges[0] / scalars.curvature[0]) if found.regime != "collapse" else float("inf")
    vector: np.ndarray | None
    if found.regime == "separable":
        vector = None
    elif not law.commuting:
        vector = np.asarray(minimiser(representations(law)[-1].geometry, scalars))
    elif law.listed:
        eigenlaw = law.in_eigenbasis
        student = minimiser(NodeGeometry(coordinate_nodes(eigenlaw)), scalars)
        vector = eigenlaw.from_eigenbasis(np.asarray(student.coefficients)[0])
    else:
        vector = None
    return found.record(problem.final_radius, ridge, vector)


def population_optimum(problem: Problem, representation: Representation) -> PopulationOptimum:
    """The optimum of a mixture, on what stands for its law (which may be compressed)."""
    return _optimum_on(problem, representation.reference)


@lru_cache(maxsize=64)
def _optimum_on(problem: Problem, reference: Reference) -> PopulationOptimum:
    law, geometry = problem.law, _padded(reference)
    setting, loss, radius = risk_spec(law, problem), problem.loss, problem.final_radius
    least_squares = loss.least_squares
    begun, out_of_reach = _begun(geometry, setting, _searching(problem, reference))
    threshold = begun.threshold
    if radius >= threshold:
        if out_of_reach is not None:
            if loss.needs_classes and law.label_law is None:
                apart = _told_apart(law, geometry, setting, loss, np.asarray(geometry.free_means()), 0.0)
                if apart is not None:
                    return PopulationOptimum(
                        apart, "separable" if np.isinf(apart.order.norm) else "interior", threshold
                    )
            return PopulationOptimum(out_of_reach, "shrink" if least_squares else "interior", threshold)
        return PopulationOptimum(begun.zero, "collapse", threshold)
    if loss.needs_classes:
        apart = _separated(law, geometry, setting, loss)
        if apart is not None:
            return PopulationOptimum(apart, "separable" if np.isinf(apart.order.norm) else "interior", threshold)
    if _interpolates(problem):
        at_teacher = at_scalars(geometry, setting, towards_teacher(setting, geometry.forms, 1.0))
        return PopulationOptimum(at_teacher, "interpolating" if least_squares else "interior", threshold)
    solved = _lowest(law, geometry, setting, begun)
    if not loss.convex:
        sizes = () if law.teacher is None else TEACHER_SIZES
        others = [solve_at(geometry, setting, towards_teacher(setting, geometry.forms, size)) for size in sizes]
        solved = min(solved, *others, begun.zero, key=lambda one: one.risk if np.isfinite(one.risk) else np.inf)
    pinned = solved.scalars.pinned
    regime = "shrink" if least_squares else "interior"
    if least_squares and pinned is not None and np.all(pinned):
        regime = "interpolating"
    return PopulationOptimum(solved, regime, threshold)


def begin_optimum(problem: Problem, representation: Representation) -> None:
    """Begin to look for an optimum that will be asked for: the search goes on while other things are made ready."""
    _searching(problem, representation.reference)


@lru_cache(maxsize=64)
def _searching(problem: Problem, reference: Reference) -> Found | None:
    geometry = _padded(reference)
    return None if geometry.untouched else search_from_zero(geometry, risk_spec(problem.law, problem))


def _begun(
    geometry: RiskGeometry, setting: RiskSpec, searching: Found | None = None
) -> tuple[FromZero, OptimumSolution | None]:
    """The search from the zero vector; and the optimum without what the attack can touch, if that is not all.

    Source: theory `attacks.md` section 2, general collapse rule.
    """
    if not geometry.untouched:
        found = from_zero(geometry, setting, begun=searching)
        if float(setting.radius) < found.threshold:
            found = found._replace(solved=with_empty_blocks(geometry, setting, found.solved))
        return found, None
    clean = setting._replace(radius=np.zeros(()))
    forms = geometry.forms
    found = from_zero(geometry, clean, as_it_is(setting, forms)._replace(ridges=np.full(forms, NOWHERE)))
    free = np.asarray(geometry.free_means())
    if np.any(free):
        stiffness = flat_stiffness(np.asarray(setting.weights), free)
        found = found._replace(solved=optimum_with_corners(geometry, clean, stiffness, found.zero, untouched=True))
    scalars = found.solved.scalars._replace(ridges=np.full(forms, NOWHERE))
    student = minimiser(geometry, scalars)
    seen = visit(geometry, setting._replace(radius=np.ones(())), student)
    push = float(seen.norm_slope)
    threshold = float(threshold_of(np.max(geometry.attackable_pulls(student, seen.scalars)), push))
    alone = OptimumSolution(scalars, seen.order, float(visit(geometry, clean, student).risk), found.solved.mismatch)
    if float(setting.radius) >= threshold:
        return found._replace(threshold=threshold), alone
    firmly = seen.scalars._replace(ridges=np.full(forms, float(setting.radius) ** 2 + 0.1))
    solved = with_empty_blocks(geometry, setting, solve_from(geometry, setting, student, firmly))
    return FromZero(threshold, found.zero, solved), alone


@lru_cache(maxsize=64)
def _padded(reference: Reference) -> RiskGeometry:
    return padded(reference.geometry)


def _lowest(law: EigenLaw | DenseLaw, geometry: RiskGeometry, setting: RiskSpec, begun: FromZero) -> OptimumSolution:
    """The optimum below the collapse radius, of a convex risk; else where the search from zero ends."""
    setting, solved = _resolved(geometry, setting, begun)
    stiffness = flat_stiffness(np.asarray(setting.weights), flat_means(law, FLAT))
    held_by_means = bool(np.any(geometry.free_means()))
    if held_by_means:
        found = False  # neither slopes nor the attack's ridge tell the weights there
    elif are_far(setting, solved):
        solved = far_optimum(geometry, setting, solved)
        found = is_tail(setting.loss, solved.risk)  # a descent that was led astray took it for one
    else:
        found = well_found(solved, stiffness)
    if not (setting.loss.convex or held_by_means) or (found and _below(solved, begun.zero)):
        return solved
    exact = padded(representations(law)[-1].geometry.weighted(setting.weights))
    return optimum_with_corners(exact, setting, stiffness, begun.zero)


def _below(solved: OptimumSolution, zero: OptimumSolution) -> bool:
    """Whether it may be an optimum below the collapse radius: finite, and better than the zero vector."""
    return bool(np.isfinite(solved.order.norm)) and solved.risk < zero.risk


def _resolved(geometry: RiskGeometry, setting: RiskSpec, begun: FromZero) -> tuple[RiskSpec, OptimumSolution]:
    """With a quadrature that resolves the logits at the optimum."""
    solved = begun.solved
    for _ in range(4):
        finer = setting.finer(largest_logit(setting, _end(setting, solved)))
        if finer is None:
            break
        setting, solved = finer, _begun(geometry, finer)[0].solved
    return setting, solved


def _end(setting: RiskSpec, solved: OptimumSolution) -> OrderParameters:
    """Those of the student that a search has come to.

    That is where its descent ended, if Newton's method found no minimum from there: then he may be anywhere, and a
    quadrature that resolves the logits of that place takes minutes for nothing. In tails he follows rounding.
    """
    descent = solved.descent
    if descent is None or not setting.loss.convex:
        return solved.order
    arrived = solved.mismatch < GOOD and solved.risk <= descent.risk and not are_far(setting, solved)
    return solved.order if arrived else descent.order


@lru_cache(maxsize=16)
def flat_means(law: EigenLaw | DenseLaw, level: float) -> np.ndarray:
    """(n, n) Gram matrix of the class means on the directions in which, relative to `level`, no input varies."""
    return np.asarray(representations(law)[-1].geometry.flat_means(level))


@lru_cache(maxsize=16)
def fixed_means(law: EigenLaw | DenseLaw) -> np.ndarray:
    """(n, n) Gram matrix of the class means on the directions in which no input varies."""
    return np.asarray(representations(law)[-1].geometry.fixed_means())


def _separated(
    law: EigenLaw | DenseLaw, geometry: RiskGeometry, setting: RiskSpec, loss: Loss
) -> OptimumSolution | None:
    """What stands for the optimum where all classes, or without an attack some, can be told apart with certainty."""
    radius = float(setting.radius)
    if law.label_law is not None:
        return _at_infinity(geometry, setting, loss) if law.label_law.certain and not radius else None
    free = np.asarray(geometry.free_means())
    if radius and np.any(free):
        apart = _told_apart(law, geometry, setting, loss, free, 0.0)
        if apart is not None:
            return apart
    return _told_apart(law, geometry, setting, loss, fixed_means(law), radius)


def _told_apart(
    law: EigenLaw | DenseLaw, geometry: RiskGeometry, setting: RiskSpec, loss: Loss, means: np.ndarray, radius: float
) -> OptimumSolution | None:
    """The same by these means (Gram matrix (n, n)), where an attack of this radius reaches them."""
    labels = stated_labels(law)
    gram = labels[:, None] * means * labels
    if not np.any(np.diag(gram) > 0):
        return None
    weights, margin = widest_margin(rows_of(gram))
    end = last_kink(loss)
    if end is not None:
        if margin <= radius * (1 + 1e-9):
            return None
        # The vector of least norm at which all margins are beyond the last kink, in a plane where nothing varies.
        everyone = np.ones(len(labels), bool)
        ridge = np.max(np.abs(gram))
        slope = -labels * weights * end / (1 - radius / margin) * ridge / law.weights
        scalars = LocalAverages(
            slope, np.ones(len(labels)), np.zeros(len(labels)), np.full(geometry.forms, ridge), everyone
        )
        if np.any(geometry.free_means()):
            scalars = scalars._replace(flat=labels * weights * end / (1 - radius / margin))
        found = at_scalars(geometry, setting, scalars)
        # What varies little beside the largest variance of all may still vary by more than the margins.
        return found if found.risk < CERTAIN * float(loss(np.zeros(()), np.ones(()))) else None
    apart = np.full(len(labels), margin > radius * (1 + 1e-9)) if radius or margin else separable_part(gram)
    if not np.any(apart):
        return None
    infinity = _at_infinity(geometry, setting, loss)
    if np.all(apart):
        return infinity
    rest = np.where(apart, 0.0, law.weights)
    geometry, setting = geometry.weighted(rest), setting._replace(weights=rest)
    begun = from_zero(geometry, setting)
    solved = begun.zero if radius >= begun.threshold else _lowest(law, geometry, setting, begun)
    return infinity._replace(risk=infinity.risk * float(law.weights @ apart) + solved.risk)


def _at_infinity(geometry: RiskGeometry, setting: RiskSpec, loss: Loss) -> OptimumSolution:
    """What stands for an optimum that lies at infinity: the scalars are those of the zero vector."""
    nothing = at_scalars(geometry, setting, at_zero(setting, geometry.forms))
    return nothing._replace(order=nothing.order._replace(norm=np.asarray(np.inf)), risk=loss.infimum)


def _interpolates(problem: Problem) -> bool:
    """Whether the optimum is known to be the teacher, as far as it is seen: one centred class without noise."""
    law = problem.law.one_centred_class
    if not problem.loss.corner_at_target or law is None or law.teacher is None or law.noise_variance:
        return False
    return problem.final_radius <= interpolation_threshold(law)
