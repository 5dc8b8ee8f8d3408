"""The laws of the single weights while a mixture is trained under an attack with a quadratic form.

The equations of such training keep inner products, which do not say how far an attack on single features could move a
score. Where the covariances have a shared eigenbasis every weight there is normal, and its mean and variance follow
linear equations of their own; they are solved again weight by weight, for what is read out under other attacks.

Source: theory `attacks.md` sections 2 (the equations) and 6 (read-outs).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import Reach
from jominy.data.laws import EigenLaw
from jominy.data.nodes import forms_of
from jominy.data.points import Points
from jominy.dynamics.coordinates.closure import NormalLaws, normal_averages
from jominy.dynamics.coordinates.equations import motion, order_parameters
from jominy.dynamics.laws.risk import largest_logit, risk_spec
from jominy.dynamics.other_attacks import OtherAttack, read_under
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables
from jominy.dynamics.start import random_variance, start_in_eigenbasis
from jominy.dynamics.students import OUT_OF_SCALE, attack_pull, attack_ridges
from jominy.errors import InputError
from jominy.losses import Loss, OrderParameters, Targets
from jominy.numerics.arrays import Array, root
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.numerics.module import Module
from jominy.numerics.ode import MOST_STEPS, integrate
from jominy.schedules import UNKNOWN_DESCENT, RadiusSchedule, Schedule

MOST_WEIGHTS = 20_000


class WeightLaws(NamedTuple):
    """At times (T,): means and variances (T, Q) of the weights u = sqrt(d) X in the eigenbasis; order parameters."""

    mean: Array
    variance: Array
    order: OrderParameters


class WeightFlow(Module):
    """Mean and variance of every weight; `forms` (G, Q) are the diagonals of the attack's forms."""

    points: Points
    forms: Array
    loss: Loss
    targets: Targets
    schedule: Schedule
    radius: RadiusSchedule
    rule: GaussianRule

    def _order(self, state: NormalLaws) -> OrderParameters:
        averages = normal_averages(state.mean, state.variance)
        sizes = root(self.forms @ (self.points.shares * averages.square))
        return order_parameters(self.points, averages)._replace(sizes=sizes)

    def velocity(self, time: Array, state: NormalLaws) -> NormalLaws:
        """dm = -g (H m + beta), dv = -2 g H v + g^2 D with H = alpha + sum_g ridge_g M_g."""
        order, radius = self._order(state), self.radius.at(time)
        moments = self.targets.moments(self.loss, order, radius * order.size, self.rule)
        alpha, beta, _, noise = motion(self.points, moments, radius, order.size)
        stiff = alpha + attack_pull(attack_ridges(moments, self.points.weights, radius, order.sizes), self.forms)
        rate = self.schedule.rate(time, UNKNOWN_DESCENT)
        return NormalLaws(
            -rate * (stiff * state.mean + beta), rate * (rate * noise - 2 * stiff * state.variance), jnp.zeros(())
        )

    def ended(self, state: NormalLaws) -> Array:
        """Whether the student is so far out that it may as well stay there."""
        return ~(self.points.shares @ (state.mean**2 + state.variance) < 10 * OUT_OF_SCALE)

    def observe(self, time: Array, state: NormalLaws) -> WeightLaws:
        """The laws, and the order parameters."""
        return WeightLaws(state.mean, state.variance, self._order(state))


