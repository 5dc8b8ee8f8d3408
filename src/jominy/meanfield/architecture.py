"""The networks of the mean-field theory: their sizes, variances and layer gains.

Set-up (theory `meanfield.md`; arXiv 2505.14021): x_0 = P_in x with fixed P_in (N, d), entries N(0, 1/d);
x_l = phi(W_l x_{l-1} + b_l), plus x_{l-1} with shortcuts, W_l (N, N) entries N(0, sw2/N), b_l entries N(0, sb2);
f(x) = P_out x_L with fixed P_out (K, N), entries N(0, 1/N).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.activation import ReLULike
from jominy.meanfield.numbers import Numbers, flag, magnitude, plain, positive_integer

DEEPEST = 10_000
"""The largest depth."""
_DIGITS = 120
_LARGEST_LOG = _DIGITS * np.log(10)


@dataclass(frozen=True, eq=False)
class LayerVariances:
    """Weight variances of their own for every layer, first layer first.

    values: one entry per layer; each a number, or an array that broadcasts against the other parameters.

    Raises InputError for no entry, or for one that is negative or not finite.

    >>> LayerVariances((2.0, 1.5, 1.0)).values
    (2.0, 1.5, 1.0)
    """

    values: Sequence[Numbers]

    def __post_init__(self) -> None:
        values = tuple(magnitude(value, "weight variance of a layer", minimum=0.0) for value in self.values)
        if not values:
            raise InputError("LayerVariances needs one weight variance per layer", "an empty sequence")
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, eq=False)
class Architecture:
    """A random network with fully connected layers of one width.

    Every numeric field is a number or a NumPy array; arrays broadcast against each other, so that one object describes
    a whole sweep. A network (`jominy.networks`) needs numbers.

    depth:           L, hidden layers, >= 1
    width:           N, units per layer, >= 1
    input_dim:       d, >= 1
    output_dim:      K, >= 1
    activation:      ReLULike(u, v)
    weight_variance: sw2 = N times the variance of a weight, > 0 (>= 0 with shortcuts); or LayerVariances((...))
    bias_variance:   sb2, >= 0
    shortcut:        whether every layer adds its input ("residual"; "vanilla" without)

    Raises InputError for anything else, with the value received.

    >>> Architecture(4, 1000, 784, 10, weight_variance=2.0).total_gain
    1.0
    >>> round(Architecture(4, 1000, 784, 10, weight_variance=0.1, shortcut=True).total_gain, 4)
    1.2155
    """

    depth: Numbers
    width: Numbers
    input_dim: Numbers
    output_dim: Numbers
    activation: ReLULike = ReLULike()
    _: KW_ONLY
    weight_variance: Numbers | LayerVariances
    bias_variance: Numbers = 0.0
    shortcut: Any = False

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        for name in ("depth", "width", "input_dim", "output_dim"):
            put(name, positive_integer(getattr(self, name), name.replace("_dim", " dimension")))
        if np.any(np.asarray(self.depth) > DEEPEST):
            raise InputError(
                f"the depth must be at most {DEEPEST}",
                plain(self.depth),
                "the theory goes through the layers one by one",
            )
        if not isinstance(self.activation, ReLULike):
            raise InputError("the activation must be a ReLULike", self.activation, "ReLULike(1, 0) is ReLU")
        put("bias_variance", magnitude(self.bias_variance, "bias variance", minimum=0.0))
        put("shortcut", flag(self.shortcut, "shortcut"))
        variance = self.weight_variance
        if isinstance(variance, LayerVariances):
            if not isinstance(self.depth, int) or len(variance.values) != self.depth:
                raise InputError(
                    "LayerVariances must have one entry per layer, and the depth be a single number",
                    f"{len(variance.values)} entries, depth {plain(self.depth)}",
                )
        else:
            put("weight_variance", magnitude(variance, "weight variance", minimum=0.0))
        for variance in self._variances:
            if np.any((np.asarray(variance) == 0) & ~np.asarray(self.shortcut)):
                raise InputError(
                    "the weight variance must be positive without shortcuts", 0.0, "the output would not depend on x"
                )
        try:
            _ = self.shape
        except ValueError:
            raise InputError(
                "the arrays of an architecture must broadcast against each other", self._shapes()
            ) from None

    @property
    def _variances(self) -> Sequence[Numbers]:
        own = self.weight_variance
        return own.values if isinstance(own, LayerVariances) else (own,)

    def _fields(self) -> dict[str, Any]:
        layers = {f"weight_variance[{i}]": variance for i, variance in enumerate(self._variances)}
        names = ("depth", "width", "input_dim", "output_dim", "bias_variance", "shortcut")
        return {n: getattr(self, n) for n in names} | {"u": self.activation.u, "v": self.activation.v} | layers

    def _shapes(self) -> str:
        return ", ".join(f"{name} {np.shape(value)}" for name, value in self._fields().items() if np.ndim(value))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape to which all fields broadcast; () for a single network."""
        return np.broadcast_shapes(*(np.shape(value) for value in self._fields().values()))

    @property
    def has_own_variances(self) -> bool:
        """Whether the weight variances were given layer by layer."""
        return isinstance(self.weight_variance, LayerVariances)

    @property
    def layers(self) -> int:
        """The largest depth."""
        return int(np.max(self.depth))

    def variance_of(self, layer: int) -> Numbers:
        """sw2 of a layer, counted from 1."""
        variances = self._variances
        return variances[layer - 1] if len(variances) > 1 else variances[0]

    def layer_gain(self, layer: int = 1) -> Numbers:
        """omega = alpha sw2 (vanilla) or 1 + alpha sw2 (residual) of a layer, counted from 1."""
        return self.activation.gain * self.variance_of(layer) + 1.0 * self.shortcut

    @property
    def total_gain(self) -> Numbers:
        """omega^L, the product of the layer gains: d times the variance of an entry of the Jacobian J.

        Raises InputError where it is so large or small that the signal is lost to floating point.
        """
        with np.errstate(divide="ignore"):
            if self.has_own_variances:
                log = sum(np.log(self.layer_gain(layer)) for layer in range(1, self.layers + 1))
            else:
                log = self.depth * np.log(self.layer_gain())
        if np.any(np.abs(log) > _LARGEST_LOG):
            worst = np.asarray(log).flat[np.argmax(np.abs(log))] / np.log(10)
            raise InputError(
                f"the gain omega^L of all layers must lie within 1e-{_DIGITS} and 1e{_DIGITS}, or the signal is lost",
                f"10^{worst:.4g}",
                "choose fewer layers or a weight variance near 1/alpha; with shortcuts near 1/(alpha depth)",
            )
        if not self.has_own_variances:
            return self.layer_gain() ** self.depth
        return np.prod([self.layer_gain(layer) for layer in range(1, self.layers + 1)], axis=0)[()]

    def describe(self) -> dict[str, Any]:
        """What a result stores about it (JSON-able)."""
        own = self.has_own_variances
        return {
            "depth": plain(self.depth),
            "width": plain(self.width),
            "input_dim": plain(self.input_dim),
            "output_dim": plain(self.output_dim),
            "activation": self.activation.describe(),
            "weight_variance": [plain(s) for s in self._variances] if own else plain(self.weight_variance),
            "bias_variance": plain(self.bias_variance),
            "shortcut": plain(self.shortcut),
        }
