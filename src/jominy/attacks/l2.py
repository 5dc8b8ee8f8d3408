"""The l2 ball: ||delta|| <= radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.attacks.base import Attack


@dataclass(frozen=True)
class L2(Attack):
    """Perturbations of l2 norm at most the radius, the default; they move a score by radius * ||X||.

    Examples
    --------
    >>> L2().describe()
    {'kind': 'L2'}
    """

    def form(self, dimension: int) -> np.ndarray | None:
        return None

    @property
    def isotropic(self) -> bool:
        return True

    def describe(self) -> dict[str, Any]:
        return {"kind": "L2"}
