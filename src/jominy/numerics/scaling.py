"""How rows in data units become the rows that a linear model was trained on; needs NumPy alone."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class RowScaling(NamedTuple):
    """The map x -> gain * shrink((x - offset)[kept] / scale), where shrink brings rows above the cap onto it.

    Attributes:
        offset: (D,) subtracted, in data units.
        kept: (D,) whether a feature is kept; d of them are.
        scale: (d,) divides what is kept.
        cap: largest squared norm before the gain, or infinity.
        gain: the last factor.
    """

    offset: NDArray[np.float64]
    kept: NDArray[np.bool_]
    scale: NDArray[np.float64]
    cap: float
    gain: float

    def standardised(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d) rows before they are shrunk, of a table (n, D)."""
        return (table[:, self.kept] - self.offset[self.kept]) / self.scale

    def weights_to_data(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], Any]:
        """Weights (..., D) and intercept (...) in data units of weights (..., d), for rows that are not shrunk."""
        raw = np.zeros((*weights.shape[:-1], self.kept.size))
        raw[..., self.kept] = weights * self.gain / self.scale
        shift = 0.0 - raw @ self.offset
        return raw, float(shift) if weights.ndim == 1 else shift

    def __call__(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d) features of a table (n, D) in data units."""
        rows = self.standardised(table)
        size = np.sum(rows**2, axis=1)
        shrink = np.sqrt(self.cap / np.maximum(size, self.cap)) if np.isfinite(self.cap) else np.ones_like(size)
        return rows * (self.gain * shrink)[:, None]
