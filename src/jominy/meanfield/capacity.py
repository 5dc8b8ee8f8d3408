"""Capacity: the Fisher-Rao norm ||theta||_fr^2 = <theta, I(theta) theta> of W_1 .. W_L (Liang et al. 2019).

||theta||_fr^2 = E <dl/df, fdot>^2 with fdot = d f(s W)/d ln s. DERIVED (theory page `meanfield.md` section 7); the
paper's statement is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jominy.meanfield.architecture import Architecture
from jominy.meanfield.layers import mean_activation, while_deep
from jominy.meanfield.numbers import Numbers, magnitude
from jominy.meanfield.weight_variance import loss_per_gain, variance_slopes


@dataclass(frozen=True, eq=False)
class RadialMoments:
    """Second moments, per output and over networks, of f and of fdot = d f(s W) / d ln s.

    Attributes
    ----------
    output : q_L = E f_i^2
    cross : c_L = E f_i fdot_i
    radial : e_L = E fdot_i^2
    """

    output: Numbers
    cross: Numbers
    radial: Numbers


def radial_moments(
    architecture: Architecture, input_power: Numbers = 1.0, *, train_bias: bool = False
) -> RadialMoments:
    """E f^2, E f fdot and E fdot^2 as N -> infinity, for every activation, bias and layer variance.

    Without shortcuts and bias fdot = L f. With shortcuts, u = v and no bias: e_L = (||x||^2/d) L r (1 + L r)
    omega^(L-2), r = alpha sw2. Else by recursion over the layers; for ReLU its cross terms matter (1.6 to 2.9 times).

    input_power: ||x||^2/d >= 0; train_bias: whether the biases belong to theta. Raises InputError for a bad power.

    >>> from jominy.meanfield import Architecture
    >>> moments = radial_moments(Architecture(3, 1000, 784, 10, weight_variance=2.0))
    >>> [round(float(v), 6) for v in (moments.output, moments.cross, moments.radial)]
    [1.0, 3.0, 9.0]
    """
    power = magnitude(input_power, "input power ||x||^2/d", minimum=0.0)
    alpha, bias = architecture.activation.gain, architecture.bias_variance
    moved = bias if train_bias else 0.0
    kept = 1.0 * architecture.shortcut
    _ = architecture.total_gain  # refuses networks whose signal is beyond floating point
    zero = np.zeros(np.broadcast_shapes(architecture.shape, np.shape(power)))
    q, c, e, m, md = power + zero, zero, zero, zero, zero
    for layer in range(1, architecture.layers + 1):
        s = architecture.variance_of(layer)
        vh, hg, vg = s * q + bias, s * (q + c) + moved, s * (q + 2 * c + e) + moved
        mu = mean_activation(architecture, vh)
        nu = mu * np.divide(hg, vh, out=np.zeros_like(hg), where=vh > 0)
        steps = (
            (q, kept * q + alpha * vh + 2 * m * mu),
            (c, kept * c + alpha * hg + m * nu + mu * md),
            (e, kept * e + alpha * vg + 2 * md * nu),
            (m, m + mu),
            (md, md + nu),
        )
        q, c, e, m, md = (while_deep(architecture, layer, new, old) for old, new in steps)
    return RadialMoments(q[()], c[()], e[()])


def fisher_rao(architecture: Architecture, input_power: Numbers = 1.0) -> Numbers:
    """||theta||_fr^2 under cross-entropy with small logits, (1 - 1/K) e_L; e_L from `radial_moments`.

    >>> from jominy.meanfield import Architecture
    >>> round(float(fisher_rao(Architecture(3, 1000, 784, 10, weight_variance=2.0))), 6)
    8.1
    """
    return (1 - 1 / np.asarray(architecture.output_dim)) * radial_moments(architecture, input_power).radial


def fisher_rao_squared_error(
    architecture: Architecture, input_power: Numbers = 1.0, target_power: Numbers = 0.0
) -> Numbers:
    """||theta||_fr^2 under ||f - y||^2 / 2 with targets that the start knows nothing of, ||y||^2 = target_power.

    E <f - y, fdot>^2 = K^2 c_L^2 + K (q_L e_L + c_L^2) + ||y||^2 e_L for Gaussian outputs.

    >>> from jominy.meanfield import Architecture
    >>> round(float(fisher_rao_squared_error(Architecture(3, 1000, 784, 10, weight_variance=2.0))), 6)
    1080.0
    """
    target = magnitude(target_power, "target power ||y||^2", minimum=0.0)
    k, moments = np.asarray(architecture.output_dim), radial_moments(architecture, input_power)
    product = moments.output * moments.radial
    return (k**2 + k) * moments.cross**2 + k * product + target * moments.radial


def fisher_rao_adversarial(
    architecture: Architecture, radius: Numbers, p: float, q: float, constants: object = None
) -> Numbers:
    """||theta||_fr^2 under the adversarial loss, <theta, grad L_adv>^2 = (sum_l f_l)^2 L_adv^2.

    Without shortcuts and bias sum_l f_l = L; with shortcuts f_l = alpha s_l / (1 + alpha s_l), L r/omega in all (mean
    field). L_adv = eps beta sqrt(omega^L); constants as in `beta`, or beta itself as a number.

    >>> from jominy.meanfield import Architecture
    >>> round(float(fisher_rao_adversarial(Architecture(3, 1000, 784, 10, weight_variance=2.0), 0.1, 2, 2, 1.0)), 6)
    0.09
    """
    loss = loss_per_gain(architecture, radius, p, q, constants) * np.sqrt(architecture.total_gain)
    shares = -np.sum(variance_slopes(architecture, 1.0), axis=0) * architecture.width / 2
    return (shares * loss) ** 2


def standard_slope(architecture: Architecture, input_power: Numbers = 1.0) -> Numbers:
    """d sw2 / dt at the start under ||f - y||^2 / 2, averaged over the layers: -(2/N) K c_L / L.

    As small as the adversarial term's, but it stops once f = y, after a time 1/N: standard training leaves the weight
    variance as it is. With L_std + lam L_adv the slopes add. DERIVED (theory page `meanfield.md` section 5.7).

    >>> from jominy.meanfield import Architecture
    >>> round(float(standard_slope(Architecture(3, 1000, 784, 10, weight_variance=2.0))), 6)
    -0.02
    """
    cross = radial_moments(architecture, input_power).cross
    return -2 / architecture.width * np.asarray(architecture.output_dim) * cross / architecture.depth
