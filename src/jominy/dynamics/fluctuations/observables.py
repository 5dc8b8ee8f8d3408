"""From the fluctuations of the scalars to those of every reported variable.

Source: theory `fluctuations.md` section 3: sd = sqrt(f' C f' / d), bias = (f' delta + (f'' : C) / 2) / d.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.fluctuations.frame import Frame, as_vector
from jominy.dynamics.fluctuations.linear_noise import Fluctuation
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, radius_at, risks_of_student
from jominy.dynamics.students import Observation
from jominy.numerics.arrays import Array


class Reading(NamedTuple):
    """Standard deviation times sqrt(d) and bias times d of one value or of many."""

    sd: Array
    bias: Array


def _scalars(seen: Observation) -> Array:
    """(K + 2,) what everything that is reported is a function of."""
    return jnp.concatenate([as_vector(seen.order), jnp.stack([seen.distance_squared, seen.teacher_overlap])])


def _values(
    scalars: Array, radii: Array, setting: RiskSpec, frame: Frame, accuracy: bool, trained: tuple[int, ...] = (0,)
) -> Array:
    """Risks and accuracies at radii (K,), norm, distance, and the overlap divided by the norm."""
    order = frame.order(scalars[:-2])
    risks, accuracies = risks_of_student(setting, order, radii, accuracy, trained)
    further = jnp.stack([order.norm, jnp.sqrt(scalars[-2]), scalars[-1] / order.norm])
    return jnp.concatenate([risks, accuracies, further])


@partial(jax.jit, static_argnames="accuracy")
def _sloped(
    setting: RiskSpec, frame: Frame, observation: Observation, radii: Array, accuracy: bool
) -> tuple[Array, Array]:
    def at_one_time(point: tuple[Observation, Array]) -> tuple[Array, Array]:
        seen, radii = point
        scalars = _scalars(seen)
        slopes = jax.jacfwd(_values)(scalars, radii, setting, frame, accuracy)
        return _values(scalars, radii, setting, frame, accuracy), slopes

    found: tuple[Array, Array] = jax.lax.map(at_one_time, (observation, radii))
    return found


def sloped(
    problem: Problem, setting: RiskSpec, frame: Frame, times: np.ndarray, observation: Observation
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names (V,), values (T, V) and their derivatives (T, V, K + 2) by the frame's scalars, of a forecast's variables.

    Of risk and accuracy, each under attack and without, the norm, and the alignment where there is a teacher.
    """
    radii = np.stack([radius_at(problem, times), np.zeros(len(times))], axis=1)
    values, slopes = (np.array(one) for one in _sloped(setting, frame, observation, radii, problem.data.classification))
    names, places = ["adversarial_risk", "clean_risk", "norm"], [0, 1, values.shape[1] - 3]
    if problem.data.classification:
        names, places = [*names, "adversarial_accuracy", "clean_accuracy"], [*places, 2, 3]
    if (size := problem.teacher_norm) > 0:
        values[:, -1], slopes[:, -1] = values[:, -1] / size, slopes[:, -1] / size
        names, places = [*names, "alignment"], [*places, values.shape[1] - 1]
    return tuple(names), values[:, places], slopes[:, places]


