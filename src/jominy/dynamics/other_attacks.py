"""Train under one attack, look at others: the entries of `evaluate_at` that name an attack of their own.

Source: theory `attacks.md` section 6. Risk and accuracy under any attack follow from its shift of the scores alone, so
that a trajectory can be read out under each attack whose size it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jominy.attacks import Attack
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.readout import Variables, read_out
from jominy.errors import InputError
from jominy.losses import OrderParameters
from jominy.schedules import require_radius

DIMENSION = "evaluation_attack"
"""The dimension of what is read out under attacks."""


class OtherAttack(NamedTuple):
    """An attack and its radius; `mark` tells it from others that are spoken of alike."""

    attack: Attack
    radius: float
    mark: str = ""

    @property
    def label(self) -> str:
        """What a table says."""
        return f"{repr(self.attack).removesuffix('()')}{self.mark} {self.radius:g}"


def split_evaluation(values: Any) -> tuple[Any, list[OtherAttack]]:
    """The radii among the entries, for the attack of the training, and the pairs (attack, radius).

    >>> from jominy.attacks import LInf
    >>> radii, others = split_evaluation([0.1, (LInf(), 0.2)])
    >>> radii, others[0].label
    ([0.1], 'LInf 0.2')
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        return values, []
    radii, others = [], []
    for value in values:
        pair = isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[0], Attack)
        if pair:
            others.append(OtherAttack(value[0], require_radius(value[1])))
        elif isinstance(value, Attack):
            raise InputError(
                "An attack to evaluate at has a radius", repr(value), "Give a pair, such as `(jm.LInf(), 0.2)`"
            )
        else:
            radii.append(value)
    others = _told_apart(others)
    labels = [other.label for other in others]
    if len(set(labels)) < len(labels):
        raise InputError("Attacks to evaluate at must differ", labels, "Drop repetitions")
    return (radii if others else values), others


def _told_apart(others: list[OtherAttack]) -> list[OtherAttack]:
    """With numbers for attacks that differ in their budgets or weights, but not in what is said of them.

    >>> from jominy.attacks import Mahalanobis
    >>> pair = [OtherAttack(Mahalanobis([1.0, 2.0]), 0.1), OtherAttack(Mahalanobis([2.0, 1.0]), 0.1)]
    >>> [other.label for other in _told_apart(pair)][1]
    'Mahalanobis(2 features, 0 of them out of reach) no. 2 0.1'
    """
    known: dict[str, list[dict[str, Any]]] = {}
    made = []
    for other in others:
        kinds, record = known.setdefault(repr(other.attack), []), other.attack.describe()
        if record not in kinds:
            kinds.append(record)
        place = kinds.index(record)
        made.append(other._replace(mark=f" no. {place + 1}" if place else ""))
    return made


def require_none(others: Sequence[OtherAttack], why: str, step: str) -> None:
    """InputError where a trajectory does not know the size of other attacks."""
    if others:
        raise InputError(f"Evaluation under another attack is not known here: {why}", others[0].label, step)


def read_under(
    others: Sequence[OtherAttack], sizes: Sequence[np.ndarray], setting: RiskSpec, order: OrderParameters, known: bool
) -> Variables:
    """Risk and, where classes are `known`, accuracy of students (T,) whose size under each attack is (T,)."""
    order, setting = setting.without_noise(order), setting._replace(noise=None)
    found: dict[str, list[np.ndarray]] = {"risk_at_attack": [], "accuracy_at_attack": []}
    for other, size in zip(others, sizes, strict=True):
        read = read_out(setting, order.of_size(np.asarray(size)), other.radius, np.zeros(0), known, ("time",))
        for name, values in found.items():
            told = read.get("adversarial_" + name.removesuffix("_at_attack"))
            if told is not None:
                values.append(told[1])
    return {name: (("time", DIMENSION), np.stack(parts, axis=1)) for name, parts in found.items() if parts}
