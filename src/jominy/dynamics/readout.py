"""From observations to the reported variables; the same for every engine.

Source: theory `dynamics.md` section 6.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jominy.dynamics.laws.risk import RiskSpec, largest_logit_of_points
from jominy.dynamics.least_squares import effective_values, is_centred_least_squares
from jominy.dynamics.optima.minimise import OptimumSolution
from jominy.dynamics.problem import Problem
from jominy.dynamics.students import Observation
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.batched_tree import BatchedTree, with_axis
from jominy.numerics.foreign import as_numpy
from jominy.numerics.gaussian import MANY, gaussian_rule
from jominy.numerics.precision import as_precise_as
from jominy.schedules import FixedRadius, RadiusSchedule, require_radius

CACHE_FLOATS = 2**16
Variables = dict[str, tuple[tuple[str, ...], Any]]
"""name -> (dimensions, values), as `make_result` takes them."""


def evaluation_radii(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """(K,) radii at which risk and accuracy are wanted besides the training radius and zero."""
    given = np.atleast_1d(as_numpy(values, "evaluate_at"))
    radii = np.atleast_1d(np.asarray([require_radius(value) for value in given.ravel()], dtype=float))
    return np.unique(radii)


def risks_of_student(
    setting: RiskSpec, one: OrderParameters, radii: Array, accuracy: bool, trained: tuple[int, ...] = (0,)
) -> tuple[Array, Array]:
    """(K,) risks and accuracies of one student at K radii; `accuracy` off leaves the second zero.

    The `trained` risks are with the training's noise on the inputs; all else is of inputs without noise.
    """
    still = setting.without_noise(one)
    noisy = np.isin(np.arange(radii.shape[0]), trained)

    def at_radius(given: tuple[Array, Array]) -> tuple[Array, Array]:
        radius, noise = given
        seen = one if setting.noise is None else jax.tree.map(lambda a, b: jnp.where(noise, a, b), one, still)
        value = setting._replace(radius=radius).moments(seen).value
        if not accuracy:
            return setting.weights @ value, jnp.zeros(())
        right = setting.targets.accuracy(still, radius * one.size, setting.rule)
        return setting.weights @ value, setting.weights @ right

    # The products of many samples' values with the nodes' weights stay in order if radii are taken one by one.
    given = radii, jnp.asarray(noisy)
    return jax.lax.map(at_radius, given) if one.margin_mean.size >= MANY else jax.vmap(at_radius)(given)


@partial(jax.jit, static_argnames="accuracy")
def _risks(settings: BatchedTree, order: OrderParameters, radii: Array, accuracy: bool) -> tuple[Array, Array]:
    """(P, B, K) risks and accuracies of B students in each of P settings, at K radii each, `radii` (P, B, K).

    In the precision of the order parameters.
    """
    points, students, components = order.margin_mean.shape
    settings, radii = as_precise_as(order.norm, (settings, radii))
    # As many students at once as stay in the processor's cache; one, where there are as many components as samples.
    floats = points * components * settings.tree.rule.nodes.size
    together = None if components >= MANY else max(1, min(256, students, CACHE_FLOATS // floats))

    def of_point(setting: RiskSpec, order: OrderParameters, radii: Array) -> tuple[Array, Array]:
        def of(both: tuple[OrderParameters, Array]) -> tuple[Array, Array]:
            return risks_of_student(setting, *both, accuracy)

        return jax.lax.map(of, (order, radii), batch_size=together)

    return jax.vmap(of_point, in_axes=(settings.axes, 0, 0))(settings.tree, order, radii)


def read_out(
    setting: RiskSpec,
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
    trained = np.broadcast_to(np.asarray(radius, dtype=float), lead)[None]
    one = BatchedTree.of([setting])
    read = read_out_points(one, with_axis(order), trained, evaluate_at, classification, dims)
    return {prefix + name: (dims, values[0]) for name, (dims, values) in read.items()}


def read_out_points(
    settings: BatchedTree,
    order: OrderParameters,
    radius: np.ndarray,
    evaluate_at: np.ndarray,
    classification: bool,
    dims: tuple[str, ...],
) -> Variables:
    """Risks and accuracies of students (P, *dims) in P settings, `radius` (P, *dims); values with that leading axis."""
    lead = np.shape(order.norm)
    flat: Any = order
    if len(lead) != 2:
        flat = jax.tree.map(lambda leaf: np.reshape(leaf, (lead[0], -1, *np.shape(leaf)[len(lead) :])), order)
    scale = largest_logit_of_points(settings, flat)
    if scale > settings.tree.rule.logit_scale:
        settings = settings.sharing(rule=gaussian_rule(scale))
    trained = radius.reshape(lead[0], -1, 1)
    further = np.broadcast_to(np.concatenate([[0.0], evaluate_at]), (*trained.shape[:2], 1 + len(evaluate_at)))
    radii = np.concatenate([trained, further], axis=2)
    found = _risks(settings, flat, radii, classification)
    risks, accuracies = (np.asarray(part, dtype=float).reshape(*lead, -1) for part in found)
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
    return variables


class Reading(NamedTuple):
    """What a reader of students must know of P problems that are read together; they are of one kind.

    Attributes:
        settings: of the moments.
        radius, final_radius: (P, T) at the times of the students, (P,).
        optimum_risk, optimum_norm, teacher_norm: (P,).
        classification, centred_least_squares: of all of them.
    """

    settings: BatchedTree
    radius: np.ndarray
    final_radius: np.ndarray
    optimum_risk: np.ndarray
    optimum_norm: np.ndarray
    teacher_norm: np.ndarray
    classification: bool
    centred_least_squares: bool

    def rows(self, index: np.ndarray) -> "Reading":
        """Of some of the problems."""
        numbers = {
            name: getattr(self, name)[index]
            for name in ("radius", "final_radius", "optimum_risk", "optimum_norm", "teacher_norm")
        }
        return self._replace(settings=self.settings.rows(index), **numbers)


def reading(
    problems: Sequence[Problem], settings: BatchedTree, times: np.ndarray, optima: Sequence[OptimumSolution]
) -> Reading:
    """The reading of P problems, with their optima, at (T,) times."""
    return Reading(
        settings.made_into(lambda spec: spec._replace(loss=spec.loss.measured)),
        np.stack([radius_at(problem, times) for problem in problems]),
        np.array([problem.final_radius for problem in problems]),
        np.array([float(one.risk) for one in optima]),
        np.array([float(one.order.norm) for one in optima]),
        np.array([problem.teacher_norm for problem in problems]),
        problems[0].data.classification,
        is_centred_least_squares(problems[0]),
    )


def population_variables(
    read: Reading, observation: Observation, evaluate_at: np.ndarray, dims: tuple[str, ...]
) -> Variables:
    """Every variable of students (P, *dims), the last of which is `time`; values with that leading axis."""
    order, shape = observation.order, np.shape(observation.order.norm)
    per_point = (-1, *(1,) * (len(shape) - 1))
    radius = np.broadcast_to(read.radius.reshape(shape[0], *(1,) * (len(shape) - 2), -1), shape)
    # Asked for before anything is waited for.
    variables = read_out_points(read.settings, order, radius, evaluate_at, read.classification, dims)
    norm = np.array(order.norm)  # what JAX gives cannot be written to, and results are their readers' own
    variables["norm"] = (dims, norm)
    if np.all(np.isfinite(read.optimum_norm)):
        # At the optimum rounding may leave less than nothing.
        distance = np.sqrt(np.maximum(np.asarray(observation.distance_squared), 0.0))
        variables["distance_to_optimum"] = (dims, distance)
    risk = variables["adversarial_risk"][1]
    if np.any(read.radius != read.final_radius[:, None]):
        last = np.broadcast_to(read.final_radius.reshape(per_point), norm.shape)
        risk = read_out_points(read.settings, order, last, np.zeros(0), False, dims)["adversarial_risk"][1]
    variables["excess_risk"] = (dims, risk - read.optimum_risk.reshape(per_point))
    if np.all(read.teacher_norm > 0):
        teacher_norm = read.teacher_norm.reshape(per_point)
        size = np.where(norm > 0, norm * teacher_norm, 1.0)
        # A norm below the integrator's resolution may come out too small for its overlap.
        variables["alignment"] = (dims, np.clip(np.asarray(observation.teacher_overlap) / size, -1.0, 1.0))
    variables["learning_rate"] = (dims, np.array(observation.rate))
    if read.centred_least_squares:
        names = ("effective_learning_rate", "effective_ridge", "noise_inflation")
        residual = np.asarray(order.residual_variance)[..., 0]
        values = effective_values(residual, norm, variables["learning_rate"][1], radius)
        variables |= {name: (dims, value) for name, value in zip(names, values, strict=True)}
    variables["radius"] = (("time",), read.radius)
    return variables


def radius_at(problem: Problem, times: np.ndarray) -> np.ndarray:
    """(T,) the training radius at the times."""
    if isinstance(problem.radius_schedule, FixedRadius):
        return np.full(len(times), problem.final_radius)
    return np.asarray(_radius_at(problem.radius_schedule, np.asarray(times, dtype=float)))


@jax.jit
def _radius_at(schedule: RadiusSchedule, times: Array) -> Array:
    return jax.vmap(schedule.at)(times)


def final_risk(problem: Problem, setting: RiskSpec, order: OrderParameters, variables: Variables) -> np.ndarray:
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
    if not np.any(lost):
        return dict(variables)
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
