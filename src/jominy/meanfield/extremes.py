"""Expected norms and expected maxima of independent random variables, from which the operator norms are built.

E max of n variables >= 0 with survival function S is the integral over x > 0 of 1 - (1 - S(x))^n: one below the bulk of
the maximum, zero above it, and Gauss-Legendre in between. Everything is vectorised, equal arguments computed once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy  # imports `special` when it is first asked for, which forecasts never do

from jominy.meanfield.numbers import Numbers

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_POINTS, _WEIGHTS = (1 + _POINTS) / 2, _WEIGHTS / 2
_SURE = 40.0  # where n variables exceed x that many times on average, the maximum surely does: exp(-40)
_NEVER = 1e-17


def mean_norm(n: Numbers) -> Numbers:
    """c_n = E ||g||_2 of n standard normals, sqrt(2) Gamma((n+1)/2) / Gamma(n/2); n may be any positive number.

    >>> round(float(mean_norm(1)), 6)  # sqrt(2/pi)
    0.797885
    """
    n = np.asarray(n, dtype=float)
    # The difference of the two logarithms loses digits for large n; the asymptotic series takes over there.
    series = np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (32 * n**2) + 5 / (128 * n**3) - 21 / (2048 * n**4))
    small = np.minimum(n, 300.0)
    return np.where(
        n > 300, series, np.sqrt(2) * np.exp(scipy.special.gammaln((small + 1) / 2) - scipy.special.gammaln(small / 2))
    )[()]


def mean_largest_normal(n: Numbers) -> Numbers:
    """m_inf(n) = E max |g_i| of n standard normals.

    >>> round(float(mean_largest_normal(2)), 6)  # 2/sqrt(pi)
    1.128379
    """
    return _unique(_largest_normal, n)


def mean_largest_norm(n: Numbers, degrees: Numbers) -> Numbers:
    """E max of n independent chi variables, each the norm of `degrees` standard normals (any positive number).

    >>> round(float(mean_largest_norm(1, 3)), 6), round(float(mean_largest_norm(7, 1) / mean_largest_normal(7)), 9)
    (1.595769, 1.0)
    """
    return _unique(_largest_norm, n, degrees)


def mean_largest_sum(n: Numbers, terms: Numbers) -> Numbers:
    """E max of n independent sums of `terms` absolute values of standard normals.

    >>> round(float(mean_largest_sum(1, 5)), 6), round(float(mean_largest_sum(7, 1) / mean_largest_normal(7)), 9)
    (3.989423, 1.0)
    """
    return _unique(_largest_sum, n, terms)


def _unique(function: Callable[..., np.ndarray], *arguments: Numbers) -> Numbers:
    arrays = np.broadcast_arrays(*(np.asarray(argument, dtype=float) for argument in arguments))
    rows, inverse = np.unique(np.stack([array.ravel() for array in arrays]), axis=1, return_inverse=True)
    found = np.concatenate([function(*part) for part in np.array_split(rows, -(-rows.shape[1] // 256), axis=1)])
    return found[inverse.ravel()].reshape(arrays[0].shape)[()]


def _maximum(n: np.ndarray, survival: np.ndarray) -> np.ndarray:
    """1 - (1 - S)^n, without cancellation."""
    with np.errstate(divide="ignore"):
        return -np.expm1(n[:, None] * np.log1p(-np.minimum(survival, 1.0)))


def _largest_normal(n: np.ndarray) -> np.ndarray:
    low = np.sqrt(2) * scipy.special.erfcinv(-np.expm1(np.log(_NEVER) / n))  # below it all n are with probability 1e-17
    high = np.sqrt(2) * scipy.special.erfcinv(_NEVER / n)
    x = low[:, None] + (high - low)[:, None] * _POINTS
    return low + (high - low) * (_maximum(n, scipy.special.erfc(x / np.sqrt(2))) @ _WEIGHTS)


def _largest_norm(n: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    half = degrees / 2
    low = np.sqrt(2 * scipy.special.gammaincinv(half, np.exp(np.log(_NEVER) / n)))
    high = np.sqrt(2 * scipy.special.gammainccinv(half, _NEVER / n))
    x = low[:, None] + (high - low)[:, None] * _POINTS
    return low + (high - low) * (_maximum(n, scipy.special.gammaincc(half[:, None], x**2 / 2)) @ _WEIGHTS)


def _largest_sum(n: np.ndarray, terms: np.ndarray) -> np.ndarray:
    single = terms == 1
    if np.any(single):
        found = np.empty(len(n))
        found[single] = _largest_normal(n[single])
        if not np.all(single):
            found[~single] = _largest_sum(n[~single], terms[~single])
        return found
    low, high = _largest_sum_range(n, terms)
    x = low[:, None] + (high - low)[:, None] * _POINTS
    return low + (high - low) * (_maximum(n, _sum_survival(terms, x)) @ _WEIGHTS)


def _largest_sum_range(n: np.ndarray, terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An interval outside which the largest sum never is, by the Chernoff bound exp(terms (kappa(c) - c kappa'(c)))."""
    c = np.linspace(-12.0, 12.0, 481) / np.minimum(np.sqrt(terms), 12.0)[:, None] * 3
    ratio = np.exp(-(c**2) / 2 - scipy.special.log_ndtr(c)) / np.sqrt(2 * np.pi)
    slope = c + ratio
    log_tail = terms[:, None] * (c**2 / 2 + np.log(2) + scipy.special.log_ndtr(c) - c * slope)  # <= 0, largest at c = 0
    rows = np.arange(len(n))
    above = np.sum((c <= 0) | (log_tail + np.log(n)[:, None] > np.log(_NEVER)), axis=1)
    high = terms * slope[rows, np.minimum(above, c.shape[1] - 1)]
    # The maximum is surely above x where n P(sum > x) > 40; right of the mean the saddle point gives that well enough.
    width = np.sqrt(2 * np.pi * terms[:, None] * (1 - ratio * (c + ratio)))
    expected = 0.4 * n[:, None] * np.exp(log_tail) / (1 + np.maximum(c, 0.0) * width)
    sure = np.sum((c < 0) | (expected > 1.5 * _SURE), axis=1) - 1
    # Where that is nowhere so, left of the mean: P(all n <= x) is at most exp(n log_tail).
    below = np.sum((c < 0) & (n[:, None] * log_tail < np.log(_NEVER)), axis=1)
    first = np.where(c[rows, sure] >= 0, sure, np.maximum(below - 1, 0))
    low = np.where((below > 0) | (c[rows, sure] >= 0), terms * slope[rows, first], 0.0)
    return low, high


