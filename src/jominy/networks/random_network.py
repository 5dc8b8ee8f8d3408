"""The random network of the mean-field theory, as a PyTorch module."""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import Tensor, nn

from jominy.errors import InputError
from jominy.meanfield import Architecture
from jominy.numerics.streams import stream

# Purposes of the random streams: the weights of a network and the inputs it is shown must never share one, for
# inputs equal to rows of P_in bias every measurement by d/N.
WEIGHTS, INPUTS, BATCHES, ATTACKS = 701, 702, 703, 704


class RandomNetwork(nn.Module):
    """f(x) = P_out x_L with x_0 = P_in x and x_l = phi(W_l x_{l-1} + b_l), plus x_{l-1} with shortcuts.

    P_in (N, d) entries N(0, 1/d) and P_out (K, N) entries N(0, 1/N) are buffers, never trained; W_l (N, N) entries
    N(0, sw2/N) and b_l (N,) entries N(0, sb2) are parameters. Where sb2 = 0 there are no biases, so none are trained.
    phi(z) = u z for z >= 0 and v z below. Source: set-up of arXiv 2505.14021, theory `meanfield.md` (SOURCED).

    Parameters
    ----------
    architecture
        A scalar :class:`jominy.Architecture`.
    seed
        Seed of the weights. It shares no random stream with inputs, batches or attacks of the same seed.
    dtype
        ``torch.float32`` or ``torch.float64``; the same seed gives the same weights, rounded.

    Raises
    ------
    InputError
        An architecture with arrays in it; another dtype.

    Examples
    --------
    >>> import torch
    >>> from jominy.meanfield import Architecture
    >>> network = RandomNetwork(Architecture(3, 64, 8, 2, weight_variance=2.0), seed=1)
    >>> network(torch.ones(5, 8)).shape, len(network.weights), len(network.biases)
    (torch.Size([5, 2]), 3, 0)
    """

    inward: Tensor
    outward: Tensor

    def __init__(self, architecture: Architecture, *, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        if not isinstance(architecture, Architecture):
            raise InputError("a random network is made from an Architecture", architecture)
        if architecture.shape != ():
            raise InputError(
                "a network needs one number for every field of its architecture",
                f"an architecture of shape {architecture.shape}",
                "make one Architecture for each network",
            )
        if dtype not in (torch.float32, torch.float64):
            raise InputError("the dtype of a network must be torch.float32 or torch.float64", dtype)
        self.architecture, self.seed = architecture, check_seed(seed)
        draw = stream(seed, WEIGHTS)
        width, inputs, outputs = architecture.width, architecture.input_dim, architecture.output_dim
        check_memory(width * (inputs + outputs + architecture.depth * width), "the weights of a real network")

        def gaussian(*shape: int, variance: float) -> Tensor:
            return torch.from_numpy(np.sqrt(variance) * draw.standard_normal(shape)).to(dtype)

        self.register_buffer("inward", gaussian(width, inputs, variance=1 / inputs))
        self.register_buffer("outward", gaussian(outputs, width, variance=1 / width))
        layers = range(1, architecture.depth + 1)
        self.weights = nn.ParameterList(
            gaussian(width, width, variance=architecture.variance_of(layer) / width) for layer in layers
        )
        self.biases = nn.ParameterList(
            gaussian(width, variance=architecture.bias_variance) for _ in layers if architecture.bias_variance > 0
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, d) inputs to (n, K) outputs."""
        u, v = self.architecture.activation.u, self.architecture.activation.v
        signal = inputs @ self.inward.T
        for layer in range(len(self.weights)):
            field = self.field(layer, signal)
            signal = (_activate(field, u, v) + signal) if self.architecture.shortcut else _activate(field, u, v)
        return signal @ self.outward.T

    def field(self, layer: int, signal: Tensor) -> Tensor:
        """h_l = W_l x_{l-1} + b_l, layers counted from 0 here."""
        field = signal @ self.weights[layer].T
        return field + self.biases[layer] if len(self.biases) else field

    @torch.no_grad()
    def affine_parts(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """J(x) (n, K, d) and a(x) (n, K) with f(x) = J(x) x + a(x), exactly: J is the Jacobian of f at x.

        The slopes phi'(h_l) along the path of x are what makes f affine around it (theory section 3).

        >>> import torch
        >>> from jominy.meanfield import Architecture
        >>> network = RandomNetwork(Architecture(2, 32, 4, 3, weight_variance=2.0, bias_variance=0.1), seed=0)
        >>> x = torch.ones(1, 4)
        >>> jacobian, offset = network.affine_parts(x)
        >>> torch.allclose(jacobian[0] @ x[0] + offset[0], network(x)[0], atol=1e-5)
        True
        """
        u, v = self.architecture.activation.u, self.architecture.activation.v
        signal, slopes = inputs @ self.inward.T, []
        for layer in range(len(self.weights)):
            field = self.field(layer, signal)
            slopes.append(torch.where(field >= 0, field.new_tensor(u), field.new_tensor(v)))
            signal = slopes[-1] * field + (signal if self.architecture.shortcut else 0.0)
        check_memory(3 * len(inputs) * len(self.outward) * len(self.inward), "the Jacobians at all inputs")
        # From the output back: `path` is (n, K, N), the derivative of f with respect to x_l.
        path = self.outward.expand(len(inputs), -1, -1)
        offset = torch.zeros(len(inputs), len(self.outward), dtype=inputs.dtype, device=inputs.device)
        for layer in reversed(range(len(self.weights))):
            through = path * slopes[layer].unsqueeze(1)
            if len(self.biases):
                offset = offset + through @ self.biases[layer]
            path = through @ self.weights[layer] + (path if self.architecture.shortcut else 0.0)
        return path @ self.inward, offset

    @torch.no_grad()
    def hidden_parts(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The last hidden layer in the same two parts, (n, N) each: P_out of the first is J(x) x, of the second a(x).

        Their mean squares are those of J(x) x and of a(x) over the law of P_out, as if there were no end of outputs.

        >>> import torch
        >>> from jominy.meanfield import Architecture
        >>> network = RandomNetwork(Architecture(2, 32, 4, 3, weight_variance=2.0, bias_variance=0.1), seed=0)
        >>> offset = network.affine_parts(torch.ones(1, 4))[1]
        >>> torch.allclose(network.hidden_parts(torch.ones(1, 4))[1] @ network.outward.T, offset, atol=1e-5)
        True
        """
        linear = inputs @ self.inward.T
        offset, kept = torch.zeros_like(linear), float(self.architecture.shortcut)
        for layer, weight in enumerate(self.weights):
            field, straight = self.field(layer, linear + offset), linear @ weight.T
            slope = torch.where(field >= 0, self.architecture.activation.u, self.architecture.activation.v)
            linear, offset = slope * straight + kept * linear, slope * (field - straight) + kept * offset
        return linear, offset

    @torch.no_grad()
    def weight_variances(self) -> Tensor:
        """(L,) ||W_l||_F^2 / N of every layer: sw2 at initialisation, on average."""
        return torch.stack([weight.double().square().sum() / len(weight) for weight in self.weights])


def check_seed(seed: int) -> int:
    """A seed as an int; InputError for anything but a whole number from 0.

    >>> check_seed(3)
    3
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError("a seed must be a whole number, zero or positive", seed)
    return int(seed)


def check_memory(numbers: int, what: str) -> None:
    """InputError where so many numbers would not fit into the memory of this machine.

    >>> check_memory(10**16, "the weights")
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: the weights must fit into memory (received: 1e+16 numbers, 8e+07 GB). Make the network ...
    """
    try:
        room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 8
    except (AttributeError, ValueError, OSError):  # not a system that says so
        room = 2.0**31
    if numbers > room:
        raise InputError(
            f"{what} must fit into memory",
            f"{numbers:.4g} numbers, {8e-9 * numbers:.4g} GB",
            "make the network smaller, or take fewer inputs",
        )


def _activate(field: Tensor, u: float, v: float) -> Tensor:
    if u == v:
        return field if u == 1 else u * field
    if (u, v) == (1.0, 0.0):
        return torch.relu(field)
    return torch.where(field >= 0, u * field, v * field)
