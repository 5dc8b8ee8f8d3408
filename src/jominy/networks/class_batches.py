"""Batches and means in which every class counts the same."""

from __future__ import annotations

import torch
from torch import Tensor

from jominy.errors import InputError
from jominy.networks.inputs import LabelledInputs
from jominy.networks.random_network import check_seed


def two_batches(data: LabelledInputs, batch_size: int, seed: int, balanced: bool = True) -> tuple[Tensor, Tensor]:
    """Places of two batches without a common input, of `batch_size` inputs or half of the data.

    Balanced ones hold the classes in the shares in which the data holds them: their chance would be noise of the index.
    """
    if data.classes < 2 or len(data.labels) < 4:
        raise InputError(
            "the index needs at least four inputs with at least two classes",
            f"{len(data.labels)} inputs, {data.classes} classes",
        )
    draw = torch.Generator().manual_seed(check_seed(seed))
    order = torch.randperm(len(data.labels), generator=draw, device=draw.device)
    if not balanced:
        size = min(batch_size, len(order) // 2)
        return order[:size].to(data.labels.device), order[size : 2 * size].to(data.labels.device)
    labels = data.labels.to(draw.device)[order]
    piles: tuple[list[tuple[float, int]], ...] = ([], [])
    for number, label in enumerate(dict.fromkeys(labels.tolist())):  # as they come: the names of classes play no part
        own = order[labels == label].tolist()
        for rank, place in enumerate(own):  # the k-th of n comes at (k + 1/2)/n: every beginning of a pile is a cut
            piles[(rank + number) % 2].append(((rank // 2 + 0.5) / len(own), place))
    size = min(batch_size, *(len(pile) for pile in piles))
    one, other = (torch.tensor([at for _, at in sorted(p)[:size]], device=data.labels.device) for p in piles)
    return one, other


def residuals(labels: Tensor, outputs: Tensor, balanced: bool = True) -> Tensor:
    """(n, K) r_y = e_y - 1/K; balanced: 1/C over the C classes that are there, times n / (C n_y): each counts once.

    >>> residuals(torch.tensor([0, 0, 1]), torch.zeros(3, 3))
    tensor([[ 0.3750, -0.3750,  0.0000],
            [ 0.3750, -0.3750,  0.0000],
            [-0.7500,  0.7500,  0.0000]])
    """
    ones = torch.nn.functional.one_hot(labels, outputs.shape[1]).to(outputs.detach())
    if not balanced:
        return ones - 1 / outputs.shape[1]
    counts = ones.sum(0)
    present = (counts > 0).to(ones)
    weight = len(labels) / (present.sum() * counts[labels])
    return weight.unsqueeze(1) * (ones - present / present.sum())
