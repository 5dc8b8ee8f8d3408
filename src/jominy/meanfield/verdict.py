"""What the trainability index means, in words, and how often that was right."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

COLLAPSE_BELOW, SAFE_FROM = 0.25, 0.4
"""Thresholds of tau (FITTED: outcomes of 445 training runs, theory page `trainability.md` section 4)."""


class Verdict(Enum):
    """Whether adversarial training from this start will go well; `sentence` says it, `reliability` how sure that is.

    MEASURED rates over 445 training runs, those of the fit included (ReLU, no bias, l2, plain SGD, up to 16 layers of
    48 to 512 units; theory page `trainability.md`): rates for that mix of networks, not universal probabilities.

    >>> Verdict.of(0.1).label, Verdict.of(2.0).reliability
    ('collapse', 0.97)
    """

    COLLAPSE = (
        "collapse",
        "Adversarial collapse: the network will sit on a plateau. Expect less than 90 % of its standard accuracy "
        "unless it is trained about `slowdown` times longer. With shortcuts: a slowdown is possible, failure is rare.",
        0.87,
    )
    BORDERLINE = ("borderline", "Borderline: the accuracy usually survives, the loss does not.", 0.91)
    SAFE = ("safe", "No adversarial slowdown to speak of.", 0.97)
    NO_SIGNAL = (
        "no signal",
        "Inputs of one class are no closer to each other than to other classes, in the data or after the last layer of "
        "a network this deep: the theory sees nothing to learn.",
        None,
    )

    NOT_KNOWN = (
        "not known",
        "How training goes under this attack is not known: what tau says in words was measured under l2 attacks alone. "
        "Measure the module itself, `jominy.diagnose(module, inputs, radius, p=inf, labels=labels)`.",
        None,
    )

    label: str
    sentence: str
    reliability: float | None

    def __init__(self, label: str, sentence: str, reliability: float | None) -> None:
        self.label = label
        self.sentence = sentence
        self.reliability = reliability

    @classmethod
    def of(cls, tau: float) -> Verdict:
        """The verdict at an index tau >= 0, of data with a class signal."""
        return cls.COLLAPSE if tau < COLLAPSE_BELOW else cls.BORDERLINE if tau < SAFE_FROM else cls.SAFE


def slowdown_law(tau: Any, adversarial_weight: Any, shortcut: Any) -> Any:
    """1 + .09 lam^.8 tau^-1.3, with shortcuts 1 + .025 tau^-1.36: the learning time with the adversary over without.

    FITTED to the learning times of 102 training runs; good to a factor 1.6 outside them.

    >>> float(slowdown_law(0.1, 1.0, False).round(2)), float(slowdown_law(0.1, 1.0, True).round(2))
    (2.8, 1.57)
    """
    index = np.asarray(tau, dtype=float)
    weight = np.asarray(adversarial_weight, dtype=float)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # infinite at tau = 0, or where it is near
        added = np.where(shortcut, 0.025 * index**-1.36, 0.09 * weight**0.8 * index**-1.3)
    return 1 + np.where(weight > 0, added, 0.0)  # no adversary, no slowdown


ADVICE = (
    "What helps, in this order: wider layers (tau grows like width^1.35), shortcuts, raising the radius slowly over "
    "the training, a smoothed norm in the adversarial loss, more steps. A smaller learning rate does not."
)
