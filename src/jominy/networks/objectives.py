"""What a training step lowers: the adversarial loss, cross-entropy with it, or the worst cross-entropy."""

from __future__ import annotations

import abc
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from jominy.errors import InputError
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import magnitude
from jominy.networks.classification import projected_ascent
from jominy.networks.modules import Function
from jominy.networks.perturbations import quick_perturbation
from jominy.networks.threat import Box, Threat, check_box, check_radius
from jominy.networks.vectors import norm


class Objective(abc.ABC):
    """A loss per input, and the attack on which it is taken. The attack is held fixed while the weights move."""

    radius: float
    p: float
    q: float
    box: Box

    @property
    def threat(self) -> Threat:
        """What the attack may do."""
        return Threat(self.radius, self.p, self.box)

    @abc.abstractmethod
    def perturb(self, network: nn.Module, inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """eta, with the shape of the inputs."""

    @abc.abstractmethod
    def losses(self, function: Function, inputs: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
        """(n,) the loss of each input under its perturbation; differentiable in the weights behind `function`."""

    def describe(self) -> dict[str, Any]:
        """What a result stores about it (JSON-able)."""
        record: dict[str, Any] = {"kind": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]
        return record | {"box": None if self.box is None else list(self.box)}

    def at(self, radius: float) -> Objective:
        """The same objective at another radius."""
        return self if radius == self.radius else replace(self, radius=radius)  # type: ignore[type-var]


@dataclass(frozen=True)
class AdversarialLoss(Objective):
    """||f(x + eta) - f(x)||_q with ||eta||_p <= radius, by `attack_steps` full steps from a random point.

    >>> AdversarialLoss(0.5).describe()["q"]
    2.0
    """

    radius: float
    p: float = 2.0
    q: float = 2.0
    attack_steps: int = 2
    box: Box = None

    def __post_init__(self) -> None:
        check_objective(self)

    def perturb(self, network: nn.Module, inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        return quick_perturbation(network, inputs, self.threat, self.q, steps=self.attack_steps, generator=generator)

    def losses(self, function: Function, inputs: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
        return norm((function(inputs + eta) - function(inputs)).flatten(1), self.q)


@dataclass(frozen=True)
class CrossEntropyPlus(Objective):
    """Cross-entropy at x plus `weight` times the adversarial loss ||f(x + eta) - f(x)||_q. `weight` = 0 is standard
    training; the radius then only says at which radius the records are taken.

    >>> CrossEntropyPlus(1.0, weight=0.5).weight
    0.5
    """

    radius: float
    weight: float = 1.0
    p: float = 2.0
    q: float = 2.0
    attack_steps: int = 2
    box: Box = None

    def __post_init__(self) -> None:
        check_objective(self)
        object.__setattr__(self, "weight", magnitude(self.weight, "weight of the adversarial loss", minimum=0.0))

    def perturb(self, network: nn.Module, inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        if self.weight == 0:
            return torch.zeros_like(inputs)
        return quick_perturbation(network, inputs, self.threat, self.q, steps=self.attack_steps, generator=generator)

    def losses(self, function: Function, inputs: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
        outputs = function(inputs)
        standard = cross_entropy(outputs, labels, reduction="none")
        if self.weight == 0:
            return standard
        return standard + self.weight * norm((function(inputs + eta) - outputs).flatten(1), self.q)


@dataclass(frozen=True)
class MinMax(Objective):
    """Cross-entropy at x + eta, eta by projected gradient ascent of it (PGD, Madry et al. 2018), from
    zero and from `restarts` random points. q is for the records only.

    >>> MinMax(0.1, p=float("inf")).describe()["kind"]
    'MinMax'
    """

    radius: float
    p: float = 2.0
    q: float = 2.0
    attack_steps: int = 5
    restarts: int = 1
    box: Box = None

    def __post_init__(self) -> None:
        check_objective(self)

    def perturb(self, network: nn.Module, inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        return projected_ascent(
            network,
            inputs,
            labels,
            self.threat,
            steps=self.attack_steps,
            restarts=self.restarts,
            generator=generator,
        )

    def losses(self, function: Function, inputs: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
        return cross_entropy(function(inputs + eta), labels, reduction="none")


def check_objective(objective: Objective) -> None:
    """The fields of an objective as checked numbers; InputError for one that will not do."""
    object.__setattr__(objective, "radius", check_radius(objective.radius))
    object.__setattr__(objective, "box", check_box(objective.box))
    for name in ("p", "q"):
        object.__setattr__(objective, name, norm_exponent(getattr(objective, name), name))
    steps = getattr(objective, "attack_steps", 1)
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise InputError("attack_steps must be a whole number, at least 1", steps)
    restarts = getattr(objective, "restarts", 0)
    if not isinstance(restarts, int) or isinstance(restarts, bool) or restarts < 0:
        raise InputError("restarts must be a whole number, zero or more", restarts)
