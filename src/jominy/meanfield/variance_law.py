"""The weight-variance law: how long the signal stays between two bounds while the weight variance falls.

A network is (M, m)-trainable up to T if omega(0)^L <= M and omega(T)^L >= m. The definition is PLAUSIBLE (the paper's
is not known), what follows from it DERIVED (theory page `meanfield.md` section 6). It is not a verdict on trainability:
in real training the loss collapses first (`horizon.py`, `index.py`); the page's MEASURED comparison prints both.
"""

from __future__ import annotations

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.decay import residual_time, vanilla_time
from jominy.meanfield.numbers import Numbers, finite, magnitude
from jominy.meanfield.weight_variance import loss_per_gain


def _elapsed(architecture: Architecture, smallest: Numbers, largest: Numbers | None) -> np.ndarray:
    """A t from omega^L = largest to omega^L = smallest."""
    if architecture.has_own_variances:
        raise InputError("the weight-variance law needs one weight variance for all layers", next_step="pass a number")
    m = np.asarray(finite(smallest, "smallest total gain m", minimum=0.0))
    high = np.asarray(architecture.total_gain if largest is None else finite(largest, "largest total gain M"))
    if largest is None:
        m = np.minimum(m, high)  # a signal below the bound from the start is lost at once
    elif np.any(high < m):
        raise InputError("the largest total gain must be at least the smallest", (largest, smallest))
    depth = np.asarray(architecture.depth)
    start, end = high ** (1 / depth), m ** (1 / depth)
    plain = vanilla_time(start, end, depth)
    with np.errstate(invalid="ignore", divide="ignore"):
        shape = np.broadcast_shapes(np.shape(start), np.shape(end))
        bounded = np.broadcast_to(end, shape) > 1
        top, low = np.where(bounded, start - 1, 1.0), np.where(bounded, end - 1, 1.0)
        kept = np.where(bounded, residual_time(top, low, depth), np.inf)
    # Powers of an array and of a number round differently: equal gains would be an infinitesimal time apart.
    return np.where(architecture.shortcut, kept, np.where(high == m, 0.0, plain))


def _over(amount: Numbers, rate: Numbers) -> np.ndarray:
    """amount / rate: 0 where there is nothing to lose, infinite where nothing of something is lost."""
    amount, rate = np.broadcast_arrays(np.asarray(amount, dtype=float), np.asarray(rate, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(amount == 0, 0.0, amount / rate)


def longest_time(
    architecture: Architecture,
    radius: Numbers,
    p: float,
    q: float,
    *,
    smallest: Numbers = 0.1,
    largest: Numbers | None = None,
    constants: object = None,
) -> Numbers:
    """T_max, the time (rate * steps) in which omega^L falls from `largest` (M) to `smallest` (m).

    Without shortcuts (N/(alpha eps beta (L-2))) [m^(-(L-2)/(2L)) - M^(-(L-2)/(2L))], (N/(4 alpha eps beta)) ln(M/m) for
    two layers: it vanishes as L grows, and grows with the width. With shortcuts omega >= 1, so infinite for m <= 1.
    Infinite at radius 0, where nothing falls; 0 at any radius where omega^L starts below m.

    largest: by default the architecture's own omega^L (0 where that is below m); constants: as in `beta`, or beta
    itself as a number.
    Raises InputError for M < m, negative values, and as `beta` does.

    >>> from jominy.meanfield import Architecture
    >>> round(float(longest_time(Architecture(12, 1000, 784, 10, weight_variance=2.0), 1.0, 2, 2)), 1)
    227.8
    """
    strength = 2 * architecture.activation.gain * loss_per_gain(architecture, radius, p, q, constants)
    return _over(_elapsed(architecture, smallest, largest) * architecture.width, strength)[()]


def needed_width(
    architecture: Architecture,
    radius: Numbers,
    p: float,
    q: float,
    *,
    time: Numbers,
    smallest: Numbers = 0.1,
    largest: Numbers | None = None,
    constants: object = None,
) -> Numbers:
    """The width from which T_max >= time; T_max solved for N, with beta at the architecture's own width.

    0 with shortcuts and m <= 1, and at radius 0; infinite where omega^L starts below m. Arguments and errors as for
    `longest_time`.

    >>> from jominy.meanfield import Architecture
    >>> network = Architecture(12, 1000, 784, 10, weight_variance=2.0)
    >>> time = longest_time(network, 1.0, 2, 2)
    >>> round(float(needed_width(network, 1.0, 2, 2, time=2 * time)), 6)
    2000.0
    """
    strength = 2 * architecture.activation.gain * loss_per_gain(architecture, radius, p, q, constants)
    return _over(magnitude(time, "time", minimum=0.0), _over(_elapsed(architecture, smallest, largest), strength))[()]


def best_initial_variance(architecture: Architecture, largest: Numbers = 1.0) -> Numbers:
    """The largest weight variance at which omega^L <= M, which lasts longest: M^(1/L)/alpha, (M^(1/L) - 1)/alpha.

    The second with shortcuts, about ln M / (alpha L). Raises InputError for M <= 0, or M < 1 with shortcuts.

    >>> from jominy.meanfield import Architecture
    >>> float(best_initial_variance(Architecture(12, 1000, 784, 10, weight_variance=1.0)))
    2.0
    """
    bound = np.asarray(finite(largest, "largest total gain M", minimum=0.0))
    if np.any((bound == 0) | (architecture.shortcut & (bound < 1))):
        raise InputError("the largest total gain must be positive, and at least 1 with shortcuts", largest)
    return ((bound ** (1 / np.asarray(architecture.depth)) - architecture.shortcut) / architecture.activation.gain)[()]
