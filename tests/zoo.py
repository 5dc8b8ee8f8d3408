"""The problems that the tests share, as plain arrays and as jominy's objects.

`Law` holds the numbers themselves, so that an oracle never reads them back from the code under test. Vectors and
spectra are those of the reference values of `theory/dynamics.md` section 10.
"""

import math
from dataclasses import dataclass, field

import numpy as np

import jominy as jm


@dataclass(frozen=True, eq=False)
class Law:
    """A Gaussian mixture: weights (n,), means (n, d), covariances (n, d) or (n, d, d), labels (n,), teacher (d,).

    Targets of the loss "erf" are erf(r*) of the teacher's score (`teacher_link`), plus noise.
    `label_law` is "logistic", "probit" or "sign": the labels are then drawn from the teacher's score.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    labels: np.ndarray | None = None
    teacher: np.ndarray | None = None
    noise_variance: float = 0.0
    label_law: str | None = None
    teacher_link: jm.Erf | None = None

    @property
    def dimension(self) -> int:
        return self.means.shape[1]

    def data(self) -> jm.GaussianMixture:
        return jm.GaussianMixture(
            self.weights,
            list(self.means),
            list(self.covariances),
            self.labels,
            self.teacher,
            self.noise_variance,
            LABEL_LAWS.get(self.label_law),
            self.teacher_link,
        )

    def problem(self, loss, radius: float) -> jm.Problem:
        return jm.Problem(self.data(), loss, radius)


@dataclass(frozen=True, eq=False)
class Case:
    """One training run: law, loss ("squared" or "logistic"), radius, schedule, start.

    `rate` is the schedule once more, for the oracles: a function of time, "polyak" or "line search"; `jumps` are the
    times at which it is not smooth.
    """

    law: Law
    loss: str
    radius: float
    schedule: jm.Constant
    rate: object
    start: np.ndarray
    jumps: tuple[float, ...] = field(default=())

    def problem(self) -> jm.Problem:
        return self.law.problem(LOSSES[self.loss], self.radius)


LOSSES = {"squared": jm.SquaredLoss(), "logistic": jm.LogisticLoss(), "erf": jm.LinkSquaredLoss(jm.Erf())}
LABEL_LAWS = {"logistic": jm.LogisticLabels(), "probit": jm.ProbitLabels(), "sign": jm.SignLabels()}
TIMES = np.array([1.0, 2.0, 5.0, 10.0])

MARGIN_LOSSES = {
    "logistic": jm.LogisticLoss(),
    "probit": jm.ProbitLoss(),
    "hinge": jm.HingeLoss(),
    "squared hinge": jm.SquaredHingeLoss(),
    "smoothed hinge": jm.SmoothedHingeLoss(),
    "exponential": jm.ExponentialLoss(),
}


def unit(vector) -> np.ndarray:
    return np.asarray(vector, dtype=float) / np.linalg.norm(vector)


def teacher(d: int) -> np.ndarray:
    return unit(np.where(np.arange(d) % 2 == 0, 1.2, 0.8))


def start(d: int) -> np.ndarray:
    return 0.7 * unit(np.where(np.arange(d) % 3 == 0, -1.0, 0.5))


def u1(d: int) -> np.ndarray:
    return unit(np.where(np.arange(d) % 2 == 0, 1.0, 0.6))


def u2(d: int) -> np.ndarray:
    return unit(np.where(np.arange(d) % 4 < 2, 1.0, -1.0))


def levels(d: int) -> np.ndarray:
    return (np.arange(d) + 0.5) / d


def iso(d: int) -> np.ndarray:
    return np.ones(d)


def pow_(d: int) -> np.ndarray:
    values = levels(d) ** 1.5
    return values / values.mean()


def two(d: int) -> np.ndarray:
    return np.where(np.arange(d) < d / 2, 1.6, 0.4)


def lin(d: int) -> np.ndarray:
    return 0.2 + 1.6 * levels(d)


def steps_of_power_law(d: int, count: int = 10) -> np.ndarray:
    """A power law in `count` levels, so that the simulator of groups serves it."""
    return np.repeat(pow_(count), d // count)


def one_class(eigenvalues, noise_variance: float) -> Law:
    d = len(eigenvalues)
    return Law(np.ones(1), np.zeros((1, d)), np.array([eigenvalues]), None, teacher(d), noise_variance)


def drawn_labels(law: Law, label_law: str, size: float = 2.0) -> Law:
    """The same inputs with labels drawn from a teacher of norm `size`."""
    return Law(law.weights, law.means, law.covariances, None, size * teacher(law.dimension), 0.0, label_law)


def two_classes(d: int, labels=(1.0, -1.0), with_teacher: bool = False, noise_variance: float = 0.0) -> Law:
    """The two classes of section 10; `with_teacher` adds <X*, x> to the target."""
    s = levels(d)
    means = np.array([1.2 * u1(d), -0.8 * u1(d) + 0.3 * u2(d)])
    covariances = np.array([0.5 + s, 1.6 - 1.2 * s])
    return Law(
        np.array([0.4, 0.6]), means, covariances, np.array(labels), teacher(d) if with_teacher else None, noise_variance
    )


def two_grouped_classes(d: int, **more) -> Law:
    """Two classes with two-level covariances that are not proportional: four tuples of eigenvalues."""
    quarter = np.arange(d) // (d // 4)
    covariances = np.array([np.where(quarter < 2, 1.6, 0.4), np.where(quarter % 2 == 0, 0.5, 1.2)])
    law = two_classes(d, **more)
    return Law(law.weights, law.means, covariances, law.labels, law.teacher, law.noise_variance)


def four_classes(d: int, labels, with_teacher: bool = False, noise_variance: float = 0.0) -> Law:
    s = levels(d)
    means = np.array([u1(d), -u1(d), 0.8 * u2(d), 0.5 * u1(d) - 0.6 * u2(d)])
    covariances = np.array([0.5 + s, 1.5 - s, np.ones(d), 0.3 + 1.2 * s**2])
    return Law(
        np.array([0.1, 0.2, 0.3, 0.4]),
        means,
        covariances,
        np.array(labels),
        teacher(d) if with_teacher else None,
        noise_variance,
    )


def rotation(d: int, seed: int = 1) -> np.ndarray:
    """A random orthogonal matrix (d, d)."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def turned_classes(d: int, angle: float = 0.7, labels=(1.0, -1.0), with_teacher=False, noise_variance=0.0) -> Law:
    """Two classes whose covariances do not commute: the second one's eigenbasis is turned, coordinate pair by pair."""
    law = two_classes(d, labels, with_teacher, noise_variance)
    turn = np.eye(d)
    half = d // 2
    for j in range(half):  # pairs far apart in the spectrum, so that the turn matters
        turn[j, j] = turn[j + half, j + half] = math.cos(angle)
        turn[j, j + half], turn[j + half, j] = -math.sin(angle), math.sin(angle)
    covariances = np.array([np.diag(law.covariances[0]), turn @ np.diag(law.covariances[1]) @ turn.T])
    return Law(law.weights, law.means, covariances, law.labels, law.teacher, law.noise_variance)
