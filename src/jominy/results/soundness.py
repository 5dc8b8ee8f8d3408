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
        below = below_optimum(excess, optimum_risk, accuracy)
        if np.any(below.rounded):
            found.append(
                "The last risks are rounding: they are below the optimum's, and so many orders of magnitude below the "
                "largest on the way that double precision cannot tell them from it."
            )
        if np.any(below.optimum):
            lowest = optimum_risk + np.min(excess[np.isfinite(excess)])
            found.append(
                f"The optimum that was found is none: its risk, {optimum_risk:.6g}, is above the {lowest:.6g} that "
                "training reaches. Excess risks and distances to the optimum are wrong, and so are rates that steer by "
                "it (Polyak)."
            )
    if found and status in CLAIMS:
        status, advice = Status.UNSOUND, None
    return Judged(status, advice, [*notes, *found])


class Below(NamedTuple):
    """Which curves (...) are below the optimum of their risk.

    Attributes:
        optimum: by more than the accuracy of the largest risk so far: then the optimum is none.
        rounded: only by more than the accuracy of the risk itself: what is left of a risk that was larger by far.
    """

    optimum: np.ndarray
    rounded: np.ndarray

    @property
    def any(self) -> np.ndarray:
        """Either."""
        return self.optimum | self.rounded


def below_optimum(excess: np.ndarray, optimum_risk: ArrayLike, accuracy: ArrayLike) -> Below:
    """Whether excess risks (..., T) fall below zero by more than the accuracy, which is relative.

    `optimum_risk` and `accuracy` are (...) or numbers.

    >>> below_optimum(np.array([[1e29, -0.2], [1.0, -0.2], [1.0, -1e-9]]), 0.5, 1e-6).any
    array([ True,  True, False])
    """
    optimum, relative = (np.asarray(part, dtype=float)[..., None] for part in (optimum_risk, accuracy))
    with np.errstate(invalid="ignore"):  # what has diverged is infinite
        risk = np.abs(excess + optimum)
    known = np.where(np.isfinite(risk), risk, 0.0)
    so_far = np.maximum.accumulate(known, axis=-1)
    wrong, rounded = (
        np.any(excess < -relative * np.maximum(size, np.abs(optimum)), axis=-1) for size in (so_far, known)
    )
    return Below(wrong, rounded & ~wrong)
