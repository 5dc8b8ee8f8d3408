"""A function of ours after every step of a training loop of others: Lightning's Trainer and that of Hugging Face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jominy.errors import InputError


def lightning_callback(step: Callable[[Any, Any], Any]) -> Any:
    """A ``lightning.Callback`` that calls ``step(module, outputs)`` after every training batch.

    Raises InputError where Lightning is not installed.
    """
    try:
        from lightning.pytorch import Callback
    except ImportError:
        try:
            from pytorch_lightning import Callback
        except ImportError:
            raise InputError(
                "Lightning is needed here, and is not installed", None, "install it: pip install lightning"
            ) from None

    class StepCallback(Callback):
        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            step(module, outputs)

    return StepCallback()


def transformers_callback(step: Callable[[Any, float | None], Any]) -> Any:
    """A ``transformers.TrainerCallback`` that calls ``step(model, loss)`` after every step; None unless it was logged.

    Raises InputError where transformers is not installed.
    """
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise InputError(
            "transformers is needed here, and is not installed", None, "install it: pip install transformers"
        ) from None

    class StepCallback(TrainerCallback):
        loss: float | None = None

        def on_log(self, arguments: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            self.loss = (logs or {}).get("loss")

        def on_step_end(self, arguments: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            step(model, self.loss)
            self.loss = None

    return StepCallback()
