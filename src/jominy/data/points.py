"""A problem as points of the joint law of all that tells one feature from another, each with a share of the features.

An attack on single features does not see inner products, which is what `nodes` keep, but every weight on its own: two
features behave alike only where eigenvalues, means, teacher, budget and start are all equal.

Source: theory `attacks.md` section 1.
"""

import heapq
from typing import NamedTuple

import numpy as np

from jominy.data.laws import EigenLaw


class Points(NamedTuple):
    """Q points and n components; what belongs to a weight is in units u = sqrt(d) X, in which it is of order one.

    Attributes:
        weights: (n,) probabilities of the components.
        eigenvalues: (n, Q) of each component's covariance.
        shares: (Q,) fraction of the features that the point stands for; sums to 1.
        means: (n, Q) sqrt(d) times the class means' coordinates.
        teacher: (Q,) of the teacher, likewise; zero without one.
        budgets: (Q,) of the attack.
        start: (Q,) where training starts.
        labels: (n,) class labels or offsets (zero without them).
        noise_variance: () variance of the label noise.
        power: () q > 1 of an l_p attack, or None for l_inf.
    """

    weights: np.ndarray
    eigenvalues: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    teacher: np.ndarray
    budgets: np.ndarray
    start: np.ndarray
    labels: np.ndarray
    noise_variance: np.ndarray
    power: np.ndarray | None = None


class Grouped(NamedTuple):
    """Points, and which of them each coordinate is: coordinate j is `sign[j]` times that of point `place[j]`."""

    points: Points
    place: np.ndarray
    sign: np.ndarray


def grouped(law: EigenLaw, start: np.ndarray) -> Grouped:
    """The distinct points of a law and a start (Q,); a coordinate and its mirror image are one point."""
    assert law.budgets is not None
    root = np.sqrt(law.shares)
    teacher = np.zeros_like(root) if law.teacher is None else law.teacher
    vectors = np.stack([*law.means, teacher, start]) / root
    known = vectors != 0
    sign = np.where(np.any(known, axis=0), np.sign(np.take_along_axis(vectors, known.argmax(axis=0)[None], 0))[0], 1.0)
    everything = np.stack([*law.eigenvalues, law.budgets, *(sign * vectors + 0.0)])
    distinct, place = np.unique(everything, axis=1, return_inverse=True)
    place = place.ravel()
    n = len(law.weights)
    points = Points(
        np.asarray(law.weights, float),
        distinct[:n],
        np.bincount(place, law.shares, distinct.shape[1]),
        distinct[n + 1 : 2 * n + 1],
        distinct[2 * n + 1],
        distinct[n],
        distinct[2 * n + 2],
        np.zeros(n) if law.labels is None else np.asarray(law.labels, float),
        np.asarray(law.noise_variance, float),
        law.power,
    )
    return Grouped(points, place, sign)


class _Cell(NamedTuple):
    """Points taken together.

    Attributes:
        score: what a rule of two points leaves out, with its sign turned, so that the largest comes first.
        first: the first member, which settles ties.
        members: (m,) which.
        mean, way: (k,) their mean, and the direction in which they differ most, in scaled attributes.
        place: (m,) of the members along that direction, or along the next one if it is that which is to be cut across.
        nodes, shares: (2,) of the rule along the direction.
    """

    score: float
    first: int
    members: np.ndarray
    mean: np.ndarray
    way: np.ndarray
    place: np.ndarray
    nodes: np.ndarray
    shares: np.ndarray


ALIKE = 1e-9
"""Spread of scaled attributes below which points are one."""


def _cell(scaled: np.ndarray, shares: np.ndarray, members: np.ndarray) -> _Cell:
    share = shares[members]
    total = share.sum()
    mean = scaled[:, members] @ share / total
    off = scaled[:, members] - mean[:, None]
    values, ways = np.linalg.eigh((off * share) @ off.T / total)
    along, across = ways[:, -1] @ off, ways[:, -2] @ off
    first, second = np.sqrt(np.maximum(values[[-1, -2]], 0.0))
    if first < ALIKE:
        return _Cell(0.0, int(members[0]), members, mean, 0 * mean, along, np.zeros(1), np.array([total]))
    # Gauss's rule of two points: it has the first four moments, and its points lie between those of the cell.
    skew = (share @ along**3) / total / first**3
    root = np.sqrt(1 + skew**2 / 4)
    nodes = first * (skew / 2 + root * np.array([-1, 1]))
    upper = -nodes[0] / (nodes[1] - nodes[0])
    left_out = max(second**2, first**4)
    place = across if second > first**2 else along
    weights = total * np.array([1 - upper, upper])
    return _Cell(-total * left_out, int(members[0]), members, mean, ways[:, -1], place, nodes, weights)


def merged(points: Points, most: int) -> Points:
    """At most so many points: cells of like ones, each cut across where it matters most, with two points for each cell.

    Along a curve, such as a spectrum, what that changes falls as 1 / most^4, in two directions as most^(-4/3).

    >>> line = np.linspace(0.0, 1.0, 1000)
    >>> one, none = np.ones(1), np.zeros(1000)
    >>> many = Points(one, 1 + line[None], none + 1e-3, none[None], none, none + 1, none, one, np.zeros(()))
    >>> few = merged(many, 10)
    >>> few.shares.size, abs(round(float(few.shares @ few.eigenvalues[0] ** 3 - np.mean((1 + line) ** 3)), 12))
    (10, 0.0)
    """
    if points.shares.size <= most:
        return points
    n = len(points.weights)
    table = np.stack([*points.eigenvalues, points.budgets, *points.means, points.teacher, points.start])
    sizes = np.sqrt(table**2 @ points.shares)
    units = np.where(sizes > 0, sizes, 1.0)
    scaled = table / units[:, None]
    cells = [_cell(scaled, points.shares, np.arange(points.shares.size))]
    while len(cells) < most // 2 and cells[0].score < 0:
        taken = heapq.heappop(cells)
        order = np.argsort(taken.place, kind="stable")
        share = np.cumsum(points.shares[taken.members[order]])
        cut = int(np.clip(np.searchsorted(share, share[-1] / 2), 1, len(order) - 1))
        for part in (order[:cut], order[cut:]):
            heapq.heappush(cells, _cell(scaled, points.shares, taken.members[np.sort(part)]))
    shares = np.concatenate([cell.shares for cell in cells])
    rows = np.concatenate([cell.mean[:, None] + cell.way[:, None] * cell.nodes for cell in cells], axis=1)
    rows = rows * units[:, None]
    rows[: n + 1] = np.maximum(rows[: n + 1], 0.0)
    return points._replace(
        eigenvalues=rows[:n],
        shares=shares,
        budgets=rows[n],
        means=rows[n + 1 : 2 * n + 1],
        teacher=rows[-2],
        start=rows[-1],
    )
