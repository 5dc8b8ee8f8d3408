"""The watch as a callback of the training loops of others: Lightning and the Trainer of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from jominy.errors import InputError

if TYPE_CHECKING:
    from jominy.networks.watch import Watch


def lightning_callback(watched: Watch) -> Any:
    """A ``lightning.Callback`` that says every training batch to the watch, with its loss."""
    try:
        from lightning.pytorch import Callback
    except ImportError:
        try:
            from pytorch_lightning import Callback
        except ImportError:
            raise InputError(
                "Lightning is needed here, and is not installed", None, "install it: pip install lightning"
            ) from None

    class WatchCallback(Callback):
        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            watched.step(_loss_in(outputs))

    return WatchCallback()


def transformers_callback(watched: Watch) -> Any:
    """A ``transformers.TrainerCallback`` that says every step to the watch, with the losses that are logged."""
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise InputError(
            "transformers is needed here, and is not installed", None, "install it: pip install transformers"
        ) from None

    class WatchCallback(TrainerCallback):
        loss: float | None = None

        def on_log(self, arguments: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            self.loss = (logs or {}).get("loss")

        def on_step_end(self, arguments: Any, state: Any, control: Any, **_: Any) -> None:
            watched.step(self.loss)
            self.loss = None

    return WatchCallback()


def _loss_in(outputs: Any) -> Any:
    """The loss in what a training step returned."""
    if isinstance(outputs, Tensor) or outputs is None:
        return outputs
    return outputs.get("loss") if isinstance(outputs, Mapping) else None
