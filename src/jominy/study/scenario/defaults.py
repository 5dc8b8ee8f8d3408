"""What is chosen from the data where a data file comes without a loss, a rate or a radius, and why."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from jominy.data import Samples
from jominy.data.targets import FEW_KINDS
from jominy.dynamics import Problem, collapse_radius
from jominy.dynamics.classes.collapse import class_collapse_radius
from jominy.dynamics.samples.remarks import largest_safe_rate
from jominy.losses import SoftmaxLoss
from jominy.study.scenario.model import Scenario
from jominy.study.scenario.samples import Loaded

FRACTIONS = (0.1, 0.25, 0.5)
"""Of the collapse radius: a weak attack, one that is felt, and one that takes much of the accuracy."""
USUAL_RATE = 1.0
CAUTIOUS_RATE = 0.1
"""For losses whose slope grows without bound, of which no stable rate is known (exponential)."""


def with_defaults(scenario: Scenario, unset: Collection[str]) -> Scenario:
    """The scenario of a data file with what is `unset` of "loss", "intercept", "rate", "radius" chosen from the data.

    What was chosen against the usual is said in the notes of its results.
    """
    remarks = []
    chosen = scenario
    if "loss" in unset:
        kind, remark = default_loss(_samples(scenario))
        chosen, remarks = chosen.changed(loss={"kind": kind}), [remark]
    loaded = chosen.loaded
    assert loaded is not None
    several = chosen.loss.build().several
    if "intercept" in unset and chosen.units == "scaled" and (loaded.samples.classification or several):
        data = chosen.data.model_dump(exclude_unset=True) | {"intercept": True}
        chosen = chosen.with_data(data, Loaded(loaded.samples.with_intercept(), loaded.held_out))
        remarks.append("an intercept is learnt, which no attack can touch (`intercept=False` leaves it out)")
    if "rate" in unset:
        rate, remark = default_rate(chosen)
        chosen = chosen.changed(schedule={"kind": "constant", "rate": rate})
        remarks.append(remark)
    if "radius" in unset:
        collapse, radii = default_radii(chosen)
        radius = radii[len(radii) // 2]
        chosen = chosen.changed(radius=radius)
        share = f"{100 * FRACTIONS[1]:.0f} % of the collapse radius {collapse:.3g}, from which on nothing is learnt"
        why = share if radius else "nothing is learnt under any attack"
        remarks.append(f"the radius {radius:g} was chosen: {why} (`radius=0.1` sets another)")
    return chosen.remarking([remark for remark in remarks if remark])


def titled(scenario: Scenario, name: str) -> Scenario:
    """The scenario under a title that says data, loss, radius and rate."""
    rate = scenario.schedule.rate
    return scenario.changed(title=f"{name}: {scenario.loss.kind} loss, radius {scenario.radius:g}, rate {rate:g}")


def default_loss(samples: Samples) -> tuple[str, str]:
    """The kind of loss, and what to say about it. Few whole numbers are taken for names of classes."""
    if samples.classes is not None:
        return ("logistic" if len(samples.classes) == 2 else "softmax"), ""
    raw = samples.targets * samples.target_map.scale + samples.target_map.offset
    kinds = np.unique(np.round(raw, 9))
    few = kinds.size <= FEW_KINDS and kinds.size < len(raw)
    if few and np.allclose(kinds, np.rint(kinds), rtol=0, atol=1e-6):
        listed = ", ".join(f"{kind:g}" for kind in kinds)
        return (
            "softmax",
            f"the target has {kinds.size} whole numbers, taken for classes: {listed} (`SquaredLoss()` predicts it)",
        )
    return "squared", f"the target has {kinds.size} different values: this is a regression, with the squared loss"


def default_rate(scenario: Scenario) -> tuple[float, str]:
    """The constant rate of a loss on these samples, and what to say about it where it is not the usual one."""
    samples = _samples(scenario)
    in_data_units = samples.rate_to_data_units if scenario.units == "data" else float
    if scenario.loss.build().bounded_slope:
        return in_data_units(USUAL_RATE), ""
    safe = largest_safe_rate(scenario.problem())
    if safe is None:
        rate = in_data_units(CAUTIOUS_RATE)
        return rate, f"the rate {rate:g} was chosen: no stable one is known for this loss (`rate=0.2` sets another)"
    if safe >= 2 * USUAL_RATE:
        return in_data_units(USUAL_RATE), ""
    rate, largest = in_data_units(rounded_down(safe / 2)), in_data_units(safe)
    return rate, (
        f"the rate {rate:.3g} was chosen: half of {largest:.3g}, the largest at which the mean over runs tells of "
        "typical ones (`rate=0.1` sets another)"
    )


def default_radii(scenario: Scenario) -> tuple[float, list[float]]:
    """The collapse radius, and radii worth a look: 0 and fractions of it; 0 alone where the collapse radius is zero."""
    problem = scenario.problem()
    if problem.loss.several:
        collapse = class_collapse_radius(Problem(problem.data, SoftmaxLoss(), 0.0, problem.attack), rough=True)
    else:
        collapse = float(collapse_radius(problem))
    if scenario.units == "data":
        collapse = _samples(scenario).radius_to_data_units(collapse)
    if not (math.isfinite(collapse) and collapse > 1e-6):
        return collapse, [0.0]
    return collapse, [0.0, *(rounded_down(fraction * collapse) for fraction in FRACTIONS)]


def rounded_down(value: float) -> float:
    """To two digits, so that it reads well.

    >>> rounded_down(0.3826), rounded_down(12.5), rounded_down(0.0999)
    (0.38, 12.0, 0.099)
    """
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.floor(value / unit * (1 + 1e-12)) * unit:.2g}")


def _samples(scenario: Any) -> Samples:
    assert scenario.loaded is not None
    return scenario.loaded.samples
