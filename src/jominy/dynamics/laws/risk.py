"""The risk of a mixture under a loss and an attack: what its averages need besides the weights."""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import DenseLaw, EigenLaw
from jominy.dynamics.problem import Problem
from jominy.losses import Loss, Moments, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.batched_tree import BatchedTree, with_axis
from jominy.numerics.gaussian import GaussianRule, gaussian_rule


class RiskSpec(NamedTuple):
    """What the moments need besides the student."""

    loss: Loss
    targets: Targets
    weights: Array
    radius: Array
    rule: GaussianRule
    noise: Array | None = None
    """Variance of noise on every feature in training, which the order parameters have in them: (2,), what their square
    norm is multiplied by, and the attack's square size where the norm has an intercept in it."""

    def moments(self, order: OrderParameters) -> Moments:
        return self.targets.moments(self.loss, order, self.radius * order.size, self.rule)

    def without_noise(self, order: OrderParameters) -> OrderParameters:
        """The order parameters of inputs without noise."""
        if self.noise is None:
            return order
        part = (self.noise[0] * order.norm**2 + self.noise[1] * order.size**2)[..., None]
        return order._replace(
            margin_variance=jnp.maximum(order.margin_variance - part, 0.0),
            residual_variance=jnp.maximum(order.residual_variance - part, 0.0),
        )

    def finer(self, logit_scale: float) -> "RiskSpec | None":
        """With a quadrature that resolves logits of that scale; None where this one does, or where none is finer."""
        rule = gaussian_rule(logit_scale)
        return self._replace(rule=rule) if rule.logit_scale > self.rule.logit_scale else None


@lru_cache(maxsize=64)
def risk_spec(law: EigenLaw | DenseLaw, problem: Problem, logit_scale: float = 2.0) -> RiskSpec:
    """Loss, targets, radius and quadrature (for logits up to that scale) of a problem."""
    radius = np.asarray(problem.final_radius)
    targets, given = problem.loss.targets(law), problem.objective.input_noise
    noise = np.where([law.intercept, not law.intercept], 0.0, given) if given else None
    return RiskSpec(problem.loss, targets, law.weights, radius, gaussian_rule(logit_scale), noise)


@jax.jit
def _logit_sds(settings: BatchedTree, order: OrderParameters) -> Array:
    def of_point(setting: RiskSpec, order: OrderParameters) -> Array:
        return jnp.where(setting.weights > 0, setting.targets.logit_sd(setting.loss, order), 0.0)

    return jax.vmap(of_point, in_axes=(settings.axes, 0))(settings.tree, order)


def in_closed_form(setting: RiskSpec) -> bool:
    """Whether the moments integrate over nothing."""
    return setting.loss.closed_form and type(setting.targets).logit_sd is Targets.logit_sd


def largest_logit_of_points(settings: BatchedTree, order: OrderParameters) -> float:
    """The largest standard deviation over which the moments integrate, over P settings; 0 for closed forms."""
    if in_closed_form(settings.tree):
        return 0.0
    sizes = np.asarray(_logit_sds(settings, order))
    return float(np.max(np.where(np.isfinite(sizes), sizes, 0.0), initial=0.0))


def largest_logit(setting: RiskSpec, order: OrderParameters) -> float:
    """The largest standard deviation over which the moments integrate; 0 for closed forms."""
    if in_closed_form(setting):
        return 0.0
    return largest_logit_of_points(BatchedTree.of([setting]), with_axis(order))
