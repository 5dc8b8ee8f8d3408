"""What the theory of trainability needs to know about the data: how long the inputs are, and how far apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.errors import InputError
from jominy.meanfield.numbers import Numbers, finite, magnitude, plain
from jominy.numerics.foreign import as_numpy, in_step


@dataclass(frozen=True, eq=False)
class InputGeometry:
    """Length and angles of the inputs of a classification problem with balanced classes.

    power:   q0 = E ||x||^2 / d, > 0
    within:  c_in, mean cosine of two inputs of the same class, in [-1, 1]
    between: c_out, mean cosine of two inputs of different classes, in [-1, 1]

    Numbers, or arrays that broadcast. Raises InputError for anything else.

    >>> InputGeometry.of([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]], [0, 0, 1, 1])
    InputGeometry(power=1.875, within=1.0, between=0.0)
    """

    power: Numbers
    within: Numbers
    between: Numbers

    def __post_init__(self) -> None:
        power = magnitude(self.power, "input power E||x||^2/d", minimum=0.0)
        if np.any(np.asarray(power) == 0):
            raise InputError("the input power must be positive", 0.0, "leave out inputs that are zero")
        object.__setattr__(self, "power", power)
        for name in ("within", "between"):
            cosine = finite(getattr(self, name), f"cosine {name} classes")
            if np.any(np.abs(cosine) > 1):
                raise InputError(f"the mean cosine {name} classes must lie in [-1, 1]", cosine)
            object.__setattr__(self, name, cosine)

    @classmethod
    def of(cls, inputs: ArrayLike, labels: ArrayLike) -> InputGeometry:
        """The geometry of inputs (n, d) with labels (n,): means over all pairs of different samples.

        Raises InputError for shapes that do not fit, values that are not finite, inputs that are zero, a single class,
        or classes of one sample each.
        """
        x = np.asarray(finite(inputs, "inputs"))
        x = x.reshape(len(x), -1) if x.ndim > 2 else x
        y = as_numpy(in_step(inputs, labels, ("inputs", "labels")), "labels")
        if x.ndim != 2 or y.shape != x.shape[:1]:
            raise InputError("inputs must be (n, d) and labels (n,)", f"shapes {x.shape} and {y.shape}")
        lengths = np.linalg.norm(x, axis=1)
        if not np.all(lengths > 0):
            raise InputError("inputs must not be zero", f"{int(np.sum(lengths == 0))} of {len(x)} are")
        units = x / lengths[:, None]
        classes, membership, counts = np.unique(y, return_inverse=True, return_counts=True)
        sums = np.zeros((len(classes), x.shape[1]))
        np.add.at(sums, membership.ravel(), units)
        squares, n = np.sum(sums**2), len(x)
        pairs_within, pairs_between = np.sum(counts * (counts - 1)), n**2 - np.sum(counts**2)
        if pairs_between == 0 or pairs_within == 0:
            raise InputError(
                "there must be two classes, and two samples in one of them", f"class sizes {counts.tolist()}"
            )
        within = (squares - n) / pairs_within
        between = (np.sum(np.sum(sums, axis=0) ** 2) - squares) / pairs_between
        return cls(float(np.mean(lengths**2) / x.shape[1]), float(within), float(between))

    def describe(self) -> dict[str, Any]:
        """What a result stores about it (JSON-able)."""
        return {name: plain(value) for name, value in vars(self).items()}
