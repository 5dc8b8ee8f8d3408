"""Which variables share a panel of a figure, and what they are called there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jominy.errors import InputError
from jominy.results import describe_variable
from jominy.results.variables import is_variable
from jominy.show.style import in_figure

if TYPE_CHECKING:
    import xarray as xr

# Panels in the order of importance: axis label, variables drawn in it.
_PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("risk", ("adversarial_risk", "clean_risk", "held_out_adversarial_risk", "gaussian_adversarial_risk")),
    (
        "accuracy",
        ("adversarial_accuracy", "clean_accuracy", "held_out_adversarial_accuracy", "gaussian_adversarial_accuracy"),
    ),
    ("norm, distance", ("norm", "distance_to_optimum")),
    ("alignment with the teacher", ("alignment",)),
    ("learning rate", ("learning_rate",)),
)
_AT_RADIUS = (
    ("accuracy", ("accuracy_at_radius", "held_out_accuracy_at_radius")),
    ("risk", ("risk_at_radius", "held_out_risk_at_radius")),
)
# Names in a legend: the axis says already that it is a risk or an accuracy.
SHORT = {
    "adversarial_risk": "adversarial",
    "clean_risk": "clean",
    "held_out_adversarial_risk": "adversarial, held out",
    "gaussian_adversarial_risk": "adversarial, one Gaussian per class",
    "adversarial_accuracy": "adversarial",
    "clean_accuracy": "clean",
    "held_out_adversarial_accuracy": "adversarial, held out",
    "gaussian_adversarial_accuracy": "adversarial, one Gaussian per class",
    "norm": "norm of the weights",
    "distance_to_optimum": "distance to the optimum",
    "accuracy_at_radius": "in training",
    "held_out_accuracy_at_radius": "held out",
    "risk_at_radius": "in training",
    "held_out_risk_at_radius": "held out",
}


def choose_panels(results: list[xr.Dataset], variables: Sequence[str] | None) -> Iterator[tuple[str, list[str], str]]:
    """(label, variables, dimension of the horizontal axis) for each panel."""
    present = {str(name) for result in results for name in result.data_vars}
    if variables is not None:
        for name in variables:
            if name not in present:
                raise InputError(
                    "a variable to draw must be in the results", name, f"choose from: {', '.join(sorted(present))}"
                )
            over_radii = {"evaluation_radius" in result[name].dims for result in results if name in result}
            if len(over_radii) == 2:
                raise InputError(
                    "what is drawn together must have the same dimensions",
                    f"{name} at several radii and at one",
                    "Choose `evaluation_radius` in both results, or in none",
                )
            yield with_units(name), [name], "evaluation_radius" if over_radii.pop() else "time"
        return
    drawn = 0
    for label, names in _PANELS:
        here = [name for name in names if name in present]
        if names == ("learning_rate",) and (drawn >= 4 or not _varies(results, "learning_rate")):
            continue
        if here:
            drawn += 1
            yield (label if len(here) > 1 else with_units(here[0])), here, "time"
    for label, names in _AT_RADIUS:
        here = [
            name
            for name in names
            if any(_finite_at_the_end(result, name) for result in results)
            and all("evaluation_radius" in result[name].dims for result in results if name in result)
        ]
        if here:
            time = max(float(result["time"].values[-1]) for result in results)
            yield f"{label} at time {time:g}", here, "evaluation_radius"
            return


def _finite_at_the_end(result: xr.Dataset, name: str) -> bool:
    if name not in result:
        return False
    values = result[name].isel(time=-1) if "time" in result[name].dims else result[name]
    return bool(np.isfinite(values.values).any())


def _varies(results: list[xr.Dataset], name: str) -> bool:
    def spread(values: np.ndarray) -> float:
        known = values[np.isfinite(values)]
        return float(np.std(known)) if known.size else 0.0

    return any(name in result and spread(result[name].values) > 1e-9 for result in results)


def with_units(name: str) -> str:
    """The name of a variable for an axis, with its units where it has any."""
    if not is_variable(name):
        return in_figure(name.replace("_", " "))
    entry = describe_variable(name)
    return entry.long_name if entry.units == "1" else f"{entry.long_name} ({entry.units})"
