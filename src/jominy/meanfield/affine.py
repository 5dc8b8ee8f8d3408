"""The random affine map that a wide network is at each input: f(x) = J(x) x + a(x)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jominy.meanfield.architecture import Architecture
from jominy.meanfield.layers import mean_activation, while_deep
from jominy.meanfield.numbers import Numbers, magnitude


@dataclass(frozen=True, eq=False)
class AffineLaw:
    """Variances over random networks, per output, at an input with ||x||^2 / d = input_power.

    Attributes
    ----------
    jacobian_variance : variance of an entry of J, omega^L / d
    offset_variance : variance of an entry of a by Theorem 4.1
    signal_variance : Var (Jx)_i, the exact recursion; omega^L ||x||^2 / d but for shortcuts with u != v
    exact_offset_variance : Var a_i by the same recursion
    covariance : Cov((Jx)_i, a_i); 0 but for shortcuts with u != v
    output_variance : Var f_i = signal + offset + 2 covariance
    """

    jacobian_variance: Numbers
    offset_variance: Numbers
    signal_variance: Numbers
    exact_offset_variance: Numbers
    covariance: Numbers

    @property
    def output_variance(self) -> Numbers:
        return self.signal_variance + self.exact_offset_variance + 2 * self.covariance


def affine_law(architecture: Architecture, input_power: Numbers = 1.0) -> AffineLaw:
    """Variances of J(x) and a(x) in f(x) = J(x) x + a(x).

    Theorem 4.1 of arXiv 2505.14021 (SOURCED): J_ij ~ N(0, omega^L / d) and a_i ~ N(0, alpha sb2 sum_{k=1}^L
    omega^{k-1}), independent. With shortcuts and u != v the mean of x_l accumulates; then, in the one direction
    x/||x||, Jx and a have larger variances and are correlated. The recursion for that is exact as N -> infinity
    (DERIVED, theory page `meanfield.md` section 3); it agrees with the theorem elsewhere.

    Parameters
    ----------
    architecture : fields may be arrays
    input_power : ||x||^2 / d, >= 0

    Raises InputError for a negative or non-finite input power.

    Examples
    --------
    >>> from jominy.meanfield import Architecture
    >>> law = affine_law(Architecture(5, 700, 784, 10, weight_variance=0.4, bias_variance=0.2, shortcut=True))
    >>> [round(float(v), 3) for v in (784 * law.jacobian_variance, law.signal_variance, law.offset_variance)]
    [2.488, 4.23, 0.744]
    """
    power = magnitude(input_power, "input power ||x||^2/d", minimum=0.0)
    alpha, bias = architecture.activation.gain, architecture.bias_variance
    jacobian = architecture.total_gain / architecture.input_dim
    zero = np.zeros(np.broadcast_shapes(architecture.shape, np.shape(power)))
    signal, offset, covariance, mean_signal, mean_offset = power + zero, zero, zero, zero, zero
    theorem = zero
    for layer in range(1, architecture.layers + 1):
        s = architecture.variance_of(layer)
        vx, va, vc = s * signal, s * offset + bias, s * covariance
        vh = vx + va + 2 * vc
        mean = mean_activation(architecture, vh)
        share = np.divide(mean, vh, out=np.zeros_like(mean), where=vh > 0)
        nx, na = share * (vx + vc), share * (va + vc)
        kept = 1.0 * architecture.shortcut
        steps = (
            (signal, kept * signal + alpha * vx + 2 * mean_signal * nx),
            (offset, kept * offset + alpha * va + 2 * mean_offset * na),
            (covariance, kept * covariance + alpha * vc + mean_signal * na + mean_offset * nx),
            (mean_signal, mean_signal + nx),
            (mean_offset, mean_offset + na),
            (theorem, architecture.layer_gain(layer) * theorem + alpha * bias),
        )
        signal, offset, covariance, mean_signal, mean_offset, theorem = (
            while_deep(architecture, layer, new, old) for old, new in steps
        )
    return AffineLaw(jacobian, theorem[()], signal[()], offset[()], covariance[()])


def width_dimension(architecture: Architecture) -> Numbers:
    """dN in 1/d_eff = 1/d + 1/dN: how many independent directions the width leaves the rows of J.

    1/dN = (1/N) (1 + sum_l kappa_l), kappa_l = alpha4/alpha^2 (vanilla), (2 alpha s_l + alpha4 s_l^2)/(1 + alpha s_l)^2
    (residual), s_l the weight variance of layer l. DERIVED (theory page `meanfield.md` section 3): the mean squared
    cosine of two rows of J is 1/d + 1/dN.

    >>> from jominy.meanfield import Architecture
    >>> round(float(width_dimension(Architecture(5, 1000, 784, 10, weight_variance=2.0))), 3)  # N / (1 + 2 L)
    90.909
    """
    alpha, fourth = architecture.activation.gain, architecture.activation.fourth

    def kappa(layer: int) -> Numbers:
        s = architecture.variance_of(layer)
        residual = (2 * alpha * s + fourth * s**2) / (1 + alpha * s) ** 2
        return np.where(architecture.shortcut, residual, fourth / alpha**2)[()]

    if architecture.has_own_variances:
        total = sum(kappa(layer) for layer in range(1, architecture.layers + 1))
    else:
        total = architecture.depth * kappa(1)
    return architecture.width / (1 + total)


def effective_dimension(architecture: Architecture) -> Numbers:
    """d_eff, 1/d_eff = 1/d + 1/dN: the relative s.d. of a row norm of J between networks is 1/sqrt(2 d_eff).

    DERIVED (theory page `meanfield.md` section 3).

    >>> from jominy.meanfield import Architecture
    >>> round(float(effective_dimension(Architecture(5, 1000, 784, 10, weight_variance=2.0))), 1)
    81.5
    """
    return 1 / (1 / architecture.input_dim + 1 / width_dimension(architecture))
