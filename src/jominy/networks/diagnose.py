"""A user's own module: what it is made of, what an attack does to it, and what the theory says where it applies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from jominy.errors import InputError
from jominy.meanfield.constants import Sharp
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import finite
from jominy.networks.anatomy import Anatomy, anatomy
from jominy.networks.diagnosed_index import MeasuredIndex, measure_index
from jominy.networks.inputs import LabelledInputs
from jominy.networks.modules import evaluating, flat_function, jacobians
from jominy.networks.operator_norms import operator_norm
from jominy.networks.perturbations import check_radius, strongest_perturbation
from jominy.networks.vectors import norm

LARGEST_JACOBIANS = 2**26
"""Numbers in all Jacobians together up to which their operator norms are measured."""


@dataclass(frozen=True)
class LayerReport:
    """One fully connected layer of the module.

    name, inputs, outputs: of its weights
    variance: sw2, the fan-in times the mean square of its weights
    initial_variance: the same at initialisation, where the module at initialisation was given
    signal: mean square of what goes into it
    gradient: ||grad||_F of the adversarial loss with respect to its weights; None for a fixed layer
    """

    name: str
    inputs: int
    outputs: int
    variance: float
    initial_variance: float | None
    signal: float
    gradient: float | None


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; `sentences()` says it in words, `describe()` gives a JSON-able record.

    Attributes
    ----------
    radius, p, q : the attack ||eta||_p <= radius, measured in the q-norm of the output
    count, input_dim, output_dim : inputs used, their dimension d, and K
    input_norm, output_norm : mean ||x||_p and ||f(x)||_q
    anatomy : layers, activations, shortcuts, and what the theory does not know
    layers : a LayerReport for each fully connected layer
    operator_norm : (mean over inputs, standard error) of ||J(x)||_{p->q}; None where J is too large
    adversarial_loss : (mean over inputs, standard error) of max ||f(x + eta) - f(x)||_q, by attack: a lower bound
    predicted_norm, predicted_loss : by the mean-field theory with the variances that the weights have now; None where
        the theory does not apply
    trainability : the index tau measured on the module, with its verdict; None without labels
    """

    radius: float
    p: float
    q: float
    count: int
    input_dim: int
    output_dim: int
    input_norm: float
    output_norm: float
    anatomy: Anatomy
    layers: tuple[LayerReport, ...]
    operator_norm: tuple[float, float] | None
    adversarial_loss: tuple[float, float]
    predicted_norm: float | None
    predicted_loss: float | None
    trainability: MeasuredIndex | None = None

    def describe(self) -> dict[str, Any]:
        """The diagnosis as a JSON-able record."""
        record: dict[str, Any] = {
            name: value for name, value in vars(self).items() if name not in ("anatomy", "layers", "trainability")
        }
        record |= {"p": _text(self.p), "q": _text(self.q), "layers": [vars(layer) for layer in self.layers]}
        record |= {name: getattr(self.anatomy, name) for name in ("activations", "shortcuts", "total_gain")}
        if self.trainability is not None:
            record["trainability"] = self.trainability.describe()
        return record | {"not_in_the_theory": list(self.anatomy.others), "said": self.sentences()}

    def sentences(self) -> list[str]:
        """What a reader should know, in words."""
        told = [self._made_of(), self._attacked()]
        if not self.anatomy.known:
            why = ", ".join(self.anatomy.others) or "it has no fully connected layer"
            told.append(
                f"The mean-field theory does not apply, because of: {why}. What is measured holds all the same."
            )
        else:
            told.append(self._compared())
            told += self._propagation()
        return told if self.trainability is None else told + self.trainability.sentences()

    def _made_of(self) -> str:
        parts = [f"{len(self.layers)} fully connected layers", f"{self.anatomy.activations} ReLU-like activations"]
        parts += [f"{self.anatomy.shortcuts} shortcuts" if self.anatomy.shortcuts else "no shortcut"]
        return f"The module has {', '.join(parts)}; inputs of dimension {self.input_dim}, {self.output_dim} outputs."

    def _attacked(self) -> str:
        loss, error = self.adversarial_loss
        share = loss / self.output_norm if self.output_norm > 0 else math.inf
        return (
            f"An attack of l{_text(self.p)} norm {self.radius:g} ({100 * self.radius / self.input_norm:.2g} % of the "
            f"inputs') changes the output by {loss:.4g} +- {error:.2g} in the l{_text(self.q)} norm: "
            f"{100 * share:.3g} % of the output itself."
        )

    def _compared(self) -> str:
        loss = self.adversarial_loss[0]
        ratio = loss / self.predicted_loss if self.predicted_loss else math.nan
        verdict = (
            "as a random network with weights of this size would"
            if 0.8 <= ratio <= 1.25
            else "less than a random network with weights of this size: trained to be robust, saturated, or too small"
            if ratio < 0.8
            else "more than a random network with weights of this size: training has aligned its layers"
        )
        return f"The mean-field theory predicts {self.predicted_loss:.4g}; the module answers {verdict} ({ratio:.3g}x)."

    def _propagation(self) -> list[str]:
        assert self.anatomy.total_gain is not None
        gain, count = self.anatomy.total_gain, max(self.anatomy.activations, 1)
        told = []
        if gain > 100 or gain < 0.01:
            word, factor = ("grows", gain) if gain > 1 else ("fades", 1 / gain)
            cure = "a smaller weight variance" if gain > 1 else "a weight variance nearer to 2, or shortcuts"
            told.append(
                f"The signal {word} by {factor:.3g} in power from input to output, {gain ** (1 / count):.3g} per "
                f"layer: {cure} would keep it."
            )
        gradients = [layer.gradient for layer in self.layers if layer.gradient]
        if gradients and max(gradients) > 100 * min(gradients):
            told.append(
                f"Gradients of the adversarial loss differ by {max(gradients) / min(gradients):.3g} between layers: "
                "the layers will not learn together."
            )
        return told


