"""Attacks on a classifier: the perturbation that raises the cross-entropy most, by one step or by many."""

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from jominy.errors import InputError
from jominy.networks.modules import Function, applied, evaluating, flat_function, gradient
from jominy.networks.threat import Box, Threat, chunks, seeded


def fgsm(network: nn.Module, inputs: Tensor, labels: Tensor, radius: float, p: float, *, box: Box = None) -> Tensor:
    """One full step: radius argmax_{||e||_p <= 1} <grad_x cross-entropy, e> (Goodfellow, Shlens, Szegedy 2015: p=inf).

    Returns the perturbation, with the shape of the inputs. Parameters and errors as for :func:`pgd`.

    >>> import torch
    >>> linear = torch.nn.Linear(2, 2, bias=False)
    >>> _ = linear.weight.data.copy_(torch.tensor([[1.0, 0.5], [-1.0, -0.5]]))
    >>> fgsm(linear, torch.ones(1, 2), torch.tensor([0]), 0.25, 1).tolist()
    [[-0.25, 0.0]]
    """
    threat = Threat.of(radius, p, box)
    with evaluating(network):
        parts, rows = chunks(inputs), inputs.flatten(1)
        function, _ = flat_function(network, parts[0])
        labels = check_labels(labels, function, rows).to(inputs.device)
        threat.check(inputs)
        slopes = []
        for part, own in zip(parts, labels.split(len(parts[0])), strict=True):
            loss = partial(_entropy, function, part.flatten(1), own)
            slopes.append(gradient(loss, torch.zeros_like(part.flatten(1)))[1])
    return threat.farthest(torch.cat(slopes), rows).view_as(inputs)


def _entropy(function: Function, rows: Tensor, labels: Tensor, eta: Tensor) -> Tensor:
    return cross_entropy(function(rows + eta), labels, reduction="none")


def pgd(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    radius: float,
    p: float,
    *,
    box: Box = None,
    steps: int = 20,
    restarts: int = 1,
    step_size: float | None = None,
    seed: int = 0,
) -> Tensor:
    """Projected gradient ascent of the cross-entropy in ||eta||_p <= radius (Madry et al. 2018); the best is kept.

    Steps: the signs (p=inf), the direction (p=2) or the signs of the largest 5 % of the gradient (p=1, Tramer and Boneh
    2019), of length `step_size`, then the Euclidean projection on the ball. The first start is zero, the others are
    random points of the ball.

    Parameters
    ----------
    network
        Module from (n, ...) to (n, K) scores, used in evaluation mode.
    inputs, labels
        (n, ...) and (n,) whole numbers 0 .. K-1.
    radius, p
        Largest ||eta||_p; p is 1, 2 or infinity.
    box
        Lowest and highest value of an entry of inputs + eta, (0, 1) for images; None: no limit.
    steps, restarts, step_size, seed
        Steps from each start, number of random starts, length of a step in the norm p (2.5 radius / steps by default),
        seed of the random starts.

    Returns
    -------
    Tensor
        eta, with the shape of the inputs; its cross-entropy is never below that of the unperturbed input.

    Raises
    ------
    InputError
        Labels that do not fit; a negative radius, or one in other units than the inputs; another p; a box that does not
        hold the inputs; a module that does not accept them.
    """
    threat = Threat.of(radius, p, box)
    if steps < 1 or restarts < 0:
        raise InputError("pgd needs at least one step, and restarts zero or positive", (steps, restarts))
    with evaluating(network):
        parts = chunks(inputs)
        labels = check_labels(labels, flat_function(network, parts[0])[0], inputs.flatten(1)).to(inputs.device)
        threat.check(inputs)
        draw = seeded(inputs, seed)
        found = [
            projected_ascent(
                network,
                part,
                own,
                threat,
                steps=steps,
                restarts=restarts,
                step_size=step_size,
                generator=draw,
            )
            for part, own in zip(parts, labels.split(len(parts[0])), strict=True)
        ]
    return torch.cat(found)


def projected_ascent(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    threat: Threat,
    *,
    steps: int,
    restarts: int = 0,
    step_size: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """:func:`pgd` without its checks, on the network in the mode it is in, for use in training."""
    rows, forward = inputs.flatten(1), applied(network)

    def loss(eta: Tensor) -> Tensor:
        return cross_entropy(forward((rows + eta).view_as(inputs)).flatten(1), labels, reduction="none")

    starts = [torch.zeros_like(rows)]
    starts += [threat.random_start(rows, generator) for _ in range(restarts)]
    return ascent(loss, rows, starts, threat, steps, step_size).view_as(inputs)


def ascent(
    value: Function,
    rows: Tensor,
    starts: Sequence[Tensor],
    threat: Threat,
    steps: int,
    step_size: float | None = None,
) -> Tensor:
    """The best eta (n, d) that projected gradient ascent of `value`, eta to (n,), passes from any of the starts."""
    stride = 2.5 * threat.radius / max(steps, 1) if step_size is None else step_size
    best, at_best = torch.full_like(rows[:, 0], -math.inf), torch.zeros_like(rows)
    for eta in starts:
        for _ in range(steps):
            found, slopes = gradient(value, eta)
            better = found > best
            best, at_best = torch.where(better, found, best), torch.where(better.unsqueeze(1), eta, at_best)
            eta = threat.climbed(eta, slopes, stride, rows)
        with torch.no_grad():  # nothing climbs from the last point
            found = value(eta)
        better = found > best
        best, at_best = torch.where(better, found, best), torch.where(better.unsqueeze(1), eta, at_best)
    return at_best


def check_labels(labels: Tensor, function, rows: Tensor) -> Tensor:
    """Labels (n,) as whole numbers below the number of outputs; InputError otherwise."""
    with torch.no_grad():
        classes = function(rows[:1]).shape[1]
    if not isinstance(labels, Tensor) or labels.dtype.is_floating_point or labels.shape != (len(rows),):
        raise InputError(
            "labels must be whole numbers, one for each input",
            f"shape {tuple(labels.shape)}, {labels.dtype}" if isinstance(labels, Tensor) else type(labels).__name__,
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise InputError(
            f"labels must lie between 0 and {classes - 1}, one for each output of the network",
            f"from {int(labels.min())} to {int(labels.max())}",
        )
    return labels.long()
