"""How single runs stray together in time, for those who compare a run with a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jominy.dynamics.engines import ForecastRequest, engines_of
from jominy.dynamics.fluctuations import PathLaw
from jominy.dynamics.forecast import require_schedule
from jominy.dynamics.labelled import Training
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii
from jominy.dynamics.real_runs import require_optimizer
from jominy.numerics.precision import double_precision
from jominy.schedules import Schedule


@double_precision
def path_law(
    problem: Problem, schedule: Schedule, times: Sequence[float], *, start: Any = None, batch_size: int = 1
) -> PathLaw | None:
    """The normal law of single runs of SGD: mean and covariance of what a forecast reports, between any two times.

    Where bands are known and good (`forecast(..., bands=True)`), at the cost of a few of them; else None: `simulate`
    tells. `times` are > 0. Source: theory `fluctuations.md` section 3.
    """
    require_schedule(schedule)
    training = Training(problem, schedule, start, evaluation_radii(()), (), require_optimizer(None))
    request = ForecastRequest(None, times, None, None, None, True, 1e-9, batch_size, False, None, False)
    return engines_of(problem).path_law(training, request)
