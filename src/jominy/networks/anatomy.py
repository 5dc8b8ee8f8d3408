"""What a module is made of, read off the graph that autograd records: layers, their weights, shortcuts, the rest.

The graph also says what the mean-field theory needs: every path from the input to the output, with the variance of its
weights. Parts that the theory does not know (convolutions, normalisation, attention, ...) are named.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from jominy.networks.modules import applied, evaluating

PASSING: tuple[str, ...] = (
    "T",
    "Transpose",
    "Permute",
    "View",
    "UnsafeView",
    "ReshapeAlias",
    "Clone",
    "Alias",
    "ToCopy",
    "Squeeze",
)
PASSING += ("Unsqueeze", "Expand", "Contiguous", "Detach", "Select")
PRODUCTS = ("Addmm", "Mm", "Linear", "Addmv", "Mv", "Bmm")
UNKNOWN = {
    "Convolution": "convolution",
    "NativeBatchNorm": "batch normalisation",
    "CudnnBatchNorm": "batch normalisation",
    "NativeLayerNorm": "layer normalisation",
    "NativeGroupNorm": "group normalisation",
    "Softmax": "softmax (attention)",
    "LogSoftmax": "softmax",
    "ScaledDotProduct": "attention",
    "MaxPool": "max pooling",
    "AvgPool": "average pooling",
    "AdaptiveAvgPool": "average pooling",
    "Mean": "averaging",
    "Embedding": "embedding",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Gelu": "GELU",
    "Silu": "SiLU",
    "Elu": "ELU",
    "Softplus": "softplus",
}


@dataclass(frozen=True)
class LinearLayer:
    """One fully connected layer.

    name: of its parameter, empty where it has none
    inputs, outputs: fan-in and fan-out
    variance: sw2, the fan-in times the mean square of its weights
    signal: mean square of what goes into it; NaN where autograd does not keep it
    """

    name: str
    inputs: int
    outputs: int
    variance: float
    signal: float


class Path(NamedTuple):
    """All paths from the input up to a point of the graph.

    gain:       product of variances (sw2 of layers, alpha of activations), summed over the paths
    dispersion: tr(A^2)/(tr A)^2 - 1/d of A = J J^T there: what finite width adds to 1/d_eff
    before:     the dispersion before the last layer
    width:      units there
    """

    gain: float
    dispersion: float
    before: float
    width: int


@dataclass(frozen=True)
class Anatomy:
    """What a module is made of.

    Attributes
    ----------
    layers : fully connected layers, from the input to the output
    activations, leaky : number of ReLU or leaky ReLU layers, and whether some are leaky
    leaky : whether some of them are leaky
    shortcuts : sums of two paths that both come from the input
    others : parts that the mean-field theory does not know, in words
    total_gain : d times the variance of an entry of the Jacobian J if weights were redrawn at their present size; None
        where the theory does not apply
    width_dimension : dN, with 1/d_eff = 1/d + 1/dN; None likewise
    """

    layers: tuple[LinearLayer, ...]
    activations: int
    shortcuts: int
    others: tuple[str, ...]
    total_gain: float | None
    width_dimension: float | None
    leaky: bool = False

    @property
    def known(self) -> bool:
        """Whether the mean-field theory applies."""
        return self.total_gain is not None


def anatomy(module: nn.Module, inputs: Tensor) -> Anatomy:
    """What `module` is made of, from one pass of `inputs` (n, ...) through it.

    >>> torch.manual_seed(0) # doctest: +ELLIPSIS
    <torch._C.Generator ...
    >>> module = nn.Sequential(nn.Linear(8, 50), nn.ReLU(), nn.Linear(50, 50), nn.ReLU(), nn.Linear(50, 3))
    >>> found = anatomy(module, torch.ones(1, 8))
    >>> len(found.layers), found.activations, found.shortcuts, found.others, round(found.layers[1].variance, 1)
    (3, 2, 0, (), 0.3)
    """
    names = {}
    x = inputs.detach().clone().requires_grad_(True)
    with evaluating(module), torch.enable_grad():
        matrices = [(name, value) for name, value in module.named_buffers() if value.ndim == 2]  # fixed layers, maybe
        for name, value in (*module.named_parameters(), *matrices):
            if value.dtype.is_floating_point and value.is_leaf:
                names[id(value.requires_grad_(True))] = name
        output = applied(module)(x)
    reader = _Reader(names, x)
    path = reader.path(output.grad_fn)
    layers = tuple(reader.layers)
    width = None
    if path is not None:
        width = math.inf if path.before == 0 else 1 / path.before
    others = tuple(dict.fromkeys(reader.others))
    gain = None if path is None or others or not layers else path.gain
    return Anatomy(
        layers, reader.activations, reader.shortcuts, others, gain, None if gain is None else width, reader.leaky
    )


@dataclass
class _Reader:
    """Walks the graph from the output to the input, once per node."""

    names: dict[int, str]
    x: Tensor
    layers: list[LinearLayer] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    activations: int = 0
    leaky: bool = False
    shortcuts: int = 0
    seen: dict[Any, Path | None] = field(default_factory=dict)

    def path(self, root: Any) -> Path | None:
        """The paths from the input to `root`; None where there are none. Without recursion: networks can be deep."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in self.seen:
                stack.pop()
                continue
            waiting = [child for child, _ in node.next_functions if child is not None and child not in self.seen]
            if waiting:
                stack.append(waiting[0])
                continue
            self.seen[stack.pop()] = self._at(node)
        return self.seen[root]

    def _at(self, node: Any) -> Path | None:
        kind = re.sub(r"Backward\d*$", "", type(node).__name__)
        if kind == "AccumulateGrad":
            return Path(1.0, 0.0, 0.0, self.x[0].numel()) if node.variable is self.x else None
        reached = [self.seen[child] for child, _ in node.next_functions if child is not None]
        paths = [path for path in reached if path is not None]
        if not paths:
            return None
        if kind in PRODUCTS and len(paths) == 1:
            return self._linear(node, paths[0])
        if kind in ("Relu", "LeakyRelu"):
            self.activations += 1
            self.leaky |= kind == "LeakyRelu"
            v = float(getattr(node, "_saved_negative_slope", 0.0))
            gain, fourth = (1 + v**2) / 2, (1 + v**4) / 2
            [path] = paths
            more = (fourth / gain**2 - 1) / path.width
            return path._replace(gain=path.gain * gain, dispersion=path.dispersion + more)
        if kind in PASSING:
            return paths[0]
        if kind in ("Add", "Sub"):
            return paths[0] if len(paths) == 1 else self._sum(*paths)
        known = [words for name, words in UNKNOWN.items() if kind.startswith(name)]
        self.others.append(known[0] if known else "a product of activations" if len(paths) > 1 else kind)
        return paths[0]

    def _linear(self, node: Any, path: Path) -> Path:
        leaves = [_leaf(edge) for edge in node.next_functions]
        weights = [(w, turned) for w, turned in leaves if w is not None and w is not self.x and w.ndim == 2]
        if len(weights) != 1:
            self.others.append("a product with something that is not a weight matrix")
            return path
        [(weight, turned)] = weights
        values = weight.detach().double()
        name = self.names.get(id(weight), "")
        outputs, inputs = weight.shape if turned else tuple(reversed(weight.shape))  # x @ W.T, or x @ W
        variance = float(values.square().sum() / outputs)
        into = getattr(node, "_saved_mat1", None)
        into = getattr(node, "_saved_self", None) if into is None else into
        signal = math.nan if into is None else float(into.detach().double().square().mean())
        self.layers.append(LinearLayer(name, int(inputs), int(outputs), variance, signal))
        return Path(path.gain * variance, path.dispersion + 1 / outputs, path.dispersion, int(outputs))

    def _sum(self, one: Path, other: Path) -> Path:
        """A shortcut and a branch: their gains add; the branch is the path of larger dispersion (it has layers)."""
        self.shortcuts += 1
        skip, branch = sorted((one, other), key=lambda path: path.dispersion)
        r = branch.gain / skip.gain if skip.gain > 0 else math.inf
        if math.isinf(r):
            return branch
        own = branch.dispersion - skip.dispersion
        more = (2 * r / skip.width + own * r**2) / (1 + r) ** 2
        dispersion = skip.dispersion + more
        return Path(skip.gain + branch.gain, dispersion, dispersion, skip.width)


def _leaf(edge: Any) -> tuple[Tensor | None, bool]:
    """The parameter (or input) at the end of an edge that only transposes or reshapes, and whether it is transposed."""
    node, turned = edge[0], False
    while node is not None and (kind := re.sub(r"Backward\d*$", "", type(node).__name__)) in PASSING:
        turned ^= kind in ("T", "Transpose", "Permute")
        node = node.next_functions[0][0]
    return getattr(node, "variable", None), turned
