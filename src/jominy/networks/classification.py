"""Attacks on a classifier: the perturbation that raises the cross-entropy most, by one step or by many."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from jominy.errors import InputError
from jominy.meanfield.norms import norm_exponent
from jominy.networks.modules import applied, evaluating, flat_function, gradient
from jominy.networks.perturbations import check_radius
from jominy.networks.vectors import maximiser, project, random_point

SPARSITY = 0.05  # share of the coordinates that one l1 step moves


def fgsm(network: nn.Module, inputs: Tensor, labels: Tensor, radius: float, p: float) -> Tensor:
    """One full step: radius argmax_{||e||_p <= 1} <grad_x cross-entropy, e> (Goodfellow, Shlens, Szegedy 2015: p=inf).

    Returns the perturbation, with the shape of the inputs. Parameters and errors as for :func:`pgd`.

    >>> import torch
    >>> linear = torch.nn.Linear(2, 2, bias=False)
    >>> _ = linear.weight.data.copy_(torch.tensor([[1.0, 0.5], [-1.0, -0.5]]))
    >>> fgsm(linear, torch.ones(1, 2), torch.tensor([0]), 0.25, 1).tolist()
    [[-0.25, 0.0]]
    """
    p, radius = norm_exponent(p, "p"), check_radius(radius)
    with evaluating(network):
        function, rows = flat_function(network, inputs)
        labels = check_labels(labels, function, rows)
        _, slopes = gradient(lambda e: cross_entropy(function(rows + e), labels, reduction="none"), 0 * rows)
    return (radius * maximiser(slopes, p)).view_as(inputs)


def pgd(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    radius: float,
    p: float,
    *,
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
        Labels that do not fit; a negative radius; another p; a module that does not accept the inputs.
    """
    p, radius = norm_exponent(p, "p"), check_radius(radius)
    if steps < 1 or restarts < 0:
        raise InputError("pgd needs at least one step, and restarts zero or positive", (steps, restarts))
    generator = torch.Generator().manual_seed(seed)
    with evaluating(network):
        labels = check_labels(labels, *flat_function(network, inputs))
        return projected_ascent(
            network, inputs, labels, radius, p, steps=steps, restarts=restarts, step_size=step_size, generator=generator
        )


def projected_ascent(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    radius: float,
    p: float,
    *,
    steps: int,
    restarts: int = 0,
    step_size: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """:func:`pgd` without its checks, on the network in the mode it is in, for use in training."""
    rows, forward = inputs.flatten(1), applied(network)
    stride = 2.5 * radius / max(steps, 1) if step_size is None else step_size

    def loss(eta: Tensor) -> Tensor:
        return cross_entropy(forward((rows + eta).view_as(inputs)).flatten(1), labels, reduction="none")

    best, at_best = torch.full((len(rows),), -math.inf, dtype=rows.dtype), torch.zeros_like(rows)
    for start in range(restarts + 1):
        eta = torch.zeros_like(rows)
        if start:
            share = torch.rand((len(rows), 1), generator=generator, dtype=torch.float64).to(rows)
            eta = radius * share * random_point(tuple(rows.shape), p, generator, rows)
        for step in range(steps + 1):
            value, slopes = gradient(loss, eta)
            better = value > best
            best, at_best = torch.where(better, value, best), torch.where(better.unsqueeze(1), eta, at_best)
            if step < steps:
                eta = project(eta + stride * _direction(slopes, p), p, radius)
    return at_best.view_as(inputs)


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


def _direction(slopes: Tensor, p: float) -> Tensor:
    if p != 1:
        return maximiser(slopes, p)
    count = max(1, round(SPARSITY * slopes.shape[1]))
    largest = slopes.abs().topk(count, dim=1).indices
    return torch.zeros_like(slopes).scatter_(1, largest, slopes.gather(1, largest).sign() / count)
