"""What a user's targets are: two classes, or numbers to regress on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jominy.data.arrays import Array
from jominy.data.tables import LARGEST, is_missing
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

_FEW_KINDS = 20  # so few different whole numbers may be names of classes: the report says so


@dataclass(frozen=True)
class Targets:
    """How targets are turned into numbers. With two kinds: the classes, -1 and +1; else (target - offset) / scale.

    classes: the two kinds in sorted order, for the labels -1 and +1; None for regression
    offset:  subtracted from a regression target, in units of the target
    scale:   divides a regression target, in units of the target
    steps:   what was done, one sentence each

    >>> Targets.learn(["benign", "malignant", "benign"]).transform(["malignant"])
    array([1.])
    """

    classes: tuple[Any, Any] | None
    offset: float = 0.0
    scale: float = 1.0
    steps: tuple[str, ...] = ()

    @staticmethod
    def learn(y: Any, standardise: bool = True) -> Targets:
        """From the training targets y (n,); standardise: centre a regression target and divide it by its sd."""
        values = target_values(y)
        kinds, counts = np.unique(values, return_counts=True)
        if kinds.size == 1:
            raise InputError("y must have at least two different values", kinds.tolist())
        if kinds.size == 2:
            low, high = kinds.tolist()
            step = f"class {low!r} is label -1 ({counts[0]} rows), class {high!r} is label +1 ({counts[1]} rows)"
            return Targets((low, high), steps=(step,))
        if values.dtype.kind == "U":
            raise InputError(
                "a classification has exactly two kinds of labels",
                f"{kinds.size} kinds: {', '.join(map(repr, kinds[:10].tolist()))}{', ...' if kinds.size > 10 else ''}",
                "Choose two groups with `select_classes(X, y, classes)`.",
            )
        numbers = values.astype(np.float64)
        # Squares of tiny targets would vanish; a power of two changes no digit of the others.
        unit = 2.0 ** float(np.floor(np.log2(np.max(np.abs(numbers)))))
        offset, scale = (float(numbers.mean()), unit * float((numbers / unit).std())) if standardise else (0.0, 1.0)
        steps = [f"regression: target has {kinds.size} different values"]
        if standardise:
            steps.append(f"centred the target by {offset:.6g} and divided it by its standard deviation {scale:.6g}")
        if kinds.size <= _FEW_KINDS and np.all(numbers == np.rint(numbers)):
            steps[0] += "; if these name classes, choose two groups with `select_classes(X, y, classes)`"
        return Targets(None, offset, scale, tuple(steps))

    def transform(self, y: Any) -> Array:
        """Targets (n,) float64 of y (n,). Raises InputError for a class that the training targets did not have."""
        values = target_values(y)
        if self.classes is None:
            if values.dtype.kind == "U":
                raise InputError("targets of a regression must be numbers", values[:3].tolist())
            return (values.astype(np.float64) - self.offset) / self.scale
        labels = {self.classes[0]: -1.0, self.classes[1]: 1.0}
        listed = values.tolist()
        unknown = sorted({value for value in listed if value not in labels}, key=repr)
        if unknown:
            raise InputError(f"targets must be one of the classes {self.classes}", unknown[:10])
        return np.array([labels[value] for value in listed])


def target_values(y: Any) -> NDArray[Any]:
    """y (n,) as an array of bool, int, float or str, nothing missing; InputError otherwise."""
    if len(getattr(y, "columns", ())) == 1:  # a frame of one column is that column
        y = y.iloc[:, 0] if hasattr(y, "iloc") else as_numpy(y, "y")[:, 0]
    values = as_numpy(y, "y")
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.ndim != 1 or values.size == 0:
        step = "Choose one column." if hasattr(y, "columns") else "Use y.ravel()."
        raise InputError("y must be a 1-D array with one value per sample", f"shape {values.shape}", step)
    if values.dtype.kind not in "biufU":
        listed = values.tolist()
        missing = [i for i, value in enumerate(listed) if is_missing(value)]
        if missing:
            raise InputError("y must not have missing values", f"{len(missing)}, the first in row {missing[0]}")
        names = [isinstance(value, str) for value in listed]
        try:
            if values.dtype.kind not in "OT" or (any(names) and not all(names)):
                raise TypeError
            values = np.array(listed, dtype=np.str_ if all(names) else np.float64)
            if values.ndim != 1:
                raise TypeError
        except (TypeError, ValueError, OverflowError):
            raise InputError("y must be all numbers or all strings", listed[:5]) from None
    with np.errstate(over="ignore"):  # what is too long for float64 is infinite there, and refused
        sizes = np.abs(values.astype(np.float64)) if values.dtype.kind == "f" else np.zeros(0)
    bad = np.flatnonzero(~(sizes < LARGEST))
    if bad.size:
        what = f"values above {LARGEST:g}" if np.isfinite(values).all() else "NaN or infinite values"
        raise InputError("y must be finite", f"{bad.size} {what}, the first in row {bad[0]}")
    return values


__all__ = ["Targets", "target_values"]
