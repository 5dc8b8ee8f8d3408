"""Which trainings the trial runs: drawn once from a seed, with every objective ten times."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from jominy.networks import FGSM, CrossEntropyPlus, MinMax, NetworkTRADES
from jominy.networks.objectives import Objective

DRAWN = 20261130
DESIGNS, SEEDS = 60, 2
STEPS, BATCH, PROBE = 150, 50, 20
OBJECTIVES = ("min-max", "FGSM", "TRADES 1", "TRADES 6", "CE + .3 L_adv", "CE + L_adv")
KINDS, DATA, OPTIMIZERS = (
    ("mlp", "residual", "cnn", "resnet"),
    ("digits", "gaussian", "colour"),
    ("SGD", "momentum", "Adam"),
)
RATES = {
    "mlp": (0.05, 0.01, 0.002),
    "residual": (0.02, 0.004, 0.001),
    "cnn": (0.05, 0.01, 0.002),
    "resnet": (0.05, 0.01, 0.002),
}
"""Learning rates for SGD, momentum 0.9 and Adam: chosen on trainings without attacks only."""


@dataclass(frozen=True)
class Design:
    """One training: `share` is its radius over the mean distance to the nearest input of another class (norm p)."""

    number: int
    objective: str
    kind: str
    depth: int
    width: int
    data: str
    optimizer: str
    p: float
    share: float

    def loss(self, radius: float) -> Objective:
        """The objective at a radius."""
        box = (0.0, 1.0) if self.data == "colour" else None
        if self.objective == "min-max":
            return MinMax(radius, self.p, attack_steps=5, restarts=0, box=box)
        if self.objective == "FGSM":
            return FGSM(radius, self.p, box=box)
        if self.objective.startswith("TRADES"):
            return NetworkTRADES(radius, float(self.objective.split()[1]), self.p, attack_steps=5, box=box)
        return CrossEntropyPlus(radius, self.weight, self.p, 2, attack_steps=2, box=box)

    @property
    def weight(self) -> float:
        """lam of the index tau: that of the objective, 1 where it has none."""
        return 0.3 if ".3" in self.objective else 1.0

    def steps(self, parameters) -> torch.optim.Optimizer:
        """The optimizer over these parameters."""
        rate = RATES[self.kind][OPTIMIZERS.index(self.optimizer)]
        if self.optimizer == "Adam":
            return torch.optim.Adam(parameters, rate)
        return torch.optim.SGD(parameters, rate, momentum=0.9 if self.optimizer == "momentum" else 0.0)

    @property
    def optimizer_of(self):
        return partial(Design.steps, self)


def designs() -> list[Design]:
    """All of them, in the order in which they are run: objectives in turn, everything else at random."""
    draw = np.random.default_rng(DRAWN)
    found = []
    for number in range(DESIGNS):
        kind = KINDS[draw.integers(4)]
        low, high = {"mlp": (2, 10), "residual": (2, 12), "cnn": (2, 6), "resnet": (1, 4)}[kind]
        narrow, wide = (32, 192) if kind in ("mlp", "residual") else (8, 24)
        found.append(
            Design(
                number=number,
                objective=OBJECTIVES[number % len(OBJECTIVES)],
                kind=kind,
                depth=int(draw.integers(low, high + 1)),
                width=int(round(math.exp(draw.uniform(math.log(narrow), math.log(wide))))),
                data=DATA[draw.integers(3)],
                optimizer=OPTIMIZERS[draw.integers(3)],
                p=(2.0, math.inf)[draw.integers(2)],
                share=float(math.exp(draw.uniform(math.log(0.03), math.log(0.7)))),
            )
        )
    return found
