"""The adversarial optimum of a problem: minimiser, risk, regime, and the radius at which it collapses to zero.

Source: theory `dynamics.md` section 4.2 (derived there; the thresholds also for every loss).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from jominy.data import GaussianMixture, Samples
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.nodes import coordinate_nodes
from jominy.dynamics.ends.least_squares import interpolation_threshold
from jominy.dynamics.optima.far_classes import are_far, far_optimum
from jominy.dynamics.optima.landscapes import Landscape, NodeLandscape, minimiser, padded
from jominy.dynamics.optima.minimise import (
    Setting,
    Solved,
    at_scalars,
    at_zero,
    collapse_threshold,
    solve_optimum,
    towards_teacher,
)
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.population.representations import Reference, Representation, representations
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import largest_logit
from jominy.losses import MarginLoss, ResidualLoss, RidgeSquaredLoss, SquaredLoss
from jominy.losses.targets import stated_labels
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision

TEACHER_SIZES = (1.0, 3.0)
"""Where the search for the optimum of a risk that is not convex starts again, in units of the teacher."""


@dataclass(frozen=True)
class PopulationOptimum:
    """The optimum as scalars, which `NodeLandscape.minimiser` turns into a student on any set of nodes."""

    solved: Solved
    regime: str
    collapse_radius: float

    def record(self, radius: float, ridge: float | None = None, vector: np.ndarray | None = None) -> Optimum:
        """The optimum as users see it."""
        risk, norm = float(self.solved.risk), float(self.solved.order.norm)
        return Optimum(risk, norm, self.regime, radius, self.collapse_radius, ridge, vector)


@double_precision
def collapse_radius(problem: Problem) -> float:
    """The radius from which on the adversarial optimum is the zero vector, for any loss.

    eps_zero = ||E[loss'(0, y) x]|| / E|loss'(0, y)|; the radius of the problem does not enter.

    Source: theory `dynamics.md` section 4.2, general rule.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> round(jm.collapse_radius(jm.Problem(data, jm.SquaredLoss(), radius=0.5)), 8)
    1.12099824
    """
    if isinstance(problem.data, Samples):
        from jominy.dynamics.samples.optimum import sample_collapse_radius

        return sample_collapse_radius(problem)
    law = problem.data.law
    return collapse_threshold(padded(representations(law)[-1].landscape), setting_of(law, problem))


@double_precision
def optimum(problem: Problem) -> Optimum:
    """The adversarial optimum of a problem.

    Minimises R(X) = E max_{||delta|| <= eps} loss(<X, x + delta>, y) over X; for least squares on one centred class
    the solution is a ridge regression whose ridge solves a scalar equation. Between classes many standard deviations
    apart the risk is a tail, or below the smallest number; its logarithm is minimised there (a margin loss with labels
    that are certain; to 1e-6 in the norm at distances up to 300, checked).

    Source: theory `dynamics.md` section 4.2; for samples, a smoothed Newton method on the empirical risk.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> found = jm.optimum(jm.Problem(data, jm.SquaredLoss(), radius=0.5))
    >>> found.regime, round(found.ridge, 8), round(found.adversarial_risk, 8)
    ('shrink', 0.37107801, 0.3935504)
    """
    if isinstance(problem.data, Samples):
        from jominy.dynamics.samples.optimum import sample_optimum

        return sample_optimum(problem)
    law = problem.data.law
    found = population_optimum(problem, representations(law)[-1])
    scalars = found.solved.scalars
    centred = len(law.weights) == 1 and not np.any(law.means)
    ridge = None
    if centred and isinstance(problem.loss, SquaredLoss):
        ridge = float(scalars.ridge / scalars.curvature[0]) if found.regime != "collapse" else float("inf")
    vector: np.ndarray | None
    if found.regime == "separable":
        vector = None
    elif isinstance(law, DenseLaw):
        vector = np.asarray(minimiser(representations(law)[-1].landscape, scalars))
    elif law.listed:
        student = minimiser(NodeLandscape(coordinate_nodes(law)), scalars)
        vector = law.from_eigenbasis(np.asarray(student.coefficients)[0])
    else:
        vector = None
    return found.record(problem.final_radius, ridge, vector)


def population_optimum(problem: Problem, representation: Representation) -> PopulationOptimum:
    """The optimum of a mixture, on what stands for its law (which may be compressed)."""
    return _optimum_on(problem, representation.reference)


@lru_cache(maxsize=64)
def _optimum_on(problem: Problem, reference: Reference) -> PopulationOptimum:
    assert isinstance(problem.data, GaussianMixture)
    law, landscape = problem.data.law, padded(reference.landscape)
    setting = setting_of(law, problem)
    threshold = collapse_threshold(landscape, setting)
    least_squares = isinstance(problem.loss, SquaredLoss)
    if problem.final_radius >= threshold:
        return PopulationOptimum(at_scalars(landscape, setting, at_zero(setting)), "collapse", threshold)
    if (
        isinstance(problem.loss, MarginLoss)
        and law.label_law is not None
        and law.label_law.certain
        and not problem.final_radius
    ):
        return PopulationOptimum(_at_infinity(landscape, setting, problem.loss), "separable", threshold)
    attacked = isinstance(problem.loss, ResidualLoss) and not isinstance(problem.loss, RidgeSquaredLoss)
    if attacked and law.noise_variance == 0 and law.teacher is not None:
        at_teacher = at_scalars(landscape, setting, at_zero(setting)._replace(ridge=np.zeros(())))
        noiseless = float(np.max(at_teacher.order.residual_variance)) < 1e-20 and not np.any(stated_labels(law))
        if noiseless and _interpolates(law, problem.final_radius, landscape, setting, at_teacher.risk):
            return PopulationOptimum(at_teacher, "interpolating" if least_squares else "interior", threshold)
    solved = solve_optimum(landscape, setting)
    for _ in range(4):  # the quadrature must resolve the logits at the optimum
        scale = largest_logit(setting, solved.order)
        if scale <= setting.rule.logit_scale:
            break
        setting = setting._replace(rule=gaussian_rule(scale))
        solved = solve_optimum(landscape, setting)
    if are_far(setting, solved):
        solved = far_optimum(landscape, setting, solved)
    if not problem.loss.convex and law.teacher is not None:
        others = [solve_optimum(landscape, setting, towards_teacher(setting, size)) for size in TEACHER_SIZES]
        solved = min(solved, *others, key=lambda one: one.risk)
    return PopulationOptimum(solved, "shrink" if least_squares else "interior", threshold)


def setting_of(law: EigenLaw | DenseLaw, problem: Problem, logit_scale: float = 2.0) -> Setting:
    """Loss, targets, radius and quadrature (for logits up to that scale) of a problem."""
    radius = np.asarray(problem.final_radius)
    return Setting(problem.loss, problem.loss.targets(law), law.weights, radius, gaussian_rule(logit_scale))


def _at_infinity(landscape: Landscape, setting: Setting, loss: MarginLoss) -> Solved:
    """What stands for an optimum that lies at infinity: the scalars are those of the zero vector."""
    nothing = at_scalars(landscape, setting, at_zero(setting))
    infimum = float(loss.profile(np.asarray(1e6)))
    return nothing._replace(order=nothing.order._replace(norm=np.asarray(np.inf)), risk=infimum)


def _interpolates(law, radius: float, landscape: Landscape, setting: Setting, risk_at_teacher: float) -> bool:
    """Whether the teacher itself is the optimum of a noiseless problem."""
    if len(law.weights) == 1 and not np.any(law.means) and isinstance(law, EigenLaw):
        return radius <= interpolation_threshold(law)
    # Several classes: the risk is convex, so the teacher is optimal unless the descent finds something lower.
    return solve_optimum(landscape, setting).risk >= risk_at_teacher * (1 - 1e-9)
