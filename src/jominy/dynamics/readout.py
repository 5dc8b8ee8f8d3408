"""From observations to the reported variables; the same for every engine.

Source: theory `dynamics.md` section 6.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jominy.dynamics.least_squares import effective_values, is_centred_least_squares
from jominy.dynamics.minimise import Setting, Solved
from jominy.dynamics.problem import Problem
from jominy.dynamics.students import Observation
from jominy.losses import Loss, OrderParameters, Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import gaussian_rule
from jominy.schedules import FixedRadius, RadiusSchedule, require_radius

CACHE_FLOATS = 2**16
Variables = dict[str, tuple[tuple[str, ...], Any]]
"""name -> (dimensions, values), as `make_result` takes them."""


def evaluation_radii(values: Sequence[float]) -> np.ndarray:
    """(K,) radii at which risk and accuracy are wanted besides the training radius and zero."""
    radii = np.atleast_1d(np.asarray([require_radius(value) for value in np.atleast_1d(values)], dtype=float))
    return np.unique(radii)


def risks_of_student(setting: Setting, one: OrderParameters, radii: Array, accuracy: bool) -> tuple[Array, Array]:
    """(K,) risks and accuracies of one student at K radii; `accuracy` off leaves the second zero."""

    def at_radius(radius: Array) -> tuple[Array, Array]:
        value = setting._replace(radius=radius).moments(one).value
        if not accuracy:
            return setting.weights @ value, jnp.zeros(())
        right = setting.targets.accuracy(one, radius, setting.rule)
        return setting.weights @ value, setting.weights @ right

    return jax.vmap(at_radius)(radii)


@partial(jax.jit, static_argnames="accuracy")
def _risks(setting: Setting, order: OrderParameters, radii: Array, accuracy: bool) -> tuple[Array, Array]:
    """(B, K) risks and accuracies of B students at K radii each, `radii` (B, K)."""
    students, components = order.margin_mean.shape
    # As many students at once as stay in the processor's cache.
    together = max(1, min(256, students, CACHE_FLOATS // (components * setting.rule.nodes.size)))

    def of(both: tuple[OrderParameters, Array]) -> tuple[Array, Array]:
        return risks_of_student(setting, *both, accuracy)

    return jax.lax.map(of, (order, radii), batch_size=together)


def read_out(
    setting: Setting,
    order: OrderParameters,
    radius: ArrayLike,
    evaluate_at: np.ndarray,
    classification: bool,
    dims: tuple[str, ...],
    prefix: str = "",
) -> Variables:
    """Risks and accuracies of students with leading dimensions `dims`, as named variables.

    `radius` is that of training, one for all or one for each of the last of these dimensions.
    """
    lead = np.shape(order.norm)
    flat: Any = jax.tree.map(lambda leaf: np.reshape(leaf, (-1, *np.shape(leaf)[len(lead) :])), order)
    scale = largest_logit(setting, flat)
    if scale > setting.rule.logit_scale:
        setting = setting._replace(rule=gaussian_rule(scale))
    trained = np.broadcast_to(np.asarray(radius, dtype=float), lead).reshape(-1, 1)
    further = np.broadcast_to(np.concatenate([[0.0], evaluate_at]), (len(trained), 1 + len(evaluate_at)))
    radii = np.concatenate([trained, further], axis=1)
    risks, accuracies = (np.asarray(part).reshape(*lead, -1) for part in _risks(setting, flat, radii, classification))
    more = (*dims, "evaluation_radius")
    variables: Variables = {
        "adversarial_risk": (dims, risks[..., 0]),
        "clean_risk": (dims, risks[..., 1]),
    }
    if evaluate_at.size:
        variables["risk_at_radius"] = (more, risks[..., 2:])
    if classification:
        variables["adversarial_accuracy"] = (dims, accuracies[..., 0])
        variables["clean_accuracy"] = (dims, accuracies[..., 1])
        if evaluate_at.size:
            variables["accuracy_at_radius"] = (more, accuracies[..., 2:])
    return {prefix + name: value for name, value in variables.items()}


@jax.jit
def _logit_sds(targets: Targets, loss: Loss, order: OrderParameters) -> Array:
    return targets.logit_sd(loss, order)


def largest_logit(setting: Setting, order: OrderParameters) -> float:
    """The largest standard deviation over which the moments integrate; 0 for closed forms."""
    sizes = np.asarray(_logit_sds(setting.targets, setting.loss, order))
    return float(np.max(np.where(np.isfinite(sizes), sizes, 0.0), initial=0.0))


def population_variables(
    problem: Problem,
    setting: Setting,
    times: np.ndarray,
    observation: Observation,
    evaluate_at: np.ndarray,
    optimum: Solved,
    teacher_norm: float,
    dims: tuple[str, ...],
) -> Variables:
    """Every variable of a population result; leading dimensions `dims`, the last of which is `time`."""
    order = observation.order
    radius = radius_at(problem, times)
    variables = read_out(setting, order, radius, evaluate_at, problem.data.classification, dims)
    norm = np.asarray(order.norm)
    variables["norm"] = (dims, norm)
    if np.isfinite(optimum.order.norm):
        variables["distance_to_optimum"] = (dims, np.sqrt(np.asarray(observation.distance_squared)))
    variables["excess_risk"] = (dims, final_risk(problem, setting, order, variables) - float(optimum.risk))
    if teacher_norm > 0:
        size = np.where(norm > 0, norm * teacher_norm, 1.0)
        # A norm below the integrator's resolution may come out too small for its overlap.
        variables["alignment"] = (dims, np.clip(np.asarray(observation.teacher_overlap) / size, -1.0, 1.0))
    variables["learning_rate"] = (dims, np.asarray(observation.rate))
    if is_centred_least_squares(problem):
        names = ("effective_learning_rate", "effective_ridge", "noise_inflation")
        residual = np.asarray(order.residual_variance)[..., 0]
        values = effective_values(residual, norm, variables["learning_rate"][1], radius)
        variables |= {name: (dims, value) for name, value in zip(names, values, strict=True)}
    variables["radius"] = (("time",), radius)
    return variables


def radius_at(problem: Problem, times: np.ndarray) -> np.ndarray:
    """(T,) the training radius at the times."""
    return np.asarray(_radius_at(problem.radius_schedule, np.asarray(times, dtype=float)))


@jax.jit
def _radius_at(schedule: RadiusSchedule, times: Array) -> Array:
    return jax.vmap(schedule.at)(times)


def final_risk(problem: Problem, setting: Setting, order: OrderParameters, variables: Variables) -> np.ndarray:
    """Adversarial risk at the final radius, on which the excess risk is measured."""
    risk = variables["adversarial_risk"][1]
    if isinstance(problem.radius_schedule, FixedRadius):
        return risk
    dims = tuple(map(str, range(risk.ndim)))
    return read_out(setting, order, problem.final_radius, np.zeros(0), False, dims)["adversarial_risk"][1]


RATIOS = ("alignment", "learning_rate", "effective_learning_rate", "effective_ridge", "noise_inflation")
"""Variables that stay bounded where sizes diverge."""


def past_divergence(variables: Variables, lost: np.ndarray) -> Variables:
    """Divergence as a result: where `lost` (..., T), sizes are infinite and ratios keep the last value before it.

    `lost` must stay true once it is; the leading dimensions are those of the variables.
    """
    before = np.maximum(np.sum(~lost, axis=-1, keepdims=True) - 1, 0)  # last index before, per run
    kept = np.minimum(np.arange(lost.shape[-1]), before)
    filled: Variables = {}
    for name, (dims, values) in variables.items():
        if name == "radius":  # is set, whatever becomes of the student
            filled[name] = (dims, values)
            continue
        more = (...,) + (None,) * (values.ndim - lost.ndim)
        bounded = "accuracy" in name or name in RATIOS
        held = np.take_along_axis(values, kept[more], axis=lost.ndim - 1) if bounded else np.inf
        filled[name] = (dims, np.where(lost[more], held, values))
    return filled
