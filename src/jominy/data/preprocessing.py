"""From a user's features to the scaling of the theory, ||x||^2 ~ d: every step reported, every step reversible."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.data.arrays import Array, finite_array, finite_number, read_only
from jominy.data.tables import column_names, numeric_table, with_columns
from jominy.errors import InputError
from jominy.numerics.scaling import RowScaling

_CONSTANT = 1e-12  # a feature that varies by less than this, relative to its size, varies by rounding only
_TINY = 1e-100  # and one that varies by less than this has a square of zero


class Scaling(Enum):
    """How the features are scaled. Nothing here whitens: that would change what an l2 attack can do."""

    PER_FEATURE = "per_feature"
    """Each feature by its standard deviation: for tables of unlike quantities. A ball in data units turns ellipsoid."""

    ONE_FACTOR = "one_factor"
    """All features by one factor: pixels, embeddings. Balls stay balls, so radius and rate convert to data units."""

    NONE = "none"
    """Not at all. With `rescale` one factor still brings the mean of ||x||^2 to d."""


@dataclass(frozen=True)
class Preprocessing:
    """What to do to the features before training; `fit` does it (`theory/realdata.md` sections 5 and 6).

    centre:  subtract the mean of every feature
    scaling: see `Scaling`; then features that are constant are dropped, always
    clip:    cap on ||x||^2 / d, or None; rows above it are shrunk onto it. Least squares needs it: its largest stable
             rate is set by the largest rows
    rescale: bring the mean of ||x||^2 to d by one factor, d being the number of features kept

    The cap is meant for rows scaled to a mean ||x||^2 of d. Shrinking lowers that mean, and rescaling brings it back to
    d, so that afterwards the largest ||x||^2 is slightly above clip * d. Test rows get the very same map.

    >>> fitted = Preprocessing(scaling=Scaling.ONE_FACTOR, clip=1.5).fit([[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]])
    >>> print("\\n".join(fitted.report))
    centred 2 features
    scaled all features by one factor
    clipped 1 of 3 rows (33.3 %) to ||x||^2 = 1.5 d; the largest had 1.71 d
    rescaled by 0.679366 in all to a mean ||x||^2 of d = 2; the largest row has 1.62 d
    """

    centre: bool = True
    scaling: Scaling = Scaling.PER_FEATURE
    clip: float | None = 3.0
    rescale: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.scaling, Scaling):
            raise InputError(
                "scaling must be a Scaling", self.scaling, "Choose among " + ", ".join(map(str, Scaling)) + "."
            )
        if self.clip is not None and finite_number(self.clip, "clip") <= 0:
            raise InputError("clip must be > 0, or None for no clipping", self.clip)

    def fit(self, X: ArrayLike) -> FittedPreprocessing:
        """Learn the map from training features X (n, D). Raises InputError if X is constant or not a numeric table."""
        table, names = numeric_table(X), tuple(column_names(X))
        means = table.mean(axis=0)
        spread = np.ptp(table, axis=0)
        kept = spread > np.maximum(_CONSTANT * np.abs(table).max(axis=0), _TINY)
        if not kept.any():
            raise InputError("at least one feature must vary", f"{kept.size} constant features")
        offset = np.where(kept, means if self.centre else 0.0, table[0])
        rows = table[:, kept] - offset[kept]
        scale = np.ones(rows.shape[1])
        if self.scaling is Scaling.PER_FEATURE:
            scale = rows.std(axis=0)
        elif self.scaling is Scaling.ONE_FACTOR:
            scale *= math.sqrt(np.mean(rows**2))
        rows /= scale

        size = np.sum(rows**2, axis=1)
        cap = math.inf if self.clip is None else self.clip * float(size.mean())
        gain = math.sqrt(rows.shape[1] / np.minimum(size, cap).mean()) if self.rescale else 1.0
        kept.flags.writeable = False
        fitted = FittedPreprocessing(self, read_only(offset), kept, read_only(scale), cap, gain, names=names)
        return replace(fitted, steps=_report(fitted, size))

    def describe(self) -> dict[str, Any]:
        """What a result stores about it (JSON-able)."""
        return {"centre": self.centre, "scaling": self.scaling.value, "clip": self.clip, "rescale": self.rescale}


@dataclass(frozen=True, eq=False, repr=False)
class FittedPreprocessing:
    """The map learnt from the training rows: features = gain * shrink((x - offset)[kept] / scale).

    preprocessing: the settings
    offset: (D,) what is subtracted, in data units; for a dropped feature its constant value
    kept:   (D,) bool, the features that are kept; d of them
    scale:  (d,) what the kept features are divided by, in data units
    cap:    rows with a squared norm above this, before the gain, are shrunk onto it; math.inf for none
    gain:   the last factor
    steps:  one sentence per step, with counts
    names:  of the D columns where it was learnt from a data frame: other frames give theirs in any order

    >>> fitted = Preprocessing(clip=None).fit([[0.0, 5.0, 1.0], [2.0, 5.0, 3.0]])
    >>> fitted.transform([[1.0, 5.0, 3.0]])
    array([[0., 1.]])
    >>> fitted.weights_to_data([0.0, 1.0])
    (array([0., 0., 1.]), -2.0)
    """

    preprocessing: Preprocessing
    offset: Array
    kept: np.ndarray
    scale: Array
    cap: float
    gain: float
    steps: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def dimension(self) -> int:
        """Number of features kept, d."""
        return self.scale.size

    @property
    def report(self) -> list[str]:
        """One sentence per step that was done, with counts."""
        return list(self.steps)

    @property
    def factor(self) -> float | None:
        """Scaled units per data unit, x_scaled = factor * (x - mean); None if it differs between features."""
        return None if self.preprocessing.scaling is Scaling.PER_FEATURE else self.gain / float(self.scale[0])

    def transform(self, X: ArrayLike) -> Array:
        """Features (n, d) of rows X (n, D) in data units, by the map of the training rows."""
        return self.scaling(self._table(X))

    def rows_clipped(self, X: ArrayLike) -> int:
        """How many of the rows X (n, D) `transform` shrinks."""
        return int(np.sum(np.sum(self.scaling.standardised(self._table(X)) ** 2, axis=1) > self.cap))

    @property
    def scaling(self) -> RowScaling:
        """The map itself, on tables of floats."""
        return RowScaling(self.offset, self.kept, self.scale, self.cap, self.gain)

    def to_data(self, features: ArrayLike) -> Array:
        """Rows (n, D) in data units of features (n, d): the inverse of `transform` for rows that were not shrunk."""
        scaled = finite_array(features, "features", largest=math.inf)
        rows = np.tile(self.offset, (len(scaled), 1))
        rows[:, self.kept] += scaled * (self.scale / self.gain)
        return rows

    def weights_to_data(self, weights: ArrayLike) -> tuple[Array, float]:
        """Weights (D,) and intercept with <weights, x_scaled> = <result, x> + intercept, for weights (d,)."""
        scaled = finite_array(weights, "weights", largest=math.inf)
        if scaled.shape != self.scale.shape:
            raise InputError(f"weights must have shape ({self.dimension},)", f"shape {scaled.shape}")
        return self.scaling.weights_to_data(scaled)

    def weights_from_data(self, weights: ArrayLike) -> Array:
        """Weights (d,) on the scaled features for weights (D,) in data units; the inverse of `weights_to_data`."""
        raw = finite_array(weights, "weights", largest=math.inf)
        if raw.shape != self.kept.shape:
            raise InputError(f"weights must have shape ({self.kept.size},)", f"shape {raw.shape}")
        return raw[self.kept] * self.scale / self.gain

    def _table(self, X: ArrayLike) -> Array:
        table = numeric_table(with_columns(X, self.names))
        if table.shape[1] != self.kept.size:
            raise InputError(f"X must have the {self.kept.size} columns it was fitted on", f"{table.shape[1]} columns")
        return table


def _report(fitted: FittedPreprocessing, size: Array) -> tuple[str, ...]:
    """One sentence per step; size: (n,) squared norms of the training rows before the shrinking."""
    settings, count, d = fitted.preprocessing, fitted.kept.size, fitted.dimension
    lines = [f"centred {count} features"] if settings.centre else []
    if settings.scaling is Scaling.PER_FEATURE:
        low, high = fitted.scale.min(), fitted.scale.max()
        lines.append(f"scaled each feature by its standard deviation (from {low:.3g} to {high:.3g} in data units)")
    elif settings.scaling is Scaling.ONE_FACTOR:
        lines.append("scaled all features by one factor")
    if d < count:
        dropped = np.flatnonzero(~fitted.kept).tolist()
        which = ", ".join(map(str, dropped[:8])) + (", ..." if len(dropped) > 8 else "")
        lines.append(f"dropped {count - d} of {count} features that are constant (columns {which}): d = {d}")
    if settings.clip is not None:
        clipped, largest = int(np.sum(size > fitted.cap)), size.max() / size.mean()
        share = f"{clipped} of {size.size} rows ({100 * clipped / size.size:.1f} %)"
        lines.append(f"clipped {share} to ||x||^2 = {settings.clip:g} d; the largest had {largest:.3g} d")
    if settings.rescale:
        total = "" if fitted.factor is None else f" by {fitted.factor:.6g} in all"
        largest = min(size.max(), fitted.cap) * fitted.gain**2 / d
        lines.append(f"rescaled{total} to a mean ||x||^2 of d = {d}; the largest row has {largest:.3g} d")
    return tuple(lines)


__all__ = ["FittedPreprocessing", "Preprocessing", "Scaling"]
