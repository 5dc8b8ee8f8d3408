"""Features of a frozen network, how they move with its input, and the head that stands on them.

Source: theory `heads.md` sections 1 and 6.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from jominy.data import FrozenFeatures
from jominy.errors import InputError
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import device_of, is_source
from jominy.networks.modules import (
    applied,
    check_weights,
    evaluating,
    flat_function,
    in_single_precision,
    jacobians,
    unwrapped,
)

ENERGY = 0.99
"""Mean share of |J|^2 that the rank keeps by default."""
LEAST_RANK = 16
"""Of the Jacobians, where it is chosen: rank 16 is as good as all of it for plain networks (`heads.md` section 0)."""
BATCH = 128


class Head(NamedTuple):
    """The last linear layer of a network: scores = weights phi + bias.

    Attributes:
        weights: (K, m).
        bias: (K,).
    """

    weights: np.ndarray
    bias: np.ndarray


class Backbone(nn.Module):
    """A module up to the features that its last linear layer stands on, or up to the output of a named layer."""

    def __init__(self, module: nn.Module, layer: str | None, inputs: Tensor) -> None:
        super().__init__()
        self.module = module
        self.layer = last_linear(module, inputs) if layer is None else layer
        self.after = layer is not None
        parts = dict(module.named_modules())
        if self.layer not in parts:
            names = [name for name in parts if name]
            raise InputError("the layer must be one of the module's", layer, f"Layers: {', '.join(names[:30])}")
        self.part = parts[self.layer]

    def forward(self, inputs: Tensor) -> Tensor:
        with _caught(self.part, self.after) as found:
            self.module(inputs)
        if not found or not isinstance(found[-1], Tensor) or len(found[-1]) != len(inputs):
            raise InputError(
                "the layer must be run once for each batch, and give a row for each input",
                f"{self.layer!r}",
                "Name another layer",
            )
        return found[-1].flatten(1)


@contextmanager
def _caught(part: nn.Module, after: bool) -> Iterator[list[Any]]:
    """What goes into a part of a module while it runs, or what comes out of it."""
    found: list[Any] = []

    def output(_: nn.Module, inputs: Any, output: Any) -> None:
        found.append(output)

    def input_(_: nn.Module, inputs: Any) -> None:
        found.append(inputs[0])

    handle = part.register_forward_hook(output) if after else part.register_forward_pre_hook(input_)
    try:
        yield found
    finally:
        handle.remove()


def last_linear(module: nn.Module, inputs: Tensor) -> str:
    """The name of the linear layer that runs last. InputError where there is none, or it is not the end of a network.

    >>> last_linear(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), torch.zeros(1, 4))
    '2'
    """
    order: list[str] = []
    handles = []
    for name, part in module.named_modules():
        if isinstance(part, nn.Linear):
            handles.append(part.register_forward_hook(lambda _, __, ___, name=name: order.append(name)))
    try:
        with evaluating(module), torch.no_grad():
            applied(module)(inputs[:1])
    finally:
        for handle in handles:
            handle.remove()
    if not order:
        raise InputError(
            "the module must end in a linear layer, on whose inputs a head stands",
            f"{type(module).__name__} without one",
            'Name the layer whose outputs are the features: layer="avgpool"',
        )
    return order[-1]


def features(
    module: nn.Module,
    inputs: Any,
    layer: str | None = None,
    *,
    batch_size: int = 256,
    device: Any = None,
    progress: bool = True,
) -> FrozenFeatures:
    """Features phi (n, m) of inputs under a frozen network: what its last linear layer stands on.

    They are for clean questions. A head that is to be robust to attacks on the *input* needs :func:`linearised`: put
    into `Samples`, these features are attacked themselves, which is another problem, and results say so.

    Parameters
    ----------
    module : any nn.Module, used in evaluation mode and left as it was
    inputs : a tensor or an array (n, ...), or with labels: a DataLoader, a data set, a pair (X, y), LabelledInputs
    layer : name of the layer whose outputs are the features; by default the inputs of the last linear layer
    batch_size : inputs that go through the network together
    device : where to compute; by default where the module is
    progress : whether to show a bar on work of more than two seconds

    Returns
    -------
    FrozenFeatures
        `save` writes them, `load_features` reads them, without pickle.

    Raises
    ------
    InputError
        No linear layer and no name of another; a module that does not accept the inputs.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))
    >>> features(net, torch.randn(20, 2, 4))
    FrozenFeatures(20 inputs, 5 features)
    """
    return _through(module, inputs, layer, None, None, batch_size, device, progress)


def linearised(
    module: nn.Module,
    inputs: Any,
    layer: str | None = None,
    *,
    rank: int | None = None,
    norm: float = 2,
    batch_size: int = BATCH,
    device: Any = None,
    progress: bool = True,
) -> FrozenFeatures:
    """Features of a frozen network, and to first order how an attack on the input moves them.

    For each input the Jacobian J = d phi / dx (m x p) is taken, m backward passes, and kept as J = A V' of rank r.
    Whatever is asked of a head afterwards, at any radius, step, batch and label set, needs the network no more.

    Parameters
    ----------
    module, inputs, layer, device, progress : as in :func:`features`
    rank : of the Jacobians; by default 16, or as many more as keep 99 % of the mean |J|^2 of the first batch (networks
        with batch normalisation need about 32)
    norm : 2, or math.inf to keep V too, which attacks of l_inf need; both norms can then be asked about
    batch_size : inputs whose Jacobians are in memory together

    Returns
    -------
    FrozenFeatures
        With `factors` (n, m, r), and `directions` (n, p, r) for l_inf; `energy` tells what each rank keeps.

    Notes
    -----
    Source: theory `heads.md` sections 1 and 6. Exact for a network of ReLUs while the attack stays within one cell of
    its activations; `forecast_head` says how far that is from the truth.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))
    >>> linearised(net, (torch.randn(20, 2, 4), torch.arange(20) % 3)).factors.shape
    (20, 5, 5)
    """
    if norm not in (2, math.inf):
        raise InputError("the norm of attacks must be 2 or infinity", norm, "Give norm=math.inf")
    if rank is not None and (not isinstance(rank, int) or isinstance(rank, bool) or rank < 1):
        raise InputError("the rank must be a whole number >= 1", rank, "16 is usual, 32 with batch normalisation")
    return _through(module, inputs, layer, norm, rank, batch_size, device, progress)


def _through(
    module: nn.Module,
    inputs: Any,
    layer: str | None,
    norm: float | None,
    rank: int | None,
    batch_size: int,
    device: Any,
    progress: bool,
) -> FrozenFeatures:
    """The features, with factors for a norm, and directions if that is infinity."""
    if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
        raise InputError("batch_size must be a whole number >= 1", batch_size, "128 is usual")
    check_weights(module)
    module = in_single_precision(unwrapped(module))
    where = device_of(module) if device is None else torch.device(device)
    home = device_of(module)
    x, labels = rows_of(inputs, module)
    began, parts, energy = time.perf_counter(), [], None
    try:
        module.to(where)
        with evaluating(module):
            backbone = Backbone(module, layer, x[:1].to(where))
            flat_function(backbone, x[: min(batch_size, len(x))].to(where))
            with tqdm(total=len(x), delay=2, unit="input", desc="features", disable=not progress) as bar:
                for part in x.split(batch_size):
                    found = _linear_part(backbone, part.to(where), norm, rank, energy)
                    rank, energy = found[3], found[4]
                    parts.append([None if values is None else values.cpu().numpy() for values in found[:3]])
                    bar.update(len(part))
    finally:
        module.to(home)
    phi, factors, directions = (
        None if parts[0][k] is None else np.concatenate([part[k] for part in parts]) for k in range(3)
    )
    record: dict[str, Any] = {
        "module": type(module).__name__, "layer": backbone.layer, "seconds": time.perf_counter() - began,
    }  # fmt: skip
    kept = None if energy is None or rank is None else energy[:rank].cpu().numpy()
    assert phi is not None
    return FrozenFeatures(phi, factors, directions, labels, x.numpy(), kept, record)


def _linear_part(
    backbone: Backbone, inputs: Tensor, norm: float | None, rank: int | None, energy: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None, int | None, Tensor | None]:
    """Features of a batch, A and V of its Jacobians, and the rank and the energy that every batch has."""
    function, rows = flat_function(backbone, inputs)
    with torch.no_grad():
        phi = function(rows).detach()
    if norm is None:
        return phi, None, None, rank, energy
    jacobian = jacobians(backbone, function, rows).detach()
    # The eigenvectors of the smaller Gram matrix are enough, and far cheaper than a decomposition of J.
    values, vectors = torch.linalg.eigh(jacobian.double() @ jacobian.double().mT)
    values, vectors = values.flip(-1).clamp_min(0.0), vectors.flip(-1)
    if energy is None:
        share = values.cumsum(-1) / values.sum(-1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
        energy = share.mean(0)
        widest = min(jacobian.shape[1:])
        if rank is None:
            enough = int((energy < ENERGY).sum()) + 1
            rank = max(LEAST_RANK, enough)
        rank = min(rank, widest)
    root = values[:, :rank].sqrt()
    vectors = vectors[..., :rank]
    factors = (vectors * root.unsqueeze(1)).to(phi.dtype)
    if norm == 2:
        return phi, factors, None, rank, energy
    # Directions that no input moves have no v: zeros do.
    inverse = torch.where(root > root[:, :1] * 1e-6, 1 / root.clamp_min(1e-300), torch.zeros_like(root))
    directions = jacobian.double().mT @ (vectors * inverse.unsqueeze(1))
    return phi, factors, directions.to(phi.dtype), rank, energy


def rows_of(inputs: Any, module: nn.Module) -> tuple[Tensor, np.ndarray | None]:
    """Inputs (n, ...) in the precision of the module, and their labels where they have any."""
    weight = next((value for value in module.parameters() if value.is_floating_point()), None)
    dtype = torch.float32 if weight is None else weight.dtype
    if isinstance(inputs, LabelledInputs) or is_source(inputs) or (isinstance(inputs, tuple) and len(inputs) == 2):
        data = LabelledInputs.of(inputs)
        return data.inputs.detach().cpu().to(dtype), data.labels.cpu().numpy()
    try:
        rows = torch.as_tensor(inputs).detach().cpu().to(dtype)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(
            "inputs must be numbers (n, ...)", type(inputs).__name__, "Give a tensor, (X, y) or a DataLoader"
        ) from None
    if rows.ndim < 2 or not len(rows):
        raise InputError("inputs must have one row per input, (n, ...)", f"shape {tuple(rows.shape)}")
    return rows, None


def head(module: nn.Module, inputs: Any = None) -> Head:
    """The last linear layer of a module: where fine-tuning of the head starts.

    `HeadSamples(...).start_from(*head(module))` is the `start` of a forecast or a fit; without one training starts from
    zero (a probe).

    Parameters
    ----------
    module : any nn.Module that ends in a linear layer
    inputs : a few inputs, to find out which linear layer runs last; by default the one that is registered last

    Examples
    --------
    >>> head(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))).weights.shape
    (2, 3)
    """
    linear = dict(module.named_modules())[_head_name(module, inputs)]
    assert isinstance(linear, nn.Linear)
    weights = linear.weight.detach().double().cpu().numpy()
    bias = np.zeros(len(weights)) if linear.bias is None else linear.bias.detach().double().cpu().numpy()
    return Head(weights, bias)


def with_head(module: nn.Module, model: Any, inputs: Any = None) -> nn.Module:
    """A copy of the module whose last linear layer is a head that was trained on its features.

    Parameters
    ----------
    module : any nn.Module that ends in a linear layer; it stays as it is
    model : what `fit` gives for a problem on `HeadSamples`, or a `Head`
    inputs : as in :func:`head`

    Returns
    -------
    nn.Module
        With one output for each class of the model.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> with_head(net, Head(np.ones((5, 3)), np.zeros(5)))(torch.zeros(1, 4)).shape
    torch.Size([1, 5])
    """
    weights, bias = model if isinstance(model, Head) else (model.coef_, model.intercept_)
    name = _head_name(module, inputs)
    made = copy.deepcopy(unwrapped(module))
    owner_name, _, last = name.rpartition(".")
    owner = dict(made.named_modules())[owner_name]
    old = dict(made.named_modules())[name]
    assert isinstance(old, nn.Linear)
    if np.ndim(weights) != 2 or np.shape(weights)[1] != old.in_features:
        raise InputError(
            f"the head must stand on the {old.in_features} features of the module's last layer",
            f"weights of shape {np.shape(weights)}",
        )
    new = nn.Linear(old.in_features, len(weights)).to(old.weight)
    with torch.no_grad():
        new.weight.copy_(torch.as_tensor(np.asarray(weights)))
        new.bias.copy_(torch.as_tensor(np.asarray(bias)))
    if owner_name == "" and name == "":
        return new
    setattr(owner, last, new)
    return made.train(module.training)


def _head_name(module: nn.Module, inputs: Any) -> str:
    if inputs is not None:
        return last_linear(module, rows_of(inputs, module)[0])
    names = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    if not names:
        raise InputError("the module must end in a linear layer", type(module).__name__)
    return names[-1]