def read_mixture_under(
    problem: Problem, schedule: Schedule, plan: Plan, start: Any, others: Sequence[OtherAttack]
) -> Variables:
    """Risk and accuracy (T, A) under other attacks, of training that is under a quadratic form.

    InputError where the single weights are not known: covariances that do not commute, nodes, rates that look ahead.
    """
    law = problem.law
    if not law.commuting or not law.listed or law.dimension > MOST_WEIGHTS:
        raise InputError(
            "After training on a mixture other attacks are known where every weight is: with covariances that commute "
            f"and list every coordinate, at most {MOST_WEIGHTS}",
            "covariances that do not commute" if not law.commuting else f"dimension {law.dimension:g}",
            "Give the spectrum a dimension, or draw rows, Samples(X, y)",
        )
    if schedule.adaptive or schedule.remembers:
        raise InputError(
            "After training on a mixture other attacks are known for rates that are given in advance",
            type(schedule).__name__,
            "Use `Constant(...)` or another schedule of time, or draw rows, Samples(X, y)",
        )
    if plan.batch_size != 1:
        raise InputError("Other attacks are known for single samples", plan.batch_size, "Leave batch_size out")
    eigenlaw = law.in_eigenbasis
    found, spec = _laws(problem, eigenlaw, schedule, plan, start)
    reached = found.mean.shape[0]
    sizes = [_sizes(other, eigenlaw, found) for other in others]
    told = read_under(others, sizes, spec, found.order, problem.data.classification)
    assert reached == len(plan.times)
    return told


def _laws(problem: Problem, law: EigenLaw, schedule: Schedule, plan: Plan, start: Any) -> tuple[WeightLaws, Any]:
    """The laws at all times, with a quadrature that resolves the logits on the way."""
    scale = np.sqrt(law.dimension)
    size = law.shares.size
    points = Points(
        np.asarray(law.weights, float),
        law.eigenvalues,
        law.shares,
        scale * law.means,
        np.zeros(size) if law.teacher is None else scale * law.teacher,
        np.zeros(size),
        scale * start_in_eigenbasis(start, law),
        np.zeros(len(law.weights)) if law.labels is None else np.asarray(law.labels, float),
        np.asarray(law.noise_variance, float),
    )
    forms = forms_of(law)
    begin = NormalLaws(points.start, np.full(size, random_variance(start)), np.zeros(()))
    jumps = np.array(sorted({*problem.radius_schedule.jumps, *schedule.jumps}), dtype=float)
    times, logit = np.unique(np.append(0.0, plan.times)), 0.0
    place = np.searchsorted(times, plan.times)
    for _ in range(6):
        spec = risk_spec(law, problem, logit) if logit else risk_spec(law, problem)
        flow = WeightFlow(points, forms, problem.loss, spec.targets, schedule, problem.radius_schedule, spec.rule)
        systems, states = jax.tree.map(lambda leaf: np.asarray(leaf)[None], (flow, begin))
        seen = integrate(systems, states, times[None], jumps[None], np.array([plan.rtol]), None, MOST_STEPS)
        if int(seen.reached[0]) < len(times):
            raise InputError(
                "Other attacks are told of training that does not diverge", f"rate {schedule!r}", "Lower the rate"
            )
        found: WeightLaws = jax.tree.map(lambda leaf: np.asarray(leaf)[0][place], seen.observations)
        logit = max(logit, largest_logit(spec, found.order))
        if gaussian_rule(logit).logit_scale <= spec.rule.logit_scale:
            break
    return found, spec


def _sizes(other: OtherAttack, law: EigenLaw, found: WeightLaws) -> np.ndarray:
    """(T,) of another attack: the root of the mean of a quadratic form, or a mean over single normal weights."""
    form = other.attack.on_rows(law.out_of_reach)
    scale = np.sqrt(law.dimension)
    mean, spread = found.mean / scale, found.variance / law.dimension
    users = law.from_eigenbasis(mean)
    if form is None:
        return np.asarray(found.order.norm)
    if not isinstance(form, Reach) and form.ndim == 2:
        turned = form if law.basis is None else law.basis.T @ form @ law.basis
        return np.sqrt(np.einsum("ti,ij,tj->t", mean, turned, mean) + spread @ np.diag(turned))
    variance = spread if law.basis is None else spread @ (law.basis**2).T
    if isinstance(form, Reach):
        return np.array([float(form.over_normal(m, v).size) for m, v in zip(users, variance, strict=True)])
    return np.sqrt((users**2 + variance) @ form)
