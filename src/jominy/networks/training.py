"""Plain SGD on an adversarial objective, with measurements along the way."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from jominy.errors import InputError
from jominy.networks.checkpoints import Progress, fingerprint, read_checkpoint, write_checkpoint
from jominy.networks.inputs import LabelledInputs
from jominy.networks.modules import applied, flat_function, preserved, slopes_of
from jominy.networks.objectives import Objective
from jominy.networks.random_network import ATTACKS, BATCHES, check_seed
from jominy.networks.records import PER_LAYER, SCALARS, layer_weights, record
from jominy.networks.trained import labelled_training
from jominy.numerics.interrupts import deferred_interrupt

if TYPE_CHECKING:
    import xarray as xr


def train(
    networks: nn.Module | Sequence[nn.Module],
    data: LabelledInputs,
    objective: Objective,
    *,
    rate: float,
    steps: int,
    batch_size: int = 32,
    seed: int,
    record_every: int | None = None,
    record_on: LabelledInputs | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 100,
    progress: bool = True,
) -> xr.Dataset:
    """Train networks, in place, by plain SGD: theta <- theta - rate * gradient of the mean objective over a batch.

    Each network goes through the data in reshuffled epochs of its own. The attack of every step is made on the network
    as it is then. Batches and attacks depend on `seed`, the network's place in the list and the step, on nothing else,
    so that a run resumed from a checkpoint gives the same numbers, bit for bit, as one that was never stopped.

    Parameters
    ----------
    networks
        One module or several with the same layers; the result has a ``network`` dimension in either case.
    data
        Inputs of the networks' dtype, with labels.
    objective
        :class:`AdversarialLoss`, :class:`CrossEntropyPlus` or :class:`MinMax`.
    rate, steps, batch_size, seed
        Learning rate, number of steps, inputs in a step (all of them if there are fewer), seed of batches and attacks.
    record_every, record_on
        Steps between records (about 20 records by default; the first and the last step always), and the inputs they are
        taken on (the first 200 of `data` by default).
    checkpoints, checkpoint_every
        Folder with one safetensors file per network, written every so many steps, at the end and on Ctrl-C; the same
        call again goes on from there.
    progress
        Whether to show a bar.

    Returns
    -------
    xarray.Dataset
        Dimensions ``network``, ``step`` and, for ``weight_variance`` and ``gradient_norm``, ``layer``; variables as in
        :mod:`jominy.networks.records`. Status ``completed``, ``diverged`` (values after that moment are infinite,
        accuracies zero) or ``interrupted`` (Ctrl-C: the steps that every network reached).

    Raises
    ------
    InputError
        Steps, batch size or rate out of range; networks with different layers, or that do not accept the inputs;
        more classes than outputs; a checkpoint that is damaged or of another run.

    Examples
    --------
    >>> from jominy.meanfield import Architecture
    >>> from jominy.networks import AdversarialLoss, RandomNetwork, gaussian_classes, train
    >>> data = gaussian_classes(64, 16, 4, seed=0)
    >>> network = RandomNetwork(Architecture(2, 64, 16, 4, weight_variance=2.0), seed=0)
    >>> result = train(network, data, AdversarialLoss(1.0), rate=0.01, steps=20, seed=0, progress=False)
    >>> dict(result.sizes), result.attrs["status"]
    ({'network': 1, 'step': 21, 'layer': 2}, 'completed')
    >>> bool(result["adversarial_loss"][0, -1] < result["adversarial_loss"][0, 0])
    True
    """
    several = [networks] if isinstance(networks, nn.Module) else list(networks)
    seed = check_seed(seed)
    _check(several, data, objective, rate, steps, batch_size, checkpoint_every)
    evaluated = LabelledInputs(data.inputs[:200], data.labels[:200]) if record_on is None else record_on
    every = max(1, steps // 20) if record_every is None else record_every
    if every < 1:
        raise InputError("record_every must be at least 1", record_every)
    marks = sorted({*range(0, steps + 1, every), steps})
    settings = {
        "objective": objective.describe(),
        "rate": float(rate),
        "batch_size": int(batch_size),
        "seed": int(seed),
        "steps_between_records": every,
        "data": fingerprint({"inputs": data.inputs, "labels": data.labels}),
        "record_on": fingerprint({"inputs": evaluated.inputs, "labels": evaluated.labels}),
    }
    runs: list[Progress] = []
    bar = tqdm(total=steps * len(several), delay=2, unit="step", desc="training", disable=not progress)
    with deferred_interrupt() as asked_to_stop, bar:
        for index, network in enumerate(several):
            if asked_to_stop() and index:
                break
            own = {**settings, "network": index, "start": fingerprint(dict(network.state_dict()))}
            path = None if checkpoints is None else Path(checkpoints) / f"network-{index}.safetensors"
            run = read_checkpoint(path, network, own) if path is not None and path.exists() else Progress()
            bar.update(run.step)
            parameters = [value for value in network.parameters() if value.requires_grad]
            batches = _batches(len(data.labels), batch_size, seed, index, run.step)
            while True:
                if run.step in marks and run.step not in run.recorded and not run.diverged:
                    run.records.append(record(network, objective, evaluated, seed=seed))
                    run.recorded.append(run.step)
                done = run.step >= steps or run.diverged or asked_to_stop()
                if path is not None and (done or run.step % checkpoint_every == 0):
                    write_checkpoint(path, network, run, own)
                if done:
                    break
                batch = next(batches)
                draw = torch.Generator().manual_seed(_attack_seed(seed, index, run.step))
                inputs, labels = data.inputs[batch], data.labels[batch]
                eta = objective.perturb(network, inputs, labels, draw)
                loss = objective.losses(applied(network), inputs, labels, eta).mean()
                slopes = slopes_of(loss, parameters)
                finite = all(slope is None or bool(torch.isfinite(slope).all()) for slope in slopes)
                run.diverged = not (finite and math.isfinite(float(loss.detach())))
                if not run.diverged:
                    with torch.no_grad():
                        for value, slope in zip(parameters, slopes, strict=True):
                            if slope is not None:
                                value.sub_(slope, alpha=rate)
                run.step += 1
                bar.update()
            runs.append(run)
        interrupted = asked_to_stop()
    layers = list(layer_weights(several[0]))
    return labelled_training(several, runs, marks, layers, settings, interrupted, SCALARS, PER_LAYER)


def _batches(count: int, size: int, seed: int, network: int, done: int) -> Iterator[torch.Tensor]:
    """Index batches from step `done` on: reshuffled epochs, each from its own seed; a remainder is left out."""
    size = min(size, count)
    each = count // size
    for epoch in range(done // each, 2**62):
        order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(BATCHES, network, epoch)))
        shuffled = torch.from_numpy(order.permutation(count))
        for k in range(done % each if epoch == done // each else 0, each):
            yield shuffled[k * size : (k + 1) * size]


def _attack_seed(seed: int, network: int, step: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(ATTACKS, network, step)).generate_state(1)[0])


def _check(
    networks: list[nn.Module],
    data: LabelledInputs,
    objective: Any,
    rate: float,
    steps: int,
    batch_size: int,
    checkpoint_every: int,
) -> None:
    if not networks or not all(isinstance(network, nn.Module) for network in networks):
        raise InputError("train needs one torch.nn.Module or several", [type(n).__name__ for n in networks])
    if not isinstance(data, LabelledInputs):
        raise InputError("the data must be LabelledInputs", type(data).__name__, "LabelledInputs(X, y) makes them")
    if not isinstance(objective, Objective):
        raise InputError("the objective must be AdversarialLoss, CrossEntropyPlus or MinMax", objective)
    if isinstance(rate, bool) or not isinstance(rate, Real) or not (math.isfinite(rate) and rate > 0):
        raise InputError("the learning rate must be positive and finite", rate)
    for name, value in (("steps", steps), ("batch_size", batch_size), ("checkpoint_every", checkpoint_every)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} must be a whole number, at least 1", value)
    shapes = [[tuple(value.shape) for value in layer_weights(network).values()] for network in networks]
    if any(shape != shapes[0] for shape in shapes) or not shapes[0]:
        raise InputError("the networks must have weights to train, in the same layers", f"shapes {shapes[:2]}")
    for network in networks:
        with preserved(network):  # in the mode in which it is trained, on a batch as large as those of the training
            function, rows = flat_function(network, data.inputs[:batch_size])
            outputs = function(rows).shape[1]
        if data.classes > outputs:
            raise InputError("the network must have an output for each class", f"{outputs} for {data.classes}")
