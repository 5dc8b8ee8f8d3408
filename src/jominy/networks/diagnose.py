"""A user's own module: what it is made of, what an attack does to it, and what the theory says where it applies."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from jominy.errors import InputError
from jominy.meanfield.constants import Sharp
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import magnitude
from jominy.networks.anatomy import Anatomy, anatomy
from jominy.networks.chi_verdict import robust_outlook
from jominy.networks.diagnosed_index import measure_index
from jominy.networks.diagnosis import Diagnosis, LayerReport
from jominy.networks.effort import PASSES, SEARCH_BUDGET, affordable, operations, stages
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import batches_of, device_of, in_single, is_source
from jominy.networks.measured_index import trained_weights
from jominy.networks.modules import (
    applied,
    check_weights,
    evaluating,
    flat_function,
    in_single_precision,
    jacobians,
    normalised_by_untrained_statistics,
    slopes_of,
    unwrapped,
    with_statistics_of,
)
from jominy.networks.operator_norms import operator_norm
from jominy.networks.perturbations import strongest_perturbation
from jominy.networks.threat import Box, Threat
from jominy.networks.vectors import norm

USED = 400
"""Inputs that are taken from a loader or a data set."""
LARGEST_JACOBIANS = 2**26
"""Numbers in all Jacobians together up to which their operator norms are measured."""


def diagnose(
    module: nn.Module,
    inputs: Any,
    radius: float,
    p: float = 2,
    q: float = 2,
    *,
    labels: ArrayLike | Tensor | None = None,
    box: Box = None,
    adversarial_weight: float = 1.0,
    initial: nn.Module | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Diagnosis:
    """Can this module be trained against attacks of this radius? Also its parts, and what such an attack does to it.

    With labels the index chi is measured (:func:`measure_chi`, which holds for any module), and the largest radius at
    which it is still 1.8 is found by bisection; the first sentence says what will happen, how sure that is, and what
    would change it. Beside it stands tau (:func:`measure_trainability`), which is told for the networks and the
    objective it was tried on only. Of a large module fewer inputs are attacked (`attacked`), so that 64 inputs of a
    ResNet-18 for images of 32 x 32 take about a minute on two cores.

    The module runs in evaluation mode and is left as it was. Batch normalisation that has no statistics yet, which
    evaluation mode would make the identity, takes those of the inputs.

    The theory's prediction is eps sqrt(G) beta_{p,q}, where G sums, over all paths from input to output, the products
    of the layers' weight variances and the activations' gains: omega^L of `meanfield.md` section 3 for any chain of
    fully connected layers, with or without shortcuts (DERIVED there for equal layers; the sum over paths is its
    mean-field recursion). It takes weights as random, so a deviation says what training has done.

    Parameters
    ----------
    module : any nn.Module from (n, ...) to (n, K), on any device, compiled or not; scores may also be `.logits`, an
        entry "logits" or the first of a tuple; of one in half precision a copy in single precision is measured
    inputs : (n, ...), a tensor of the module's dtype or an array of NumPy; some 64 of them are enough; or what has
        labels too: LabelledInputs, a DataLoader, a data set of PyTorch or Hugging Face, of which 400 are taken
    radius : largest ||eta||_p
    p, q : 1, 2 or infinity
    labels : (n,) whole numbers from 0, the classes of the inputs; with them, the indices chi and tau are measured; 400
        inputs are good
    box : lowest and highest value of an entry, (0, 1) for images: the attack behind chi stays within
    adversarial_weight : of the adversarial loss in the objective that tau is told for
    initial : the module at initialisation, to compare the weight variances with
    seed : of the attack's random starts, and of the batches
    progress : whether to show a bar, after two seconds

    Raises
    ------
    InputError
        A module that does not accept the inputs, fails, cannot be differentiated, or has weights that are not finite;
        a negative radius, or one in other units than the inputs; another norm; a box that does not
        hold the inputs; labels that do not fit the inputs or the outputs, or with a module that has nothing to train.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(8, 50), nn.ReLU(), nn.Linear(50, 3))
    >>> found = diagnose(module, torch.randn(16, 8), radius=0.1)
    >>> found.anatomy.known, len(found.layers), round(found.adversarial_loss[0] / found.predicted_loss, 1)
    (True, 2, 0.9)
    """
    threat, q = Threat.of(radius, p, box), norm_exponent(q, "q")
    if not isinstance(module, nn.Module):
        raise InputError("diagnose takes a torch.nn.Module", type(module).__name__)
    check_weights(module)
    whole = unwrapped(module)
    module = in_single_precision(whole)
    inputs, labels = _taken(inputs, labels, module)
    if threat.radius == 0:
        raise InputError("a diagnosis needs a radius above zero", radius, "say how strong the attack is")
    weight = float(magnitude(adversarial_weight, "weight of the adversarial loss", minimum=0.0))
    _check_precision(inputs, "inputs")
    labelled = None if labels is None else LabelledInputs(inputs, labels)
    if labelled is not None:
        trained_weights(module)
    with evaluating(module):
        flat_function(module, inputs)
    threat.check(inputs)
    untrained = normalised_by_untrained_statistics(module)
    with with_statistics_of(module, inputs):
        found = _diagnosed(module, inputs if labelled is None else labelled, threat, q, weight, initial, seed, progress)
    return replace(found, statistics_of_inputs=untrained, half_precision=module is not whole)


def _diagnosed(
    module: nn.Module,
    data: Tensor | LabelledInputs,
    threat: Threat,
    q: float,
    weight: float,
    initial: nn.Module | None,
    seed: int,
    progress: bool,
) -> Diagnosis:
    """`diagnose` of arguments that are sound, with every normalisation knowing its statistics."""
    inputs, labelled = (data.inputs, data) if isinstance(data, LabelledInputs) else (data, None)
    radius, p = threat.radius, threat.p
    work = ["parts", "attack", "Jacobians", *([] if labelled is None else ["index tau", "index chi"])]
    with stages(work, progress) as stage:
        with evaluating(module):
            function, rows = flat_function(module, inputs)
            with torch.no_grad():
                outputs = _check_precision(function(rows), "outputs")
        count, dimension, classes = len(rows), rows.shape[1], outputs.shape[1]
        each = operations(module, inputs)
        few = inputs[: affordable(count, each, PASSES + 3 * classes)]
        parts = anatomy(module, few)
        stage("attack")
        attack = strongest_perturbation(module, few, radius, p, q, seed=seed)
        stage("Jacobians")
        measured = None
        if len(few) * dimension * classes <= LARGEST_JACOBIANS:
            with evaluating(module):
                matrices = jacobians(module, function, few.flatten(1)).detach()
            measured = _mean(operator_norm(matrices, p, q, seed=seed).value)
        index, outlook = None, None
        if labelled is not None:
            stage("index tau")
            index = measure_index(module, labelled, threat, q, weight, parts, seed, large=len(few) < count)
            stage("index chi")
            outlook = robust_outlook(
                module,
                labelled,
                threat,
                accuracy=index.accuracy,
                trained=index.trained,
                seed=seed,
                tries=affordable(8, each, 10 * len(labelled.labels), SEARCH_BUDGET, least=3),
            )
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
        layers=_layers(module, few, attack.eta, q, parts, None if initial is None else anatomy(initial, few)),
        operator_norm=measured,
        adversarial_loss=_mean(attack.loss),
        predicted_norm=predicted,
        predicted_loss=None if predicted is None else radius * predicted,
        trainability=index,
        outlook=outlook,
        attacked=len(few),
    )


def _taken(inputs: Any, labels: Any, module: nn.Module) -> tuple[Tensor, Any]:
    """Inputs where the module is, and labels, from arrays or from a source that has both."""
    if isinstance(inputs, LabelledInputs):
        inputs, labels = inputs.inputs, inputs.labels if labels is None else labels
    elif is_source(inputs):
        if labels is not None:
            raise InputError("labels are given once", "labels beside a loader or a data set that has its own")
        inputs, labels = batches_of(inputs, USED, exactly=False)
    if isinstance(inputs, np.ndarray):
        weight = next((w for w in module.parameters() if w.is_floating_point()), None)
        inputs = torch.from_numpy(np.ascontiguousarray(inputs)).to(torch.float32 if weight is None else weight.dtype)
    return in_single(inputs.to(device_of(module))) if isinstance(inputs, Tensor) else inputs, labels


def _check_precision(values: Tensor, name: str) -> Tensor:
    """The values as they are; InputError where the change of an output would drown in the rounding of their format."""
    if isinstance(values, Tensor) and values.is_floating_point() and values.itemsize < 4:
        raise InputError(
            f"the {name} of a diagnosis must be of single or double precision",
            f"{name} of {values.dtype}",
            "half precision drowns the change of an output in rounding: module.float(), inputs.float(), no autocast",
        )
    return values


def _layers(
    module: nn.Module, inputs: Tensor, eta: Tensor, q: float, parts: Anatomy, initial: Anatomy | None
) -> tuple[LayerReport, ...]:
    """The layers with the gradient of the adversarial loss at the attack found."""
    weights = {name: value for name, value in module.named_parameters() if value.requires_grad}
    forward = applied(module)
    with evaluating(module), torch.enable_grad():
        loss = norm((forward(inputs + eta) - forward(inputs)).flatten(1), q).mean()
        slopes = slopes_of(loss, list(weights.values()))
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
