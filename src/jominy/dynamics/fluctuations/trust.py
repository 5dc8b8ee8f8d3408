"""When not to trust a band.

Source: theory `fluctuations.md` section 8. The rule, chosen there after seeing simulations close to the largest stable
rate: with x = |bias| / sd of one run, x < 0.25 is good (the 95 % interval covers at least 93 %), up to 0.6 fair (91 %),
above 1 no band should be shown. Where the norm fluctuates by more than 0.3 of itself nothing was tested.
"""

from typing import NamedTuple

import numpy as np

from jominy.dynamics.readout import Variables

GOOD, FAIR, SHOWN = 0.25, 0.6, 1.0
SMALL_NORM = 0.3
ROUNDING = 1e-9
"""A bias smaller than this over the dimension is the integrator's, beside a spread that may vanish altogether."""


class Trust(NamedTuple):
    """The verdict on the bands of a result ("good", "fair", "not to be trusted"), its measure, and why."""

    verdict: str
    indicator: float
    notes: list[str]


def withheld(variables: Variables, dimension: float) -> Variables:
    """The same, with an infinite standard deviation wherever the bias is larger: there is no band there."""
    kept = dict(variables)
    for name, (dims, sd) in variables.items():
        if name.endswith("_sd"):
            ratio = _ratio(variables, name.removesuffix("_sd"), dimension)
            kept[name] = (dims, np.where(ratio > SHOWN, np.inf, sd))
    return kept


def judge(variables: Variables, times: np.ndarray, dimension: float, norm: np.ndarray, all_known: bool) -> Trust:
    """The verdict from the adversarial risk over all times; `variables` before anything is withheld."""
    ratios = _ratio(variables, "adversarial_risk", dimension)
    indicator = float(np.max(ratios, initial=0.0))
    worst = times[int(np.argmax(ratios))] if ratios.size else 0.0
    notes = []
    hidden = sorted(
        name.removesuffix("_sd")
        for name in variables
        if name.endswith("_sd") and np.any(_ratio(variables, name.removesuffix("_sd"), dimension) > SHOWN)
    )
    if hidden:
        notes.append(
            "No band (an infinite standard deviation) where the 1/d bias exceeds the spread of one run: "
            f"{', '.join(hidden)}."
        )
    relative = variables["norm_sd"][1][norm > 0] / norm[norm > 0]
    shaky = np.isfinite(relative) & (relative > SMALL_NORM)
    if np.any(shaky):
        last = times[norm > 0][np.flatnonzero(shaky)[-1]]
        notes.append(
            f"The norm of one run strays by more than {SMALL_NORM:g} of itself, last at time {last:.3g}: bands around "
            "a norm that small have not been tested."
        )
    if not all_known:
        notes.append("There are no bands where the curve has diverged.")
        return Trust("not to be trusted", indicator, notes)
    if indicator < GOOD:
        return Trust("good", indicator, notes)
    verdict = "fair" if indicator < FAIR else "not to be trusted"
    coverage = "about 91 %" if verdict == "fair" else "84 % or less"
    notes.insert(
        0,
        f"Bands at dimension {dimension:.10g} are {verdict}: the 1/d bias of the adversarial risk is {indicator:.2f} "
        f"standard deviations of one run at time {worst:.3g} (good below {GOOD:g}); a nominal 95 % interval covers "
        f"{coverage}. A smaller learning rate or a larger dimension makes them better.",
    )
    return Trust(verdict, indicator, notes)


def _ratio(variables: Variables, name: str, dimension: float) -> np.ndarray:
    """|bias| / sd; zero where the bias is nothing but rounding."""
    sd, bias = variables[f"{name}_sd"][1], np.abs(variables[f"{name}_bias"][1])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(bias * dimension < ROUNDING, 0.0, bias / sd)
    return np.where(np.isnan(ratio), np.inf, ratio)