_STEP = 0.13
_ALONG = _STEP * (np.arange(46) + 0.5)


def _sum_survival(terms: np.ndarray, x: np.ndarray) -> np.ndarray:
    """P(|g_1| + ... + |g_terms| > x), (n, points), by inverting M(s)^terms, M(s) = E e^(s|g|) = 2 e^(s^2/2) Phi(s).

    The trapezoid rule on a hyperbola through the saddle point c, kappa'(c) = x/terms with kappa = ln M, is exact to
    about 1e-13 relative: along it M(s)^terms e^(-s x) falls off like a Gaussian and then exponentially.
    """
    size = terms[:, None]
    two = terms == 2
    if np.any(two):
        found = np.empty(x.shape)
        found[two] = 1 - scipy.special.erf(x[two] / 2) ** 2  # M decays too slowly for so few terms
        if not np.all(two):
            found[~two] = _sum_survival(terms[~two], x[~two])
        return found
    slope = x / size
    centre = (slope - np.sqrt(2 / np.pi)) / (1 - 2 / np.pi)
    for _ in range(8):  # Newton from the right: kappa' = c + phi(c)/Phi(c) is convex, and so above its tangent at zero
        centre = np.maximum(centre, -8.0)
        ratio = np.exp(-(centre**2) / 2 - scipy.special.log_ndtr(centre)) / np.sqrt(2 * np.pi)
        centre = centre - (centre + ratio - slope) / (1 - ratio * (centre + ratio))
    centre = np.clip(centre, -8.0, None)
    spread = 1 / np.sqrt((1 - 2 / np.pi) * size)
    below = centre < 0  # left of the pole at zero the integral is P(sum > x) - 1
    centre = np.where(below, -1.0, 1.0) * np.maximum(np.abs(centre), 0.7 * spread)  # and not too close to it
    scale = np.minimum(spread, 1.0)[..., None]
    s = centre[..., None] + scale * (0.5 * (np.cosh(_ALONG) - 1) + 1j * np.sinh(_ALONG))
    velocity = scale * (0.5 * np.sinh(_ALONG) + 1j * np.cosh(_ALONG))
    moment = np.log(scipy.special.wofz(-1j * s / np.sqrt(2)))
    integrand = np.exp(size[..., None] * moment - s * x[..., None]) / s * velocity
    return np.clip(np.sum(integrand.imag, axis=-1) * _STEP / np.pi + below, 0.0, 1.0)
