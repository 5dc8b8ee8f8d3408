"""Activations that are linear on either side of zero: the ones for which the mean-field theory is exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.numbers import Numbers, magnitude, plain


@dataclass(frozen=True, eq=False)
class ReLULike:
    """phi(z) = u z for z >= 0 and v z for z < 0: ReLU is (1, 0), the identity (1, 1), leaky ReLU (1, slope).

    u, v: slopes, numbers or arrays that broadcast, not both zero.

    Raises InputError for slopes that are not finite, or that are both zero.

    >>> ReLULike().gain, ReLULike(1.0, 1.0).gain, ReLULike(1.0, 0.1).gain
    (0.5, 1.0, 0.505)
    """

    u: Numbers = 1.0
    v: Numbers = 0.0

    def __post_init__(self) -> None:
        u, v = magnitude(self.u, "slope u of the activation"), magnitude(self.v, "slope v of the activation")
        if np.any((np.asarray(u) == 0) & (np.asarray(v) == 0)):
            raise InputError("one slope of the activation must differ from zero", (u, v), "ReLULike(1, 0) is ReLU")
        object.__setattr__(self, "u", u)
        object.__setattr__(self, "v", v)

    @property
    def gain(self) -> Any:
        """alpha = (u^2 + v^2) / 2 = E phi(z)^2 / E z^2 for a centred Gaussian z."""
        return (self.u**2 + self.v**2) / 2

    @property
    def fourth(self) -> Any:
        """alpha4 = (u^4 + v^4) / 2."""
        return (self.u**4 + self.v**4) / 2

    @property
    def odd(self) -> Any:
        """a = (u + v) / 2 in phi(z) = a z + b |z|."""
        return (self.u + self.v) / 2

    @property
    def even(self) -> Any:
        """b = (u - v) / 2 in phi(z) = a z + b |z|."""
        return (self.u - self.v) / 2

    def describe(self) -> dict[str, Any]:
        """What a result stores about it (JSON-able)."""
        return {"kind": "ReLULike", "u": plain(self.u), "v": plain(self.v)}
