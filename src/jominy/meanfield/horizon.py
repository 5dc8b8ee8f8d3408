"""How long the laws of the weight variance hold, and what one explicit step does to it.

Training the adversarial loss removes it by a low-rank change of the weights, -dL_adv/dt = sum_l ||E g_l||^2, long
before the weight variance has moved (theory page `meanfield.md` section 5.6). The closed forms hold for t << t_L.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.meanfield.architecture import Architecture
from jominy.meanfield.geometry import InputGeometry
from jominy.meanfield.index import trainability_index
from jominy.meanfield.kernels import layer_tangent_kernels, small_difference, tangent_kernel
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import Numbers, magnitude
from jominy.meanfield.weight_variance import loss_per_gain, variance_slopes


@dataclass(frozen=True, eq=False)
class GradientStep:
    """One explicit gradient step on L_adv at one input; arrays (L, ...), one row per layer.

    Attributes
    ----------
    slope : d sw2_l / dt = -(2/N) L_adv f_l, the first order
    gradient_power : ||g_l||_F^2, g_l = dL_adv / dW_l
    variance_after : sw2_l - (2 tau/N) L_adv f_l + (tau^2/N) ||g_l||^2
    critical_step : tau_c = 2 L_adv f_l / ||g_l||^2, above which the step increases the weight variance
    """

    slope: np.ndarray
    gradient_power: np.ndarray
    variance_after: np.ndarray
    critical_step: np.ndarray


def _four_points(
    kernel: Callable[..., Any], architecture: Architecture, radius: Numbers, power: Numbers, p: float, q: float
) -> Any:
    """||y||^2 [T(x', x') + T(x, x) - 2 T(x, x')] / N, x' = x + eta with eta orthogonal to x."""
    eps = np.asarray(magnitude(radius, "radius", minimum=0.0))
    power = np.asarray(magnitude(power, "input power ||x||^2/d", minimum=0.0))
    length = 1.0 if norm_exponent(p, "p") == math.inf else architecture.input_dim
    dual = architecture.output_dim if norm_exponent(q, "q") == 1 else 1.0
    here = kernel(architecture, power, power, power)

    def at(size: Numbers) -> Numbers:
        moved = power + size**2 / length
        return here + kernel(architecture, moved, moved, moved) - 2 * kernel(architecture, power, moved, power)

    return dual * small_difference(at, eps, np.sqrt(power * length))


def gradient_step(
    architecture: Architecture,
    radius: Numbers,
    step: Numbers,
    p: float,
    q: float,
    *,
    input_power: Numbers = 1.0,
    constants: object = None,
) -> GradientStep:
    """What one step tau of gradient descent on L_adv at one input does to the weight variances.

    ||g_l||^2 = ||y||^2 [T_l(x', x') + T_l(x, x) - 2 T_l(x, x')] (DERIVED, theory page `meanfield.md` section 5.5),
    dominated by the units whose sign the attack flips; ||y||^2 = K for q = 1, else 1. It is for a random perturbation
    of the attack's length: an optimised one raises it by a further 1.0-1.7 times (MEASURED).

    radius: eps; step: tau = the learning rate, >= 0; input_power: ||x||^2/d. Raises InputError as `beta` does.

    >>> from jominy.meanfield import Architecture
    >>> network = Architecture(3, 1000, 200, 5, weight_variance=2.0)
    >>> gradient_step(network, 0.3, 0.001, 2, 2).critical_step.round(3)
    array([0.035, 0.052, 0.101])
    """
    tau = np.asarray(magnitude(step, "step", minimum=0.0))
    loss = loss_per_gain(architecture, radius, p, q, constants) * np.sqrt(architecture.total_gain)
    slope = variance_slopes(architecture, loss)
    power = architecture.width * _four_points(layer_tangent_kernels, architecture, radius, input_power, p, q)
    width = architecture.width
    now = np.stack([architecture.variance_of(layer) + 0 * loss for layer in range(1, architecture.layers + 1)])
    with np.errstate(divide="ignore", invalid="ignore"):
        critical = np.where(power > 0, -slope * width / power, np.inf)
    return GradientStep(slope, power, now + tau * slope + tau**2 / width * power, critical)


def sample_horizon(
    architecture: Architecture,
    radius: Numbers,
    p: float,
    q: float,
    *,
    input_power: Numbers = 1.0,
    constants: object = None,
) -> Numbers:
    """t_1 = L_adv / sum_l ||g_l||^2: how long the laws hold when training on a single input (time = rate * steps).

    DERIVED (theory page `meanfield.md` sections 5.5 and 5.6). A lower bound for more inputs, whose gradients cancel in
    part: ||E g|| <= E ||g||. Infinite at radius 0. Raises InputError as `beta` does.

    >>> from jominy.meanfield import Architecture
    >>> round(float(sample_horizon(Architecture(3, 1000, 200, 5, weight_variance=2.0), 0.3, 2, 2)), 4)
    0.0086
    """
    loss = loss_per_gain(architecture, radius, p, q, constants) * np.sqrt(architecture.total_gain)
    power = architecture.width * _four_points(tangent_kernel, architecture, radius, input_power, p, q)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(loss > 0, loss / power, np.inf)[()]


def population_horizon(
    architecture: Architecture, radius: Numbers, geometry: InputGeometry, *, p: float = 2
) -> Numbers:
    """t_L = L_adv / sum_l ||E g_l||^2 when training on many inputs of a classification problem (time = rate * steps).

    The collapse time of the trainability index (FITTED for ReLU, no bias, p = q = 2), in units of time instead of
    time * N. Raises InputError as `trainability_index` does.

    >>> from jominy.meanfield import Architecture
    >>> network = Architecture(3, 1000, 200, 5, weight_variance=2.0)
    >>> round(float(population_horizon(network, 0.3, InputGeometry(power=1.0, within=0.5, between=0.0))), 3)
    3.008
    """
    return trainability_index(architecture, radius, geometry, p=p).collapse_time / architecture.width
