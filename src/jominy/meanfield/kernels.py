"""Second moments of two inputs through the layers, and the kernel of their gradients.

For inputs x, x' with (||x||^2, ||x'||^2, <x, x'>)/d = (a, b, c), as N -> infinity (DERIVED, theory page `meanfield.md`
section 5.5): C = s_l A_{l-1} + sb2 are the second moments of the pre-activations, rho = C12 / sqrt(C11 C22),

    S_l = E phi'(h) phi'(h') = a_s^2 + b_s^2 (2/pi) asin rho,
    A_l = [A_{l-1} + cross means +] a_s^2 C12 + b_s^2 sqrt(C11 C22) (2/pi) (sqrt(1 - rho^2) + rho asin rho),

and <df/dW_l(x), df/dW_l(x')> = T_l = N Gamma_l S_l A_{l-1} per output, Gamma_L = 1, Gamma_{l-1} = Gamma_l (s_l S_l [+
1]).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from jominy.meanfield.architecture import Architecture
from jominy.meanfield.layers import mean_activation, while_deep
from jominy.meanfield.numbers import Numbers

SMALL = 1e-4  # radius over ||x|| from which differences of kernels are told from rounding
_EQUAL = 1e-14  # inputs whose cosine is this close to one are the same: rounding must not open an angle between them


def _walk(architecture: Architecture, a: Numbers, b: Numbers, c: Numbers) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(S_l, A_{l-1}) for the layers in turn."""
    odd, even, alpha = (getattr(architecture.activation, name) for name in ("odd", "even", "gain"))
    kept, bias = 1.0 * architecture.shortcut, architecture.bias_variance
    shape = np.broadcast_shapes(architecture.shape, np.shape(a), np.shape(b), np.shape(c))
    a, b, c = (np.broadcast_to(np.asarray(value, dtype=float), shape) for value in (a, b, c))
    means = [np.zeros(shape), np.zeros(shape)]
    for layer in range(1, architecture.layers + 1):
        s = architecture.variance_of(layer)
        c11, c22, c12 = s * a + bias, s * b + bias, s * c + bias
        size = np.sqrt(c11) * np.sqrt(c22)  # their product can overflow
        rho = np.divide(c12, size, out=np.ones(shape), where=size > 0)
        rho = np.where(rho > 1 - _EQUAL, 1.0, np.maximum(rho, -1.0))
        angle = np.arcsin(rho)
        yield odd**2 + even**2 * (2 / np.pi) * angle, c
        product = odd**2 * c12 + even**2 * size * (2 / np.pi) * (np.sqrt(1 - rho**2) + rho * angle)
        mu, nu = mean_activation(architecture, c11), mean_activation(architecture, c22)
        c = kept * c + product + means[0] * nu + means[1] * mu
        a = kept * a + alpha * c11 + 2 * means[0] * mu
        b = kept * b + alpha * c22 + 2 * means[1] * nu
        means = [means[0] + mu, means[1] + nu]


def tangent_kernel(architecture: Architecture, a: Numbers, b: Numbers, c: Numbers) -> Numbers:
    """Theta(a, b, c) / N = sum_l T_l / N of one output, over all weights W_1 .. W_L; P_in, P_out and biases are fixed.

    Arrays a, b, c broadcast against the architecture's. DERIVED (module docstring), with the equivalent recursion
    Theta_l = (s_l S_l [+ 1]) Theta_{l-1} + S_l A_{l-1}.

    >>> from jominy.meanfield import Architecture
    >>> float(tangent_kernel(Architecture(6, 1000, 784, 10, weight_variance=2.0), 1.0, 1.0, 1.0))  # L alpha omega^(L-1)
    3.0
    """
    theta: Numbers = 0.0
    for layer, (slope, moment) in enumerate(_walk(architecture, a, b, c), start=1):
        step = (architecture.variance_of(layer) * slope + architecture.shortcut) * theta + slope * moment
        theta = while_deep(architecture, layer, step, theta)
    return theta


def small_difference(power: Callable[[Numbers], Numbers], radius: Numbers, size: Numbers) -> np.ndarray:
    """`power` of the radius, a difference of kernels at x and x + eta, also where rounding has eaten the difference.

    Below 1e-4 of ||x|| = `size` it is continued by the power of the radius (1 to 2) that it follows there; it vanishes
    at radius 0 and is never negative.
    """
    eps, least = np.asarray(radius, dtype=float), SMALL * np.asarray(size, dtype=float)
    at = np.maximum(eps, least)
    found = np.maximum(power(at), 0.0)
    if np.any(eps < least):
        with np.errstate(divide="ignore", invalid="ignore"):
            order = np.log2(np.maximum(power(2 * at), 0.0) / found)
        order = np.clip(np.where(np.isfinite(order), order, 2.0), 1.0, 2.0)
        found = np.where(eps < least, found * (eps / at) ** order, found)
    return np.where(eps > 0, found, 0.0)


def layer_tangent_kernels(architecture: Architecture, a: Numbers, b: Numbers, c: Numbers) -> np.ndarray:
    """T_l / N of every layer, (L, ...); zero beyond the depth of a network that is less deep than others.

    >>> from jominy.meanfield import Architecture
    >>> layer_tangent_kernels(Architecture(3, 1000, 784, 10, weight_variance=2.0), 1.0, 1.0, 1.0)
    array([0.5, 0.5, 0.5])
    """
    walked = list(_walk(architecture, a, b, c))
    shape = walked[0][1].shape
    back = np.ones(shape)
    layers = np.zeros((len(walked), *shape))
    for layer in range(len(walked), 0, -1):
        slope, moment = walked[layer - 1]
        layers[layer - 1] = while_deep(architecture, layer, back * slope * moment, 0.0)
        step = back * (architecture.variance_of(layer) * slope + architecture.shortcut)
        back = while_deep(architecture, layer, step, back)
    return layers
