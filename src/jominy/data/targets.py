"""What a user's targets are: two classes, several, or numbers to regress on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jominy.data.arrays import Array, shortened
from jominy.data.tables import LARGEST, is_missing
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

FEW_KINDS = 20
"""So few different whole numbers may be names of classes: the report says so."""


@dataclass(frozen=True)
class Targets:
    """How targets are turned into numbers. Two classes: labels -1 and +1; several: their numbers 0, 1, ..., K - 1.

    Two kinds of anything are classes, and so are several kinds of words and the columns of one-hot rows. Several
    different numbers are a regression, (target - offset) / scale, unless `of_classes` is asked.

    classes: the kinds in sorted order; None for regression
    offset:  subtracted from a regression target, in units of the target
    scale:   divides a regression target, in units of the target
    steps:   what was done, one sentence each

    >>> Targets.learn(["benign", "malignant", "benign"]).transform(["malignant"])
    array([1.])
    """

    classes: tuple[Any, ...] | None
    offset: float = 0.0
    scale: float = 1.0
    steps: tuple[str, ...] = ()

    @staticmethod
    def learn(y: Any, standardise: bool = True) -> Targets:
        """From the training targets y (n,); standardise: centre a regression target and divide it by its sd."""
        values = target_values(y)
        columns = _one_hot_columns(y)
        if columns is not None or values.dtype.kind == "U":
            return Targets.of_classes(values, columns)
        kinds = np.unique(values)
        if kinds.size <= 2:
            return Targets.of_classes(values)
        numbers = values.astype(np.float64)
        # Squares of tiny targets would vanish; a power of two changes no digit of the others.
        unit = 2.0 ** float(np.floor(np.log2(np.max(np.abs(numbers)))))
        offset, scale = (float(numbers.mean()), unit * float((numbers / unit).std())) if standardise else (0.0, 1.0)
        steps = [f"regression: target has {kinds.size} different values"]
        if standardise:
            steps.append(f"centred the target by {offset:.6g} and divided it by its standard deviation {scale:.6g}")
        if kinds.size <= FEW_KINDS and np.all(numbers == np.rint(numbers)):
            steps[0] += (
                "; if these name classes, train with `SoftmaxLoss()`, or choose two groups with "
                "`select_classes(X, y, classes)`"
            )
        return Targets(None, offset, scale, tuple(steps))

    def transform(self, y: Any) -> Array:
        """Targets (n,) float64 of y (n,). Raises InputError for a class that the training targets did not have."""
        values = target_values(y)
        if self.classes is None:
            if values.dtype.kind == "U":
                raise InputError("targets of a regression must be numbers", values[:3].tolist())
            return (values.astype(np.float64) - self.offset) / self.scale
        labels = dict(zip(self.classes, self._numbers(), strict=True))
        listed = values.tolist()
        unknown = sorted({value for value in listed if value not in labels}, key=repr)
        if unknown:
            raise InputError(
                f"targets must be one of the classes {shortened(self.classes)}",
                unknown[:10],
                "Train on rows of every class (a stratified split keeps some of each), or leave those rows out",
            )
        return np.array([labels[value] for value in listed])

    @staticmethod
    def of_classes(y: Any, expected: Sequence[Any] | None = None) -> Targets:
        """The classes that targets y (n,) name, numbers included; `expected` are all that there must be a row of.

        Raises InputError for fewer than two kinds, numbers that are not whole, and a class of its own for every row.
        """
        values = target_values(y)
        kinds, counts = np.unique(values, return_counts=True)
        absent = [] if expected is None else [kind for kind in expected if kind not in kinds.tolist()]
        if absent:
            raise InputError(
                "every class must have a row to train on", f"none of {absent[:10]}", "Leave those classes out of y"
            )
        if kinds.size == 1:
            raise InputError("y must have at least two different values", kinds.tolist())
        if kinds.size > 2 and values.dtype.kind == "f" and np.any(kinds != np.rint(kinds)):
            raise InputError(
                "several classes must be words or whole numbers",
                f"{kinds.size} different numbers, such as {kinds[0]:g} and {kinds[1]:g}",
                "Predict a number with `SquaredLoss()`, or put y into bins first",
            )
        if kinds.size > 2 and kinds.size == values.size:
            raise InputError("classes must have more than one row", f"{kinds.size} classes of one row each")
        listed = [int(kind) if isinstance(kind, float) and kinds.size > 2 else kind for kind in kinds.tolist()]
        numbers = Targets(tuple(listed))._numbers()
        if kinds.size == 2:
            told = [f"class {kind!r} is label {number:+.0f} ({count} rows)" for kind, number, count in
                    zip(listed, numbers, counts, strict=True)]  # fmt: skip
            return Targets(tuple(listed), steps=(", ".join(told),))
        shown = ", ".join(f"{kind!r} ({count})" for kind, count in list(zip(listed, counts, strict=True))[:12])
        more = "" if len(listed) <= 12 else f", and {len(listed) - 12} more"
        return Targets(tuple(listed), steps=(f"{len(listed)} classes and their rows: {shown}{more}",))

    def class_numbers(self, targets: Array) -> NDArray[np.int64]:
        """(n,) numbers 0, ..., K - 1 of classes, of targets (n,) as `transform` gives them."""
        assert self.classes is not None
        return np.rint((targets + 1) / 2 if len(self.classes) == 2 else targets).astype(np.int64)

    def _numbers(self) -> list[float]:
        """What stands for each class."""
        assert self.classes is not None
        return [-1.0, 1.0] if len(self.classes) == 2 else [float(k) for k in range(len(self.classes))]


def target_values(y: Any) -> NDArray[Any]:
    """y (n,) as an array of bool, int, float or str, nothing missing; InputError otherwise."""
    if len(getattr(y, "columns", ())) == 1:  # a frame of one column is that column
        y = y.iloc[:, 0] if hasattr(y, "iloc") else as_numpy(y, "y")[:, 0]
    if isinstance(y, (list, tuple)) and len({len(one) if isinstance(one, (list, tuple, set)) else 0 for one in y}) > 1:
        raise InputError(
            "y must be one label per sample",
            "lists of labels",
            "Keep one label of each row, or train one model per label",
        )
    values = as_numpy(y, "y")
    if _one_hot(values):
        names = _one_hot_columns(y)
        return np.asarray(names)[np.argmax(values, axis=1)]
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.ndim != 1 or values.size == 0:
        step = "Choose one column." if hasattr(y, "columns") else "Use y.ravel()."
        if values.ndim == 2 and values.shape[1] > 1:
            step = "Choose one column, or give one-hot rows: a single 1 in each, for its class."
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


def _one_hot(values: NDArray[Any]) -> bool:
    """Whether rows (n, K) hold a single 1 each, and 0 beside it."""
    if values.ndim != 2 or values.shape[1] < 2 or not values.size or values.dtype.kind not in "biuf":
        return False
    return bool(np.all((values == 0) | (values == 1)) and np.all(np.sum(values, axis=1) == 1))


def _one_hot_columns(y: Any) -> list[Any] | None:
    """Names of the classes of one-hot targets: those of a frame's columns, or numbers; None for other targets."""
    if len(getattr(y, "shape", ())) == 1 or len(getattr(y, "columns", ())) == 1:
        return None
    values = as_numpy(y, "y")
    if not _one_hot(values):
        return None
    return [str(name) for name in y.columns] if hasattr(y, "columns") else list(range(values.shape[1]))


__all__ = ["FEW_KINDS", "Targets", "target_values"]
