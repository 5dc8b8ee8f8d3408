"""The trainability index tau: the time in which the adversarial loss collapses over the time it takes to learn.

Our own theory (DERIVED and FITTED as marked, theory page `trainability.md`); nothing of it is arXiv 2505.14021's. Loss:
cross-entropy + lam * L_adv(2,2), P_in and P_out fixed, plain SGD, ReLU, no bias. Times are in units (lr * N) * steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.geometry import InputGeometry
from jominy.meanfield.kernels import small_difference, tangent_kernel
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import Numbers, magnitude
from jominy.meanfield.verdict import Verdict, slowdown_law

_ROUNDING = 1e-14  # kernels whose relative difference is smaller do not differ
COHERENT, FINITE, WIDTH_POWER = 0.3, 1.6, 1.35
"""The FITTED constants of g2: of its coherent part, of its finite-width part, and the exponent of the width there."""


@dataclass(frozen=True, eq=False)
class TrainabilityIndex:
    """The index and what it is made of, each a number or an array over the sweep; times in units (lr * N) * steps.

    Attributes
    ----------
    tau : collapse_time / signal_time; below 0.25 expect a plateau, from 0.4 on none. 0 without class signal
    collapse_time : t_L, in which training on the adversarial loss would remove it; infinite at radius 0
    signal_time : t_sig = ln K / R, the learning time without adversary; infinite without class signal
    slowdown : factor by which the adversary lengthens learning
    learning_time : signal_time * slowdown; good to a factor 1.6 outside its fit
    signal_rate : R, the initial rate of decrease of the cross-entropy
    gradient_power : g2 = sum_l ||E grad_l L_adv||^2 / N, of the population
    coherent_power, single_power : Dc and D1, its parts: infinite width, and of one sample
    measured : whether its words were measured for this attack: l2 alone
    """

    tau: Numbers
    collapse_time: Numbers
    signal_time: Numbers
    slowdown: Numbers
    learning_time: Numbers
    signal_rate: Numbers
    gradient_power: Numbers
    coherent_power: Numbers
    single_power: Numbers
    measured: bool = True

    @property
    def verdict(self) -> Verdict:
        """In words, for a single network."""
        if self.signal_rate <= 0:
            return Verdict.NO_SIGNAL
        return Verdict.of(float(self.tau)) if self.measured else Verdict.NOT_KNOWN

    def score(self, learning_rate: Numbers, width: Numbers, steps: Numbers) -> Numbers:
        """(lr N steps) / learning_time: below 1 too few steps (right in 95 %), from 2 on enough (92 %; MEASURED)."""
        return learning_rate * np.asarray(width) * steps / self.learning_time


@dataclass(frozen=True, eq=False)
class Powers:
    """What enters tau but for the width: all kernels at once."""

    signal_rate: np.ndarray
    coherent: np.ndarray
    single: np.ndarray
    radius: np.ndarray


def powers(architecture: Architecture, radius: Numbers, geometry: InputGeometry, p: float) -> Powers:
    """R, Dc, D1 and the l2 radius, by one pass through the layers."""
    d, k = (np.asarray(n, dtype=float) for n in (architecture.input_dim, architecture.output_dim))
    if np.any(k < 2):
        raise InputError("the trainability index needs at least two classes (output dimension >= 2)", 1)
    _ = architecture.total_gain  # refuses networks whose signal is beyond floating point
    exponent = norm_exponent(p, "p")
    if exponent == 1:
        raise InputError("the trainability index is known for p = 2, and as a guess for p = infinity", 1)
    eps = np.asarray(magnitude(radius, "radius", minimum=0.0)) * (0.8 * np.sqrt(d) if exponent == math.inf else 1.0)
    q, c_in, c_out, eps, d, k = np.broadcast_arrays(geometry.power, geometry.within, geometry.between, eps, d, k)
    extra = max(len(architecture.shape) - q.ndim, 0)

    def kernels(*pairs: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        stacked = [np.stack(parts) for parts in zip(*pairs, strict=True)]
        a, b, c = (part.reshape(len(part), *(1,) * extra, *part.shape[1:]) for part in stacked)
        return tangent_kernel(architecture, a, b, c)

    near, far, self1 = kernels((q, q, q * c_in), (q, q, q * c_out), (q, q, q))

    def differences(radius: np.ndarray) -> np.ndarray:
        shift = radius**2 / d
        moved = q + shift
        near2, far2, near12, far12, self2, self12 = kernels(
            (moved, moved, q * c_in + shift),
            (moved, moved, q * c_out + shift),
            (q, moved, q * c_in),
            (q, moved, q * c_out),
            (moved, moved, moved),
            (q, moved, q),
        )
        coherent = (near2 + near - 2 * near12) / k + (far2 + far - 2 * far12) * (1 - 1 / k)
        return np.stack([coherent, self2 + self1 - 2 * self12])

    coherent, single = small_difference(differences, eps, np.sqrt(q * d))
    contrast = np.where(near - far > _ROUNDING * np.abs(near), near - far, np.minimum(near - far, 0.0))
    return Powers((k - 1) / k**2 * contrast, coherent, single, eps)


def trainability_index(
    architecture: Architecture,
    radius: Numbers,
    geometry: InputGeometry,
    *,
    adversarial_weight: Numbers = 1.0,
    p: float = 2,
) -> TrainabilityIndex:
    """tau = t_L / t_sig, whether a network can be trained against attacks of this radius; all fields may be arrays.

    With Theta the tangent kernel, q0, c_in, c_out the geometry, e2 = eps^2/d and n the inputs after the attack:

        R = (K-1)/K^2 [Theta(c_in) - Theta(c_out)] / N,  t_sig = ln K / R                                    (DERIVED)
        D1 = [Theta(n, n) + Theta(x, x) - 2 Theta(x, n)] / N, Dc the same for pairs of different inputs      (DERIVED)
        g2 = 0.3 Dc + 1.6 (eps/sqrt q0) sqrt(K d) N^-1.35 D1                                                  (FITTED)
        t_L = eps (1 + sqrt(K/d)) omega^(L/2) / (lam g2),  tau = t_L / t_sig                                 (DERIVED)
        slowdown = 1 + .09 lam^.8 tau^-1.3, with shortcuts 1 + .025 tau^-1.36                                (FITTED)

    MEASURED on 445 training runs (theory page `trainability.md` section 3): area under the ROC curve .96-.97 held out.

    Parameters
    ----------
    architecture : K = output_dim classes, >= 2
    radius : eps >= 0, in the p-norm of the input
    geometry : lengths and angles of the data, `InputGeometry.of(inputs, labels)`
    adversarial_weight : lam >= 0
    p : 2; infinity is taken as the l2 radius 0.8 sqrt(d) eps, a guess (PLAUSIBLE)

    Raises InputError for one class, a negative radius or weight, p = 1.

    Examples
    --------
    >>> from jominy.meanfield import Architecture
    >>> plain = Architecture(12, 128, 64, 10, weight_variance=2.0)
    >>> data = InputGeometry(power=1.0, within=0.5, between=0.0)
    >>> round(float(trainability_index(plain, 1.3, data).tau), 3)
    0.088
    """
    lam = np.asarray(magnitude(adversarial_weight, "weight of the adversarial loss", minimum=0.0))
    parts = powers(architecture, radius, geometry, p)
    d, k, n = (
        np.asarray(m, dtype=float) for m in (architecture.input_dim, architecture.output_dim, architecture.width)
    )
    finite_width = FINITE * parts.radius / np.sqrt(geometry.power) * np.sqrt(k * d) * n**-WIDTH_POWER
    power = COHERENT * parts.coherent + finite_width * parts.single
    loss = parts.radius * (1 + np.sqrt(k / d)) * np.sqrt(architecture.total_gain)
    with np.errstate(divide="ignore", invalid="ignore"):
        collapse = np.where(lam * loss > 0, loss / (lam * power), np.inf)
        signal = np.where(parts.signal_rate > 0, np.log(k) / parts.signal_rate, np.inf)
        tau = np.where(parts.signal_rate > 0, collapse / signal, 0.0)
        slowdown = slowdown_law(tau, lam, architecture.shortcut)
    values = (tau, collapse, signal, slowdown, signal * slowdown)
    made_of = (parts.signal_rate, power, parts.coherent, parts.single)
    numbers: list[Any] = [np.asarray(value)[()] for value in (*values, *made_of)]
    return replace(TrainabilityIndex(*numbers), measured=norm_exponent(p, "p") == 2)
