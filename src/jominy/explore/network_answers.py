"""What the second tab asks for: a deep network under attack, before it is trained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.explore.answers import plain
from jominy.explore.networks_state import Networks
from jominy.study.scenario import NetworkScenario

if TYPE_CHECKING:
    import xarray as xr

    from jominy.meanfield.index import TrainabilityIndex

_POINTS = 81


def network(state: Networks) -> dict[str, Any]:
    """The numbers of the theory, the index tau with its verdict, and the curves of weight variance, loss, capacity."""
    scenario = NetworkScenario.from_mapping(state.mapping())
    theory = scenario.theory()
    p, q = (float(norm) for norm in scenario.norms)  # type: ignore[arg-type]
    found: dict[str, Any] = {
        name: float(theory[name])
        for name in (
            "adversarial_loss", "adversarial_loss_bound", "operator_norm", "total_gain", "fisher_rao_norm",
            "effective_dimension", "longest_time", "sample_horizon",
        )
    }  # fmt: skip
    time = state.learning_rate * state.steps
    index = _index(scenario, state)
    if index is not None:
        found |= {
            "trainability_index": float(index.tau),
            "slowdown": float(index.slowdown),
            "learning_time": float(index.learning_time),
            "training_score": float(index.score(state.learning_rate, state.width, state.steps)),
        }
    return plain(
        {
            "title": scenario.title,
            "verdict": None if index is None else index.verdict.label,
            "numbers": found | {"needed_width": _needed_width(scenario, p, q, time)},
            "curve": _curve(scenario, state, p, q),
            "planned_time": time,
        }
    )


def network_advice(state: Networks) -> dict[str, Any]:
    """The verdict in words, and how far width, radius and depth may go: searches that take a moment."""
    scenario = NetworkScenario.from_mapping(state.mapping())
    told = scenario.trainability()
    if told is None:
        return {"verdict": None, "advice": "The index tau needs two outputs or more, and p = 2 or infinity."}
    names = ("safe_width", "safe_radius", "safe_depth", "slowdown", "learning_time", "training_score")
    return plain(
        {
            "verdict": told.attrs["verdict"],
            "reliability": told.attrs.get("reliability"),
            "advice": told.attrs["advice"],
            "outside": json.loads(told.attrs["outside"]),
            "numbers": {name: float(told[name]) for name in names},
        }
    )


def network_results(state: Networks) -> xr.Dataset:
    """Theory and trainability as one labelled result."""
    scenario = NetworkScenario.from_mapping(state.mapping())
    theory, told = scenario.theory(), scenario.trainability()
    return theory if told is None else theory.assign(told.drop_vars("longest_time", errors="ignore"))


def _index(scenario: NetworkScenario, state: Networks) -> TrainabilityIndex | None:
    from jominy.meanfield import trainability_index

    geometry = scenario.geometry()
    if geometry is None or scenario.index_norm is None or not scenario.has_classes:
        return None
    return trainability_index(scenario.architecture(), state.radius, geometry, p=scenario.index_norm)


def _needed_width(scenario: NetworkScenario, p: float, q: float, time: float) -> float:
    """From which width the signal lasts the planned time, by the weight-variance law."""
    from jominy.meanfield import needed_width

    return float(needed_width(scenario.architecture(), scenario.first_radius, p, q, time=time))


def _curve(scenario: NetworkScenario, state: Networks, p: float, q: float) -> dict[str, Any]:
    from jominy.meanfield import weight_variance_curve

    steps = np.unique(np.linspace(0, state.steps, _POINTS))
    try:
        told = weight_variance_curve(
            scenario.architecture(), state.radius, steps, state.learning_rate, p, q, geometry=scenario.geometry()
        )
    except InputError as error:  # such as p = 1, for which there is no horizon of many inputs
        told = weight_variance_curve(scenario.architecture(), state.radius, steps, state.learning_rate, p, q)
        del error
    horizons = [told.attrs[name] for name in ("sample_horizon_step", "population_horizon_step") if name in told.attrs]
    return {
        "step": steps,
        "weight_variance": told["weight_variance"].isel(layer=0).values,
        "adversarial_loss": told["adversarial_loss"].values,
        "fisher_rao_norm": told["fisher_rao_norm"].values,
        "horizons": horizons,
        "advice": told.attrs["advice"],
    }
