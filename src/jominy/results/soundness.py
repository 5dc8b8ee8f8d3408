"""Whether the numbers of a result can be right: asked once of every result, before it is labelled.

No number is changed. A result that says that it is complete has no missing number, and no training ends below the
optimum of its risk; where it seems to, the optimum that was found is not one, and the result says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jominy.results.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CLAIMS = (Status.COMPLETED, Status.COLLAPSED, Status.STUCK)
"""Statuses that vouch for all numbers; the others say themselves what became of some."""


class Judged(NamedTuple):
    """How a result ended, what to do about it (None: what the status says) and the sentences for its reader."""

    status: Status
    advice: str | None
    notes: list[str]


def judged(
    variables: Mapping[str, tuple[tuple[str, ...], ArrayLike]],
    status: Status,
    advice: str | None = None,
    notes: Sequence[str] = (),
    *,
    optimum_risk: float = -np.inf,
    accuracy: float = 0.0,
) -> Judged:
    """The same, unless numbers are missing under a status that vouches for them, or training is below the optimum.

    `accuracy` is the relative error of risks that the method allows itself.

    >>> judged({"excess_risk": (("time",), [0.1, -0.2])}, Status.COMPLETED, optimum_risk=0.5).status
    <Status.UNSOUND: ('numerical failure', ...)>
    >>> judged({"excess_risk": (("time",), [0.1, -1e-9])}, Status.COMPLETED, optimum_risk=0.5, accuracy=1e-6).notes
    []
    """
    found = []
    missing = [name for name, (_, values) in variables.items() if np.any(np.isnan(np.asarray(values)))]
    if missing and status in CLAIMS:
        found.append(f"Numbers are missing (NaN) in {', '.join(missing)}, which is a fault of the computation.")
    if "excess_risk" in variables:
        excess = np.asarray(variables["excess_risk"][1])
        if np.any(below_optimum(excess, optimum_risk, accuracy)):
            lowest = optimum_risk + np.min(excess[np.isfinite(excess)])
            found.append(
                f"The optimum that was found is none: its risk, {optimum_risk:.6g}, is above the {lowest:.6g} that "
                "training reaches. Excess risks and distances to the optimum are wrong, and so are rates that steer by "
                "it (Polyak)."
            )
    if found and status in CLAIMS:
        status, advice = Status.UNSOUND, None
    return Judged(status, advice, [*notes, *found])


def below_optimum(excess: np.ndarray, optimum_risk: ArrayLike, accuracy: ArrayLike) -> np.ndarray:
    """(...) whether excess risks (..., T) fall below zero by more than the accuracy, relative to the risk so far.

    `optimum_risk` and `accuracy` are (...) or numbers.
    """
    optimum, relative = (np.asarray(part, dtype=float)[..., None] for part in (optimum_risk, accuracy))
    with np.errstate(invalid="ignore"):  # what has diverged is infinite
        risk = np.abs(excess + optimum)
    so_far = np.maximum.accumulate(np.where(np.isfinite(risk), risk, 0.0), axis=-1)
    return np.any(excess < -relative * np.maximum(so_far, np.abs(optimum)), axis=-1)
