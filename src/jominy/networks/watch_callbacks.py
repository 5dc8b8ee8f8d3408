"""The watch as a callback of the training loops of others: Lightning and the Trainer of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from jominy.numerics import callbacks

if TYPE_CHECKING:
    from jominy.networks.watch import Watch


def lightning_callback(watched: Watch) -> Any:
    """A ``lightning.Callback`` that says every training batch to the watch, with its loss."""
    return callbacks.lightning_callback(lambda module, outputs: watched.step(_loss_in(outputs)))


def transformers_callback(watched: Watch) -> Any:
    """A ``transformers.TrainerCallback`` that says every step to the watch, with the losses that are logged."""
    return callbacks.transformers_callback(lambda model, loss: watched.step(loss))


def _loss_in(outputs: Any) -> Any:
    """The loss in what a training step returned."""
    if isinstance(outputs, Tensor) or outputs is None:
        return outputs
    return outputs.get("loss") if isinstance(outputs, Mapping) else None
