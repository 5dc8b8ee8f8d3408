"""The sweep verb."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from jominy.errors import InputError
from jominy.numerics.cores import cores
from jominy.study.designs.layouts import Design, as_design
from jominy.study.scenario.base import Table
from jominy.study.sweeps.compute import compute
from jominy.study.sweeps.engines import Engine, default_engine
from jominy.study.sweeps.gather import gather
from jominy.study.sweeps.plan import Plan, make_plan
from jominy.study.sweeps.store import FolderStore, MemoryStore, open_store
from jominy.study.sweeps.workers import InProcess, LocalProcesses

if TYPE_CHECKING:
    import xarray as xr


def sweep(
    scenario: Table,
    over: Mapping[str, Any] | Design | None = None,
    *,
    engine: Engine | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    store: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Compute a scenario at many values of its fields.

    Parameters
    ----------
    scenario : Scenario or NetworkScenario
    over : field -> values (a list, an array, `Linear` or `Logarithmic`), all combinations; or a design (`Grid`,
        `Zipped`, `RandomPoints`, `LowDiscrepancy`). A field is a dotted path (`data.components.0.weight`, `*` for every
        entry) or a name that is unambiguous (`rate`). Unset: what the scenario's [sweep] says.
    engine : what is computed, such as `Engine.SIMULATE`; default: the scenario's [sweep], or forecast (network
        scenario: theory)
    executor : any `concurrent.futures.Executor`, such as `dask.distributed.Client().get_executor()`; it is not shut
        down. Default: processes on this machine for simulations and measured networks, this process for the rest
    workers : processes on this machine, instead of an executor; 0 is this process
    store : folder that keeps every point as it arrives: an interrupted sweep goes on, a repeated one is free, and any
        number of sweeps and processes may share it. Unset: nothing is kept
    progress : show a progress bar on work of more than two seconds

    Returns
    -------
    xarray.Dataset
        The engine's variables with a dimension for each swept field of a grid (else `point`), what each point's result
        had as attributes (`numerical_error`, `collapse_radius`, ...), its `status`, and its `reason` where that is not
        "completed". A point that failed is NaN with the status "failed". Where times differ between points, `time` is
        a coordinate along `time_index`. After Ctrl-C the points that are not there yet are "not computed".

    Raises
    ------
    InputError
        A field that is not in the scenario, a value that it cannot have, at any point, before anything is computed; a
        store that cannot be written, or is newer than this jominy.

    Notes
    -----
    Every point is what the scenario's own `simulate()`, `theory()`, ... gives, bit for bit; forecasts of synthetic laws
    are made together (`forecast_many`) and agree to the integrator's tolerance. More: `docs/sweeps.md`.

    Examples
    --------
    >>> import jominy as jm
    >>> scenario = jm.Scenario.from_mapping({
    ...     "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
    ...     "loss": {"kind": "squared"}, "radius": 0.5, "schedule": {"kind": "constant", "rate": 0.5}, "time": 2,
    ... })
    >>> ends = jm.sweep(scenario, {"radius": [0.0, 0.5], "rate": [0.5, 1.0]}, engine=jm.Engine.STATIONARY)
    >>> ends.adversarial_risk.dims, round(float(ends.adversarial_risk.sel(radius=0.5, rate=0.5)), 4)
    (('radius', 'rate'), 0.204)
    """
    design, engine = _asked(scenario, over, engine)
    plan = make_plan(scenario, design, engine)
    chosen, own = _executor(plan, executor, workers)
    interrupted = True
    try:
        with open_store(store) as kept:
            failures, interrupted = compute(plan, kept, chosen, progress)
    finally:
        if own:
            chosen.shutdown(cancel_futures=interrupted)
    found = {key: record for key in plan.keys if (record := kept.get(key)) is not None}
    return gather(plan, found, failures, interrupted, kept.notes, _advice(interrupted, kept, found, plan))


def _asked(scenario: Any, over: Any, engine: Engine | None) -> tuple[Design, Engine]:
    table = getattr(scenario, "sweep", None)
    if not isinstance(scenario, Table):
        raise InputError("a sweep needs a Scenario or a NetworkScenario", type(scenario).__name__, "Scenario.load(...)")
    if engine is None:
        engine = default_engine(scenario) if table is None or table.engine is None else Engine.called(table.engine)
    if over is not None:
        return as_design(over), engine
    if table is None:
        raise InputError(
            "a sweep needs a field to vary", None, 'give over={"radius": [0.0, 0.5]}, or a table [sweep.over]'
        )
    return table.build(), engine


def _executor(plan: Plan, executor: Executor | None, workers: int | None) -> tuple[Executor, bool]:
    """The executor, and whether it is ours to end."""
    if executor is not None:
        if workers is not None:
            raise InputError("an executor brings its own workers", workers, "leave workers out")
        if not hasattr(executor, "submit"):
            raise InputError("an executor must have submit(), as in concurrent.futures", type(executor).__name__)
        return executor, False
    if workers is None:
        workers = cores() if plan.engine.heavy else 0
    if not isinstance(workers, int) or workers < 0:
        raise InputError("the number of workers must be a whole number >= 0", workers)
    return (LocalProcesses(workers) if workers else InProcess()), True


def _advice(interrupted: bool, store: MemoryStore, found: dict[str, Any], plan: Plan) -> str:
    if not interrupted:
        failed = len(set(plan.keys) - found.keys())
        return f"{len(set(plan.keys))} points." if not failed else f"{failed} of {len(set(plan.keys))} points failed."
    told = f"The sweep was stopped with {len(found)} of {len(set(plan.keys))} points computed."
    if isinstance(store, FolderStore):
        return f"{told} They are in {store.folder}; the same sweep with that store goes on from there."
    return f"{told} Without a store they are in this result alone."