def diagnose(
    module: nn.Module,
    inputs: Tensor,
    radius: float,
    p: float = 2,
    q: float = 2,
    *,
    labels: ArrayLike | Tensor | None = None,
    adversarial_weight: float = 1.0,
    initial: nn.Module | None = None,
    seed: int = 0,
) -> Diagnosis:
    """Look at a module as it stands: its parts, what an attack of this radius does, what the theory predicts.

    The module runs in evaluation mode and is left as it was. The theory's prediction is eps sqrt(G) beta_{p,q}, where
    G sums, over all paths from input to output, the products of the layers' weight variances and the activations'
    gains: omega^L of `meanfield.md` section 3 for any chain of fully connected layers, with or without shortcuts
    (DERIVED there for equal layers; the sum over paths is its mean-field recursion). It takes weights as random, so
    a deviation says what training has done.

    Parameters
    ----------
    module : any nn.Module from (n, ...) to (n, K)
    inputs : (n, ...), of the module's dtype; some 64 of them are enough
    radius : largest ||eta||_p
    p, q : 1, 2 or infinity
    labels : (n,) whole numbers from 0, the classes of the inputs; with them, the trainability index is measured, for a
        training on cross-entropy + adversarial_weight * adversarial loss from these weights; 200 inputs are good
    initial : the module at initialisation, to compare the weight variances with
    seed : of the attack's random starts, and of the batches

    Raises
    ------
    InputError
        A module that does not accept the inputs or has weights that are not finite; a negative radius; another norm;
        labels that do not fit the inputs or the outputs.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(8, 50), nn.ReLU(), nn.Linear(50, 3))
    >>> found = diagnose(module, torch.randn(16, 8), radius=0.1)
    >>> found.anatomy.known, len(found.layers), round(found.adversarial_loss[0] / found.predicted_loss, 1)
    (True, 2, 0.9)
    """
    p, q, radius = norm_exponent(p, "p"), norm_exponent(q, "q"), check_radius(radius)
    if not isinstance(module, nn.Module):
        raise InputError("diagnose takes a torch.nn.Module", type(module).__name__)
    if radius == 0:
        raise InputError("a diagnosis needs a radius above zero", radius, "say how strong the attack is")
    weight = float(finite(adversarial_weight, "weight of the adversarial loss", minimum=0.0))
    with evaluating(module):
        function, rows = flat_function(module, inputs)
        with torch.no_grad():
            outputs = function(rows)
        count, dimension, classes = len(rows), rows.shape[1], outputs.shape[1]
        measured = None
        if count * dimension * classes <= LARGEST_JACOBIANS:
            measured = _mean(operator_norm(jacobians(module, function, rows).detach(), p, q, seed=seed).value)
    attack = strongest_perturbation(module, inputs, radius, p, q, seed=seed)
    parts = anatomy(module, inputs)
    index = None
    if labels is not None:
        index = measure_index(module, LabelledInputs(inputs, labels), radius, p, q, weight, parts, seed)
    predicted = None
    if parts.total_gain is not None and parts.width_dimension is not None:
        d, k, width = (np.asarray(float(size)) for size in (dimension, classes, parts.width_dimension))
        beta = float(Sharp().value(d, k, width, p, q))
        predicted = math.sqrt(parts.total_gain) * beta
    return Diagnosis(
        radius=radius,
        p=p,
        q=q,
        count=count,
        input_dim=dimension,
        output_dim=classes,
        input_norm=float(norm(rows, p).mean()),
        output_norm=float(norm(outputs, q).mean()),
        anatomy=parts,
        layers=_layers(module, inputs, attack.eta, q, parts, None if initial is None else anatomy(initial, inputs)),
        operator_norm=measured,
        adversarial_loss=_mean(attack.loss),
        predicted_norm=predicted,
        predicted_loss=None if predicted is None else radius * predicted,
        trainability=index,
    )


def _layers(
    module: nn.Module, inputs: Tensor, eta: Tensor, q: float, parts: Anatomy, initial: Anatomy | None
) -> tuple[LayerReport, ...]:
    """The layers with the gradient of the adversarial loss at the attack found."""
    weights = {name: value for name, value in module.named_parameters() if value.requires_grad}
    with evaluating(module), torch.enable_grad():
        loss = norm((module(inputs + eta) - module(inputs)).flatten(1), q).mean()
        slopes = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    sizes = {name: slope.norm().item() for name, slope in zip(weights, slopes, strict=True) if slope is not None}
    before = {} if initial is None else {layer.name: layer.variance for layer in initial.layers}
    return tuple(
        LayerReport(
            layer.name,
            layer.inputs,
            layer.outputs,
            layer.variance,
            before.get(layer.name),
            layer.signal,
            sizes.get(layer.name),
        )
        for layer in parts.layers
    )


def _mean(values: Tensor) -> tuple[float, float]:
    """Mean and its standard error."""
    spread = values.double().std().item() if len(values) > 1 else 0.0
    return values.double().mean().item(), spread / math.sqrt(len(values))


def _text(exponent: float) -> str:
    return "inf" if math.isinf(exponent) else f"{exponent:g}"
