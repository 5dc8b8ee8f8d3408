"""What a pass through a module costs, so that a diagnosis of a large one takes a minute, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from jominy.networks.modules import applied, evaluating

ATTACK_BUDGET = 1.5e12
"""Floating-point operations that the attack and the Jacobians of a diagnosis may take: about 20 s of one core."""
PASSES = 80
"""Forward passes of a batch that the strongest attack takes, backward ones counted."""
SEARCH_BUDGET = 1.5e12
"""The same for the search of the largest radius; one measurement takes about 20 passes of a batch."""


def operations(module: nn.Module, inputs: Tensor) -> float:
    """Floating-point operations of a forward pass of one input; 0 where PyTorch cannot count them.

    >>> operations(nn.Linear(10, 5), torch.ones(3, 10))
    100.0
    """
    with evaluating(module), torch.no_grad():
        try:
            with FlopCounterMode(display=False) as counter:
                applied(module)(inputs[:2])
        except Exception:  # some modules cannot be run under a counter; they are taken as cheap
            return 0.0
    return counter.get_total_flops() / len(inputs[:2])


def affordable(count: int, each: float, passes: float, budget: float = ATTACK_BUDGET, *, least: int = 8) -> int:
    """How many of `count` inputs can take so many passes of `each` operations within the budget.

    >>> affordable(64, 1.1e9, 110), affordable(64, 1e5, 110)
    (12, 64)
    """
    return count if each == 0 else max(min(least, count), min(count, int(budget / (each * passes))))


@contextmanager
def stages(names: list[str], progress: bool) -> Iterator[Callable[[str], None]]:
    """A bar over parts of some work: call what is yielded with the name of each part but the first as it begins.

    Shown once two seconds have passed.
    """
    with tqdm(total=len(names), desc=names[0], delay=2, disable=not progress, unit="part", leave=False) as bar:

        def begin(name: str) -> None:
            bar.set_description(name, refresh=False)
            bar.update()

        yield begin
        bar.update()
