"""Trainings with and without the adversarial term: what the two yardsticks of trainability are held against."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jominy.meanfield import Architecture, InputGeometry, longest_time, trainability_index
from jominy.numerics.cores import cores
from jominy.study.claims.networks.effort import CLASSES, DIM

if TYPE_CHECKING:
    from jominy.networks import LabelledInputs

KEPT = 0.9
"""Share of its standard accuracy that a network must keep for adversarial training to have succeeded."""


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
        """The weight-variance law's longest time over the time trained."""
        steps_time = self.pace / float(self.architecture.width) * self.steps
        return float(longest_time(self.architecture, self.radius, 2, 2)) / steps_time

    def run(self, networks: int, seed: int, *, adversarial: bool) -> Outcome:
        """Train networks with seeds seed, seed + 1, ..., with or without the adversarial term."""
        from jominy.networks import CrossEntropyPlus, RandomNetwork, train

        data, held_out = self.inputs(seed + 500)
        result = train(
            [RandomNetwork(self.architecture, seed=seed + k) for k in range(networks)],
            data,
            CrossEntropyPlus(self.radius, weight=float(adversarial)),
            rate=self.pace / float(self.architecture.width),
            steps=self.steps,
            seed=seed,
            record_every=self.steps,
            record_on=held_out,
            progress=False,
        )
        variance = result["weight_variance"].values
        change = np.abs(variance[:, -1] / variance[:, 0] - 1).max(axis=-1)
        return Outcome(result["clean_accuracy"].values[:, -1], change)


class Outcome(NamedTuple):
    """Clean accuracies (networks,) on the other inputs, and the largest relative change of a weight variance."""

    accuracy: np.ndarray
    change: np.ndarray


def run_all(jobs: Sequence[tuple[Trial, int, int, bool]]) -> list[Outcome]:
    """The outcomes of (trial, networks, seed, adversarial), on all cores: one training is too small for two of them."""
    # Started afresh: a copy of a process that runs JAX's or PyTorch's threads may never wake up.
    with ProcessPoolExecutor(min(cores(), len(jobs)), mp_context=get_context("spawn")) as pool:
        return list(pool.map(_run, jobs))


def _run(job: tuple[Trial, int, int, bool]) -> Outcome:
    trial, networks, seed, adversarial = job
    return trial.run(networks, seed, adversarial=adversarial)


def random_trial(draw: np.random.Generator) -> Trial:
    """A network, a radius and data drawn from wide ranges (trainability.md section 3 has fixed grids of them)."""
    depth, width = int(draw.integers(2, 15)), int(draw.choice([64, 96, 128, 192, 256]))
    shortcut = bool(draw.random() < 0.35)
    gain = draw.uniform(1.5, 8.0)
    variance = 2 * (gain ** (1 / depth) - 1) if shortcut else draw.uniform(1.6, 2.2)
    network = Architecture(depth, width, DIM, CLASSES, weight_variance=float(variance), shortcut=shortcut)
    data = draw.choice(["digits", "0.3", "0.5", "0.7"])
    radius, pace = float(draw.uniform(0.5, 3.0)), float(draw.choice([0.4, 1.0]))
    return Trial(network, radius, pace, 200, data if data == "digits" else float(data))


def roc_area(scores: np.ndarray, success: np.ndarray) -> tuple[float, float]:
    """Probability that a success has the larger score, ties counted half, and its standard error (Hanley, McNeil)."""
    good, bad = scores[success], scores[~success]
    if not (len(good) and len(bad)):
        return float("nan"), float("nan")
    area = float(np.mean((good[:, None] > bad) + 0.5 * (good[:, None] == bad)))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (len(good) - 1) * (q1 - area**2) + (len(bad) - 1) * (q2 - area**2)
    return area, float(np.sqrt(max(spread, 0.0) / (len(good) * len(bad))))
