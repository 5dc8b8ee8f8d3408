"""Ellipsoids: budgets per feature, features that cannot be attacked, attacks along a covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.attacks.base import Attack
from jominy.data.arrays import described, finite_array
from jominy.errors import InputError

NEGATIVE = 1e-10
"""Relative to the largest: eigenvalues of a matrix of weights as negative as this are rounding."""


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Mahalanobis(Attack):
    """Perturbations with delta' M^-1 delta <= radius^2: each direction has its own budget.

    They move a score by radius * sqrt(X' M X). With a diagonal M feature j alone may be moved by radius * sqrt(M_j): a
    weight of 4 is twice the budget, and a weight of 0 is a feature that nobody can touch. M = K, the covariance of the
    data, attacks along the data.

    Parameters
    ----------
    weights : (d,) the diagonal of M, or (d, d) symmetric and positive semidefinite; not all zero. In units of
        (input coordinate)^2 per radius^2

    Raises
    ------
    InputError
        A negative weight, a matrix that is not symmetric or not positive semidefinite, nothing that can be attacked.

    Notes
    -----
    Source: theory `attacks.md` section 2. Against streaming SGD at d = 3200 (four cases): within 2.7 standard errors.

    Examples
    --------
    Half of the features cannot be touched, and carry half of the teacher: the risk of the optimum is lower.

    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> half = jm.Mahalanobis(weights=[0.0, 1.0] * 200)
    >>> problems = [jm.Problem(data, jm.SquaredLoss(), 0.5, attack) for attack in (jm.L2(), half)]
    >>> [round(jm.optimum(problem).adversarial_risk, 4) for problem in problems]
    [0.3936, 0.2843]
    """

    weights: np.ndarray

    def __init__(self, weights: ArrayLike) -> None:
        given = finite_array(weights, "weights of an attack")
        if given.ndim not in (1, 2) or given.size == 0:
            raise InputError(
                "The weights of an attack are one number per feature, or a matrix",
                f"shape {given.shape}",
                "Give an array (d,) or (d, d)",
            )
        if given.ndim == 2:
            _check_matrix(given)
        elif np.any(given < 0):
            first = int(np.flatnonzero(given < 0)[0])
            raise InputError(
                "The weights of an attack must be >= 0",
                f"{given[first]:g} for feature {first}",
                "0 is a feature that cannot be attacked",
            )
        if not np.any(given):
            raise InputError(
                "An attack must be able to touch some feature",
                "weights that are all zero",
                "For no attack at all say radius=0",
            )
        object.__setattr__(self, "weights", given)

    def form(self, dimension: int) -> np.ndarray | None:
        if len(self.weights) != dimension:
            raise InputError(
                "An attack has one weight for each feature",
                f"{len(self.weights)} weights for {dimension} features",
                f"Give {dimension} weights",
            )
        return self.weights

    def describe(self) -> dict[str, Any]:
        return {"kind": "Mahalanobis", "weights": described(self.weights)}

    def __repr__(self) -> str:
        diagonal = self.weights if self.weights.ndim == 1 else np.diag(self.weights)
        return f"Mahalanobis({len(diagonal)} features, {np.count_nonzero(diagonal == 0)} of them out of reach)"


def _check_matrix(given: np.ndarray) -> None:
    if given.shape[0] != given.shape[1]:
        raise InputError("A matrix of weights must be square", f"shape {given.shape}", "Give a (d, d) matrix")
    largest = np.max(np.abs(given))
    if np.max(np.abs(given - given.T)) > 1e-9 * largest:
        raise InputError(
            "A matrix of weights must be symmetric",
            f"entries that differ by {np.max(np.abs(given - given.T)):.3g} from their mirror images",
            "Give (M + M.T) / 2 if that is what you mean",
        )
    values = np.linalg.eigvalsh((given + given.T) / 2)
    if values[0] < -NEGATIVE * largest:
        raise InputError(
            "A matrix of weights must be positive semidefinite", f"an eigenvalue {values[0]:.3g}", "Give a covariance"
        )
