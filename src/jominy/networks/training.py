"""Training on an adversarial objective, with measurements along the way."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from jominy.errors import InputError
from jominy.networks.checkpoints import Progress, fingerprint, read_checkpoint, write_checkpoint
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import device_of, is_source
from jominy.networks.modules import applied, flat_function, preserved, random_parts, slopes_of
from jominy.networks.objectives import Objective
from jominy.networks.optimizers import Optimizers, Schedulers, Steps, optimizer_of, radii_of, rates_of, scheduler_of
from jominy.networks.random_network import ATTACKS, BATCHES, check_seed
from jominy.networks.records import PER_LAYER, SCALARS, layer_weights, record
from jominy.networks.threat import seeded
from jominy.networks.trained import labelled_training
from jominy.numerics.interrupts import deferred_interrupt
from jominy.schedules import RadiusSchedule, Schedule

if TYPE_CHECKING:
    import xarray as xr


def train(
    networks: nn.Module | Sequence[nn.Module],
    data: LabelledInputs,
    objective: Objective,
    *,
    rate: float | Schedule | None = None,
    steps: int,
    optimizer: Optimizers = None,
    scheduler: Schedulers = None,
    radius: RadiusSchedule | None = None,
    batch_size: int = 32,
    seed: int,
    record_every: int | None = None,
    record_on: LabelledInputs | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 100,
    progress: bool = True,
) -> xr.Dataset:
    """The reference loop of adversarial training: trains networks in place, records what happens, goes on after a stop.

    Plain SGD, theta <- theta - rate * gradient of the mean objective over a batch, or any optimizer of PyTorch. Each
    network goes through the data in reshuffled epochs of its own. The attack of every step is made on the network
    as it is then. Batches and attacks depend on `seed`, the network's place in the list and the step, on nothing else,
    so that a run resumed from a checkpoint gives the same numbers, bit for bit, as one that was never stopped. Networks
    are trained in the mode they are in: ``module.train()`` first where it matters.

    Parameters
    ----------
    networks
        One module or several with the same layers; the result has a ``network`` dimension in either case.
    data
        Inputs of the networks' dtype, with labels; a DataLoader or data set is read once, as a whole. Batches are put
        where the network is.
    objective
        :class:`MinMax`, :class:`FGSM`, :class:`NetworkTRADES`, :class:`MART`, :class:`CrossEntropyPlus` or
        :class:`AdversarialLoss`; each holds radius, norm and box of its attack.
    rate, steps
        Learning rate, a number or a schedule such as ``Cosine(0.1, horizon=500)`` with time in steps (by default that
        of the optimizer), and number of steps.
    optimizer
        Plain SGD by default; otherwise an optimizer of PyTorch over the network's parameters (a list of them for
        several networks) or a function that makes one: ``torch.optim.Adam``.
    scheduler
        Of the optimizer's rate, in place of `rate`: one of ``torch.optim.lr_scheduler`` (a list of them for several
        networks), or a function that makes one of the optimizer; it takes a step after each step of the training.
    radius
        The radius of the attack in each step, such as ``RadiusRamp(0, 0.5, time=200)`` with time in steps; by default
        the objective's, which the records are taken at in any case.
    batch_size, seed
        Inputs in a step (all of them if there are fewer), seed of batches and attacks.
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
        more classes than outputs; a radius in other units than the inputs, or a box that does not hold them; an
        optimizer of other parameters; a checkpoint that is damaged or of another run.

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
    data = LabelledInputs.of(data) if is_source(data) else data
    seed = check_seed(seed)
    _check(several, data, objective, steps, batch_size, checkpoint_every)
    rates, radii = rates_of(rate, steps, optimizer, scheduler), radii_of(radius, steps)
    parameters: list[list[torch.Tensor]] = [
        [value for value in network.parameters() if value.requires_grad] for network in several
    ]
    optimizers = [optimizer_of(optimizer, k, own, len(several)) for k, own in enumerate(parameters)]
    schedulers = [scheduler_of(scheduler, k, own, len(several)) for k, own in enumerate(optimizers)]
    evaluated = LabelledInputs(data.inputs[:200], data.labels[:200]) if record_on is None else record_on
    every = max(1, steps // 20) if record_every is None else record_every
    if every < 1:
        raise InputError("record_every must be at least 1", record_every)
    marks = sorted({*range(0, steps + 1, every), steps})
    settings = {
        "objective": objective.describe(),
        "rate": rate.describe() if isinstance(rate, Schedule) else None if rate is None else float(rate),
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
            taken = Steps(parameters[index], optimizers[index], rates, schedulers[index])
            own = {**settings, "network": index, "start": fingerprint(dict(network.state_dict()))}
            own |= {"optimizer": taken.describe(), **({} if radius is None else {"radius": radius.describe()})}
            path = None if checkpoints is None else Path(checkpoints) / f"network-{index}.safetensors"
            run = read_checkpoint(path, network, own, taken) if path is not None and path.exists() else Progress()
            taken.resumed(run.step)
            bar.update(run.step)
            random, device = random_parts(network), device_of(network)
            batches = _batches(len(data.labels), batch_size, seed, index, run.step)
            while True:
                if run.step in marks and run.step not in run.recorded and not run.diverged:
                    run.records.append(record(network, objective, evaluated, seed=seed))
                    run.recorded.append(run.step)
                done = run.step >= steps or run.diverged or asked_to_stop()
                if path is not None and (done or run.step % checkpoint_every == 0):
                    write_checkpoint(path, network, run, own, taken)
                if done:
                    break
                batch = next(batches)
                inputs, labels = data.inputs[batch].to(device), data.labels[batch].to(device)
                own_seed = _attack_seed(seed, index, run.step)
                now = objective if radii is None else objective.at(float(radii[run.step]))
                with _random_numbers(own_seed) if random else nullcontext():
                    eta = now.perturb(network, inputs, labels, seeded(inputs, own_seed))
                    loss = now.losses(applied(network), inputs, labels, eta).mean()
                slopes = slopes_of(loss, parameters[index])
                finite = all(slope is None or bool(torch.isfinite(slope).all()) for slope in slopes)
                run.diverged = not (finite and math.isfinite(float(loss.detach())))
                if not run.diverged:
                    taken.take(slopes, run.step)
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


@contextmanager
def _random_numbers(seed: int) -> Iterator[None]:
    """Dropout from a seed of its own in every step: a resumed run drops the same units. PyTorch's numbers stay."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _attack_seed(seed: int, network: int, step: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(ATTACKS, network, step)).generate_state(1)[0])


def _check(
    networks: list[nn.Module],
    data: LabelledInputs,
    objective: Any,
    steps: int,
    batch_size: int,
    checkpoint_every: int,
) -> None:
    if not networks or not all(isinstance(network, nn.Module) for network in networks):
        raise InputError("train needs one torch.nn.Module or several", [type(n).__name__ for n in networks])
    if not isinstance(data, LabelledInputs):
        raise InputError("the data must be LabelledInputs", type(data).__name__, "LabelledInputs(X, y) makes them")
    if not isinstance(objective, Objective):
        raise InputError(
            "the objective must be an object", objective, "such as MinMax(8 / 255, p=inf), FGSM, NetworkTRADES or MART"
        )
    for name, value in (("steps", steps), ("batch_size", batch_size), ("checkpoint_every", checkpoint_every)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} must be a whole number, at least 1", value)
    shapes = [[tuple(value.shape) for value in layer_weights(network).values()] for network in networks]
    if any(shape != shapes[0] for shape in shapes) or not shapes[0]:
        raise InputError("the networks must have weights to train, in the same layers", f"shapes {shapes[:2]}")
    objective.threat.check(data.inputs)
    for network in networks:
        with preserved(network):  # in the mode in which it is trained, on a batch as large as those of the training
            function, rows = flat_function(network, data.inputs[:batch_size].to(device_of(network)))
            outputs = function(rows).shape[1]
        if data.classes > outputs:
            raise InputError("the network must have an output for each class", f"{outputs} for {data.classes}")
