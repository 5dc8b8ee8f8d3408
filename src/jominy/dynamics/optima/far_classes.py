"""The optimum between classes so far apart that its risk is a tail, or too small for a number.

Source: ours; the averages are those of `jominy.losses.far`, and the descent and the fixed point those of every optimum.
"""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.laws.geometry import RiskGeometry
from jominy.dynamics.laws.risk import RiskSpec, largest_logit
from jominy.dynamics.optima.minimise import OptimumSolution, solve_from, visit
from jominy.losses import Loss, MarginLoss
from jominy.losses.far import far_margins
from jominy.losses.targets import FixedTargets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import gaussian_rule

FAR = 1e-5
"""Of the risk of the zero vector: above it the usual quadrature sees all that matters, to about 1e-10."""
SCALES = np.geomspace(0.1, 2.5, 33)
"""Norms that the descent may begin at, where one is that at which the least margin is its variance."""


def are_far(setting: RiskSpec, solved: OptimumSolution) -> bool:
    """Whether what was solved is a matter of tails."""
    assert solved.descent is not None
    return isinstance(setting.targets, FixedTargets) and is_tail(setting.loss, solved.descent.risk)


def is_tail(loss: Loss, risk: float) -> bool:
    """Whether a risk is that of a margin loss and so small that the usual quadrature does not see it."""
    return loss.of_margins and risk < FAR * float(_undecided(loss))


@jax.jit
def _undecided(loss: Loss) -> Array:
    """The loss at score zero: compiled as one, where its pieces would cost a compilation each."""
    return loss(jnp.zeros(()), jnp.ones(()))


def far_optimum(geometry: RiskGeometry, setting: RiskSpec, solved: OptimumSolution) -> OptimumSolution:
    """The optimum, from where a descent without tails has ended; that itself if the tails do not matter."""
    assert isinstance(setting.targets, FixedTargets)
    far = setting._replace(loss=far_margins(cast(MarginLoss, setting.loss), setting.weights))
    assert solved.descent is not None
    direction = solved.descent.student
    order = geometry.order(direction)
    margins = setting.targets.labels * order.margin_mean - setting.radius * order.size
    unit = float(np.min(margins / order.margin_variance))
    if not unit > 0:
        return solved
    largest = geometry.scaled(direction, unit * SCALES[-1])
    far = far._replace(rule=gaussian_rule(largest_logit(far, geometry.order(largest))))
    tried = [geometry.scaled(direction, unit * scale) for scale in SCALES]
    student, here = min(
        ((one, visit(geometry, far, one)) for one in tried), key=lambda both: _or_high(float(both[1].risk))
    )
    found = solve_from(geometry, far, student, here.scalars, logarithmic=True)
    finer = far.finer(largest_logit(far, found.order))
    if finer is not None:
        far = finer
        here = visit(geometry, far, student)
        found = solve_from(geometry, far, student, here.scalars, logarithmic=True)
    with np.errstate(over="ignore"):  # a search led astray ends anywhere, also where the risk is infinite
        return found._replace(risk=float(np.exp(found.risk)))


def _or_high(risk: float) -> float:
    return risk if np.isfinite(risk) else np.inf
