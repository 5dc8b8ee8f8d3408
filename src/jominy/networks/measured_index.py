"""The trainability index tau, measured on a network before it is trained: about the cost of four training steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from jominy.errors import InputError
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import magnitude
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import device_of, in_single
from jominy.networks.modules import applied, as_trained, check_finite, flat_function, in_single_precision, slopes_of
from jominy.networks.perturbations import quick_perturbation
from jominy.networks.random_network import RandomNetwork
from jominy.networks.threat import Threat, seeded
from jominy.networks.vectors import norm
from jominy.results import Status, make_result

if TYPE_CHECKING:
    import xarray as xr

NAMES = ("trainability_index", "collapse_time", "signal_time", "signal_rate", "gradient_power", "adversarial_loss")


def measure_trainability(
    networks: nn.Module | Sequence[nn.Module],
    data: LabelledInputs,
    radius: float,
    *,
    adversarial_weight: float = 1.0,
    p: float = 2,
    q: float = 2,
    batch_size: int = 100,
    attack_steps: int = 2,
    seed: int = 0,
) -> xr.Dataset:
    """tau = (L_adv / (lam g2)) (R / ln K) from two batches: below 0.25 expect a plateau, from 0.4 on none.

    With gradients g^(1), g^(2) over two different batches, which removes the share of single samples in their product:

        R  = <g_CE^(1), g_CE^(2)> / N, with the residual e_y - 1/K of outputs that are still zero   (``signal_rate``)
        g2 = <g_adv^(1), g_adv^(2)> / N, of L_adv = mean max ||f(x+eta) - f(x)||_q                  (``gradient_power``)
        collapse_time = L_adv / (lam g2), signal_time = ln K / R, in units (lr * N) * steps

    N is the width of a RandomNetwork, and 1 for any other module, whose times are in lr * steps. Batch normalisation
    takes the statistics of the batch, as it will in training; dropout is left out. The module, its running statistics
    and PyTorch's random numbers are left as they were. DERIVED, thresholds MEASURED for cross-entropy + L_adv(2,2),
    ReLU, plain SGD (theory `trainability.md` sections 2 to 5), without normalisation.

    Parameters
    ----------
    networks
        One module or several, not trained yet; the result has a ``network`` dimension in either case.
    data
        At least four inputs with at least two classes; two batches of `batch_size` are drawn from it.
    radius, p, q, adversarial_weight
        The attack and lam.
    batch_size, attack_steps, seed
        Inputs in each batch (half of the data if there are fewer), steps of the attack, seed of both.

    Returns
    -------
    xarray.Dataset
        Dimension ``network``: ``trainability_index`` and what it is made of. Where the batches show no common class
        signal (R <= 0) the index is 0 and the signal time infinite; where they show no common adversarial gradient it
        is infinite; the notes say so.

    Raises
    ------
    InputError
        Too few inputs or classes, a negative radius or weight, a module that does not accept the inputs.

    Examples
    --------
    >>> from jominy.meanfield import Architecture
    >>> from jominy.networks import RandomNetwork, gaussian_classes
    >>> data = gaussian_classes(200, 64, 10, seed=1)
    >>> kind = dict(weight_variance=2.0)
    >>> taus = [float(measure_trainability(RandomNetwork(Architecture(12, n, 64, 10, **kind), seed=0), data, 1.3)
    ...     ["trainability_index"][0]) for n in (64, 512)]
    >>> taus[0] < 0.25 < taus[1]
    True
    """
    several = [networks] if isinstance(networks, nn.Module) else list(networks)
    threat, q = Threat.of(radius, p), norm_exponent(q, "q")
    weight = float(magnitude(adversarial_weight, "weight of the adversarial loss", minimum=0.0))
    data = LabelledInputs.of(data)
    if data.classes < 2 or len(data.labels) < 4:
        raise InputError(
            "the index needs at least four inputs with at least two classes",
            f"{len(data.labels)} inputs, {data.classes} classes",
        )
    size = min(batch_size, len(data.labels) // 2)
    draw = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(data.labels), generator=draw, device=draw.device)
    batches = [order[:size], order[size : 2 * size]]
    values: dict[str, list[float]] = {name: [] for name in NAMES}
    notes = []
    for index, given in enumerate(several):
        network = in_single_precision(given)
        with as_trained(network):
            measured = _measure(network, data, batches, threat, q, weight, attack_steps, draw)
        for name in NAMES:
            values[name].append(measured[name])
        if measured["signal_rate"] <= 0:
            notes.append(f"Network {index}: the two batches show no common class signal; take larger batches.")
        if measured["gradient_power"] <= 0 and threat.radius * weight > 0:
            notes.append(f"Network {index}: the two batches show no common adversarial gradient; tau is large.")
    seeds = [network.seed for network in several if isinstance(network, RandomNetwork)]
    return make_result(
        {name: (("network",), np.array(found)) for name, found in values.items()},
        {"network": seeds if len(set(seeds)) == len(several) else np.arange(len(several))},
        engine="measure trainability",
        scenario={
            "data": data.name,
            "radius": threat.radius,
            "p": threat.p,
            "q": q,
            "adversarial_weight": weight,
            "batch_size": size,
            "attack_steps": attack_steps,
        },
        status=Status.COMPLETED,
        advice="tau < 0.25: expect a plateau; 0.25 to 0.4: borderline; above: no adversarial slowdown.",
        seed=seed,
        notes=notes,
        cite="jominy, theory page trainability.md (derived here, not in a paper)",
    )


def trained_weights(network: nn.Module) -> list[Tensor]:
    """The weight matrices and kernels that training would change; InputError where there are none."""
    weights = [value for value in network.parameters() if value.is_floating_point() and value.ndim >= 2]
    trained: list[Tensor] = [value for value in weights if value.requires_grad]
    if not trained:
        raise InputError(
            "the index needs a module with weights to train",
            f"all {len(weights)} weight matrices are frozen (requires_grad is False)" if weights else "no weights",
            "call requires_grad_(True) on what will be trained; without labels the attack alone is measured",
        )
    return trained


def _measure(
    network: nn.Module,
    data: LabelledInputs,
    batches: list[Tensor],
    threat: Threat,
    q: float,
    weight: float,
    attack_steps: int,
    draw: torch.Generator,
) -> dict[str, float]:
    device = device_of(network)
    function, rows = flat_function(network, in_single(data.inputs[batches[0]].to(device)))
    outputs = function(rows).shape[1]
    if data.classes > outputs:
        raise InputError("the network must have an output for each class", f"{outputs} for {data.classes}")
    trained, forward = trained_weights(network), applied(network)
    signal, adversarial, losses = [], [], []
    for index, batch in enumerate(batches):
        x, y = in_single(data.inputs[batch].to(device)), data.labels[batch].to(device)
        f = forward(x).flatten(1)
        residual = torch.nn.functional.one_hot(y, outputs).to(f) - 1 / outputs
        signal.append(_gradient((residual * f).sum(1).mean(), trained))
        source = draw if device == draw.device else seeded(x, index)
        eta = quick_perturbation(network, x, threat, q, steps=attack_steps, generator=source)
        loss = check_finite(norm((forward(x + eta) - forward(x)).flatten(1), q), threat.radius).mean()
        losses.append(float(loss.detach()))
        adversarial.append(_gradient(loss, trained))
    width = network.architecture.width if isinstance(network, RandomNetwork) else 1
    rate, power = (float(one.double() @ other.double()) / width for one, other in (signal, adversarial))
    loss_mean = float(np.mean(losses))
    collapse = loss_mean / (weight * power) if weight * power > 0 else math.inf
    time = math.log(outputs) / rate if rate > 0 else math.inf
    tau = 0.0 if rate <= 0 else collapse / time
    return dict(zip(NAMES, (tau, collapse, time, rate, power, loss_mean), strict=True))


def _gradient(value: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    kept = zip(parameters, slopes_of(value, parameters), strict=True)
    return torch.cat([(torch.zeros_like(weight) if slope is None else slope).flatten() for weight, slope in kept])
