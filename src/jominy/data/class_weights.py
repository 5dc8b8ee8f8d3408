"""Weights of classes: what a mistake on a sample of each class counts in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jominy.data.arrays import Array
from jominy.errors import InputError

BALANCED = "balanced"


def class_weights(given: Any, classes: tuple[Any, ...] | None, targets: Array) -> tuple[float, ...] | None:
    """Those of the classes, of two those of the labels -1 and +1; None for none.

    "balanced" is n / (K n_class), as in scikit-learn: all K classes then count alike. Else a weight > 0 for each class.

    >>> class_weights("balanced", ("no", "yes"), np.array([-1.0, -1.0, -1.0, 1.0]))
    (0.6666666666666666, 2.0)
    >>> class_weights({"yes": 5}, ("no", "yes"), np.array([-1.0, 1.0]))
    (1.0, 5.0)
    """
    if given is None:
        return None
    if classes is None:
        raise InputError("Weights of classes are for classification", "a target of numbers", "Leave class_weight out")
    if isinstance(given, str):
        if given != BALANCED:
            raise InputError("class_weight is 'balanced' or a weight for each class", given, "Such as {'ill': 5}")
        labels = (-1.0, 1.0) if len(classes) == 2 else range(len(classes))
        return tuple(len(targets) / (len(classes) * int(np.sum(targets == label))) for label in labels)
    if not isinstance(given, Mapping):
        raise InputError("class_weight is 'balanced' or a weight for each class", given, "Such as {'ill': 5}")
    named = {str(name): value for name, value in given.items()}
    known = [str(name) for name in classes]
    if unknown := [name for name in named if name not in known]:
        raise InputError("class_weight names a class that is not there", unknown[0], f"The classes are {known}")
    return tuple(_weight(named.get(name, 1.0)) for name in known)


def _weight(value: Any) -> float:
    good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)
    if not (good and value > 0):
        raise InputError("A weight of a class must be a finite number > 0", value, "1 is no weight")
    return float(value)