@partial(jax.jit, static_argnames=("accuracy", "trained"))
def _read(
    setting: RiskSpec,
    frame: Frame,
    observation: Observation,
    fluctuation: Fluctuation,
    radii: Array,
    accuracy: bool,
    trained: tuple[int, ...],
) -> tuple[Reading, ...]:
    """Readings (T, ...) of risks (K,), accuracies (K,), norm, distance and of the overlap divided by the norm.

    `radii` (T, K) are those of the risks and accuracies, `trained` which of the risks are the training's own.
    """

    def at_one_time(point: tuple[Observation, Fluctuation, Array]) -> Reading:
        seen, noise, radii = point
        scalars = _scalars(seen)
        gradient = jax.jacfwd(_values)(scalars, radii, setting, frame, accuracy, trained)

        def second(unit: Array, row: Array) -> Array:
            def first(x: Array) -> Array:
                return jax.jvp(lambda y: _values(y, radii, setting, frame, accuracy, trained), (x,), (unit,))[1]

            return jax.jvp(first, (scalars,), (row,))[1]

        curved = jnp.sum(jax.vmap(second)(jnp.eye(scalars.size), noise.covariance), axis=0)
        variance = jnp.sum((gradient @ noise.covariance) * gradient, axis=-1)
        return Reading(jnp.sqrt(jnp.maximum(variance, 0.0)), gradient @ noise.bias + curved / 2)

    count = radii.shape[1]
    read = jax.lax.map(at_one_time, (observation, fluctuation, radii))
    parts = [slice(0, count), slice(count, 2 * count), 2 * count, 2 * count + 1, 2 * count + 2]
    return tuple(Reading(read.sd[:, part], read.bias[:, part]) for part in parts)


def readings(
    problem: Problem,
    setting: RiskSpec,
    frame: Frame,
    times: np.ndarray,
    observation: Observation,
    fluctuation: Fluctuation,
    evaluate_at: np.ndarray,
) -> dict[str, tuple[tuple[str, ...], Reading]]:
    """Name -> (dimensions, reading) of every variable of the weights that fluctuates, at `times` (T,)."""
    radius, final_radius, classification = radius_at(problem, times), problem.final_radius, problem.data.classification
    moves = np.any(radius != final_radius)  # only then is the excess risk not that of the radius of training
    shared = np.concatenate([[0.0], evaluate_at, [final_radius] if moves else []])
    radii = np.concatenate([radius[:, None], np.broadcast_to(shared, (len(radius), len(shared)))], axis=1)
    trained = (0, radii.shape[1] - 1) if moves else (0,)
    read = _read(setting, frame, observation, fluctuation, radii, classification, trained)
    risks, accuracies, norm, distance, alignment = (Reading(*map(np.asarray, one)) for one in read)
    time, more, further = ("time",), ("time", "evaluation_radius"), slice(2, 2 + len(evaluate_at))

    def pick(reading: Reading, index) -> Reading:
        return Reading(reading.sd[:, index], reading.bias[:, index])

    found: dict[str, tuple[tuple[str, ...], Reading]] = {
        "adversarial_risk": (time, pick(risks, 0)),
        "clean_risk": (time, pick(risks, 1)),
        "excess_risk": (time, pick(risks, -1 if moves else 0)),
        "norm": (time, norm),
        "distance_to_optimum": (time, distance),
    }
    if evaluate_at.size:
        found["risk_at_radius"] = (more, pick(risks, further))
    if classification:
        found["adversarial_accuracy"] = (time, pick(accuracies, 0))
        found["clean_accuracy"] = (time, pick(accuracies, 1))
        if evaluate_at.size:
            found["accuracy_at_radius"] = (more, pick(accuracies, further))
    if (size := problem.teacher_norm) > 0:
        found["alignment"] = (time, Reading(alignment.sd / size, alignment.bias / size))
    return found


def rate_reading(fluctuation: Fluctuation) -> tuple[tuple[str, ...], Reading]:
    """The same of a learning rate that follows the weights."""
    spread = np.sqrt(np.maximum(np.asarray(fluctuation.rate_variance), 0.0))
    return ("time",), Reading(spread, np.asarray(fluctuation.rate_bias))


def as_variables(found: dict[str, tuple[tuple[str, ...], Reading]], dimension: float) -> Variables:
    """`<name>_sd` and `<name>_bias` at a dimension."""
    variables: Variables = {}
    for name, (dims, reading) in found.items():
        variables[f"{name}_sd"] = (dims, reading.sd / np.sqrt(dimension))
        variables[f"{name}_bias"] = (dims, reading.bias / dimension)
    return variables
