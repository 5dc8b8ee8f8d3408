"""The l_inf ball: every feature may be moved by its own budget, independently of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.attacks.base import Attack
from jominy.data.arrays import described, finite_array
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError


@dataclass(frozen=True, eq=False, repr=False, init=False)
class LInf(Attack):
    """Perturbations with |delta_j| <= radius * budget_j / sqrt(d) for every feature j.

    They move a score by radius * sum_j budget_j |X_j| / sqrt(d), which is radius times the mean of budget |u| over the
    features, u = sqrt(d) X the weights in units in which they are of order one. So a radius means about the same as in
    l2: where all |X_j| are equal, exactly; for weights that are normal, l_inf at radius r is l2 at sqrt(2/pi) r. An
    attack that may move every feature by r, in the units of the features that are trained on, has radius = r sqrt(d).

    The weights are followed one by one, so what is exact is a law whose covariances are diagonal in the features
    (mixtures with spectra); on samples it is a Gaussian approximation, within 1 % of SGD in the risk where checked.

    Parameters
    ----------
    budget : (d,) >= 0 in units of input coordinate per radius, not all zero; 0 is a feature that nobody can touch.
        None: one for every feature

    Raises
    ------
    InputError
        A negative budget, one that is not an array (d,), nothing that can be attacked.

    Notes
    -----
    Source: theory `attacks.md` sections 3 and 4.

    Examples
    --------
    Under l_inf the optimum has weights that are exactly zero: a soft threshold takes the place of a ridge.

    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(4), [0.8, 0.4, 0.2, 0.1], noise_variance=0.25)
    >>> jm.optimum(jm.Problem(data, jm.SquaredLoss(), 0.5, jm.LInf())).vector.round(3).tolist()
    [0.672, 0.272, 0.072, 0.0]
    """

    budget: np.ndarray | None

    def __init__(self, budget: ArrayLike | None = None) -> None:
        given = None if budget is None else finite_array(budget, "budgets of an attack")
        if given is not None:
            _check_budget(given)
        object.__setattr__(self, "budget", given)

    @property
    def quadratic(self) -> bool:
        return False

    def budgets(self, dimension: float) -> np.ndarray | None:
        if self.budget is not None and len(self.budget) != dimension:
            raise InputError(
                "An attack has one budget for each feature",
                f"{len(self.budget)} budgets for {dimension:g} features",
                f"Give {dimension:g} budgets" if np.isfinite(dimension) else "Give the spectrum a dimension",
            )
        return self.budget

    def of(self, law: EigenLaw | DenseLaw) -> EigenLaw | DenseLaw:
        return law.moved_by_feature(self.budgets(law.dimension))

    def data_units(self, dimension: int) -> float:
        # There a radius is by how much each feature may be moved.
        return float(np.sqrt(dimension))

    def remarks(self, radius: float, dimension: float) -> list[str]:
        if not np.isfinite(dimension):
            return []
        budget = "" if self.budget is None else " times its budget"
        moved = f"radius / sqrt({dimension:g}) = {radius / np.sqrt(dimension):.4g}{budget}"
        return [f"l_inf at radius {radius:.4g} moves every feature by at most {moved}."]

    def describe(self) -> dict[str, Any]:
        return {"kind": "LInf"} if self.budget is None else {"kind": "LInf", "budget": described(self.budget)}

    def __repr__(self) -> str:
        if self.budget is None:
            return "LInf()"
        return f"LInf({len(self.budget)} features, {np.count_nonzero(self.budget == 0)} of them out of reach)"


def _check_budget(given: np.ndarray) -> None:
    if given.ndim != 1 or given.size == 0:
        raise InputError(
            "The budget of an l_inf attack is one number per feature", f"shape {given.shape}", "Give an array (d,)"
        )
    if np.any(given < 0):
        first = int(np.flatnonzero(given < 0)[0])
        raise InputError(
            "The budgets of an attack must be >= 0",
            f"{given[first]:g} for feature {first}",
            "0 is a feature that cannot be attacked",
        )
    if not np.any(given):
        raise InputError(
            "An attack must be able to touch some feature", "budgets that are all zero", "For no attack say radius=0"
        )
