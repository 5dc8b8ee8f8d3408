"""The index chi: the margin of what a network would learn first, over what an attack takes from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from jominy.errors import InputError
from jominy.networks.class_batches import residuals, two_batches
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import device_of, in_single
from jominy.networks.modules import (
    Function,
    applied,
    as_trained,
    flat_function,
    gradient,
    in_single_precision,
    slopes_of,
    unwrapped,
)
from jominy.networks.random_network import RandomNetwork
from jominy.networks.threat import Box, Threat, nearest_class_distance
from jominy.networks.vectors import norm
from jominy.results import Status, make_result

if TYPE_CHECKING:
    import xarray as xr

FAILS_BELOW, TRAINS_FROM = 1.0, 1.8
"""Below the first (DERIVED) robust learning mostly fails, from the second (drawn after looking) it mostly succeeds."""
MOVE = 0.05
"""How far the outputs move by the step that shows h, in units of their variation over inputs."""
BATCH = 200
NEGLIGIBLE = 1e-3
"""Radii below this share of the distance between classes are not of interest."""
CLOSE = 1.05
"""Ratio of the radii between which the search for the largest one ends."""
NAMES = ("chi", "label_signal", "attack_part", "radius_over_distance")


def measure_chi(
    networks: nn.Module | Sequence[nn.Module],
    data: LabelledInputs,
    radius: float,
    *,
    p: float = 2,
    box: Box = None,
    adaptive: bool = False,
    balanced: bool = False,
    batch_size: int = BATCH,
    attack_steps: int = 5,
    seed: int = 0,
) -> xr.Dataset:
    """Can a network be trained against attacks of this radius? Below 1 probably not, above 1.8 probably: before a step.

    Let u be the gradient of the label signal mean <r_y, f(x)>, r_y = e_y - 1/K, over one batch and all trained
    parameters, and h(x) = [f_{theta + s u}(x) - f_theta(x)] / s the function that a step along it adds to the network,
    s so small that the outputs move by 5 % of their variation. On a second batch

        chi = a / w,    a = mean <r_y, h(x)>,    w = a - mean min_eta <r_y, h(x + eta)>,    ||eta||_p <= radius

    (``label_signal`` and ``attack_part``), by `attack_steps` steps of projected gradient descent. The robust loss
    falls from the constant predictor along h only if chi > 1 (DERIVED). Normalisation takes the statistics of the
    batch, dropout is left out; module, running statistics and PyTorch's random numbers stay as they were. The cost is
    one gradient and about 14 passes of a batch. Source: theory `trainability_minmax.md` sections 1, 2 and 4
    (thresholds and rates MEASURED there for networks of up to 14 layers and 256 units, 150 to 250 steps; not for
    networks that are trained already).

    Parameters
    ----------
    networks
        One module from (n, ...) to (n, K) scores, or several; the result has a ``network`` dimension in either case.
    data
        At least four inputs of at least two classes; two batches of `batch_size` are drawn from it. 400 are good:
        batches below 200 give values 10 to 30 % lower in places.
    radius, p, box
        The attack: largest ||eta||_p, p = 1, 2 or infinity; (0, 1) keeps x + eta among images.
    adaptive
        Whether every parameter takes a step of the same size (the sign of the gradient), as Adam's first one.
    balanced
        Whether batches and means give every class the same weight, as `diagnose` does: then a constant h has no signal,
        and chi strays over batches by 3 % instead of 10 % (MEASURED, docs/networks.md). Otherwise section 2 is followed
        to the letter: batches at random, plain means, 1/K over all outputs; chi is then 12 % lower in the median, and
        means nothing where the scores hardly depend on the inputs yet.
    batch_size, attack_steps, seed
        Inputs in each batch (half of the data if there are fewer), steps of the attack, seed of the batches.

    Returns
    -------
    xarray.Dataset
        Dimension ``network``: ``chi``, ``label_signal``, ``attack_part`` (the last two per unit of u) and
        ``radius_over_distance``, the radius over the mean distance to the nearest input of another class in the same
        norm: where it nears 1/2 no network can be robust. Where the batches show no common class signal chi is 0, and
        the notes say so; at radius 0 it is infinite.

    Raises
    ------
    InputError
        Too few inputs or classes, a negative radius, a box that does not hold the inputs, a radius in other units than
        the inputs, a module that has nothing to train or does not accept the inputs.

    Examples
    --------
    A linear network on two classes at +mu and -mu has chi = ||mu|| / radius (theory section 1):

    >>> mu = torch.tensor([3.0, 4.0])
    >>> data = LabelledInputs(torch.stack([mu, -mu] * 10), torch.tensor([0, 1] * 10))
    >>> _ = torch.manual_seed(0)
    >>> round(float(measure_chi(nn.Linear(2, 2, bias=False), data, 2.0)["chi"][0]), 3)
    2.5
    """
    several = [networks] if isinstance(networks, nn.Module) else list(networks)
    threat = Threat.of(radius, p, box)
    data = LabelledInputs.of(data)
    values: dict[str, list[float]] = {name: [] for name in NAMES}
    notes = []
    size = min(batch_size, len(data.labels) // 2)
    for index, given in enumerate(several):
        network = in_single_precision(given)
        threat.check(data.inputs)
        with as_trained(network):
            first = LearntFirst.of(
                network, data, batch_size=batch_size, adaptive=adaptive, balanced=balanced, seed=seed
            )
            found = first.chi(threat, attack_steps)
        share = threat.radius / first.distance(threat.p)
        for name, value in zip(NAMES, (found.chi, first.signal, found.attack_part, share), strict=True):
            values[name].append(value)
        if first.signal <= 0:
            notes.append(f"Network {index}: the two batches show no common class signal; take larger batches.")
    seeds = [network.seed for network in several if isinstance(network, RandomNetwork)]
    return make_result(
        {name: (("network",), np.array(found)) for name, found in values.items()},
        {"network": seeds if len(set(seeds)) == len(several) else np.arange(len(several))},
        engine="measure chi",
        scenario={
            "data": data.name,
            "radius": threat.radius,
            "p": threat.p,
            "box": None if threat.box is None else list(threat.box),
            "adaptive": bool(adaptive),
            "balanced": bool(balanced),
            "batch_size": size,
            "attack_steps": attack_steps,
        },
        status=Status.COMPLETED,
        advice="chi < 1: robust training is likely to fail; 1 to 1.8: undecided; above 1.8: it is likely to work.",
        seed=seed,
        notes=notes,
        cite="jominy, theory page trainability_minmax.md (derived here, not in a paper)",
    )


@dataclass(frozen=True)
class ChiAt:
    """chi at one radius, its standard error over the inputs of the second batch, its attack part w, and the
    perturbations eta (n, d) that were found."""

    chi: float
    error: float
    attack_part: float
    eta: Tensor


@dataclass(frozen=True)
class LearntFirst:
    """The function h that one step up the label signal adds to a network, on a batch that the step has not seen.

    function : rows (n, d) to h (n, K), normalised by the statistics of these rows; shape : of one input
    rows, labels : the second batch; residual : r_y with the weight of its class (n, K); signals : (n,) <residual, h>
    """

    function: Function
    rows: Tensor
    labels: Tensor
    residual: Tensor
    signals: Tensor

    @property
    def signal(self) -> float:
        """a: the mean of <r_y, h>."""
        return float(self.signals.mean())

    @staticmethod
    def of(
        network: nn.Module,
        data: LabelledInputs,
        *,
        batch_size: int = BATCH,
        adaptive: bool = False,
        balanced: bool = True,
        seed: int = 0,
    ) -> LearntFirst:
        """h of a network in the mode it is in. Raises InputError as :func:`measure_chi` does."""
        network = unwrapped(network)
        data = data.on(device_of(network))
        one, other = two_batches(data, batch_size, seed, balanced)
        x, y = in_single(data.inputs[one]), data.labels[one]
        flat, _ = flat_function(network, x)
        theta: dict[str, Tensor] = {name: w for name, w in network.named_parameters() if w.requires_grad}
        if not theta:
            raise InputError(
                "the index needs a module with weights to train",
                "no parameter with requires_grad",
                "call requires_grad_(True) on what will be trained; without labels the attack alone is measured",
            )
        outputs = flat(x.flatten(1))
        if data.classes > outputs.shape[1]:
            raise InputError("the network must have an output for each class", f"{outputs.shape[1]} for {data.classes}")
        up = _direction((residuals(y, outputs, balanced) * outputs).sum() / len(y), theta, adaptive)
        rows, labels, shape = in_single(data.inputs[other]).flatten(1), data.labels[other], x.shape[1:]
        residual = residuals(labels, outputs, balanced)

        def at(step: float) -> Callable[[Tensor], Tensor]:
            moved = {name: value.detach() + step * up[name] for name, value in theta.items()}
            forward = applied(network, moved)
            return lambda points: forward(points.reshape(-1, *shape)).flatten(1)

        start = at(0.0)
        step = _step(
            start, at, rows, math.sqrt(sum(float(value.detach().double().square().sum()) for value in theta.values()))
        )
        ahead = at(step)

        def h(points: Tensor) -> Tensor:
            return (ahead(points) - start(points)) / step

        with torch.no_grad():
            signals = (residual * h(rows)).sum(1).double()
        signal = float(signals.mean())
        if not math.isfinite(signal):
            raise InputError("what the module learns first must be finite", signal, "scale the inputs or the weights")
        return LearntFirst(h, rows, labels, residual, signals)

    def chi(self, threat: Threat, steps: int = 5, warm: Tensor | None = None) -> ChiAt:
        """a / w under a threat, from the perturbations `warm` (or zero) on. At radius 0 chi is infinite."""
        if threat.radius == 0:
            return ChiAt(math.inf if self.signal > 0 else 0.0, 0.0, 0.0, torch.zeros_like(self.rows))

        def gained(eta: Tensor) -> Tensor:
            return -(self.residual * self.function(self.rows + eta)).sum(1)

        stride = 2.5 * threat.radius / steps
        eta = torch.zeros_like(self.rows) if warm is None else threat.nearest(warm, self.rows)
        best, at_best = torch.full_like(self.rows[:, 0], -math.inf), eta
        for _ in range(steps):
            value, slopes = gradient(gained, eta)
            better = value > best
            best, at_best = torch.where(better, value, best), torch.where(better.unsqueeze(1), eta, at_best)
            eta = threat.climbed(eta, slopes, stride, self.rows)
        with torch.no_grad():
            value = gained(eta)
            if bool((value < best).any()):  # rows may see each other through the statistics of the batch
                mixed = torch.where((value < best).unsqueeze(1), at_best, eta)
                mixed_value = gained(mixed)
                eta, value = (mixed, mixed_value) if mixed_value.mean() > value.mean() else (eta, value)
        part = self.signal + float(value.double().mean())
        if not math.isfinite(part):
            raise InputError(
                "the outputs of the module must be finite at every point within the radius",
                f"NaN or infinite outputs within a radius of {threat.radius:g}",
                "take a smaller radius",
            )
        if self.signal <= 0:
            return ChiAt(0.0, 0.0, part, eta)
        if not part > 0:
            return ChiAt(math.inf, 0.0, part, eta)
        chi = self.signal / part
        spread = self.signals - chi * (self.signals + value.detach().double())
        return ChiAt(chi, float(spread.std()) / (part * math.sqrt(len(spread))), part, eta)

    def distance(self, p: float) -> float:
        """Mean distance to the nearest input of another class, in the second batch."""
        return nearest_class_distance(self.rows, self.labels, p)

    def largest_radius(
        self, threat: Threat, found: ChiAt, *, wanted: float = TRAINS_FROM, most: int = 8
    ) -> tuple[float, float] | None:
        """The largest radius at which chi is still `wanted`, within 5 %, and chi there; None where none was found.

        Bisection in the logarithm of the radius from chi = `found` under the threat, on guesses that take chi as a
        power of the radius, with attacks that start from the last one. Radii above the distance between classes are not
        tried.
        """
        if self.signal <= 0:
            return None
        start = threat.radius
        known = {start: found.chi}
        ceiling = self.distance(threat.p)
        floor = NEGLIGIBLE * ceiling
        low, high = (start, None) if found.chi >= wanted else (None, start)
        eta, radius = found.eta, start
        for _ in range(most):
            if high is not None and high < floor:
                return None
            if low is not None and (low >= ceiling or (high is not None and high / low <= CLOSE)):
                break
            if low is None or high is None:
                at, way = (high, -1) if low is None else (low, 1)
                assert at is not None
                trial = at * (known[at] / wanted) ** 1.0
                trial = min(trial / 1.02, at / 1.05) if way < 0 else min(max(trial * 1.02, at * 1.05), ceiling)
            else:
                slope = math.log(known[low] / known[high]) / math.log(high / low)
                share = math.log(known[low] / wanted) / max(slope, 1e-9) / math.log(high / low)
                trial = low * (high / low) ** min(max(share, 0.1), 0.9)
                if share * math.log(high / low) < math.log(CLOSE) / 2:
                    trial = low * CLOSE
            at_trial = self.chi(threat.at(trial), 3, eta * (trial / radius))
            eta, radius = at_trial.eta, trial
            known[trial] = at_trial.chi
            if at_trial.chi >= wanted:
                low = trial
            else:
                high = trial
        return None if low is None else (low, known[low])


def _direction(signal: Tensor, theta: dict[str, Tensor], adaptive: bool) -> dict[str, Tensor]:
    """u of length one: the gradient of the label signal, or its sign."""
    slopes = slopes_of(signal, list(theta.values()))
    up = {
        name: torch.zeros_like(value) if slope is None else slope.sign() if adaptive else slope
        for (name, value), slope in zip(theta.items(), slopes, strict=True)
    }
    size = math.sqrt(sum(float(value.double().square().sum()) for value in up.values()))
    if not size > 0 or not math.isfinite(size):
        raise InputError(
            "the outputs of the module must depend on its trained weights",
            "a gradient of zero" if size == 0 else "a gradient that is not finite",
            "look for dead units, and for detach() or no_grad() in its forward",
        )
    return {name: value / size for name, value in up.items()}


def _step(start: Function, at: Callable[[float], Function], rows: Tensor, size: float) -> float:
    """The step that moves outputs by 5 % of their variation over rows; 1 % of the weights where they do not vary."""
    with torch.no_grad():
        outputs = start(rows)
        variation = float(norm(outputs - outputs.mean(0), 2).double().mean())
        step = 1e-3 * size if size > 0 else 1e-3
        if not variation > 1e-6 * float(norm(outputs, 2).double().mean()):
            return 10 * step
        for _ in range(6):
            moved = float(norm(at(step)(rows) - outputs, 2).double().mean())
            if not math.isfinite(moved) or moved > 100 * variation:
                step /= 100
                continue
            ratio = MOVE * variation / moved if moved > 0 else 100.0
            if 0.9 < ratio < 1.1:
                break
            step *= min(max(ratio, 0.01), 100.0)
    return step
