"""How the weight variance sw2_l = ||W_l||_F^2 / N falls under gradient flow on the adversarial loss.

Time is learning rate times steps. The paper's own theorem is not known; everything here is DERIVED (theory page
`meanfield.md` section 5). It holds early: up to the horizon of `horizon.py`, which every curve carries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.constants import Constants
from jominy.meanfield.decay import residual_excess, vanilla_gain
from jominy.meanfield.numbers import Numbers, finite, magnitude
from jominy.meanfield.operator_norm import beta


def loss_per_gain(architecture: Architecture, radius: Numbers, p: float, q: float, constants: object = None) -> Numbers:
    """eps beta_{p,q}, the adversarial loss over sqrt(omega^L); `constants` as in `beta`, or beta itself as a number."""
    eps = magnitude(radius, "radius", minimum=0.0)
    _ = architecture.total_gain  # refuses networks whose signal is beyond floating point
    if constants is None or isinstance(constants, Constants):
        return eps * beta(architecture, p, q, constants)
    return eps * finite(constants, "beta", minimum=0.0)  # type: ignore[arg-type]


def variance_slopes(architecture: Architecture, loss: Numbers) -> np.ndarray:
    """d sw2_l / dt = -(2/N) E L_adv f_l of every layer, (L, ...), with a measured or predicted loss E L_adv.

    f_l = 1 without shortcuts (exact at any width, data and radius, without bias: Euler's identity), and
    alpha s_l / (1 + alpha s_l) with shortcuts (mean field). Zero beyond the depth of a network less deep than others.

    >>> from jominy.meanfield import Architecture
    >>> variance_slopes(Architecture(2, 1000, 784, 10, weight_variance=0.5, shortcut=True), 0.1)
    array([-4.e-05, -4.e-05])
    """
    loss = finite(loss, "adversarial loss", minimum=0.0)
    shape = np.broadcast_shapes(architecture.shape, np.shape(loss))
    slopes = np.zeros((architecture.layers, *shape))
    for layer in range(1, architecture.layers + 1):
        gain = architecture.activation.gain * np.asarray(architecture.variance_of(layer))
        share = np.where(architecture.shortcut, gain / (1 + gain), 1.0)
        slopes[layer - 1] = np.where(np.asarray(architecture.depth) >= layer, -2 / architecture.width * loss * share, 0)
    return slopes


def initial_rate(architecture: Architecture, radius: Numbers, p: float, q: float, constants: object = None) -> Numbers:
    """a0 = (2 alpha eps beta / N) omega^(L/2-1), of sw2(t) = sw2(0) (1 - a0 t) early on; a weight decay of a0/2.

    Raises InputError as `beta` does, and for layers with variances of their own.

    >>> from jominy.meanfield import Architecture
    >>> round(float(initial_rate(Architecture(4, 1000, 784, 10, weight_variance=2.0), 1.0, 2, 2)), 6)
    0.001263
    """
    omega = _equal(architecture).layer_gain()
    strength = loss_per_gain(architecture, radius, p, q, constants)
    alpha = architecture.activation.gain
    return 2 * alpha * strength / architecture.width * omega ** (np.asarray(architecture.depth) / 2 - 1)


def weight_variance_at(
    architecture: Architecture, radius: Numbers, time: Numbers, p: float, q: float, constants: object = None
) -> Numbers:
    """sw2(t) of equal layers in closed form, exact for any depth; everything broadcasts, `time` too.

    Without shortcuts sw2(0) [1 + (L/2-1) a0 t]^(-2/(L-2)), exp(-a0 t) for two layers, (1 - a0 t/2)^2 for one; with
    shortcuts the inverse of t = (N / (2 alpha eps beta)) [F(omega0) - F(omega)].

    radius: eps >= 0; time: learning rate times steps, >= 0; constants: as in `beta`, or beta itself as a number.

    Raises InputError as `beta` does, for a negative time, and for layers with variances of their own.

    >>> from jominy.meanfield import Architecture
    >>> plain = Architecture(4, 1000, 784, 10, weight_variance=2.0)
    >>> weight_variance_at(plain, 1.0, np.array([0.0, 100.0, 1000.0]), 2, 2).round(4)
    array([2.    , 1.7757, 0.8838])
    """
    time = np.asarray(magnitude(time, "time", minimum=0.0))
    alpha, omega = architecture.activation.gain, _equal(architecture).layer_gain()
    elapsed = 2 * alpha * loss_per_gain(architecture, radius, p, q, constants) / architecture.width * time
    shape = np.broadcast_shapes(architecture.shape, np.shape(elapsed))
    shortcut = np.broadcast_to(architecture.shortcut, shape)
    start, depth = np.broadcast_to(omega, shape), np.broadcast_to(architecture.depth, shape)
    elapsed, scale = np.broadcast_to(elapsed, shape), np.broadcast_to(alpha, shape)
    found = np.empty(shape)
    found[shortcut] = residual_excess(start[shortcut] - 1, depth[shortcut], elapsed[shortcut])
    found[~shortcut] = vanilla_gain(start[~shortcut], depth[~shortcut], elapsed[~shortcut])
    return (found / scale)[()]


def layer_variances_at(
    architecture: Architecture, radius: float, times: Numbers, p: float, q: float, constants: object = None
) -> np.ndarray:
    """sw2_l(t), (L, times), of one network whose layers have variances of their own: the ODE, solved to 1e-10.

    Without shortcuts d s_l/dt = -(2/N) eps beta prod_k sqrt(alpha s_k): all differences s_l - s_k are conserved; the
    smallest layer reaches zero and ends it. With shortcuts d s_l/dt = -(2/N) eps beta prod_k sqrt(1 + alpha s_k)
    alpha s_l/(1 + alpha s_l): differences of s_l + ln(s_l)/alpha are conserved.

    Raises InputError as `beta` does, and for an architecture or a radius that is an array, or times not increasing.

    >>> from jominy.meanfield import Architecture, LayerVariances
    >>> own = Architecture(2, 1000, 784, 10, weight_variance=LayerVariances((3.0, 2.0)))
    >>> layer_variances_at(own, 1.0, [0.0, 100.0], 2, 2).round(3)
    array([[3.   , 2.722],
           [2.   , 1.722]])
    """
    from scipy.integrate import solve_ivp

    times = np.atleast_1d(np.asarray(magnitude(times, "times", minimum=0.0)))
    if architecture.shape or np.ndim(radius):
        raise InputError("layers with variances of their own need one architecture and one radius", architecture.shape)
    if np.any(np.diff(times) < 0):
        raise InputError("times must not decrease", times.tolist())
    alpha, layers = architecture.activation.gain, architecture.layers
    start = np.array([architecture.variance_of(layer) for layer in range(1, layers + 1)])
    rate = 2 / architecture.width * loss_per_gain(architecture, radius, p, q, constants)
    if architecture.shortcut:
        moving = start > 0

        def slope(_: float, y: np.ndarray) -> np.ndarray:
            gains = 1 + alpha * np.exp(y)
            return -rate * np.sqrt(np.prod(gains)) * alpha / gains

        found = np.zeros((layers, len(times)))
        found[moving] = np.exp(_solve(solve_ivp, slope, np.log(start[moving]), times)) if np.any(moving) else 0.0
        return found
    # In z = sqrt(smallest variance) the equation is smooth, also where the smallest layer vanishes.
    least = start.min()
    tied = int(np.sum(start == least))

    def fall(_: float, z: np.ndarray) -> np.ndarray:
        z = np.maximum(z, 0.0)  # beyond the end the slope stays what it was there
        others = np.prod(np.sqrt(start[start > least] - least + z**2)) * z ** (tied - 1)
        return -rate / 2 * np.sqrt(alpha) ** layers * others

    z = np.maximum(_solve(solve_ivp, fall, np.array([np.sqrt(least)]), times), 0.0)
    return (start - least)[:, None] + z**2


def _solve(solver: Callable[..., Any], slope: Callable[..., Any], start: np.ndarray, times: np.ndarray) -> np.ndarray:
    if times[-1] == 0:
        return np.repeat(start[:, None], len(times), axis=1)
    options = dict(method="LSODA", rtol=1e-11, atol=1e-12, t_eval=times)
    return solver(slope, (0.0, times[-1]), start, **options).y


def _equal(architecture: Architecture) -> Architecture:
    if architecture.has_own_variances:
        raise InputError(
            "the closed form needs one weight variance for all layers",
            "LayerVariances",
            "use layer_variances_at(...) for layers of their own",
        )
    return architecture
