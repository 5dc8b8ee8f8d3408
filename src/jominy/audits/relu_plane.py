"""A small ReLU network whose worst case is found by exhaustion: it sees its input through a plane.

f(x) = g(u) with u = P (x - c) in the plane, g(u) = l'u + sum_h a_h max(0, v_h'u + b_h): the two rows of P share no
entry of the input and have the sizes that make P the map from the ball of the attack onto the unit ball of the plane
(a square for l_inf, a disc for l2, a diamond for l1). On each cell between the lines v_h'u + b_h = 0 the network is
linear, so that its minimum over a ball lies at a corner of a cell, where a line meets the ball's edge, at a corner of
the ball, or where the gradient of one cell meets the disc. All of these are tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jominy.audits.threat import Floats, Threat

UNITS = 6
"""Units of random direction."""
RISE, FALL, STEEP = 0.3, 1.2, 4.0
"""And parallel folds: the slope is STEEP on strips as wide as RISE, and on those between them, as wide as FALL, it is
that much gentler and the other way. Steps that follow anything but the gradient miss where it turns."""
FAR = 1.5
"""How far from the centre of the plane inputs lie, in radii."""


@dataclass(frozen=True)
class Plane:
    """A network of two classes on a plane; scores (g, -g) / 2.

    projection (2, d); centre (d,); lines (H, 2); offsets, sizes (H,); slope (2,); offset
    """

    projection: Floats
    centre: Floats
    lines: Floats
    offsets: Floats
    sizes: Floats
    slope: Floats
    offset: float

    def at(self, points: Floats) -> Floats:
        """g (...) at points (..., 2)."""
        hidden = np.maximum(points @ self.lines.T + self.offsets, 0.0)
        return hidden @ self.sizes + points @ self.slope + self.offset

    def points(self, inputs: Floats) -> Floats:
        """(n, 2) where inputs lie in the plane."""
        return (inputs - self.centre) @ self.projection.T

    def gradient(self, points: Floats) -> Floats:
        """(n, 2) of g."""
        active = points @ self.lines.T + self.offsets > 0
        return (active * self.sizes) @ self.lines + self.slope

    def __call__(self, inputs: Floats) -> Floats:
        value = self.at(self.points(inputs))[:, None]
        return np.concatenate([value, -value], axis=1) / 2

    def least(self, point: Floats, sign: float, p: float) -> float:
        """min of sign * g over the unit p-ball around a point, exactly."""
        candidates = self._candidates(point, sign, p)
        return float((sign * self.at(candidates)).min())

    def _candidates(self, point: Floats, sign: float, p: float) -> Floats:
        """Points of the ball, among which a minimiser is."""
        rest = self.offsets + self.lines @ point  # the lines are v'w + rest = 0 of steps w = u - point
        one, other = np.triu_indices(len(rest), 1)
        found = [np.zeros((1, 2)), _crossings(self.lines[one], rest[one], self.lines[other], rest[other])]
        if p == 2:
            square = (self.lines**2).sum(axis=1)
            cut = rest**2 < square
            feet = -(rest / square)[cut, None] * self.lines[cut]
            along = (
                self.lines[cut][:, ::-1] * [-1, 1] * np.sqrt((1 - rest[cut] ** 2 / square[cut]) / square[cut])[:, None]
            )
            slopes = -sign * (self._patterns(point) * self.sizes @ self.lines + self.slope)
            found += [feet + along, feet - along, slopes / np.linalg.norm(slopes, axis=1, keepdims=True).clip(1e-300)]
        else:
            corners = np.array(
                [[1.0, 1], [1, -1], [-1, -1], [-1, 1]] if np.isinf(p) else [[1.0, 0], [0, -1], [-1, 0], [0, 1]]
            )
            across = (np.roll(corners, -1, axis=0) - corners)[:, ::-1] * [1, -1]
            line, edge = (axis.ravel() for axis in np.indices((len(rest), 4)))
            ends = -(across * corners).sum(axis=1)
            found += [corners, _crossings(self.lines[line], rest[line], across[edge], ends[edge])]
        steps = np.concatenate(found)
        return point + steps[np.linalg.norm(steps, ord=p, axis=1) <= 1 + 1e-9]

    def _patterns(self, point: Floats) -> Floats:
        """The activation patterns of the cells that meet the unit circle: one for each arc between two lines."""
        offsets, angles = self.offsets + self.lines @ point, [0.0]
        for v, b in zip(self.lines, offsets, strict=True):
            share = -b / np.linalg.norm(v)
            if abs(share) <= 1:
                middle, half = np.arctan2(v[1], v[0]), np.arccos(share)
                angles += [middle - half, middle + half]
        ends = np.sort(np.mod(angles, 2 * np.pi))
        middles = (ends + np.append(ends[1:], ends[0] + 2 * np.pi)) / 2
        around = np.stack([np.cos(middles), np.sin(middles)], axis=1)
        return np.unique(around @ self.lines.T + offsets > 0, axis=0)


def _crossings(one: Floats, one_rest: Floats, other: Floats, other_rest: Floats) -> Floats:
    """(m, 2) where lines v'w + rest = 0 cross, pair by pair; parallel ones are left out."""
    across = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    x = one[:, 1] * other_rest - other[:, 1] * one_rest
    y = other[:, 0] * one_rest - one[:, 0] * other_rest
    crossing = np.abs(across) > 1e-12
    return np.stack([x, y], axis=1)[crossing] / across[crossing, None]


