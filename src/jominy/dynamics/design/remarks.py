"""What the theory of designs says of a problem, in words.

Source: theory `design.md` section 2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jominy.dynamics.asymptotics.small_rates import interpolation_radius
from jominy.dynamics.design.families import Hills
from jominy.dynamics.design.record import LITTLE, SAME, Design
from jominy.dynamics.design.search import best_of
from jominy.dynamics.design.trials import Trials
from jominy.errors import InputError
from jominy.schedules import FixedRadius

NEAR = 0.15
"""A tail average that is worse by no more stands beside the design in words too."""


def remarks_on(told: Design, trials: Trials, largest_rate: float) -> tuple[str, ...]:
    """Sentences: train clean, keep 1/t, Polyak is optimal, where they are true."""
    known = {one.name: one for one in told.alternatives}
    found = [_train_clean(told, trials, largest_rate)]
    polyak, best = known["polyak"], min(one.excess for one in told.alternatives)
    free = trials.objective.radius == told.problem.radius == 0 and told.objective.floor is not None
    if free and polyak.excess <= best * (1 + SAME):
        found.append("Polyak is optimal: on isotropic data without an attack no schedule ends lower than its rate.")
    tail = known.get("averaged-constant")
    if (
        tail is not None
        and tail.schedule is not None
        and np.isfinite(tail.excess)
        and told.family != "averaged-constant"
    ):
        share = tail.excess / told.excess
        if share <= 1 + NEAR:
            good = (
                "lower than the best schedule without an average"
                if share < 1 - SAME
                else "as simple, and nearly as good"
            )
            found.append(
                f"A constant rate of {tail.schedule.plain.describe()['rate']:.3g} whose weights are averaged from time "
                f"{tail.average_from:.3g} on ends with {share:.3f} times this excess: {good}. "
                "Averaging on top of the design would hurt."
            )
    fastest = getattr(told.schedule, "initial", 0.0)
    if fastest > 0.999 * largest_rate:
        found.append(f"The rate begins at the largest looked at, {largest_rate:.4g}: `largest_rate=` allows more.")
    inverse = known.get("inverse-time")
    if inverse is not None and np.isfinite(inverse.value):
        gain = inverse.value / told.value - 1
        moving = not isinstance(told.radius, FixedRadius)  # whoever asks for that wants gains of this size
        if told.family not in ("inverse-time", "constant") and gain < LITTLE and not moving:
            found.append(
                f"1/t is enough: the design gains {100 * max(gain, 0):.2g} % of the risk over a tuned c/(1 + t/t0)."
            )
    return tuple(sentence for sentence in found if sentence)


def _train_clean(told: Design, trials: Trials, largest_rate: float) -> str:
    """For least squares without noise the teacher is the adversarial optimum: clean training leads there faster."""
    problem, objective = told.problem, told.objective
    if problem.data.empirical or not problem.attack.isotropic or objective.measure != "risk":
        return ""
    try:
        interpolation = interpolation_radius(problem)
    except InputError:
        return ""
    if not 0 < objective.radius <= interpolation:
        return ""
    why = f"at test radii up to {interpolation:.4g} the adversarial optimum is the teacher, which clean training finds"
    if told.problem.radius == 0:
        return f"Train clean, as here: {why}."
    clean = replace(trials, problem=replace(problem, radius=0.0))
    found = best_of(Hills(told.horizon, largest_rate), clean.judge)
    share = np.exp(found.value) / told.excess
    if trials.by_distance or not share < 1:
        return f"Train clean (radius 0): {why}." if trials.by_distance else ""
    return f"Train clean (radius 0): {why}; its own Hill schedule ends with {share:.3g} times this excess."
