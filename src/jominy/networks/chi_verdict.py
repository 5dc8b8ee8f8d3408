"""What the index chi says of a training from a module on, how often that was right, and what would change it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

from torch import nn

from jominy.networks.chi import BATCH, FAILS_BELOW, TRAINS_FROM, LearntFirst
from jominy.networks.inputs import LabelledInputs
from jominy.networks.modules import as_trained, normalised
from jominy.networks.threat import Threat

NOISY = 100
"""Inputs in a batch below which chi is up to 30 % too low."""


class ChiVerdict(Enum):
    """Whether robust training from this start will go well; `rate` says how often that was so.

    MEASURED: robust accuracy at least half of the clean accuracy of the same network trained without attacks, in the
    120 trainings of a trial whose design and thresholds were fixed before it was run (docs/robust-trial.md, [5, 95] %
    bootstrap over designs). In those of theory `trainability_minmax.md` section 4 it was 2 of 17, 9 of 20, 19 of 19.

    >>> ChiVerdict.of(0.8).label, ChiVerdict.of(2.0).rate
    ('likely to fail', 'above 1.8: 42 of 44 trainings, 0.87 to 1.00, kept half of their clean accuracy under attack')
    """

    FAILS = (
        "likely to fail",
        "below 1: 2 of 48 trainings, 0.00 to 0.10, kept half of their clean accuracy under attack",
    )
    UNDECIDED = (
        "undecided",
        "from 1 to 1.8: 10 of 28 trainings, 0.17 to 0.57, kept half of their clean accuracy under attack",
    )
    TRAINS = (
        "likely to work",
        "above 1.8: 42 of 44 trainings, 0.87 to 1.00, kept half of their clean accuracy under attack",
    )
    NO_SIGNAL = ("not known", "two batches of these inputs show no common class signal")

    label: str
    rate: str

    def __init__(self, label: str, rate: str) -> None:
        self.label = label
        self.rate = rate

    @classmethod
    def of(cls, chi: float) -> ChiVerdict:
        """The verdict at an index chi; zero stands for no class signal."""
        if not chi > 0:
            return cls.NO_SIGNAL
        return cls.FAILS if chi < FAILS_BELOW else cls.UNDECIDED if chi < TRAINS_FROM else cls.TRAINS


@dataclass(frozen=True)
class RobustOutlook:
    """The index chi of one module at one radius, and what follows from it.

    radius, p : of the attack
    chi, error : the index, and its standard error over the inputs of one batch
    radius_over_distance : radius / mean distance to the nearest input of another class, in the same norm
    largest_radius, chi_there : the largest radius at which chi is still 1.8, by bisection; None where none was found
    batch_size : inputs in each of the two batches
    accuracy : share of the inputs that the module classifies as labelled
    trained : whether it does so far better than chance: chi was not tried on such modules
    normalised : whether it normalises by the statistics of the batch
    """

    radius: float
    p: float
    chi: float
    error: float
    radius_over_distance: float
    largest_radius: float | None
    chi_there: float | None
    batch_size: int
    accuracy: float
    trained: bool
    normalised: bool

    @property
    def verdict(self) -> ChiVerdict:
        """By chi alone; no signal where chi is not above twice its error."""
        return ChiVerdict.of(self.chi) if self.chi > 2 * self.error else ChiVerdict.NO_SIGNAL

    @property
    def label(self) -> str:
        """What will happen, in two words."""
        if self.radius_over_distance >= 1:
            return "bound to fail"
        return ChiVerdict.NO_SIGNAL.label if self.trained else self.verdict.label

    def describe(self) -> dict[str, Any]:
        """As a JSON-able record."""
        return vars(self) | {
            "p": "inf" if math.isinf(self.p) else f"{self.p:g}",
            "chi": self.chi if math.isfinite(self.chi) else None,
            "verdict": self.label,
            "said": self.sentence(),
        }

    def sentence(self) -> str:
        """What will happen, how sure that is, and what would change it."""
        what = f"Adversarial training at l{self.norm} radius {self.radius:.3g}"
        if self.radius_over_distance >= 1:
            return (
                f"{what} is bound to fail, whatever the module: the radius is {self.radius_over_distance:.2g} of the "
                f"mean distance to the nearest input of another class, so that an attack makes one of the other; take "
                f"a radius below half of that distance ({0.5 * self.radius / self.radius_over_distance:.3g})."
            )
        if self.trained:
            return (
                f"{what}, from here on: not known, because this module is trained already (accuracy "
                f"{self.accuracy:.2f}) and chi = {self.index} was tried on networks before training only; give the "
                "module as it starts."
            )
        if self.verdict is ChiVerdict.NO_SIGNAL:
            return (
                f"{what}: not known, because {self.verdict.rate}; take more inputs, and check that the labels belong "
                "to them."
            )
        return f"{what} is {self.verdict.label}: chi = {self.index} ({self.verdict.rate}); {self._change()}."

    def _change(self) -> str:
        found = self.largest_radius
        if self.verdict is ChiVerdict.TRAINS:
            if found is None or found <= 1.02 * self.radius:
                return "a larger radius would change that, for chi is not far above 1.8"
            return f"a radius above {found:.3g}, where chi has fallen to {self.chi_there:.2g}, would change that"
        if self.radius_over_distance > 0.5:
            first = "no network can do much about it, for the radius is beyond half the distance between classes"
            return first if found is None else f"{first}; at a radius of {found:.3g} chi is {self.chi_there:.2g}"
        if found is None:
            return "no smaller radius was found at which chi is 1.8, so look at the network"
        return f"a radius of {found:.3g}, at which chi is {self.chi_there:.2g}, would change that"

    @property
    def norm(self) -> str:
        return "_inf" if math.isinf(self.p) else f"{self.p:g}"

    @property
    def index(self) -> str:
        """chi with its error, as it is told."""
        return f"{self.chi:.2g} +- {self.error:.1g}" if math.isfinite(self.chi) else "infinite"

    def margin(self) -> str:
        """The radius beside the distance between classes."""
        share = self.radius_over_distance
        words = f"The radius is {share:.2g} of the mean distance to the nearest input of another class (l{self.norm})"
        if share > 0.5:
            return f"{words}: beyond one half two such inputs cannot both be told apart, by any network."
        return f"{words}; from one half on no network could be robust."

    def limits(self) -> list[str]:
        """How far to trust it, beyond the rate."""
        told = [
            "These rates are of 120 short trainings of small networks (fully connected, residual, convolutional, with "
            "batch normalisation; min-max, FGSM, TRADES, cross-entropy + adversarial loss), fixed beforehand; over "
            "them chi ranked success with an area of 0.96, the radius over the spread of the inputs with 0.98: chi "
            "adds a threshold, not a better ranking. It says nothing about how much slower training is, nothing about "
            "what comes late (catastrophic or robust overfitting), and is no all-clear for TRADES."
        ]
        if self.p == 1:
            told.append("chi was not tried under l1 attacks.")
        if self.normalised and self.verdict is ChiVerdict.FAILS:
            told.append(
                "It normalises by batch statistics: a low chi then means low robust accuracy, not that nothing is "
                "learnt."
            )
        if self.batch_size < NOISY:
            told.append(
                f"chi from two batches of {self.batch_size} inputs is noisy and up to 30 % too low; {BATCH} each are "
                "better."
            )
        return told


def robust_outlook(
    module: nn.Module,
    data: LabelledInputs,
    threat: Threat,
    *,
    accuracy: float,
    trained: bool,
    seed: int,
    tries: int,
) -> RobustOutlook:
    """chi of a module under a threat, and the largest radius of chi = 1.8 within `tries` further measurements."""
    with as_trained(module):
        first = LearntFirst.of(module, data, seed=seed)
        found = first.chi(threat)
        largest = None if math.isinf(found.chi) else first.largest_radius(threat, found, most=tries)
    radius_there, chi_there = (None, None) if largest is None else largest
    return RobustOutlook(
        radius=threat.radius,
        p=threat.p,
        chi=found.chi,
        error=found.error,
        radius_over_distance=threat.radius / first.distance(threat.p),
        largest_radius=radius_there,
        chi_there=chi_there,
        batch_size=len(first.rows),
        accuracy=accuracy,
        trained=trained,
        normalised=normalised(module),
    )
