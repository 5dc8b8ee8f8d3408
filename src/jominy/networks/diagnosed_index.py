"""Whether a user's module can be trained against an attack, from the index measured on it as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from jominy.errors import InputError
from jominy.meanfield.verdict import SAFE_FROM, Verdict, slowdown_law
from jominy.networks.anatomy import Anatomy
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import device_of
from jominy.networks.measured_index import measure_trainability
from jominy.networks.modules import applied, evaluating, random_parts
from jominy.networks.random_network import RandomNetwork
from jominy.networks.threat import Threat

HALVINGS = 6
"""How often the radius is halved in search of one at which the module can be trained."""
FEW = 50
"""Inputs in a batch below which the index is noisy."""
TRAINED = "weights that are trained already"
LEARNT = 3.0
"""A module this many times better than chance is taken as trained."""


@dataclass(frozen=True)
class MeasuredIndex:
    """The trainability index of a module for cross-entropy + weight * adversarial loss, and what follows from it.

    tau : `measure_trainability`; None where the inputs show no class signal, or a large module has limits
    signal_time, learning_time : without and with the adversary, in learning rate x steps; None without class signal
    slowdown : learning_time / signal_time, by the law FITTED to the index in closed form; None where there are limits
    batch_size : inputs in each of the two batches
    accuracy, chance : share of the inputs that the module classifies as labelled; 1/K
    safe_radius, safe_tau : the largest of radius, radius/2, radius/4, ... with an index from 0.4 on; None if none is
    limits : what the tests behind the verdict did not cover in this module
    """

    adversarial_weight: float
    tau: float | None
    signal_time: float | None
    learning_time: float | None
    slowdown: float | None
    batch_size: int
    accuracy: float
    chance: float
    safe_radius: float | None
    safe_tau: float | None
    shortcuts: bool
    limits: tuple[str, ...]

    @property
    def trained(self) -> bool:
        """Whether the module classifies these inputs far better than chance."""
        return TRAINED in self.limits

    @property
    def verdict(self) -> Verdict | None:
        """None for modules that the tests behind the verdicts did not cover: what tau says of them is not known."""
        if self.limits:
            return None
        return Verdict.NO_SIGNAL if self.tau is None else Verdict.of(self.tau)

    def describe(self) -> dict[str, Any]:
        """As a JSON-able record."""
        verdict = "not known" if self.verdict is None else self.verdict.label
        return vars(self) | {"verdict": verdict, "limits": list(self.limits)}

    def sentences(self) -> list[str]:
        """The verdict, how far to trust it, and what would change it."""
        weight = f"{self.adversarial_weight:g}"
        objective = f"cross-entropy + {weight} x adversarial loss by plain SGD"
        if self.limits:
            return [
                f"For {objective}, the objective of the index tau, nothing is known of this module: the index was "
                f"tried on fully connected ReLU networks under l2 attacks. Not covered by those tests: "
                f"{', '.join(self.limits)}."
            ]
        if self.tau is None or self.slowdown is None:
            return [
                f"No word on {objective}: two batches of these inputs show no common class signal. Take more inputs, "
                "and check that the labels belong to them."
            ]
        verdict = Verdict.of(self.tau)
        words = verdict.sentence.partition(" With shortcuts:")[0]
        words = words.replace("about `slowdown` times", f"about {self.slowdown:.2g} times")
        told = [f"Trainability index, measured, for {objective}: tau = {self.tau:.3g}. {words}"]
        if self.shortcuts and verdict is Verdict.COLLAPSE:
            told[0] += " With shortcuts, as here, failure is rare."
        told.append(
            "Such an index, measured before training, was right for about 89 % of held-out training runs (ReLU, fully "
            "connected, l2, plain SGD). It does not hold for min-max training, TRADES or FGSM."
        )
        if self.batch_size < FEW:
            told.append(f"Two batches of {self.batch_size} inputs make a noisy tau; 100 each are better.")
        return told if verdict is Verdict.SAFE else [*told, self._change()]

    def _change(self) -> str:
        """What would make it trainable, in the order of what helps most."""
        assert self.tau is not None
        ways = []
        if self.tau > 0:
            times = (SAFE_FROM / self.tau) ** (1 / 1.35)
            ways.append(f"layers about {times:.2g} times as wide (tau ~ width^1.35)")
        if not self.shortcuts:
            ways.append("shortcuts")
        if self.safe_radius is not None:
            ways.append(f"a radius of {self.safe_radius:.3g}, at which tau is {self.safe_tau:.2g} (measured)")
        ways += ["raising the radius slowly over the training", "a smoothed norm in the adversarial loss", "more steps"]
        return f"What would change it, in this order: {'; '.join(ways)}. A smaller learning rate would not."


def measure_index(
    module: nn.Module,
    data: LabelledInputs,
    threat: Threat,
    q: float,
    weight: float,
    parts: Anatomy,
    seed: int,
    *,
    large: bool = False,
) -> MeasuredIndex:
    """The index of one module at a radius, and down to which radius it must fall to be safe.

    Of a `large` module of a kind that tau was not tried on it is left out: it would take long, and is not told.

    Raises InputError where the labels are of one class, or of more classes than the module has outputs.
    """
    data = data.on(device_of(module))
    present = len(torch.unique(data.labels))
    if present < 2:
        raise InputError(
            "the inputs used must be of at least two classes",
            f"{len(data.labels)} inputs, all of class {int(data.labels[0])}",
            "shuffle inputs and labels together, or use more of them (--limit)",
        )

    def measured(eps: float) -> Any:
        return measure_trainability(module, data, eps, p=threat.p, q=q, adversarial_weight=weight, seed=seed).isel(
            network=0
        )

    with evaluating(module), torch.no_grad():
        outputs = applied(module)(data.inputs).flatten(1)
    accuracy, chance = float((outputs.argmax(1) == data.labels).double().mean()), 1 / outputs.shape[1]
    shortcuts = parts.shortcuts > 0 or (isinstance(module, RandomNetwork) and module.architecture.shortcut)
    limits = list(parts.others)
    limits += ["leaky ReLU"] if parts.leaky else []
    limits += ["dropout (left out of the measurement)"] if random_parts(module) else []
    limits += ["norms other than l2"] if (threat.p, q) != (2.0, 2.0) else []
    limits += ["attacks that stay within a box (tau is measured without one)"] if threat.box is not None else []
    limits += [TRAINED] if accuracy > LEARNT * chance and accuracy > 0.5 else []
    tau: float | None = None
    time: float | None = None
    if not (large and limits):
        found = measured(threat.radius)
        units = module.architecture.width if isinstance(module, RandomNetwork) else 1
        if float(found["signal_rate"]) > 0:
            tau, time = float(found["trainability_index"]), float(found["signal_time"]) / units
    slowdown = None if tau is None or limits else float(slowdown_law(tau, weight, shortcuts))
    safe_radius, safe_tau = (threat.radius, tau) if tau is not None and tau >= SAFE_FROM else (None, None)
    for halving in range(1, HALVINGS + 1) if tau is not None and tau < SAFE_FROM and not limits else ():
        smaller = float(measured(threat.radius / 2**halving)["trainability_index"])
        if smaller >= SAFE_FROM:
            safe_radius, safe_tau = threat.radius / 2**halving, smaller
            break
    return MeasuredIndex(
        adversarial_weight=weight,
        tau=tau,
        signal_time=time,
        learning_time=None if time is None or slowdown is None else time * slowdown,
        slowdown=slowdown,
        batch_size=min(100, len(data.labels) // 2),
        accuracy=accuracy,
        chance=chance,
        safe_radius=safe_radius,
        safe_tau=safe_tau,
        shortcuts=shortcuts,
        limits=tuple(limits),
    )
