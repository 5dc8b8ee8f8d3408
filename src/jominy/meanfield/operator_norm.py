"""beta_{p,q}: the operator norm of the random Jacobian, and the adversarial loss that follows from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.affine import width_dimension
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.constants import Chevet, Constants, Sharp
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import Numbers, magnitude, positive_integer


def beta(
    sizes: Architecture | tuple[Numbers, Numbers], p: float, q: float, constants: Constants | None = None
) -> Numbers:
    """beta_{p,q} = E ||G||_{p->q} = E max_{||eta||_p <= 1} ||G eta||_q, G (K, d) with N(0, 1/d) entries.

    The Jacobian of a wide network is sqrt(omega^L) G, so a small attack costs eps sqrt(omega^L) beta_{p,q}.

    Parameters
    ----------
    sizes : an architecture, whose width then enters by the finite-width correction, or (d, K) for infinite width
    p, q : 1, 2 or infinity: the norm of the attack and of the output
    constants : Sharp() (default), Chevet() or Leading()

    Raises InputError for other norms, sizes or constants.
    DERIVED (theory page `meanfield.md` section 4); the paper's Theorem 5.1 has such a constant, its table is not known.

    Examples
    --------
    >>> from jominy.meanfield import Architecture, Chevet, Leading
    >>> [round(float(beta((784, 10), 2, 2, c)), 4) for c in (Leading(), Chevet(), None)]
    [1.1129, 1.1098, 1.0943]
    >>> round(float(beta(Architecture(5, 1000, 784, 10, weight_variance=2.0), 2, 2)), 4)
    1.2868
    """
    p, q = norm_exponent(p, "p"), norm_exponent(q, "q")
    constants = Sharp() if constants is None else constants
    if not isinstance(constants, Constants):
        raise InputError("constants must be Leading(), Chevet() or Sharp()", constants, "an object, not its name")
    d, k, width = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in _sizes(sizes)))
    return constants.value(d, k, width, p, q)[()]


def _sizes(sizes: Any) -> tuple[Numbers, Numbers, Numbers]:
    if isinstance(sizes, Architecture):
        return sizes.input_dim, sizes.output_dim, width_dimension(sizes)
    if not (isinstance(sizes, tuple) and len(sizes) == 2):
        raise InputError("sizes must be an Architecture or (input dimension, output dimension)", sizes)
    return positive_integer(sizes[0], "input dimension"), positive_integer(sizes[1], "output dimension"), math.inf


def adversarial_loss(
    architecture: Architecture, radius: Numbers, p: float, q: float, constants: Constants | None = None
) -> Numbers:
    """eps sqrt(omega^L) beta_{p,q}: E max_{||eta||_p <= eps} ||f(x + eta) - f(x)||_q at small radius and this width.

    Exact to first order in eps (DERIVED); networks with shortcuts keep to it up to ||eta|| ~ ||x||, those without fall
    below it as the radius and the depth grow (`large_radius_factor`).

    radius: eps >= 0 in the p-norm of the input; constants: Sharp() by default. Raises InputError as `beta` does.

    >>> from jominy.meanfield import Architecture
    >>> round(float(adversarial_loss(Architecture(5, 1000, 784, 10, weight_variance=2.0), 0.1, 2, 2)), 5)
    0.12868
    """
    eps = magnitude(radius, "radius", minimum=0.0)
    return eps * np.sqrt(architecture.total_gain) * beta(architecture, p, q, constants)


def adversarial_loss_bound(
    architecture: Architecture, radius: Numbers, p: float, q: float, *, finite_width: bool = False
) -> Numbers:
    """An upper bound of E L_adv(x) at every x and every radius: eps sqrt(omega^L) beta^Chevet_{p,q}.

    L_adv(x) = max_{||eta||_p <= eps} ||f(x + eta) - f(x)||_q. Rigorous as N -> infinity without shortcuts, for any u, v
    and bias; with shortcuts and u != v up to a relative O(1/d) at radii small beside ||x|| (DERIVED by Gaussian
    comparison, theory page `meanfield.md` section 4.1; a stronger form of the paper's Theorem 5.1, whose own constants
    are not known). At radii like ||x|| such networks exceed it, since the attack reaches the direction of x itself:
    eight layers of ReLU, d = 64, by 8 +- 2 % at 2 ||x|| (MEASURED). With `finite_width` the constants have the
    correction for the width N, which is an estimate and no longer a theorem.

    radius: eps >= 0 in the p-norm of the input. Raises InputError as `beta` does, and for a negative radius.

    >>> from jominy.meanfield import Architecture
    >>> round(float(adversarial_loss_bound(Architecture(5, 1000, 784, 10, weight_variance=2.0), 0.1, 2, 2)), 5)
    0.11098
    """
    eps = magnitude(radius, "radius", minimum=0.0)
    sizes = architecture if finite_width else (architecture.input_dim, architecture.output_dim)
    return eps * np.sqrt(architecture.total_gain) * beta(sizes, p, q, Chevet())


def single_step_loss(architecture: Architecture, radius: Numbers, p: float, q: float, *, steps: int = 1) -> Numbers:
    """What a gradient attack of few steps reaches at small radius, wide network: a lower bound of the adversarial loss.

    In units of eps sqrt(omega^L) (DERIVED, theory page `meanfield.md` section 4.4). One output: one step is exact.
    More: the attack starts in a random direction. (2,2), any number of steps T: sqrt(m_{2T+1}/m_{2T}), m_k the
    Marchenko-Pastur moments at K/d; a random direction (steps=0): sqrt(K/d). One step: (inf,2) sqrt(2d/pi + K - 1);
    (inf,1) K [A erf(A/sqrt 2) + sqrt(2/pi) exp(-A^2/2)], A = sqrt(2d/(pi K)); (inf,inf) sqrt(2d/pi).

    Raises InputError for a pair or a number of steps without a known value.

    >>> from jominy.meanfield import Architecture
    >>> network = Architecture(5, 1000, 784, 10, weight_variance=2.0)
    >>> [round(float(single_step_loss(network, 1.0, 2, 2, steps=t)), 4) for t in (0, 1, 2, 50)]
    [0.1129, 1.0126, 1.0244, 1.1048]
    """
    p, q = norm_exponent(p, "p"), norm_exponent(q, "q")
    eps = magnitude(radius, "radius", minimum=0.0)
    d, k = (np.asarray(n, dtype=float) for n in (architecture.input_dim, architecture.output_dim))
    if not isinstance(steps, int) or steps < 0 or (steps != 1 and (p, q) != (2.0, 2.0)):
        raise InputError("steps must be 1, or any whole number >= 0 at p = q = 2", steps)
    if p == q == 2:
        found = _power_iteration(k / d, steps)
    elif p == math.inf:
        reach = np.sqrt(2 / np.pi * d)
        size = reach / np.sqrt(k)
        found = {1.0: k * _mean_abs(size), 2.0: np.sqrt(reach**2 + k - 1), math.inf: reach}[q]
    elif np.all(k == 1):
        found = np.zeros_like(d)
    else:
        raise InputError(
            "what one step reaches is known for p = q = 2, for p = infinity, and for one output",
            f"p={p:g}, q={q:g}, output dimension {architecture.output_dim}",
            "use adversarial_loss(...) for the maximum",
        )
    if steps > 0:
        found = np.where(k == 1, beta((architecture.input_dim, architecture.output_dim), p, q, Chevet()), found)
    return (eps * np.sqrt(architecture.total_gain) * found)[()]


def _mean_abs(shift: np.ndarray) -> np.ndarray:
    """E |shift + z|, z ~ N(0, 1)."""
    from scipy.special import erf

    return shift * erf(shift / np.sqrt(2)) + np.sqrt(2 / np.pi) * np.exp(-(shift**2) / 2)


def _power_iteration(ratio: np.ndarray, steps: int) -> np.ndarray:
    """sqrt(m_{2T+1}/m_{2T}) with the Marchenko-Pastur moments at `ratio`; a random direction for T = 0."""
    if steps == 0:
        return np.sqrt(ratio)

    def log_terms(order: int) -> np.ndarray:
        from scipy.special import gammaln

        j = np.arange(order)
        narayana = 2 * gammaln(order + 1) - np.log(order)
        narayana = narayana - gammaln(j + 1) - gammaln(order - j + 1) - gammaln(j + 2) - gammaln(order - j) + 0.0
        return narayana + j * np.log(ratio)[..., None]

    from scipy.special import logsumexp

    odd, even = (logsumexp(log_terms(order), axis=-1) for order in (2 * steps + 1, 2 * steps))
    return np.exp((odd - even) / 2)
