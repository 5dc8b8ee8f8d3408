"""What people hand over instead of two tensors: loaders, data sets of Hugging Face, outputs that are no tensor."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jominy.errors import InputError

INPUTS = ("pixel_values", "image", "img", "images", "inputs", "input", "x", "features")
LABELS = ("labels", "label", "y", "targets", "target", "fine_label")
LOGITS = ("logits", "scores", "out", "output")
HOW = "give (inputs, labels), a DataLoader of such batches, or LabelledInputs"


def scores_of(outputs: Any) -> Any:
    """The scores in what a module returns: a tensor, `.logits`, a dictionary with logits, the first of a tuple.

    Whatever has no scores in it comes back as it is.

    >>> scores_of({"loss": None, "logits": torch.zeros(2, 3)}).shape, scores_of((torch.ones(2, 3), None)).shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """
    if isinstance(outputs, Tensor) or outputs is None:
        return outputs
    if isinstance(getattr(outputs, "logits", None), Tensor):
        return outputs.logits
    if isinstance(outputs, Mapping):
        named = [outputs[name] for name in LOGITS if isinstance(outputs.get(name), Tensor)]
        held = [value for value in outputs.values() if isinstance(value, Tensor)]
        return named[0] if named else held[0] if len(held) == 1 else outputs
    if isinstance(outputs, tuple) and outputs and isinstance(outputs[0], Tensor):
        return outputs[0]
    return outputs


def device_of(module: nn.Module) -> torch.device:
    """Where the weights of a module are (its buffers, if it has none); the CPU for a module without either."""
    for value in itertools.chain(module.parameters(), module.buffers()):
        return value.device
    return torch.device("cpu")


def in_single(values: Tensor) -> Tensor:
    """Half precision as single; whatever is more exact as it is."""
    return values.float() if values.is_floating_point() and values.itemsize < 4 else values


def is_source(values: Any) -> bool:
    """Whether it holds inputs with their labels, and is no array of inputs."""
    data = torch.utils.data
    hugging = type(values).__module__.partition(".")[0] == "datasets"
    return hugging or isinstance(values, data.DataLoader | data.Dataset | Mapping)


def batches_of(source: Any, limit: int | None, *, exactly: bool = True) -> tuple[Any, Any]:
    """Inputs and labels from a loader, a data set or a pair of arrays: all of them, or the first `limit`.

    With `exactly` no fewer will do.

    Raises InputError for a source without labels, one that fails or is empty, or one that ends before `limit`.
    """
    if isinstance(source, tuple | list) and len(source) == 2 and not isinstance(source[0], tuple | list | Mapping):
        return source[0][:limit], source[1][:limit]
    if isinstance(source, Mapping):
        x, y = _pair(source)
        return x[:limit], y[:limit]
    batched = isinstance(source, torch.utils.data.DataLoader)
    if not isinstance(source, Iterable) and not (hasattr(source, "__getitem__") and hasattr(source, "__len__")):
        raise InputError("the data must be inputs with labels", type(source).__name__, HOW)
    inputs: list[Tensor] = []
    labels: list[Tensor] = []
    count = 0
    items = iter(source) if isinstance(source, Iterable) else (source[k] for k in range(len(source)))
    while limit is None or count < limit:
        try:
            item = next(items)
        except StopIteration:
            break
        except Exception as error:  # a loader runs code of its user's
            raise InputError(
                "the loader must give its batches without an error", f"{type(error).__name__}: {error}", HOW
            ) from error
        x, y = _pair(item)
        x, y = _array(x), torch.as_tensor(y).detach()
        if batched or (y.ndim == 1 and x.ndim >= 2):
            inputs += list(x)
            labels += list(y)
        else:
            inputs.append(x)
            labels.append(y.reshape(()))
        count = len(inputs)
    if not inputs or (exactly and limit is not None and count < limit):
        raise InputError(
            "the loader must give as many inputs as are asked for" if inputs else "the loader must give inputs",
            f"{count} before it ended" + ("" if limit is None else f", {limit} asked for"),
            "ask for fewer, or give more",
        )
    try:
        return torch.stack(inputs[:limit]), torch.stack(labels[:limit])
    except RuntimeError as error:
        raise InputError("all inputs must be of one shape", str(error).split("\n")[0], "resize them first") from None


def _pair(item: Any) -> tuple[Any, Any]:
    """Inputs and labels of one batch or one example."""
    if isinstance(item, Mapping):
        found = [next((item[name] for name in names if name in item), None) for names in (INPUTS, LABELS)]
        if found[0] is None or found[1] is None:
            wanted = INPUTS if found[0] is None else LABELS
            raise InputError(f"examples must have one of {', '.join(wanted)}", f"keys {', '.join(map(str, item))}", HOW)
        return found[0], found[1]
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    raise InputError("each batch must hold inputs and labels", type(item).__name__, HOW)


def _array(values: Any) -> Tensor:
    """A tensor as it is; an image of PIL as (channels, height, width) in [0, 1]."""
    if isinstance(values, Tensor):
        return values.detach()
    if hasattr(values, "getbands"):
        pixels = np.atleast_3d(np.asarray(values))
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255
    return torch.as_tensor(np.asarray(values, dtype=np.float32))
