"""What else there is beside a design, and what it ends with."""

from __future__ import annotations

import math

import numpy as np

from jominy.dynamics.design.record import Alternative
from jominy.dynamics.design.trials import Trials
from jominy.errors import InputError
from jominy.schedules import Schedule

RESTS = "stays at zero, where it starts"


def ended(trials: Trials, name: str, title: str, schedule: Schedule, candidate: Schedule) -> Alternative:
    """One way to train and what it ends with; why it cannot be had, where that is so."""
    radius = trials.problem.radius_schedule
    try:
        if schedule.adaptive:
            trials.require_optimum_for(schedule)
        endings = trials.endings([candidate])
    except InputError as error:
        return Alternative(name, title, schedule, math.inf, math.inf, math.inf, math.inf, radius, str(error))
    objective = trials.objective
    value = float(objective.values(endings)[0])
    adversarial, clean = (float(part[0]) for part in objective.parts(endings))
    note = "" if np.isfinite(value) else "diverges"
    if np.isfinite(value) and schedule.rests_at_zero and float(endings["norm"][0]) < 1e-12:
        note = RESTS
    excess = float(objective.excess(np.array(value)))
    return Alternative(name, title, schedule, value, adversarial, clean, excess, radius, note)
