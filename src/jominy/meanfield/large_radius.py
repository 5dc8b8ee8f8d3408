"""How much of the bound an attack reaches once its radius is far larger than the input, without shortcuts."""

from __future__ import annotations

import numpy as np

from jominy.meanfield.activation import ReLULike
from jominy.meanfield.numbers import Numbers, positive_integer

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(80)


def _kernel(depth: int, odd: np.ndarray, even: np.ndarray, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """xi'(q), xi''(q) at q = 1 - gap of the depth-fold arc-cosine kernel, which is normalised to xi(1) = 1.

    Everything is written in 1 - q, so that nothing is lost near q = 1, where xi'' diverges.
    """
    total = odd**2 + even**2
    first, second = np.ones_like(gap), np.zeros_like(gap)
    for _ in range(depth):
        theta = 2 * np.arcsin(np.sqrt(gap / 2))
        slope = (odd**2 + even**2 * (1 - 2 * theta / np.pi)) / total
        bend = even**2 * (2 / np.pi) / np.sin(theta) / total
        first, second = slope * first, bend * first**2 + slope * second
        gap = (odd**2 * gap + even**2 * (gap - (2 / np.pi) * (np.sin(theta) - theta * np.cos(theta)))) / total
    return first, second


def large_radius_factor(depth: Numbers, activation: ReLULike | None = None) -> Numbers:
    """r_L: the adversarial loss is about r_L eps sqrt(omega^L) at eps >> ||x||, one output, p = 2, no bias, no
    shortcut.

    The maximum over the sphere of a Gaussian process with covariance xi, the L-fold normalised arc-cosine kernel:
    r_L = q0 sqrt(xi''(q0)) + int_{q0}^1 sqrt(xi''(q)) dq with q0 xi''(q0) = xi'(q0). DERIVED (theory page
    `meanfield.md` section 4.3). One for the identity.

    Raises InputError for a depth that is not a positive whole number.

    >>> large_radius_factor([1, 6, 50]).round(3)
    array([0.991, 0.82 , 0.291])
    """
    activation = ReLULike() if activation is None else activation
    depth = positive_integer(depth, "depth")
    odd, even = np.asarray(activation.odd, dtype=float), np.asarray(activation.even, dtype=float)
    found = np.ones(np.broadcast_shapes(np.shape(depth), odd.shape, even.shape))
    depths, odd, even = np.broadcast_arrays(depth, odd, even)
    for layers, a, b in set(zip(depths.ravel().tolist(), odd.ravel().tolist(), even.ravel().tolist(), strict=True)):
        if b != 0:
            found[(depths == layers) & (odd == a) & (even == b)] = _factor(int(layers), np.array(a), np.array(b))
    return found[()]


def _factor(depth: int, odd: np.ndarray, even: np.ndarray) -> float:
    # In w = (1 - q)^(1/4) the integrand is smooth: sqrt(xi'') grows like 1/w, dq = 4 w^3 dw.
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = np.array((low + high) / 2)
        first, second = _kernel(depth, odd, even, middle**4)
        low, high = (float(middle), high) if (1 - middle**4) * second > first else (low, float(middle))
    edge = (low + high) / 2
    first, second = _kernel(depth, odd, even, np.array(edge**4))
    w = edge * (1 + _POINTS) / 2
    integrand = np.sqrt(_kernel(depth, odd, even, w**4)[1]) * 4 * w**3
    return float((1 - edge**4) * np.sqrt(second) + edge / 2 * (_WEIGHTS @ integrand))
