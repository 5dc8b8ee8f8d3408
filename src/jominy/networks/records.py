"""What is measured of a network while it trains, on inputs that stay the same."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from jominy.networks.classification import projected_ascent
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import device_of
from jominy.networks.modules import applied, evaluating, unwrapped
from jominy.networks.objectives import Objective
from jominy.networks.perturbations import quick_perturbation
from jominy.networks.threat import seeded
from jominy.networks.vectors import norm

SCALARS = (
    "training_loss",
    "cross_entropy",
    "adversarial_loss",
    "clean_accuracy",
    "adversarial_accuracy",
    "output_norm",
    "fisher_rao_norm",
)
PER_LAYER = ("weight_variance", "gradient_norm")


def layer_weights(network: nn.Module) -> dict[str, Tensor]:
    """The trained weight matrices, convolution kernels included, in order; not biases or scales."""
    return {name: value for name, value in network.named_parameters() if value.requires_grad and value.ndim >= 2}


def weight_variance(weight: Tensor) -> float:
    """||W||_F^2 / rows: fan-in times the mean square of an entry; ||W_l||_F^2/N in the theory."""
    return float(weight.detach().double().square().sum()) / weight.shape[0]


def record(network: nn.Module, objective: Objective, data: LabelledInputs, *, seed: int) -> dict[str, np.ndarray]:
    """All variables of one moment: scalars, and (layers,) arrays.

    training_loss:        the objective, on its own attack
    adversarial_loss:     mean ||f(x + eta) - f(x)||_q over the inputs, by an attack of six steps
    adversarial_accuracy: accuracy under projected gradient ascent of ten steps
    output_norm:          mean ||f(x)||_2
    weight_variance:      ||W_l||_F^2 / rows of each layer
    gradient_norm:        ||d objective / d W_l||_F of the mean over the inputs
    fisher_rao_norm:      sqrt E (sum_l <W_l, d loss / d W_l>)^2 over single inputs (Liang et al. 2019)
    """
    with evaluating(network):
        there = data.on(device_of(network))
        inputs, labels, forward = there.inputs, there.labels, applied(network)
        draw = seeded(inputs, seed)
        eta = objective.perturb(network, inputs, labels, draw)
        weights = layer_weights(network)
        loss = objective.losses(forward, inputs, labels, eta).mean()
        slopes = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        threat, q = objective.threat, objective.q
        strong = quick_perturbation(network, inputs, threat, q, steps=6, generator=draw)
        worst = projected_ascent(network, inputs, labels, threat, steps=10)
        with torch.no_grad():
            outputs, moved = forward(inputs), forward(inputs + strong)
            attacked = forward(inputs + worst).argmax(1)
        values: dict[str, Tensor | float] = {
            "training_loss": loss.detach(),
            "cross_entropy": cross_entropy(outputs, labels),
            "adversarial_loss": norm((moved - outputs).flatten(1), q).mean(),
            "clean_accuracy": (outputs.argmax(1) == labels).double().mean(),
            "adversarial_accuracy": (attacked == labels).double().mean(),
            "output_norm": norm(outputs.flatten(1), 2).mean(),
            "fisher_rao_norm": fisher_rao_norm(network, objective, inputs, labels, eta),
        }
    return {name: np.array(float(value)) for name, value in values.items()} | {
        "weight_variance": np.array([weight_variance(weight) for weight in weights.values()]),
        "gradient_norm": np.array([0.0 if slope is None else float(slope.norm()) for slope in slopes]),
    }


def fisher_rao_norm(network: nn.Module, objective: Objective, inputs: Tensor, labels: Tensor, eta: Tensor) -> float:
    """sqrt of the mean over inputs of <theta, grad loss(x)>^2, theta all trained parameters, by one forward-mode pass.

    Source: definition of Liang et al. 2019 as in theory `meanfield.md` section 7 (DERIVED).
    """
    trained = {name: w.detach() for name, w in unwrapped(network).named_parameters() if w.requires_grad}

    def losses(parameters: dict[str, Tensor]) -> Tensor:
        return objective.losses(applied(unwrapped(network), parameters), inputs, labels, eta)

    along: Tensor = torch.func.jvp(losses, (trained,), (trained,))[1]
    return float(along.double().square().mean().sqrt())
