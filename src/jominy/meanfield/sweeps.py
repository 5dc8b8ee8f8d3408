"""One architecture and what varies in it, as named axes that broadcast."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.errors import InputError
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.numbers import Numbers, magnitude, plain

FIELDS = ("depth", "width", "input_dim", "output_dim", "weight_variance", "bias_variance", "shortcut")
MOST_POINTS = 10**6
VARYING = (*FIELDS, "radius", "adversarial_weight")


@dataclass(frozen=True, eq=False)
class Sweep:
    """An architecture, a radius and a weight lam, with the varied ones along axes of their own.

    coords: name -> values of each axis, in order; empty for a single network
    """

    architecture: Architecture
    radius: Numbers
    adversarial_weight: Numbers
    coords: dict[str, np.ndarray]

    @property
    def dims(self) -> tuple[str, ...]:
        return tuple(self.coords)

    def full(self, values: Numbers) -> np.ndarray:
        """`values` on every point of the sweep."""
        return np.broadcast_to(values, tuple(len(axis) for axis in self.coords.values()))

    def describe(self) -> dict[str, Any]:
        """What a result stores about it (JSON-able)."""
        return {
            "architecture": self.architecture.describe(),
            "radius": plain(self.radius),
            "adversarial_weight": plain(self.adversarial_weight),
        }


def make_sweep(
    architecture: Architecture, radius: float, vary: Mapping[str, ArrayLike] | None, adversarial_weight: float = 1.0
) -> Sweep:
    """Vary fields of one architecture, the radius or lam over all combinations of the values given.

    Raises InputError for an architecture that holds arrays itself, a name that cannot vary, values that
    are not 1-D or there twice.

    >>> from jominy.meanfield import Architecture
    >>> network = Architecture(4, 1000, 784, 10, weight_variance=2.0)
    >>> make_sweep(network, 0.1, {"depth": [2, 4, 8], "width": [100, 200]}).architecture.shape
    (3, 2)
    """
    if not isinstance(architecture, Architecture):
        raise InputError("the first argument must be an Architecture", type(architecture).__name__)
    others = {
        "radius": magnitude(radius, "radius", minimum=0.0),
        "adversarial_weight": magnitude(adversarial_weight, "weight", minimum=0.0),
    }
    if architecture.shape or any(np.ndim(value) for value in others.values()):
        raise InputError(
            "a labelled result starts from one architecture, radius and weight", "arrays", "name the axes: vary={...}"
        )
    coords: dict[str, np.ndarray] = {}
    for name, values in (vary or {}).items():
        if name not in VARYING:
            raise InputError("what varies must be a field, the radius or the weight", name, f"choose from {VARYING}")
        coords[name] = np.asarray(values)
        if coords[name].ndim != 1 or coords[name].size == 0:
            raise InputError(f"the values of {name} must be a 1-D array", f"shape {coords[name].shape}")
        if len(set(coords[name].tolist())) < coords[name].size:
            raise InputError(f"each value of {name} may be there once", values)
    points = math.prod(axis.size for axis in coords.values())
    if points > MOST_POINTS:
        raise InputError(f"a sweep must have at most {MOST_POINTS} points", points, "vary fewer fields at once")
    shaped = {name: values.reshape([-1 if other == name else 1 for other in coords]) for name, values in coords.items()}
    varied: dict[str, Any] = {name: values for name, values in shaped.items() if name in FIELDS}
    others |= {name: magnitude(values, name, minimum=0.0) for name, values in shaped.items() if name in others}
    return Sweep(replace(architecture, **varied), others["radius"], others["adversarial_weight"], coords)
