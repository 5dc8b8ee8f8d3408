"""A PyTorch optimizer's settings as one of ours."""

from __future__ import annotations

from typing import Any

from jominy.errors import InputError
from jominy.optimizers.adam import Adam
from jominy.optimizers.base import Optimizer
from jominy.optimizers.sgd import SGD

_SETTINGS: dict[str, tuple[str, ...]] = {
    "SGD": ("weight_decay", "momentum", "nesterov", "dampening"),
    "Adam": ("weight_decay", "betas", "eps"),
    "AdamW": ("weight_decay", "betas", "eps"),
}
"""Of PyTorch's classes, those that are taken over."""
_REFUSED = {"maximize": "Training minimises the risk", "amsgrad": "The largest average of squares is not kept"}


def from_torch(optimizer: Any, batch_size: int = 1, *, replacement: bool = False) -> Optimizer:
    """The same as a `torch.optim.SGD`, `Adam` or `AdamW`, whose batches are its data loader's.

    Parameters
    ----------
    optimizer : of PyTorch, with one group of parameters. Its learning rate belongs to the schedule: a rate of
        lr * dimension, `Constant(lr * samples.dimension)`
    batch_size : of the data loader
    replacement : whether a batch may hold a sample twice, which those of a data loader do not

    Raises
    ------
    InputError
        Another optimizer; groups that differ; `maximize`; `amsgrad`.

    Examples
    --------
    >>> import torch
    >>> torch_sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(3))], lr=0.1, momentum=0.9, weight_decay=1e-3)
    >>> from_torch(torch_sgd, batch_size=16, replacement=True)
    SGD(batch_size=16, weight_decay=0.001, momentum=0.9)
    >>> from_torch(torch.optim.AdamW([torch.nn.Parameter(torch.zeros(3))], betas=(0.9, 0.99)), replacement=True)
    Adam(beta2=0.99, weight_decay=0.01, decoupled=True)
    """
    name = type(optimizer).__name__
    if name not in _SETTINGS or not hasattr(optimizer, "param_groups"):
        raise InputError(
            "The optimizer must be a torch.optim.SGD, Adam or AdamW", name, "No other optimizer is known yet"
        )
    names = (*_SETTINGS[name], *_REFUSED)
    groups = [{key: group.get(key, False) for key in names} for group in optimizer.param_groups]
    if any(group != groups[0] for group in groups):
        raise InputError("All groups of parameters must have the same settings", f"{len(groups)} groups that differ")
    settings = groups[0]
    for key, rule in _REFUSED.items():
        if settings.pop(key):
            raise InputError(rule, f"{key}=True", f"Leave {key} out")
    if name == "SGD":
        return SGD(batch_size=batch_size, replacement=replacement, **settings)
    beta1, beta2 = settings.pop("betas")
    return Adam(batch_size, beta1, beta2, replacement=replacement, decoupled=name == "AdamW", **settings)
