"""Training runs as one labelled result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from jominy.networks.checkpoints import Progress
from jominy.networks.random_network import RandomNetwork
from jominy.results import CITE_NETWORKS, Status, make_result

if TYPE_CHECKING:
    import xarray as xr

_ACCURACIES = ("clean_accuracy", "adversarial_accuracy")


def labelled_training(
    networks: Sequence[nn.Module],
    runs: Sequence[Progress],
    marks: Sequence[int],
    layers: Sequence[str],
    settings: dict[str, Any],
    interrupted: bool,
    scalars: Sequence[str],
    per_layer: Sequence[str],
) -> xr.Dataset:
    """Dimensions (network, step[, layer]). Steps that not every network has are left out, unless it diverged before."""
    steps = [mark for mark in marks if all(mark in run.recorded or run.diverged for run in runs)]
    diverged = any(run.diverged for run in runs)
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for names, dims, shape in ((scalars, (), ()), (per_layer, ("layer",), (len(layers),))):
        for name in names:
            after = np.full(shape, 0.0 if name in _ACCURACIES else np.inf)
            values = [[_at(run, mark, name, after) for mark in steps] for run in runs]
            variables[name] = (("network", "step", *dims), np.array(values).reshape(len(runs), len(steps), *shape))
    status = Status.DIVERGED if diverged else Status.INTERRUPTED if interrupted else Status.COMPLETED
    advice = None
    if diverged:
        who = [index for index, run in enumerate(runs) if run.diverged]
        advice = (
            f"Training diverged in network(s) {who}: the loss became infinite; later values are infinite and "
            "accuracies zero. Lower the learning rate."
        )
    elif not interrupted:
        advice = "Training took all the steps that were asked for."
    first = networks[0]
    seeds = [network.seed for network in networks[: len(runs)] if isinstance(network, RandomNetwork)]
    labels = seeds if len(set(seeds)) == len(runs) else list(range(len(runs)))
    described = first.architecture.describe() if isinstance(first, RandomNetwork) else type(first).__name__
    return make_result(
        variables,
        {"network": labels, "step": np.array(steps), "layer": np.arange(1, len(layers) + 1)},
        engine="train",
        scenario={"network": described, **settings},
        status=status,
        advice=advice,
        seed=settings["seed"],
        extra={"layer_names": list(layers), "torch": torch.__version__},
        cite=CITE_NETWORKS,
    )


def _at(run: Progress, mark: int, name: str, after: np.ndarray) -> np.ndarray:
    if mark in run.recorded:
        value = run.records[run.recorded.index(mark)][name]
        return np.where(np.isfinite(value), value, after)
    return after
