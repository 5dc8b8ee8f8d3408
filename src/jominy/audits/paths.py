"""What the passes of an attack tell about it: which way it went around each input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jominy.audits.cases import Case
from jominy.audits.threat import Floats, Threat


@dataclass(frozen=True)
class Ask:
    """One pass of a model: its inputs (m, d), and whether it was made in training mode and with gradients."""

    inputs: Floats
    training: bool
    gradient: bool


@dataclass(frozen=True)
class Trial:
    """An attack's answer to one case, and the way there.

    Attributes
    ----------
    case, threat : what it was asked
    deltas : (n, d) what it returned, minus the inputs
    used : (n, d) of this what the threat allows
    share : (n,) how much the margin fell, of what it takes: to the boundary where that can be crossed, else to the
        least margin
    asked : passes that were remembered, in order
    rows, gradient_rows, training_rows : inputs that went through the model in all of them
    seconds : per input
    left_training : whether the model was handed back in training mode
    """

    case: Case
    threat: Threat
    deltas: Floats
    used: Floats
    share: Floats
    asked: tuple[Ask, ...]
    rows: int
    gradient_rows: int
    training_rows: int
    seconds: float
    left_training: bool

    @property
    def counted(self) -> np.ndarray:
        """(n,) inputs by which strength is judged: all, or those that can be misclassified, of an attack that hands the
        others back as they were."""
        untouched = ~np.any(self.deltas, axis=1)
        keeps = bool(untouched[self.held].all() and not untouched.all() and (~self.held).any())
        return ~self.held if keeps else np.ones(len(self.share), dtype=bool)

    @property
    def median(self) -> float:
        """Median share of the optimum."""
        return float(np.median(self.share[self.counted]))

    @property
    def held(self) -> np.ndarray:
        """(n,) inputs that no allowed perturbation brings across the boundary: there only full strength will do."""
        return self.case.least > 0

    @property
    def broken(self) -> float:
        """Of the inputs that can be misclassified, the share that is."""
        can = ~self.held
        wrong = self.case.margins(self.case.inputs + self.used) < 0
        return float(np.mean(wrong[can])) if can.any() else float("nan")

    @property
    def reach(self) -> Floats:
        """Sizes of what was returned, in radii, where full strength is needed."""
        return self.threat.size(self.deltas[self.held]) / self.threat.radius

    def ways(self) -> list[Floats]:
        """For each input the points (T, d), minus the input, at which the model was asked for gradients, in order."""
        found: list[list[Floats]] = [[] for _ in self.case.labels]
        last, everyone = self.case.inputs.copy(), np.arange(len(self.case.labels))
        for ask in self.asked:
            if not ask.gradient:
                continue
            owners = everyone
            if len(ask.inputs) != len(everyone):  # some of the inputs: those that were last seen nearby
                owners = np.linalg.norm(ask.inputs[:, None] - last[None], axis=2).argmin(axis=1)
            last[owners] = ask.inputs
            for row, owner in zip(ask.inputs, owners, strict=True):
                found[owner].append(row - self.case.inputs[owner])
        return [np.array(points).reshape(-1, self.case.inputs.shape[1]) for points in found]

    def strides(self) -> tuple[float, float]:
        """Median number of steps per input, and median size of a step in radii; (0, 0) without a way."""
        counts, sizes = [], []
        for points, end in zip(self.ways(), self.deltas, strict=True):
            if len(points):
                moves = self.threat.size(np.diff(np.vstack([points, end]), axis=0))
                moved = moves[moves > 1e-6 * self.threat.radius]
                counts.append(len(points))
                sizes += list(moved)
        if not counts:
            return 0.0, 0.0
        return float(np.median(counts)), float(np.median(sizes)) / self.threat.radius if sizes else 0.0


def trial_of(case: Case, threat: Threat, attacked: Floats, asked: list[Ask], **cost: float | bool) -> Trial:
    """The trial from what came back."""
    deltas = attacked - case.inputs
    used = threat.within(case.inputs, deltas)
    before = case.margins(case.inputs)
    needed = np.minimum(before, before - case.least)
    share = np.minimum((before - case.margins(case.inputs + used)) / needed, 1.0)
    return Trial(case, threat, deltas, used, share, tuple(asked), **cost)  # type: ignore[arg-type]
