"""What a reader of a result on samples should know: base rate, few samples, rates too large for the largest rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from jominy.data import Samples
from jominy.dynamics.laws.stability import far_curvature
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables
from jominy.dynamics.samples.stability import sample_rate_limits, stability_of

FEW_SAMPLES = 20
"""Samples per dimension below which a forecast for these samples says little of the population."""


def sample_notes(samples: Samples, found: Optimum, held_out: bool) -> list[str]:
    """Preprocessing, the number of samples, the optimum."""
    notes = list(samples.report)
    ratio = samples.count / samples.dimension
    if ratio < FEW_SAMPLES:
        seen = "the held-out rows show" if held_out else "give `held_out=(X_test, y_test)` to see"
        notes.append(
            f"{ratio:.3g} samples per dimension: the forecast describes training on these very samples; for the "
            f"population it is optimistic below {FEW_SAMPLES} ({seen} by how much)"
        )
    return [*notes, *found.notes()]


def base_rates(samples: Samples, held_out_targets: np.ndarray | None) -> dict[str, float]:
    """The accuracy of answering the larger class whatever the input, on training rows and on held-out ones."""
    if not samples.classification:
        return {}
    larger = 1.0 if np.mean(samples.targets) > 0 else -1.0
    rates = {"base_rate": float(np.mean(samples.targets == larger))}
    if held_out_targets is not None:
        rates["held_out_base_rate"] = float(np.mean(held_out_targets == larger))
    return rates


def base_rate_notes(samples: Samples, rates: dict[str, float], variables: Variables) -> list[str]:
    """The base rate in words, and whether the accuracy without an attack, at the last time, is below it."""
    if not rates:
        return []
    assert samples.classes is not None
    name = samples.classes[int(np.mean(samples.targets) > 0)]
    held_out = f" ({rates['held_out_base_rate']:.3f} on the held-out rows)" if "held_out_base_rate" in rates else ""
    told = f"a constant answer, {name!r}, has the accuracy {rates['base_rate']:.3f}{held_out}"
    for prefix, where in (("", ""), ("held_out_", " on the held-out rows")):
        rate = rates.get(f"{prefix}base_rate")
        if rate is not None and ends_below(variables[f"{prefix}clean_accuracy"][1], rate):
            why = STILL_SHORT if samples.intercept else NO_INTERCEPT
            if prefix and float(np.mean(variables["clean_accuracy"][1][..., -1])) > rates["base_rate"] + WELL_ABOVE:
                why = "training rows are told apart well, but what is learnt of them does not carry over to others"
            return [told, f"the clean accuracy at the end{where} is below that of a constant answer: {why}"]
    return [told]


WELL_ABOVE = 0.05
"""An accuracy that is so much higher than that of a constant answer is not short of an intercept."""
ABOUT_AS_GOOD = 0.005
"""So much less than the accuracy of a constant answer is as good as that."""


def ends_below(accuracy: np.ndarray, rate: float) -> bool:
    """Whether an accuracy (..., T) is in the end well below this rate."""
    return bool(accuracy.size and np.mean(accuracy[..., -1]) < rate - ABOUT_AS_GOOD)


def below_base_rate(samples: Samples, clean_accuracy: np.ndarray) -> bool:
    """Whether training rows are in the end classified worse than by a constant answer; accuracy (..., T)."""
    rates = base_rates(samples, None)
    return bool(rates) and ends_below(clean_accuracy, rates["base_rate"])


NO_INTERCEPT = (
    "there is no intercept, so the boundary goes through the mean of all rows, which suits classes of like size "
    "(`intercept=True` learns one)"
)
STILL_SHORT = "the intercept is not learnt yet: train longer, or at a larger rate"


def rate_advice(problem: Problem, rate: float | None = None) -> str | None:
    """What to do about a constant rate that is too large for these samples; None where no limit is known.

    `rate` is the one that was used, where rare large steps dominate; without it the mean over runs diverges.
    """
    largest = largest_safe_rate(problem)
    if largest is None:
        return None
    told = (
        "The mean over runs grows without bound."
        if rate is None
        else f"The rate {rate:.3g} is too large for the largest samples: rare large steps dominate the mean over runs."
    )
    settings = problem.data.preprocessing  # type: ignore[union-attr]
    clipped = settings is not None and settings.clip is not None
    return f"{told} Lower the rate below {largest:.3g}" + (
        "." if clipped else ", or clip the row norms (`Preprocessing(clip=3)`)."
    )


def unsafe_rate(problem: Problem, rates: np.ndarray, risk: np.ndarray) -> float | None:
    """The rate used (T,) at which rare large steps dominate the mean over runs, or None where none does.

    Losses that are not quadratic everywhere may fall at any rate: `risk` (T,) tells whether this one rises.
    """
    if problem.loss.least_squares:
        largest = float(np.max(rates))
        return None if stability_of(problem).safe(largest) else largest
    last = float(rates[-1])
    return last if risk[-1] > np.min(risk) and last > sample_rate_limits(problem).divergent else None


def largest_safe_rate(problem: Problem) -> float | None:
    """The largest constant rate at which a mean over runs tells of typical ones.

    Infinite for losses of bounded slope, none of whose rates diverges; None where nothing is known (exponential loss).
    Source: theory `realdata.md` section 6, flag 4, for least squares; for a loss that is quadratic far out, with
    curvature c there, the rate is 1/c times that of least squares.
    """
    curvature = far_curvature(problem.loss)
    if curvature is None:
        return None
    if curvature == 0:
        return np.inf
    return stability_of(problem).largest_safe / curvature


def stability_attributes(problem: Problem) -> dict[str, Any]:
    """The limits on the rate, for least squares."""
    if not problem.loss.least_squares:
        return {}
    limits = stability_of(problem)
    return {"mean_square_stability_rate": limits.mean_square, "largest_sample_rate": limits.largest_sample}
