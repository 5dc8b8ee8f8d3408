"""What a diagnosis says of a module, in numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from jominy.networks.anatomy import Anatomy
from jominy.networks.chi_verdict import RobustOutlook
from jominy.networks.diagnosed_index import MeasuredIndex


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
    outlook : the index chi of robust training, with its verdict and the largest radius; None without labels
    half_precision : whether the module is of half precision, and a copy in single precision was measured
    attacked : inputs that were attacked: fewer than `count` of a large module
    statistics_of_inputs : whether batch normalisation, having no statistics, took those of the inputs
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
    statistics_of_inputs: bool = False
    outlook: RobustOutlook | None = None
    attacked: int = 0
    half_precision: bool = False

    def describe(self) -> dict[str, Any]:
        """The diagnosis as a JSON-able record."""
        record: dict[str, Any] = {
            name: value
            for name, value in vars(self).items()
            if name not in ("anatomy", "layers", "trainability", "outlook")
        }
        record |= {"p": _text(self.p), "q": _text(self.q), "layers": [vars(layer) for layer in self.layers]}
        record |= {name: getattr(self.anatomy, name) for name in ("activations", "shortcuts", "total_gain")}
        if self.trainability is not None:
            record["trainability"] = self.trainability.describe()
        if self.outlook is not None:
            record["outlook"] = self.outlook.describe()
        return record | {"not_in_the_theory": list(self.anatomy.others), "said": self.sentences()}

    def sentences(self) -> list[str]:
        """What a reader should know, in words."""
        if self.outlook is None:
            told = [
                "Whether this module can be trained against such attacks is not known without labels: give the classes "
                "of about 400 inputs."
            ]
        else:
            told = [self.outlook.sentence(), self.outlook.margin(), *self.outlook.limits()]
        if self.trainability is not None:
            told += self.trainability.sentences()
        told += [self._made_of(), self._attacked()]
        if self.half_precision:
            told.append("Its weights are of half precision; it was measured in single precision.")
        if self.statistics_of_inputs:
            told.append("Its batch normalisation has seen no data yet: it took the statistics of these inputs.")
        if not self.anatomy.known:
            why = ", ".join(self.anatomy.others) or "it has no fully connected layer"
            told.append(
                f"The mean-field theory does not apply, because of: {why}. What is measured holds all the same."
            )
        else:
            told.append(self._compared())
            told += self._propagation()
        return told

    def _made_of(self) -> str:
        parts = [
            f"{len(self.layers)} fully connected layer{'s' * (len(self.layers) != 1)}",
            f"{self.anatomy.activations} ReLU-like activations",
        ]
        parts += [f"{self.anatomy.shortcuts} shortcuts" if self.anatomy.shortcuts else "no shortcut"]
        return f"The module has {', '.join(parts)}; inputs of dimension {self.input_dim}, {self.output_dim} outputs."

    def _attacked(self) -> str:
        loss, error = self.adversarial_loss
        zero = "the inputs are zero"
        size = f"{100 * self.radius / self.input_norm:.2g} % of the inputs'" if self.input_norm > 0 else zero
        share = (
            f": {100 * loss / self.output_norm:.3g} % of the output itself" if self.output_norm > 0 else ", from zero"
        )
        few = f" ({self.attacked} of the {self.count} inputs)" if 0 < self.attacked < self.count else ""
        return (
            f"An attack of l{_text(self.p)} norm {self.radius:g} ({size}) changes the output by "
            f"{loss:.4g} +- {error:.2g} in the l{_text(self.q)} norm{share}{few}."
        )

    def _compared(self) -> str:
        if not self.predicted_loss:
            return "The mean-field theory predicts no change: a layer has only zeros, and no signal passes it."
        loss = self.adversarial_loss[0]
        ratio = loss / self.predicted_loss
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
        if gain > 100 or 0 < gain < 0.01:
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


def _text(exponent: float) -> str:
    return "inf" if math.isinf(exponent) else f"{exponent:g}"
