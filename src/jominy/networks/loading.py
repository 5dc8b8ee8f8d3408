"""A user's module and inputs from files: no code is run but the user's own module, weights are read as data only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jominy.data.numpy_files import Archive, opened
from jominy.errors import InputError
from jominy.numerics.python_files import named_in

CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "weights")
HOW = "Write it as my_model.py:build, where build() returns a torch.nn.Module"


def load_module(reference: str) -> nn.Module:
    """The module that `reference`, "file.py:name", names: an nn.Module, or what a function of no arguments returns.

    Weights of half precision become single: a small change of an output drowns in their rounding.
    Raises InputError where the file or the name is missing, the file fails or exits, or the result is no nn.Module.
    """

    def built(found: Any) -> Any:
        return found() if callable(found) and not isinstance(found, nn.Module) else found

    module = named_in(reference, "module", HOW, built)
    if not isinstance(module, nn.Module):
        raise InputError(
            f"{reference.rpartition(':')[2]} must be or return a torch.nn.Module", type(module).__name__, HOW
        )
    halves = any(weight.is_floating_point() and weight.itemsize < 4 for weight in module.parameters())
    return module.float() if halves else module


def load_weights(module: nn.Module, file: str) -> None:
    """Put the weights of a safetensors file, or of a PyTorch file that holds tensors only, into the module.

    Weights may stand under ``state_dict``, ``model_state_dict`` or ``model`` beside other things, and may all carry the
    prefix of a wrapper (``module.``, ``_orig_mod.``, ``model.``).

    Raises InputError where the file is missing, damaged, holds more than tensors, or does not fit the module.
    """
    path = Path(file)
    state: Any
    if not os.path.isfile(path):
        raise InputError("the file of weights must exist", file)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise errors of many kinds, none of which a user can do more about
        first = (str(error).strip().splitlines() or [""])[0].split(".")[0]
        raise InputError(
            "weights must be a sound safetensors file, or a PyTorch file of tensors and nothing else",
            f"{file}: {type(error).__name__}: {first}",
            "Save them again, for instance with safetensors.torch.save_file(module.state_dict(), ...)",
        ) from error
    state = _weights_in(state, module)
    try:
        empty = any(weight.is_meta for weight in module.parameters())
        module.load_state_dict(state, assign=empty)
    except (Exception, SystemExit) as error:  # a module may read them in its own way
        told = " ".join(str(error).split())
        raise InputError("the weights must fit the module", told[:300], "Does build() make this model?") from error


def _weights_in(state: Any, module: nn.Module) -> Any:
    """The weights in a file of a training: under one of the usual names, without the prefix that wrappers put there."""
    for name in CONTAINERS:
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
            break
    wanted = set(module.state_dict())
    while isinstance(state, dict) and state and not wanted & set(state):
        heads = {str(name).partition(".")[0] for name in state}
        if len(heads) != 1 or not all("." in str(name) for name in state):
            break
        state = {str(name).partition(".")[2]: value for name, value in state.items()}
    return state


def load_inputs(file: str, module: nn.Module, limit: int) -> Tensor:
    """The first `limit` inputs of a .npy file, or of the array x (or the only array) of a .npz, as the module's dtype.

    Raises InputError for a file that is missing, no array of numbers, or empty; or a limit below 1.
    """
    if limit < 1:
        raise InputError("the limit on the number of inputs must be >= 1", limit)
    values = _array(file, "x", "inputs")
    if values.ndim < 2 or not len(values):
        raise InputError("inputs must have one row per input, (n, d) or (n, ...)", f"shape {values.shape}")
    weight = next((w for w in module.parameters() if w.is_floating_point()), None)
    return torch.from_numpy(values[:limit]).to(torch.float32 if weight is None else weight.dtype)


def load_labels(file: str, inputs: str, limit: int) -> Tensor:
    """The labels of the first `limit` inputs in the file `inputs`: a .npy file, or the array y of a .npz.

    Raises InputError for a file that is missing, labels that are not whole numbers from 0, or not one for each input.
    """
    values, count = _array(file, "y", "labels"), len(_array(inputs, "x", "inputs"))
    if values.shape != (count,):
        raise InputError("there must be one label for each input", f"labels of shape {values.shape}, {count} inputs")
    if not np.all(values == np.round(values)) or np.any(values < 0):
        wrong = values[(values != np.round(values)) | (values < 0)][0]
        raise InputError("labels must be whole numbers from 0", wrong, "number the classes 0, 1, 2, ...")
    return torch.from_numpy(values[:limit]).long()


def _array(file: str, name: str, what: str) -> np.ndarray:
    """The array in a .npy file, or that of this name (or the only one) in a .npz."""
    if not os.path.isfile(file):
        raise InputError(f"the file of {what} must exist", file, f"Save them with numpy.save('{name}.npy', {name})")
    with opened(file, f"{what} must be a .npy or .npz file of numbers") as stored:
        only = stored.names if isinstance(stored, Archive) and len(stored.names) == 1 else [name]
        return np.asarray(stored[only[0]] if isinstance(stored, Archive) else stored, dtype=float)
