"""SGD itself beside the forecast: its curve moment by moment, and the agreement at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.explore.answers import plain
from jominy.explore.asked import LONGEST_RUN, Run
from jominy.explore.forecasts import Forecasts
from jominy.numerics.averages import mean_and_error

if TYPE_CHECKING:
    import xarray as xr

MOST_STEPS = 200_000_000
"""Steps of all seeds together; more would only meet the limit of time."""
_MOMENTS = 41
_SHOWN = (
    "adversarial_risk", "clean_risk", "adversarial_accuracy", "clean_accuracy", "norm", "distance_to_optimum",
    "learning_rate",
)  # fmt: skip


def run_sgd(
    forecasts: Forecasts, asked: Run, tell: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]
) -> tuple[dict[str, Any], xr.Dataset]:
    """Run SGD; each moment is told as it is reached. Returns the agreement, and the runs as a labelled result."""
    from jominy.dynamics import simulate
    from jominy.study import compare

    scenario = forecasts.scenario(asked.state)
    problem = forecasts.problem(scenario)
    steps = asked.seeds * asked.state.horizon * problem.data.dimension
    if steps > MOST_STEPS:
        raise InputError(
            f"the page runs at most {MOST_STEPS:.0e} steps of SGD over all seeds",
            f"{steps:.2g}",
            "lower dimension, time or seeds, or use jominy simulate on the command line",
        )
    until = time.monotonic() + LONGEST_RUN

    def watch(moment: xr.Dataset) -> None:
        if stopped() or time.monotonic() > until:
            raise KeyboardInterrupt  # ends the runs as Ctrl-C does: what is done is kept
        tell({"time": float(moment["time"][0]), "variables": _summary(moment)})

    settings = scenario.settings()
    settings.pop("time"), settings.pop("evaluate_at")
    first = max(asked.state.horizon / (_MOMENTS - 1), 2 / problem.data.dimension)
    times = np.concatenate([[0.0], np.linspace(first, max(asked.state.horizon, first), _MOMENTS - 1)])
    more: dict[str, Any] = {"batch_size": scenario.batch_size}
    if scenario.loaded is not None:
        more["sampling"] = scenario.simulation.build_sampling()
    try:
        runs = simulate(
            problem, scenario.build_schedule(), times=times.tolist(), seeds=asked.seeds, progress=False, watch=watch,
            **settings, **more,
        )  # fmt: skip
    except KeyboardInterrupt:
        raise InputError("the runs were stopped before their first moment", next_step="start them again") from None
    report = compare(forecasts.with_band(asked.state), runs)
    names = [str(name) for name in report["variable"].values]
    table = {
        name: {part: float(report[part].sel(variable=name)) for part in ("largest_z", "rms_relative_error")}
        for name in names
        if name in _SHOWN and name != "learning_rate"
    }
    told = {"agreement": table, "status": runs.attrs["status"], "advice": runs.attrs["advice"], "seeds": asked.seeds}
    return plain(told), runs


def _summary(moment: xr.Dataset) -> dict[str, list]:
    """Mean and standard error over the seeds."""
    found = {}
    for name in _SHOWN:
        if name in moment and moment[name].dims == ("seed", "time"):
            found[name] = [float(one) for one in mean_and_error(moment[name].values[:, 0])]
    return plain(found)
