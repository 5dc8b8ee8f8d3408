"""A random deep ReLU network, with a bound on what an attack can do by operator norms of its Jacobian.

f(x + delta) - f(x) = (mean of J along the way) delta, and every J on the way lies between bounds entry by entry: a unit
that keeps its sign in the whole ball has the slope that it has at x, another one a slope from 0 to 1. With centre C and
half width R of J the change of an output is at most radius (||C|| + ||R||) in the dual norm: an operator norm, layer by
layer, and a true bound, where attacks can only say what is possible at least. The box is left out, which keeps it one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jominy.audits.threat import Floats, Threat

WIDTH, DEPTH, CLASSES = 32, 2, 4
STEADY = 30.0
"""Typical size of a hidden field, in units of how far the attack can move it: most units keep their sign."""


@dataclass(frozen=True)
class Deep:
    """Layers of weights (rows, columns) and biases (rows,), with ReLU between them; of inputs (n, d)."""

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    def __call__(self, inputs: Floats) -> Floats:
        signal = inputs
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            signal = np.maximum(signal @ weight.T + bias, 0.0)
        return signal @ self.weights[-1].T + self.biases[-1]

    def least(self, inputs: Floats, labels: np.ndarray, threat: Threat) -> Floats:
        """(n,) no margin can be lower than this within the radius."""
        return np.array([self._least(row, int(label), threat) for row, label in zip(inputs, labels, strict=True)])

    def _least(self, row: Floats, label: int, threat: Threat) -> float:
        signal = row
        centre, width = self.weights[0], np.zeros_like(self.weights[0])
        for layer, (weight, bias) in enumerate(zip(self.weights[:-1], self.biases[:-1], strict=True)):
            field, stray = weight @ signal + bias, _stray(centre, width, threat)
            certain = np.abs(field) > stray
            slope = np.where(certain, field > 0, 0.5)[:, None]
            half = np.where(certain, 0.0, 0.5)[:, None]
            centre, width = slope * centre, half * np.abs(centre) + (slope + half) * width
            following = self.weights[layer + 1]
            if layer + 2 == len(self.weights):  # differences of scores have narrower bounds than scores
                following = following[label] - following
            centre, width = following @ centre, np.abs(following) @ width
            signal = np.maximum(field, 0.0)
        scores = self.weights[-1] @ signal + self.biases[-1]
        margins = scores[label] - scores - _stray(centre, width, threat)
        return float(np.delete(margins, label).min())


def _stray(centre: Floats, width: Floats, threat: Threat) -> Floats:
    """How far rows of a Jacobian between centre - width and centre + width can move what they are of."""
    return threat.radius * (threat.dual(centre) + threat.dual(width))


def deep_case(
    threat: Threat, dimension: int, count: int, gain: float, seed: int
) -> tuple[Deep, Floats, np.ndarray, Floats]:
    """A network, inputs, labels and bounds of the least margins."""
    draw = np.random.default_rng([seed, 813])
    low, high = (-1.0, 1.0) if threat.box is None else threat.box
    inputs = (low + (high - low) * draw.random((8 * count, dimension))).astype(np.float32).astype(float)
    weights: list[Floats] = []
    biases: list[Floats] = []
    signal = inputs
    size = threat.radius
    for rows in (*(WIDTH,) * DEPTH, CLASSES):
        weight = draw.standard_normal((rows, signal.shape[1])) * np.sqrt(2 / signal.shape[1])
        field = signal @ weight.T
        moved = size * float(np.median(threat.dual(weight) if not weights else np.linalg.norm(weight, axis=1)))
        hidden = rows == WIDTH
        bias = -field.mean(axis=0) + (STEADY * moved * draw.standard_normal(rows) if hidden else 0.0)
        weights.append(weight)
        biases.append(bias)
        signal, size = np.maximum(field + bias, 0.0), moved * np.sqrt(rows / 2)
    network = Deep(tuple(weights), tuple(biases))
    scores = network(inputs)
    labels = scores.argmax(axis=1)
    margins = np.sort(scores, axis=1)[:, -1] - np.sort(scores, axis=1)[:, -2]
    chosen = np.argsort(-margins)[:count]
    least = network.least(inputs[chosen], labels[chosen], threat)
    factor = gain / float(np.median(margins[chosen] - least))
    scaled = Deep(
        tuple(_single(w) for w in (*weights[:-1], weights[-1] * factor)),
        tuple(_single(b) for b in (*biases[:-1], biases[-1] * factor)),
    )
    return scaled, inputs[chosen], labels[chosen], scaled.least(inputs[chosen], labels[chosen], threat)


def _single(values: Floats) -> Floats:
    return values.astype(np.float32).astype(float)
