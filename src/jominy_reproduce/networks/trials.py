"""Trainings with and without the adversarial term: what the two yardsticks of trainability are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jominy.meanfield import Architecture, InputGeometry, longest_time, trainability_index
from jominy_reproduce.networks.effort import CLASSES, DIM
from jominy_reproduce.networks.together import on_all_cores

if TYPE_CHECKING:
    from jominy.networks import LabelledInputs

KEPT = 0.9
"""Share of its standard accuracy that a network must keep for adversarial training to have succeeded."""
FEW = 50
"""Inputs of the records along a training, which are not looked at."""


@dataclass(frozen=True)
class Trial:
    """One training: network, radius, learning rate times width, steps; `data` is a cosine within classes, or digits."""

    architecture: Architecture
    radius: float
    pace: float = 1.0
    steps: int = 200
    data: float | str = 0.5

    def inputs(self, seed: int) -> tuple[LabelledInputs, LabelledInputs]:
        """Inputs for training, and others for the accuracy."""
        from jominy.networks import digits, gaussian_classes

        if self.data == "digits":
            return digits(seed=seed).split(0.7, seed=seed)
        return gaussian_classes(1600, DIM, CLASSES, cosine=float(self.data), seed=seed).split(0.75, seed=seed)

    def index(self) -> float:
        """tau, in closed form, from the geometry of the inputs."""
        train, _ = self.inputs(0)
        geometry = InputGeometry.of(train.inputs.numpy(), train.labels.numpy())
        return float(trainability_index(self.architecture, self.radius, geometry).tau)

    def law(self) -> float:
        """The weight-variance law's longest time over lam x the time trained, its own rate; lam is 1 in all trials."""
        steps_time = self.pace / float(self.architecture.width) * self.steps
        return float(longest_time(self.architecture, self.radius, 2, 2)) / steps_time

    def run(self, seed: int, *, adversarial: bool) -> Outcome:
        """Train the network of a seed on the data of that seed, with or without the adversarial term."""
        from jominy.networks import CrossEntropyPlus, LabelledInputs, RandomNetwork, train

        data, held_out = self.inputs(seed + 500)
        network = RandomNetwork(self.architecture, seed=seed)
        result = train(
            network,
            data,
            CrossEntropyPlus(self.radius, weight=float(adversarial)),
            rate=self.pace / float(self.architecture.width),
            steps=self.steps,
            seed=seed,
            record_every=self.steps,
            record_on=LabelledInputs(data.inputs[:FEW], data.labels[:FEW]),
            progress=False,
        )
        # Records on the other inputs, attacks and all, would take a third of the training's time.
        right = (network(held_out.inputs).argmax(1) == held_out.labels).double().mean()
        diverged = not np.isfinite(result["training_loss"].values[0, -1])
        variance = result["weight_variance"].values[0]
        change = np.abs(variance[-1] / variance[0] - 1).max()
        return Outcome(0.0 if diverged else float(right), float(change))


class Outcome(NamedTuple):
    """Clean accuracy on the other inputs, and the largest relative change of a weight variance."""

    accuracy: float
    change: float


def run_all(jobs: Sequence[tuple[Trial, int, bool]]) -> np.ndarray:
    """(jobs, 2) accuracy and change of (trial, seed, adversarial)."""
    calls = [partial(trial.run, seed, adversarial=adversarial) for trial, seed, adversarial in jobs]
    return np.array(on_all_cores(calls))


def random_trial(draw: np.random.Generator) -> Trial:
    """A network, a radius and data drawn from wide ranges (trainability.md section 3 has fixed grids of them)."""
    depth, width = int(draw.integers(2, 15)), int(draw.choice([64, 96, 128, 192, 256]))
    shortcut = bool(draw.random() < 0.35)
    gain = draw.uniform(1.5, 8.0)
    variance = 2 * (gain ** (1 / depth) - 1) if shortcut else draw.uniform(1.6, 2.2)
    network = Architecture(depth, width, DIM, CLASSES, weight_variance=float(variance), shortcut=shortcut)
    data = draw.choice(["digits", "0.3", "0.5", "0.7"])
    radius, pace = float(draw.uniform(0.5, 3.0)), float(draw.choice([0.4, 1.0]))
    return Trial(network, radius, pace, 300, data if data == "digits" else float(data))


def roc_area(scores: np.ndarray, success: np.ndarray) -> tuple[float, float]:
    """Probability that a success has the larger score, ties counted half, and its standard error (Hanley, McNeil)."""
    good, bad = scores[success], scores[~success]
    if not (len(good) and len(bad)):
        return float("nan"), float("nan")
    area = float(np.mean((good[:, None] > bad) + 0.5 * (good[:, None] == bad)))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (len(good) - 1) * (q1 - area**2) + (len(bad) - 1) * (q2 - area**2)
    return area, float(np.sqrt(max(spread, 0.0) / (len(good) * len(bad))))


def bootstrap_interval(
    scores: np.ndarray, success: np.ndarray, *, seed: int, resamples: int = 2000
) -> tuple[float, float]:
    """[5, 95] % of the area over resampled trials."""
    draw = np.random.default_rng(seed)
    picks = draw.integers(0, len(scores), (resamples, len(scores)))
    areas = [roc_area(scores[pick], success[pick])[0] for pick in picks]
    low, high = np.nanquantile(areas, [0.05, 0.95])
    return float(low), float(high)
