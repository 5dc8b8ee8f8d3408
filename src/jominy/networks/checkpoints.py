"""Where a training run can go on after an interruption: one safetensors file, replaced as a whole, never a pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from jominy.errors import InputError
from jominy.networks.optimizers import Steps
from jominy.results.replaced import write_whole

FORMAT = "jominy checkpoint 1"
_RECORD, _OPTIMIZER = "record.", "optimizer."


@dataclass
class Progress:
    """How far a run is: steps taken, the steps recorded and the records themselves, whether it diverged."""

    step: int = 0
    recorded: list[int] = field(default_factory=list)
    records: list[dict[str, np.ndarray]] = field(default_factory=list)
    diverged: bool = False


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """SHA-256 of names, shapes and bytes.

    >>> fingerprint({"a": torch.zeros(2)}) == fingerprint({"a": torch.ones(2)})
    False
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_checkpoint(
    path: Path, network: nn.Module, progress: Progress, settings: dict[str, Any], taken: Steps | None = None
) -> None:
    """Write weights, what an optimizer remembers, records and settings beside `path`, then rename.

    A crash leaves the old file or the new one.
    Raises InputError where the folder cannot be made or written to.
    """
    tensors = {f"weight.{name}": value.detach().contiguous() for name, value in network.state_dict().items()}
    held, rest = ({}, {}) if taken is None else taken.state()
    tensors |= {f"{_OPTIMIZER}{name}": value.detach().contiguous() for name, value in held.items()}
    for name in progress.records[0] if progress.records else ():
        stacked = np.stack([one[name] for one in progress.records])
        tensors[f"{_RECORD}{name}"] = torch.from_numpy(np.ascontiguousarray(stacked))
    state = {
        "settings": settings,
        "step": progress.step,
        "recorded": progress.recorded,
        "diverged": progress.diverged,
        **({"optimizer": rest} if rest else {}),
        "sha256": fingerprint(tensors),
    }
    content = save(tensors, metadata={"format": FORMAT, "state": json.dumps(state)})
    write_whole(path, content, "the checkpoint")


def read_checkpoint(path: Path, network: nn.Module, settings: dict[str, Any], taken: Steps | None = None) -> Progress:
    """Load the weights into the network, its memory into the optimizer, and return how far the run was.

    Nothing is loaded unless everything fits.
    Raises InputError for a file that is damaged, that jominy did not write, or that belongs to another run.
    """
    damaged = "remove it to start this run from its beginning"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = json.loads(metadata["state"]) if metadata.get("format") == FORMAT else None
        found = fingerprint(tensors)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:  # TypeError: bfloat16
        raise InputError("the checkpoint is damaged or is no safetensors file", str(path), damaged) from error
    if state is None:
        raise InputError("the checkpoint was not written by jominy", str(path), damaged)
    series = {n.removeprefix(_RECORD): v.numpy() for n, v in tensors.items() if n.startswith(_RECORD)}
    if not _is_state(state, series):
        raise InputError("the checkpoint is damaged: it does not say how far its run was", str(path), damaged)
    if found != state["sha256"]:
        raise InputError("the checkpoint is damaged: its contents do not match their checksum", str(path), damaged)
    other = sorted(name for name in settings if state["settings"].get(name) != settings[name])
    if other:
        was = ", ".join(f"{name} {state['settings'].get(name)} there, {settings[name]} here" for name in other)
        raise InputError("the checkpoint belongs to another run", was, "name another folder, or repeat that run's call")
    network.load_state_dict({n.removeprefix("weight."): v for n, v in tensors.items() if n.startswith("weight.")})
    held = {n.removeprefix(_OPTIMIZER): v for n, v in tensors.items() if n.startswith(_OPTIMIZER)}
    if taken is not None:
        taken.restore(held, state.get("optimizer", {}))
    records = [{name: values[i] for name, values in series.items()} for i in range(len(state["recorded"]))]
    return Progress(state["step"], state["recorded"], records, state["diverged"])


def _is_state(state: Any, series: dict[str, np.ndarray]) -> bool:
    """Whether it is what `write_checkpoint` says of a run with these series of records."""
    kinds = {"settings": dict, "step": int, "recorded": list, "diverged": bool, "sha256": str}
    if not isinstance(state, dict) or any(type(state.get(name)) is not kind for name, kind in kinds.items()):
        return False
    steps = state["recorded"]
    return (
        state["step"] >= 0
        and all(type(step) is int and 0 <= step <= state["step"] for step in steps)
        and bool(series) == bool(steps)
        and all(values.shape[:1] == (len(steps),) for values in series.values())
    )
