"""Problems whose worst case is known: what an attack is tried on.

Each is a classifier with scores (n, K), inputs of one shape with labels, and the least margin that any allowed
perturbation leaves, min over delta of min over k of (score_label - score_k), exactly. Linear ones follow from
`Threat.best`; those that hide their gradients on purpose are linear too where it matters, so that their optimum is as
well known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from jominy.audits.deep import Deep, deep_case
from jominy.audits.relu_plane import Plane, plane_case
from jominy.audits.threat import Floats, Threat

COUNT = 32
"""Inputs of a case."""
GAIN = 6.0
"""By how much the best attack of a typical input lowers its margin, in units of logits."""


@dataclass(frozen=True)
class LinearScores:
    """Scores x W' + b of rows x; what an attack on NumPy arrays is given, with its gradient in the open.

    weights : (K, d); bias : (K,)
    """

    weights: Floats
    bias: Floats

    def __call__(self, inputs: Any) -> Floats:
        rows = np.asarray(inputs, dtype=float).reshape(len(inputs), -1)
        return rows @ self.weights.T + self.bias


@dataclass(frozen=True)
class Case:
    """One problem of an audit.

    Attributes
    ----------
    name, shows : what it is called, and which ability of an attack it shows
    inputs, labels : (n, d) and (n,)
    scores : (n, d) -> (n, K), the true scores in double precision; of a random module their expectation
    least : (n,) the least margin that the threat allows, or a bound from below
    exact : whether it is that, and not a bound
    hides : whether gradients are hidden on purpose
    layers : kinds of layers around the linear one, as `victims.py` builds them
    linear : the scores where they are linear; None of others
    plane : the network where it is one on a plane; None of others
    deep : the network where it is a deep one; None of others
    """

    name: str
    shows: str
    inputs: Floats
    labels: np.ndarray
    scores: Callable[[Floats], Floats]
    least: Floats
    exact: bool = True
    hides: bool = False
    layers: tuple[str, ...] = ()
    settings: dict[str, float] = field(default_factory=dict)
    linear: LinearScores | None = None
    plane: Plane | None = None
    deep: Deep | None = None

    def margins(self, inputs: Floats) -> Floats:
        """(n,) score of the label minus the largest other score."""
        return margins_of(self.scores(inputs), self.labels)


def margins_of(scores: Floats, labels: np.ndarray) -> Floats:
    """(n,) score of the label minus the largest other score.

    >>> margins_of(np.array([[3.0, 1.0, 2.5]]), np.array([0])).tolist()
    [0.5]
    """
    each = np.arange(len(labels))
    others = scores.copy()
    others[each, labels] = -np.inf
    return scores[each, labels] - others.max(axis=1)


def linear_optimum(linear: LinearScores, threat: Threat, inputs: Floats, labels: np.ndarray) -> tuple[Floats, Floats]:
    """The least margin (n,) and a perturbation (n, d) that reaches it: the best of the K - 1 linear programmes."""
    least, found = np.full(len(labels), np.inf), np.zeros_like(inputs)
    for other in range(len(linear.bias)):
        slopes = linear.weights[other] - linear.weights[labels]
        delta = threat.best(slopes, inputs)
        moved = linear(inputs + delta)
        gap = moved[np.arange(len(labels)), labels] - moved[:, other]
        better = (gap < least) & (labels != other)
        least, found = np.where(better, gap, least), np.where(better[:, None], delta, found)
    return least, found


def linear_cases(threat: Threat, dimension: int, seed: int) -> list[Case]:
    """The linear problems, in the open and hidden."""
    draw = np.random.default_rng([seed, 811])
    two, five = _scores(draw, 2, dimension), _scores(draw, 5, dimension)
    cases = [
        _linear_case("two classes", "direction, size and norm", two, threat, draw),
        _linear_case("five classes", "the choice of the class to go to", five, threat, draw),
    ]
    if threat.box is not None:
        cases.append(_linear_case("at the edge of the box", "clipping", two, threat, draw, edges=True))
    cases += [
        _linear_case("evaluation mode", "the mode of dropout", five, threat, draw, layers=("dropout",)),
        _linear_case(
            "saturated logits", "a loss that keeps its slope", five, threat, draw, layers=("scaled",),
            settings={"factor": 1e4}, hides=True,
        ),
        _linear_case("random mask", "averages over randomness", two, threat, draw, layers=("mask",), hides=True),
    ]  # fmt: skip
    if np.isinf(threat.p):
        cases.append(_quantised(two, threat, draw))
    return cases


def all_cases(threat: Threat, dimension: int, seed: int) -> list[Case]:
    """All problems, networks included; those of a threat without weights are made once."""
    if threat.weights is None:
        return list(_made_once(threat.radius, threat.p, threat.box, dimension, seed))
    return _made(threat, dimension, seed)


@lru_cache(maxsize=8)
def _made_once(radius: float, p: float, box: tuple[float, float] | None, dimension: int, seed: int) -> tuple[Case, ...]:
    return tuple(_made(Threat(radius, p, box), dimension, seed))


def _made(threat: Threat, dimension: int, seed: int) -> list[Case]:
    bent = _bent(threat, dimension, seed)
    network, inputs, labels, least = deep_case(threat, dimension, COUNT, GAIN, seed)
    deep = Case("deep", "a network of several layers", inputs, labels, network, least, exact=False, deep=network)
    return [*linear_cases(threat, dimension, seed), *([] if bent is None else [bent]), deep]


def _scores(draw: np.random.Generator, classes: int, dimension: int) -> LinearScores:
    """Weights of very unequal sizes, so that the directions that the norms l1, l2 and l_inf prefer are far apart."""
    sizes = np.exp(0.8 * draw.standard_normal(dimension))
    return LinearScores(draw.standard_normal((classes, dimension)) * sizes, np.zeros(classes))


def _linear_case(
    name: str,
    shows: str,
    linear: LinearScores,
    threat: Threat,
    draw: np.random.Generator,
    *,
    edges: bool = False,
    layers: Sequence[str] = (),
    settings: dict[str, float] | None = None,
    hides: bool = False,
) -> Case:
    """Inputs of which half can be misclassified by little less than the radius, and half not by little more."""
    low, high = (-1.0, 1.0) if threat.box is None else threat.box
    shape = (COUNT, linear.weights.shape[1])
    inputs = low + (high - low) * draw.random(shape)
    if edges:
        inputs = np.where(draw.random(shape) < 0.7, np.round(draw.random(shape)) * (high - low) + low, inputs)
    centre = (low + high) / 2
    scaled = LinearScores(linear.weights, -linear.weights.sum(axis=1) * centre)
    labels = np.arange(COUNT) % len(linear.bias)
    least, _ = linear_optimum(scaled, threat, inputs, labels)
    factor = GAIN / float(np.median(margins_of(scaled(inputs), labels) - least))
    scaled = LinearScores(scaled.weights * factor, scaled.bias * factor)
    inputs = _single(_at_ratio(scaled, threat, inputs, labels, draw))
    # Scores as the module computes them, from weights in single precision.
    final = LinearScores(_single(scaled.weights), _single(scaled.bias))
    settings = settings or {}
    shown = LinearScores(final.weights * settings.get("factor", 1.0), final.bias * settings.get("factor", 1.0))
    least, _ = linear_optimum(shown, threat, inputs, labels)
    return Case(
        name, shows, inputs, labels, shown, least, hides=hides, layers=tuple(layers), settings=settings, linear=final
    )


def _at_ratio(
    linear: LinearScores, threat: Threat, inputs: Floats, labels: np.ndarray, draw: np.random.Generator
) -> Floats:
    """The inputs moved towards or from their class until margin = ratio * (what the best attack takes from it)."""
    ratio = np.where(
        np.arange(len(labels)) % 2 == 0, draw.uniform(0.8, 0.97, len(labels)), draw.uniform(1.03, 1.5, len(labels))
    )
    towards = linear.weights[labels] - linear.weights.mean(axis=0)
    towards = np.sign(towards) * np.abs(towards).mean(axis=1, keepdims=True)

    def moved(length: Floats) -> Floats:
        at = inputs + length[:, None] * towards
        return at if threat.box is None else np.clip(at, *threat.box)

    def enough(length: Floats) -> np.ndarray:
        at = moved(length)
        margin = margins_of(linear(at), labels)
        return margin >= ratio * (margin - linear_optimum(linear, threat, at, labels)[0])

    reach = 4 * np.ptp(inputs) / np.maximum(np.abs(towards).max(axis=1), 1e-300)
    least, most = -reach, reach
    for _ in range(40):
        middle = (least + most) / 2
        above = enough(middle)
        least, most = np.where(above, least, middle), np.where(above, middle, most)
    return moved(most)


def _quantised(linear: LinearScores, threat: Threat, draw: np.random.Generator) -> Case:
    """A linear model of inputs that are rounded to a grid first: no slope anywhere, and an optimum entry by entry."""
    base = _linear_case("quantised input", "search where there is no slope", linear, threat, draw)
    step = threat.radius / 1.3
    assert base.linear is not None
    low, high = threat.room(base.inputs)
    from_here, to_there = base.inputs + np.maximum(low, -threat.radius), base.inputs + np.minimum(high, threat.radius)
    on_grid, each = base.linear, np.arange(len(base.labels))
    least = np.full(len(base.labels), np.inf)
    # Half a step beyond a point of the grid rounds either way: keep clear of it, as single precision would not.
    top, bottom = step * np.floor(to_there / step + 0.5 - 1e-3), step * np.ceil(from_here / step - 0.5 + 1e-3)
    for other in range(len(on_grid.bias)):
        slopes = on_grid.weights[other] - on_grid.weights[base.labels]
        moved = on_grid(np.where(slopes > 0, top, bottom))
        gap = np.where(base.labels == other, np.inf, moved[each, base.labels] - moved[:, other])
        least = np.minimum(least, gap)

    def scores(inputs: Floats) -> Floats:
        return on_grid(step * np.round(inputs / step))

    return Case(
        base.name, base.shows, base.inputs, base.labels, scores, least, hides=True, layers=("quantised",),
        settings={"step": step}, linear=on_grid,
    )  # fmt: skip


def _bent(threat: Threat, dimension: int, seed: int) -> Case | None:
    """The network on a plane; None where the radius is too large for the box."""
    found = plane_case(threat, dimension, 2 * COUNT, 2 * GAIN, seed)
    if found is None:
        return None
    plane, inputs, labels, least = found
    return Case("bent", "several steps, restarts", inputs, labels, plane, least, plane=plane)


def _single(values: Floats) -> Floats:
    return values.astype(np.float32).astype(float)
