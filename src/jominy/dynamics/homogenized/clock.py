"""The time grid of the integrator."""

from typing import NamedTuple

import numpy as np

FIRST_HALVINGS = 6


class Clock(NamedTuple):
    """`edges` (K + 1,) of the time steps, from 0, and the number of steps taken before each report."""

    edges: np.ndarray
    reports: np.ndarray


def clock(times: np.ndarray, jumps: tuple[float, ...], step: float) -> Clock:
    """Steps of at most `step` that meet every report time and every jump.

    The first step is halved a few times over: under attack a student that starts at zero moves like the square root
    of time at first.

    >>> clock(np.array([0.0, 1.0]), (0.7,), 0.5).reports.tolist()
    [0, 9]
    """
    last = float(times[-1])
    corners = np.unique([0.0, *times, *(jump for jump in jumps if 0 < jump < last)])
    pieces = [np.zeros(1)]
    for low, high in zip(corners[:-1], corners[1:], strict=True):
        # A hair of tolerance: an interval of exactly three steps is not to become one of four by rounding.
        pieces.append(np.linspace(low, high, max(1, int(np.ceil((high - low) / step - 1e-9))) + 1)[1:])
    edges = np.concatenate(pieces)
    if len(edges) > 1:
        early = edges[1] * 0.5 ** np.arange(FIRST_HALVINGS, 0, -1)
        edges = np.concatenate([edges[:1], early, edges[1:]])
    return Clock(edges, np.searchsorted(edges, times))


def padded(edges: np.ndarray) -> np.ndarray:
    """The edges with the last one repeated up to a power of two, so that few lengths have to be compiled."""
    size = 1 << int(np.ceil(np.log2(len(edges) + 1)))
    return np.pad(edges, (0, size - len(edges)), mode="edge")
