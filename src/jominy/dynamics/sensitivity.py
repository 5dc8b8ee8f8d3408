"""How a forecast answers to the numbers that go into it: derivatives through the solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from jominy.dynamics.laws.representations import representations
from jominy.dynamics.laws.risk import largest_logit
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.population.batch import Task, tasks_of
from jominy.dynamics.population.forecast import resolved
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, population_variables, reading
from jominy.dynamics.students import Observation, diverged
from jominy.errors import InputError
from jominy.numerics.batched_tree import BatchedTree, with_axis
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.ode import integrate
from jominy.numerics.precision import double_precision
from jominy.results import Status, make_result
from jominy.schedules import Schedule

if TYPE_CHECKING:
    import xarray as xr

SHIFT = 1e-4
"""Relative shift of a number, for the differences of what is smooth and not solved in time."""
Make = Callable[..., tuple]
"""From the numbers, by keyword, to (problem, schedule) or (problem, schedule, start)."""


@double_precision
def sensitivity(
    make: Make,
    values: Mapping[str, float],
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    evaluate_at: Sequence[float] = (),
    compress: bool | int = True,
    rtol: float = 1e-9,
) -> xr.Dataset:
    """The derivative of everything that a forecast reports with respect to any numbers that go into it.

    The equations are differentiated along with their solution (forward mode); only what comes before them, from the
    numbers to the equations' coefficients, and after them, from the state to the variables, is differenced.

    Parameters
    ----------
    make : a function of K numbers, given by name, that returns (problem, schedule) or (problem, schedule, start); the
        data must be a Gaussian mixture, and its structure must not depend on the numbers
    values : the numbers, by name
    time, times, evaluate_at, compress, rtol : as in `forecast`

    Returns
    -------
    xarray.Dataset
        The variables of `forecast` over `time`, and for each of them `<name>_slope` over `parameter` and `time`: its
        derivative, good to about six digits. Where the curve diverges or is infinite, so are they.

    Raises
    ------
    InputError
        As `forecast`; values that are not numbers; a problem on samples.

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> found = jm.sensitivity(
    ...     lambda radius, rate: (jm.Problem(data, jm.SquaredLoss(), radius), jm.Constant(rate)),
    ...     {"radius": 0.5, "rate": 0.5}, time=10)
    >>> found.adversarial_risk_slope[:, -1].values.round(3).tolist()
    [0.791, 0.351]
    """
    centre = {name: _number(name, value) for name, value in values.items()}
    if not centre:
        raise InputError("A derivative needs numbers to differentiate by", values, "Such as {'radius': 0.5}")
    problem, schedule, start = _made(make, centre)
    plan = Plan.of(problem.data.dimension, time, times, evaluate_at, rtol, batch_size=1)
    nodes = resolved(problem, schedule, plan, start, compress)[0].representation.description
    task_at = partial(_task_at, make, plan, compress, nodes)
    near = {name: _near(task_at, centre, name) for name in centre}
    task, observation, slopes = _solved(task_at(centre), near, plan)
    lost = np.logical_or.accumulate(np.asarray(diverged(observation.order)))
    variables = _read(task, observation, plan)
    told = [
        _slopes(shifts, task, observation, jax.tree.map(lambda leaf, index=index: leaf[index], slopes), plan)
        for index, shifts in enumerate(near.values())
    ]
    for name, (dims, _) in list(variables.items()):
        variables[f"{name}_slope"] = (("parameter", *dims), np.stack([one[name][1] for one in told]))
    coords: dict[str, Any] = {"time": plan.times, "parameter": np.array(list(centre))}
    if plan.evaluate_at.size:
        coords["evaluation_radius"] = plan.evaluate_at
    for name, (dims, numbers) in variables.items():
        gone = lost[(slice(None), *(None,) * (len(dims) - dims.index("time") - 1))]
        variables[name] = (dims, np.where(gone, np.inf, numbers))
    return make_result(
        variables,
        coords,
        engine="sensitivity",
        scenario={"problem": problem.describe(), "schedule": schedule.describe(), "at": centre},
        status=Status.DIVERGED if np.any(lost) else Status.COMPLETED,
    )


def _task_at(make: Make, plan: Plan, compress: bool | int, nodes: str, numbers: Mapping[str, float]) -> Task:
    """The point at the numbers, made ready on the kind of nodes that serve all of them."""
    problem, schedule, start = _made(make, numbers)
    schedule.check(plan.times)
    for representation in representations(problem.law, start, compress):
        if representation.description == nodes:
            return tasks_of([Point(problem, schedule, start, representation)], plan)[0]
    raise InputError("The structure of the data must not depend on the numbers", dict(numbers))


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise InputError(f"The value of {name!r} must be a finite number", value, "One number for each name")
    return number


def _made(make: Make, numbers: Mapping[str, float]) -> tuple[Problem, Schedule, Any]:
    made = make(**numbers)
    good = isinstance(made, tuple) and len(made) in (2, 3)
    if not (good and isinstance(made[0], Problem) and isinstance(made[1], Schedule)):
        raise InputError("make must return (problem, schedule) or (problem, schedule, start)", made)
    if made[0].data.empirical:
        raise InputError("Derivatives are for Gaussian mixtures", type(made[0].data).__name__, "Difference forecasts")
    return made[0], made[1], (made[2] if len(made) == 3 else None)


class Near(NamedTuple):
    """Points with one number shifted by `steps`, and the weights that make a derivative of values there."""

    tasks: list[Task]
    steps: np.ndarray
    weights: np.ndarray

    def derivative(self, values: Sequence[Any]) -> Any:
        """Of the leaves of trees, one for each point."""
        return jax.tree.map(lambda *leaves: sum(w * x for w, x in zip(self.weights, leaves, strict=True)), *values)


def _near(task_at: Callable[[Mapping[str, float]], Task], centre: dict[str, float], name: str) -> Near:
    """Central differences, or one-sided ones at an edge, such as that of a radius of zero."""
    shift = SHIFT * max(abs(centre[name]), 0.01)
    for steps, weights in ((np.array([1.0, -1.0]), [0.5, -0.5]), (np.array([0.0, 1.0, 2.0]), [-1.5, 2.0, -0.5])):
        try:
            tasks = [task_at(centre | {name: centre[name] + step * shift}) for step in steps]
        except InputError:
            if len(steps) == 3:
                raise
        else:
            return Near(tasks, steps * shift, np.array(weights) / shift)
    raise AssertionError


def _solved(task: Task, near: Mapping[str, Near], plan: Plan) -> tuple[Task, Observation, Observation]:
    """The point with a quadrature that resolves its logits, observations (T, ...) and their derivatives (K, T, ...)."""
    count = len(near)
    times = np.repeat(plan.grid[None], count, axis=0)
    jumps, rtol = np.repeat(task.jumps[None], count, axis=0), np.full(count, plan.rtol)
    wanted = slice(int(plan.times[0] > 0), int(plan.times[0] > 0) + len(plan.times))
    while True:
        rule = task.rule
        start = BatchedTree.of([(task.system, task.state)] * count, all_own=True).tree
        parts = [one.derivative([_parts(point._replace(rule=rule)) for point in one.tasks]) for one in near.values()]
        observed, slopes = jax.jvp(
            lambda systems, states: integrate(systems, states, times, jumps, rtol).observations,
            start,
            BatchedTree.of(parts, all_own=True).tree,
        )
        observation = jax.tree.map(lambda leaf: np.asarray(leaf)[0, wanted], observed)
        finer = gaussian_rule(largest_logit(task.spec, observation.order), plan.accuracy)
        if finer.logit_scale <= rule.logit_scale or np.any(diverged(observation.order)):
            return task, observation, jax.tree.map(lambda leaf: np.asarray(leaf)[:, wanted], slopes)
        task = task._replace(rule=finer)


def _parts(task: Task) -> tuple[Any, Any]:
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype=float), (task.system, task.state))


def _read(task: Task, observation: Observation, plan: Plan) -> Variables:
    """The variables of one point."""
    read = reading([task.problem], BatchedTree.of([task.spec]), plan.times, [task.optimum.solved])
    variables = population_variables(read, with_axis(observation), plan.evaluate_at, ("time",))
    return {name: (dims, values[0]) for name, (dims, values) in variables.items()}


def _slopes(near: Near, task: Task, observation: Observation, slope: Observation, plan: Plan) -> Variables:
    """Derivatives of the variables, when the observation moves by `slope` with the number."""
    rule, told = task.rule, []
    for point, step in zip(near.tasks, near.steps, strict=True):
        moved = jax.tree.map(lambda x, dx, step=step: x + step * dx, observation, slope)
        told.append(_read(point._replace(rule=rule), moved, plan))
    dims = {name: dims for name, (dims, _) in told[0].items()}
    with np.errstate(invalid="ignore"):  # of what is infinite, such as an effective ridge at norm zero
        values = near.derivative([{name: one[name][1] for name in dims} for one in told])
    return {name: (dims[name], np.where(np.isfinite(values[name]), values[name], np.inf)) for name in dims}
