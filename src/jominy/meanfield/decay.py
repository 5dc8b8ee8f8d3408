"""The layer gain omega under adversarial training: closed forms of the mean-field ODE, in its own time A t.

With A = 2 alpha eps beta / N the ODE (DERIVED, theory page `meanfield.md` section 5.2) is

    d omega / dt = -A omega^(L/2)                    without shortcuts, omega = alpha sw2
    d omega / dt = -A omega^(L/2 - 1) (omega - 1)    with shortcuts, omega = 1 + alpha sw2.
"""

from __future__ import annotations

import numpy as np

from jominy.meanfield.numbers import Numbers

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_POINTS, _WEIGHTS = (1 + _POINTS) / 2, _WEIGHTS / 2


def vanilla_gain(start: Numbers, depth: Numbers, elapsed: Numbers) -> np.ndarray:
    """omega after A t = elapsed: start [1 + (L/2-1) a0 t]^(-2/(L-2)), a0 = A start^(L/2-1); L = 2: start exp(-A t).

    One layer reaches zero at a0 t = 2, and stays there.

    >>> vanilla_gain(1.0, np.array([1, 2, 4]), 1.0).round(4)
    array([0.25  , 0.3679, 0.5   ])
    """
    start, depth, elapsed = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (start, depth, elapsed)))
    half = depth / 2 - 1
    power = np.divide(-1.0, half, out=np.zeros_like(half), where=half != 0)
    with np.errstate(over="ignore", invalid="ignore"):  # so long a time that nothing is left: zero, also by an infinity
        scaled = start**half * elapsed
        base = np.maximum(1 + half * scaled, 0.0)
        return start * np.where(half == 0, np.exp(-scaled), base**power)


def vanilla_time(start: Numbers, end: Numbers, depth: Numbers) -> np.ndarray:
    """A t from omega = start to omega = end; infinite to zero but for one layer.

    >>> vanilla_time(1.0, 0.5, np.array([2, 4])).round(4)
    array([0.6931, 1.    ])
    """
    start, end, depth = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (start, end, depth)))
    half = depth / 2 - 1
    safe = np.where(half == 0, 1.0, half)
    with np.errstate(divide="ignore"):
        return np.where(half == 0, np.log(start / end), (end**-safe - start**-safe) / safe)


def residual_time(start: Numbers, end: Numbers, depth: Numbers) -> np.ndarray:
    """A t from alpha sw2 = start to alpha sw2 = end, with shortcuts; infinite to zero.

    >>> residual_time(0.5, 0.25, np.array([1, 2, 4])).round(4)
    array([0.8083, 0.6931, 0.5108])
    """
    start, end, depth = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (start, end, depth)))
    with np.errstate(divide="ignore"):
        found = _time_between(*(np.atleast_1d(x) for x in (np.log(end), np.log(start), depth / 2 - 1)))
    return found.reshape(start.shape)


def residual_excess(start: Numbers, depth: Numbers, elapsed: Numbers) -> np.ndarray:
    """alpha sw2 = omega - 1 after A t = elapsed with shortcuts, any depth: the time's closed form, solved by Newton.

    >>> residual_excess(0.5, np.array([1, 2, 4]), residual_time(0.5, 0.25, np.array([1, 2, 4]))).round(10)
    array([0.25, 0.25, 0.25])
    """
    arrays = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (start, depth, elapsed)))
    start, depth, elapsed = (np.atleast_1d(x) for x in arrays)
    m = depth / 2 - 1
    first = np.log(np.maximum(start, 1e-300))
    # In y = ln(alpha sw2) the time falls, and is convex (concave for one layer): Newton, kept inside a bracket.
    speed = (1 + start) ** m
    low, high = first - elapsed * np.maximum(speed, 1.0) - 1e-9, first
    y = np.maximum(first - elapsed * speed, low)
    for _ in range(200):
        gap = _time_between(y, first, m) - elapsed
        low, high = np.where(gap >= 0, y, low), np.where(gap <= 0, y, high)
        new = y + gap * np.exp(m * np.logaddexp(0.0, y))
        new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
        moved, y = np.abs(new - y), new
        if np.all(moved <= 1e-14 * (1 + np.abs(y))):
            break
    return np.where(start > 0, np.exp(y), 0.0).reshape(arrays[0].shape)


def _time_between(low: np.ndarray, high: np.ndarray, m: np.ndarray) -> np.ndarray:
    """int_{low}^{high} (1 + e^y)^(-m) dy, y = ln(omega - 1); exact sums where they do not cancel, else quadrature."""
    end, start = np.logaddexp(0.0, low), np.logaddexp(0.0, high)  # p = ln omega
    found = (high - low) - (_missing(start, m) - _missing(end, m))
    far = m * end > 1
    if np.any(far):
        # In p the integrand is e^(-m p) / (1 - e^(-p)): e^(-m (p - end)) leaves nothing beyond 40/m.
        a, b, mm = end[far], start[far], m[far]
        width = np.minimum(b - a, 40 / mm)[:, None]
        p = a[:, None] + width * _POINTS
        found[far] = np.sum(np.exp(-mm[:, None] * p) / -np.expm1(-p) * _WEIGHTS * width, axis=1)
    return found


def _missing(p: np.ndarray, m: np.ndarray) -> np.ndarray:
    """int_0^p (1 - e^(-m u)) / (1 - e^(-u)) du, for m = -1/2, 0, 1/2, 1, ...: how far the time is from ln(omega - 1).

    Whole m: p + sum_{k=1}^{m-1} (1 - e^(-k p))/k. Half-integer m: the same over k = 1/2, 3/2, ..., m - 1, plus
    2 ln((1 + e^(p/2))/2). For one layer, m = -1/2: -2 [(y - 1) - ln((1 + y)/2)] with y = e^(p/2).
    """
    total = np.zeros_like(p)
    half = np.mod(m, 1.0) != 0
    y = np.exp(np.where(half, p, 0.0) / 2)
    total = np.where(half & (m > 0), 2 * np.log((1 + y) / 2), total)
    total = np.where(m < 0, -2 * ((y - 1) - np.log((1 + y) / 2)), total)
    total = np.where(~half & (m > 0), p, total)
    for step in range(1, int(np.max(m, initial=0.0)) + 1):
        k = np.where(half, step - 0.5, float(step))
        total = total + np.where(k < m, -np.expm1(-k * p) / k, 0.0)
    return total