def plane_case(
    threat: Threat, dimension: int, count: int, gain: float, seed: int
) -> tuple[Plane, Floats, np.ndarray, Floats] | None:
    """A network, inputs, labels and least margins; None where the box leaves no room for the ball."""
    draw = np.random.default_rng([seed, 812])
    order = draw.permutation(dimension)
    halves = (order[: dimension // 2], order[dimension // 2 :])
    low, high = (-1.0, 1.0) if threat.box is None else threat.box
    centre = np.full(dimension, (low + high) / 2)
    weights = np.ones(dimension) if threat.weights is None else threat.weights
    projection, lift = np.zeros((2, dimension)), np.zeros((dimension, 2))
    for row, half in enumerate(halves):
        signs = np.where(draw.random(len(half)) < 0.5, -1.0, 1.0)
        kept = weights[half] > 0
        signs, half = signs[kept], half[kept]
        if not len(half):
            return None
        # Of largest image among all perturbations of size r: r |half| for l_inf, r for l1, r sqrt(sum M) for l2.
        most = {1.0: 1.0, np.inf: float(len(half))}.get(threat.p, float(np.sqrt(weights[half].sum()))) * threat.radius
        projection[row, half] = signs / most
        share = weights[half] if threat.p == 2 else np.ones(len(half))
        lift[half, row] = signs * share / share.sum() * most
    step = np.abs(lift).max()
    room = np.inf if threat.box is None else (high - low) / 2
    far = min(FAR, 0.8 * room / step - 1)
    if far < 0.3:
        return None
    slope = draw.standard_normal(2) * 0.3
    angles = draw.uniform(0, 2 * np.pi, UNITS + 1)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    starts = np.arange(-far - 1, far + 1, RISE + FALL) + draw.uniform(0, RISE)
    folds = np.stack([starts, starts + RISE], axis=1).ravel()
    gentle = -STEEP * RISE / FALL
    lines = np.concatenate([directions[:UNITS], np.repeat(directions[UNITS:], len(folds), axis=0)])
    offsets = np.concatenate([far * draw.uniform(-1, 1, UNITS), -folds])
    turns = (STEEP - gentle) * (-1.0) ** np.arange(len(folds))
    sizes, slope = np.concatenate([draw.standard_normal(UNITS), turns]), slope + gentle * directions[UNITS]
    plane = Plane(projection, centre, lines, offsets, sizes, slope, 0.0)
    points = draw.uniform(-far, far, (20 * count, 2))
    values = plane.at(points)
    plane = replace(plane, offset=-float(np.median(values)))
    values = plane.at(points)
    sign = np.where(values > 0, 1.0, -1.0)
    least = np.array([plane.least(point, side, threat.p) for point, side in zip(points, sign, strict=True)])
    ratio = np.abs(values) / (np.abs(values) - least)
    few = count // 2  # the nearest to the edge of what can be misclassified, on both sides
    easy = np.flatnonzero(ratio < 0.98)
    hard = np.flatnonzero(ratio > 1.02)
    chosen = np.concatenate([easy[np.argsort(-ratio[easy])][:few], hard[np.argsort(ratio[hard])][: count - few]])
    factor = gain / float(np.median(np.abs(values[chosen]) - least[chosen]))
    # A part that the network does not see, so that inputs can be told apart.
    apart = draw.uniform(-1, 1, (len(chosen), dimension))
    for half in halves:
        signs = np.sign(lift[half].sum(axis=1))
        apart[:, half] -= np.outer(apart[:, half] @ signs, signs) / max(float(signs @ signs), 1.0)
    apart *= 0.15 * min(room, 1.0) / np.abs(apart).max()
    inputs = (centre + points[chosen] @ lift.T + apart).astype(np.float32).astype(float)
    scaled = replace(plane, sizes=plane.sizes * factor, slope=slope * factor, offset=plane.offset * factor)
    labels = np.where(sign[chosen] > 0, 0, 1)
    exact = np.array(
        [scaled.least(point, side, threat.p) for point, side in zip(scaled.points(inputs), sign[chosen], strict=True)]
    )
    return scaled, inputs, labels, exact
