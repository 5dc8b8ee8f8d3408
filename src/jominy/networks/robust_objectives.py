"""Objectives of robust training beside min-max: one step from a random start, TRADES, MART."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, nll_loss

from jominy.meanfield.numbers import magnitude
from jominy.networks.classification import ascent, projected_ascent
from jominy.networks.modules import Function, applied, gradient
from jominy.networks.objectives import Objective, check_objective
from jominy.networks.threat import Box

SMALL = 1e-3
"""Standard deviation of the random start of TRADES's attack, which has no gradient at zero."""


@dataclass(frozen=True)
class FGSM(Objective):
    """Cross-entropy at x + eta, eta by one step of `stride` radii from a random point of the ball: fast training.

    Wong, Rice and Kolter (2020): l_inf, stride 1.25. Cheap, and known to fail late: accuracy under many steps falls to
    zero while that under one step rises (catastrophic overfitting). q is for the records only.

    >>> FGSM(8 / 255, box=(0, 1)).p
    inf
    """

    radius: float
    p: float = math.inf
    q: float = 2.0
    stride: float = 1.25
    box: Box = None

    def __post_init__(self) -> None:
        check_objective(self)
        object.__setattr__(self, "stride", magnitude(self.stride, "stride of the step, in radii", minimum=0.0))

    def perturb(self, network: nn.Module, inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        rows, forward = inputs.flatten(1), applied(network)
        threat = self.threat
        start = threat.random_start(rows, generator)
        if self.p == math.inf:  # anywhere in the cube, as published
            share = torch.rand(rows.shape, generator=generator, dtype=torch.float64, device=rows.device).to(rows)
            start = threat.nearest(self.radius * (2 * share - 1), rows)
        _, slopes = gradient(
            lambda e: cross_entropy(forward((rows + e).view_as(inputs)).flatten(1), labels, reduction="none"), start
        )
        return threat.climbed(start, slopes, self.stride * self.radius, rows).view_as(inputs)

    def losses(self, function: Function, inputs: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
        return cross_entropy(function(inputs + eta), labels, reduction="none")


@dataclass(frozen=True)
class NetworkTRADES(Objective):
    """Cross-entropy at x plus `beta` KL(p(x) || p(x + eta)), eta by projected ascent of that KL (Zhang et al. 2019).

    p(x) is the softmax of the outputs. beta = 0 is standard training. q is for the records only.

    >>> NetworkTRADES(0.5).beta
    6.0
    """

    radius: float
    beta: float = 6.0
    p: float = 2.0
    q: float = 2.0
    attack_steps: int = 5
    box: Box = None

    def __post_init__(self) -> None:
        check_objective(self)
        object.__setattr__(self, "beta", magnitude(self.beta, "weight of the KL divergence", minimum=0.0))

    def perturb(self, network: nn.Module, inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        rows, forward = inputs.flatten(1), applied(network)
        with torch.no_grad():
            clean = log_softmax(forward(inputs).flatten(1), 1)

        def loss(eta: Tensor) -> Tensor:
            return divergence(clean, log_softmax(forward((rows + eta).view_as(inputs)).flatten(1), 1))

        spread = torch.randn(rows.shape, generator=generator, dtype=torch.float64, device=rows.device).to(rows)
        start = self.threat.nearest(SMALL * spread, rows)
        return ascent(loss, rows, [start], self.threat, self.attack_steps).view_as(inputs)

    def losses(self, function: Function, inputs: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
        clean, moved = log_softmax(function(inputs), 1), log_softmax(function(inputs + eta), 1)
        return nll_loss(clean, labels, reduction="none") + self.beta * divergence(clean, moved)


@dataclass(frozen=True)
class MART(Objective):
    """Boosted cross-entropy at x + eta plus `beta` KL(p(x) || p(x + eta)) (1 - p_y(x)) (Wang et al. 2020).

    The first part is -ln p_y - ln(1 - largest other p) at x + eta, eta by projected ascent of the cross-entropy; the
    second weighs inputs that are not classified as labelled. q is for the records only.

    >>> MART(0.5, p=math.inf).beta
    5.0
    """

    radius: float
    beta: float = 5.0
    p: float = 2.0
    q: float = 2.0
    attack_steps: int = 5
    box: Box = None

    def __post_init__(self) -> None:
        check_objective(self)
        object.__setattr__(self, "beta", magnitude(self.beta, "weight of the KL divergence", minimum=0.0))

    def perturb(self, network: nn.Module, inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        return projected_ascent(
            network,
            inputs,
            labels,
            self.threat,
            steps=self.attack_steps,
            restarts=1,
            generator=generator,
        )

    def losses(self, function: Function, inputs: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
        clean, moved = log_softmax(function(inputs), 1), log_softmax(function(inputs + eta), 1)
        own = labels.unsqueeze(1)
        rest = moved.scatter(1, own, -math.inf)  # ln p of the other classes
        # ln(1 - p_k) = ln sum of the others' p: exact where p_k rounds to one
        rival = rest.argmax(1, keepdim=True)
        others = torch.logsumexp(moved.scatter(1, rival, -math.inf), 1)
        boosted = nll_loss(moved, labels, reduction="none") - others
        unsure = 1 - clean.gather(1, own)[:, 0].exp()
        return boosted + self.beta * divergence(clean, moved) * unsure


def divergence(one: Tensor, other: Tensor) -> Tensor:
    """(n,) KL(p || q) of two arrays of log-probabilities (n, K).

    >>> half = torch.tensor([[0.5, 0.5]]).log()
    >>> round(float(divergence(half, torch.tensor([[0.25, 0.75]]).log())), 4)
    0.1438
    """
    return kl_div(other, one, reduction="none", log_target=True).sum(1)
