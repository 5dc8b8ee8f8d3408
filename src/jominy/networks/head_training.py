"""Adversarial training of a linear head through the network itself, and a look at heads by real attacks.

What the forecasts of `HeadSamples` are checked against: every step attacks the network's inputs by projected gradient
ascent, and moves the head along the gradient at the attacked features.

Source: theory `heads.md` sections 1 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from jominy.data import FrozenFeatures, HeadSamples
from jominy.dynamics import Problem
from jominy.dynamics.classes.simulation import start_weights
from jominy.dynamics.forecast import require_schedule
from jominy.dynamics.labelled import Training, scenario_of
from jominy.dynamics.real_runs import batch_times, require_optimizer
from jominy.dynamics.samples.sampling import sampling_for
from jominy.dynamics.samples.sgd import drawn_rows
from jominy.dynamics.simulate import seed_list
from jominy.errors import InputError
from jominy.networks.classification import ascent
from jominy.networks.frozen import Backbone
from jominy.networks.intake import device_of
from jominy.networks.modules import evaluating
from jominy.networks.threat import Box, Threat, check_box
from jominy.numerics.interrupts import deferred_interrupt
from jominy.optimizers import Optimizer
from jominy.results import Status, make_result
from jominy.schedules import UNKNOWN_DESCENT, Schedule

TOGETHER = 4096
"""Inputs, of all heads together, that go through the network at once."""
MATCH = 1e-3
"""Relative difference between features stored and computed anew beyond which they are of another network."""


class HeadNetwork:
    """A frozen network with linear heads on its features as a problem trains on them.

    Heads are weights (S, K, d) on features that are centred and scaled as the problem's rows, with a feature of ones.
    """

    def __init__(self, module: nn.Module, problem: Problem) -> None:
        samples = problem.data
        if not isinstance(samples, HeadSamples):
            raise InputError("A head is trained on HeadSamples", type(samples).__name__, "Use `linearised(...)`")
        frozen = samples.frozen
        self.samples, self.p = samples, samples.norm
        self.device = device_of(module)
        first = self.inputs(frozen)[:4]
        named = frozen.record.get("layer")
        self.backbone = Backbone(module, None, first)
        if named is not None and named != self.backbone.layer:
            self.backbone = Backbone(module, named, first)
        assert samples.fitted is not None and samples.fitted.factor is not None
        self.kept = torch.as_tensor(np.flatnonzero(samples.fitted.kept), device=self.device)
        self.offset = torch.tensor(samples.fitted.offset, device=self.device).to(first.dtype)
        self.factor = samples.fitted.factor
        with evaluating(module), torch.no_grad():
            found = self.backbone(first).cpu().numpy()
        wanted = frozen.features[: len(first)]
        if found.shape != wanted.shape or not np.allclose(found, wanted, rtol=MATCH, atol=MATCH * np.abs(wanted).max()):
            raise InputError(
                "The module must be the one whose features the problem is about",
                "features that differ",
                "Give the same module, with the same weights",
            )

    def inputs(self, frozen: FrozenFeatures) -> Tensor:
        """Inputs (n, ...) of features, which have to have been kept."""
        if frozen.inputs is None:
            raise InputError(
                "Features must come with their inputs for a look through the network", "features alone",
                "Use `linearised(module, inputs)`, which keeps them",
            )  # fmt: skip
        return torch.as_tensor(frozen.inputs, device=self.device)

    def rows(self, inputs: Tensor) -> Tensor:
        """(n, d) features of inputs, as the problem has them."""
        phi = self.backbone(inputs)
        scaled = self.factor * (phi - self.offset)[:, self.kept]
        return torch.cat([scaled, torch.ones_like(scaled[:, :1])], 1)

    def attacked(
        self, heads: Tensor, inputs: Tensor, labels: Tensor, radius: float, steps: int, box: Box
    ) -> tuple[Tensor, Tensor]:
        """Rows (S, b, d) of inputs (S, b, ...) after an attack on each head (S, K, d), and their scores (S, b, K)."""
        count, batch = inputs.shape[:2]
        flat, shape = inputs.reshape(count * batch, -1), (count * batch, *inputs.shape[2:])
        repeated = labels.reshape(-1)

        def scores(rows: Tensor) -> Tensor:
            return torch.einsum("sbd,skd->sbk", rows.view(count, batch, -1), heads)

        def value(eta: Tensor) -> Tensor:
            made = scores(self.rows((flat + eta).view(shape))).reshape(count * batch, -1)
            return cross_entropy(made, repeated, reduction="none")

        threat = Threat(radius, self.p, box)
        eta = ascent(value, flat, [torch.zeros_like(flat)], threat, steps) if radius > 0 else 0.0
        with torch.no_grad():
            rows = self.rows((flat + eta).view(shape)).view(count, batch, -1)
            return rows, scores(rows)


class HeadReadout(NamedTuple):
    """Of heads (S,) on a set of inputs, by real attacks: mean cross-entropy and accuracy, attacked and clean.

    `rise` (S,) is the mean rise of the cross-entropy under the attack.
    """

    adversarial_risk: np.ndarray
    adversarial_accuracy: np.ndarray
    clean_risk: np.ndarray
    clean_accuracy: np.ndarray

    @property
    def rise(self) -> np.ndarray:
        return self.adversarial_risk - self.clean_risk


def read_heads(
    network: HeadNetwork,
    heads: Tensor,
    inputs: Tensor,
    labels: Tensor,
    radius: float,
    *,
    steps: int,
    box: Box = None,
    told: Callable[[int], object] | None = None,
) -> HeadReadout:
    """What heads (S, K, d) do on inputs (n, ...) under projected gradient ascent from the clean input."""
    sums = np.zeros((4, len(heads)))
    with evaluating(network.backbone):
        size = max(1, TOGETHER // len(heads))
        for part, own in zip(inputs.split(size), labels.split(size), strict=True):
            shared = part.unsqueeze(0).expand(len(heads), *part.shape)
            target = own.expand(len(heads), len(own))
            for place, reach in ((0, radius), (2, 0.0)):
                _, scores = network.attacked(heads, shared, target, reach, steps, box)
                loss = cross_entropy(scores.reshape(-1, scores.shape[-1]), target.reshape(-1), reduction="none")
                sums[place] += loss.view(target.shape).sum(1).double().cpu().numpy()
                sums[place + 1] += (scores.argmax(-1) == target).sum(1).double().cpu().numpy()
            if told is not None:
                told(len(part))
    return HeadReadout(*(sums / len(inputs)))


def train_head(
    module: nn.Module,
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    seeds: int | Sequence[int] = 4,
    start: Any = None,
    held_out: tuple[FrozenFeatures, Any] | None = None,
    optimizer: Optimizer | None = None,
    attack_steps: int = 10,
    read_steps: int = 15,
    box: Box = None,
    progress: bool = True,
) -> Any:
    """Adversarial training of a head through the frozen network itself, by real attacks on its inputs: PyTorch.

    The real thing beside the forecast of a problem on `HeadSamples`, on the same row numbers for the same seeds: each
    step attacks its batch by projected gradient ascent of the cross-entropy in the network's input, and the head moves
    along the gradient at the attacked features. Slow: a forecast is what spares it.

    Parameters
    ----------
    module : the network that the problem's rows come from
    problem, schedule, time, times, start, optimizer : as in `simulate`; `times` default to the last time alone, since a
        look attacks every row
    seeds : how many runs, all of which go through the network together
    held_out : (FrozenFeatures, labels), whose inputs are attacked too
    attack_steps, read_steps : of the attack in training and in what is reported, with steps of 2.5 radius / steps
    box : lowest and highest value of an entry of the input
    progress : whether to show a bar on work of more than two seconds

    Returns
    -------
    xarray.Dataset
        As from `simulate`: risks, accuracies and norm over `seed` and `time`, by real attacks. Ctrl-C keeps what is
        done.

    Raises
    ------
    InputError
        Another module than that of the features; features without their inputs.

    Notes
    -----
    Source: theory `heads.md` section 3. Projected gradient ascent is a lower bound of the strongest attack.

    Examples
    --------
    >>> import jominy as jm
    >>> net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> rows = jm.linearised(net, (torch.randn(60, 6), torch.arange(60) % 2))
    >>> problem = jm.Problem(jm.HeadSamples(rows), jm.SoftmaxLoss(), radius=0.1)
    >>> runs = jm.train_head(net, problem, jm.Constant(1.0), time=5, seeds=2, progress=False)
    >>> dict(runs.sizes)
    {'seed': 2, 'time': 1}
    """
    require_schedule(schedule)
    box = check_box(box)
    network = HeadNetwork(module, problem)
    samples, chosen = network.samples, seed_list(seeds)
    used = require_optimizer(optimizer)
    training = Training(problem, schedule, start, np.zeros(0), optimizer=used)
    grid = batch_times(training, time, times)
    grid = grid if times is not None else grid[-1:]
    if schedule.remembers or schedule.adaptive:
        raise InputError("Real training of a head takes a rate that is given over time", type(schedule).__name__)
    batch, dimension = used.batch_size, samples.dimension
    steps = np.rint(grid * dimension / batch).astype(int)
    order = sampling_for(None, batch, used.replacement)
    numbers = torch.as_tensor(
        np.stack([drawn_rows(order, seed, int(steps[-1]) * batch, samples.count) for seed in chosen])
    ).view(len(chosen), -1, batch)
    assert samples.classes is not None
    inputs = network.inputs(samples.frozen)
    labels = torch.as_tensor(samples.class_numbers, device=network.device)
    weights = torch.as_tensor(start_weights(start, len(samples.classes), dimension, chosen), device=network.device)
    weights = weights.to(inputs.dtype).requires_grad_()
    groups = [("", inputs, labels)]
    if held_out is not None:
        _, targets = samples.transform_pair(held_out)
        held_labels = torch.as_tensor(samples.target_map.class_numbers(targets), device=network.device)
        groups.append(("held_out_", network.inputs(held_out[0]), held_labels))
    name, settings = used.in_torch()
    in_torch = getattr(torch.optim, name)([weights], lr=1.0, **settings)
    seen: list[dict[str, np.ndarray]] = []
    reached = 0
    looks = sum(len(x) for _, x, _ in groups) * len(grid)
    bar = tqdm(total=int(steps[-1]) * batch + looks, delay=2, unit="input", desc=f"training {len(chosen)} heads",
               disable=not progress)  # fmt: skip
    with deferred_interrupt() as asked_to_stop, bar, evaluating(network.backbone):
        for step in range(int(steps[-1]) + 1):
            if step == steps[reached]:
                seen.append(_seen(network, weights.detach(), groups, problem, float(grid[reached]), read_steps, box,
                                  bar.update))  # fmt: skip
                reached += 1
            if reached == len(steps) or asked_to_stop():
                break
            now = step * batch / dimension
            rows_of_step = numbers[:, step].to(network.device)
            radius = float(problem.radius_schedule.at(np.asarray(now)))
            attacked, _ = network.attacked(
                weights.detach(), inputs[rows_of_step], labels[rows_of_step], radius, attack_steps, box
            )
            scores = torch.einsum("sbd,skd->sbk", attacked, weights)
            # The sum over heads of the mean over their batch: heads do not see each other.
            loss = cross_entropy(
                scores.reshape(-1, scores.shape[-1]), labels[rows_of_step].reshape(-1), reduction="sum"
            )
            in_torch.zero_grad()
            (loss / batch).backward()
            rate = float(schedule.rate(np.asarray(now), UNKNOWN_DESCENT)) / dimension
            for group in in_torch.param_groups:
                group["lr"] = rate
            if used.decoupled and used.weight_decay:
                with torch.no_grad():
                    weights.mul_(1 - rate * used.weight_decay)
            in_torch.step()
            bar.update(batch)
    if not seen:
        raise KeyboardInterrupt
    done = reached == len(steps)
    variables = {name: (("seed", "time"), np.stack([one[name] for one in seen], axis=1)) for name in seen[0]}
    lost = not all(np.all(np.isfinite(values)) for _, values in variables.values())
    status = Status.DIVERGED if lost else Status.COMPLETED if done else Status.INTERRUPTED
    return make_result(
        variables,
        {"time": grid[:reached], "seed": chosen},
        engine="simulate",
        scenario=scenario_of(problem, schedule, start, used),
        status=status,
        seed=chosen,
        notes=[
            f"heads trained through the network: attacks on its input by {attack_steps} steps of projected gradient "
            f"ascent in training, {read_steps} in what is reported",
            *samples.report,
        ],
        extra={"method": f"PyTorch, real attacks on the input, {used!r}", "dimension": dimension},
    )


def _seen(
    network: HeadNetwork, weights: Tensor, groups: list[tuple[str, Tensor, Tensor]], problem: Problem, now: float,
    steps: int, box: Box, told: Callable[[int], object],
) -> dict[str, np.ndarray]:  # fmt: skip
    """What is reported of heads (S, K, d) at one moment."""
    out: dict[str, np.ndarray] = {}
    radius = float(problem.radius_schedule.at(np.asarray(now)))
    for prefix, inputs, labels in groups:
        read = read_heads(network, weights, inputs, labels, radius, steps=steps, box=box, told=told)
        out |= {f"{prefix}{name}": getattr(read, name) for name in HeadReadout._fields}
    out["norm"] = weights.square().sum((1, 2)).sqrt().double().cpu().numpy()
    return out


def relative_change(network: HeadNetwork, head: Tensor, inputs: Tensor, labels: Tensor, radius: float) -> float:
    """rel: mean |J(x + delta)'w - J(x)'w| / |J(x)'w| at the attack of one step, for one head (K, d).

    w is the head's pull at that attack, softmax - e_y times the weights; of two classes, their difference. Two backward
    passes for each input. Source: theory `heads.md` section 4.
    """
    found = []
    with evaluating(network.backbone):
        for part, own in zip(inputs.split(512), labels.split(512), strict=True):
            flat = part.flatten(1)

            def scores(rows: Tensor, part: Tensor = part) -> Tensor:
                return network.rows(rows.view_as(part)) @ head.T

            def slope(rows: Tensor, pull: Tensor, scores: Callable[[Tensor], Tensor] = scores) -> Tensor:
                at = rows.detach().requires_grad_(True)
                with torch.enable_grad():
                    (value,) = torch.autograd.grad((scores(at) * pull).sum(), [at])
                return value

            one_hot = torch.nn.functional.one_hot(own, len(head)).to(flat.dtype)
            with torch.no_grad():
                pull = torch.softmax(scores(flat), 1) - one_hot
            size = _step(slope(flat, pull), radius, network.p)
            with torch.no_grad():
                pull = torch.softmax(scores(flat + size), 1) - one_hot
            here = slope(flat, pull)
            there = slope(flat + _step(here, radius, network.p), pull)
            found.append((there - here).norm(dim=1) / here.norm(dim=1).clamp_min(1e-30))
    return float(torch.cat(found).mean())


def _step(slopes: Tensor, radius: float, p: float) -> Tensor:
    """The attack of one step along slopes (n, p)."""
    if math.isinf(p):
        return radius * slopes.sign()
    return radius * slopes / slopes.norm(dim=1, keepdim=True).clamp_min(1e-30)
