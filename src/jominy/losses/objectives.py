"""What is minimised: the adversarial loss, mixtures of it with the clean one, TRADES.

Source: theory `attacks.md` section 6.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.errors import InputError
from jominy.losses.base import Loss
from jominy.losses.class_objectives import CoinClassLoss, MixedClassLoss
from jominy.losses.classes import ClassLoss
from jominy.losses.drawn_radius import NormalShiftLoss, UniformShiftLoss
from jominy.losses.logistic import LogisticLoss
from jominy.losses.squared import SquaredLoss
from jominy.losses.wrapped import CoinLoss, MixedLoss, TradesLoss, TradesSquaredLoss


class Objective(abc.ABC):
    """What a problem minimises, in terms of its loss."""

    @abc.abstractmethod
    def of(self, loss: Loss) -> Loss:
        """What is minimised, as a loss of score, shift and target."""

    @property
    def input_noise(self) -> float:
        """Variance of the noise that every feature is given in training."""
        return 0.0

    def check(self, data: Any) -> None:  # noqa: B027 (most objectives are known on all data)
        """InputError for data that the objective is not known on."""

    def of_classes(self, loss: ClassLoss) -> ClassLoss:
        """What is minimised, as a loss of several classes; InputError where that is not known."""
        raise InputError(
            "Of several classes the adversarial loss is minimised, alone or with the clean one",
            self,
            "Use `Mixed(clean=0.4)` or `CoinFlip(0.5)`, or leave objective out",
        )

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """The objective as a JSON-able record."""


@dataclass(frozen=True)
class Adversarial(Objective):
    """The adversarial loss itself, the default."""

    def of(self, loss: Loss) -> Loss:
        return loss

    def of_classes(self, loss: ClassLoss) -> ClassLoss:
        return loss

    def describe(self) -> dict[str, Any]:
        return {"kind": "Adversarial"}


@dataclass(frozen=True)
class Mixed(Objective):
    """The share `clean` of the clean loss and the rest of the adversarial loss, both of every sample.

    Examples
    --------
    Half clean: on the way to a lower clean risk, at some cost under attack.

    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> mixed = jm.Problem(data, jm.SquaredLoss(), radius=0.5, objective=jm.Mixed(clean=0.5))
    >>> curve = jm.forecast(mixed, jm.Constant(0.5), time=10)
    >>> round(float(curve.adversarial_risk[-1]), 4), round(float(curve.clean_risk[-1]), 4)
    (0.3522, 0.1926)
    """

    clean: float

    def __post_init__(self) -> None:
        _require_share(self.clean)

    def of(self, loss: Loss) -> Loss:
        return MixedLoss(loss, float(self.clean))

    def of_classes(self, loss: ClassLoss) -> ClassLoss:
        return MixedClassLoss(loss, float(self.clean))

    def describe(self) -> dict[str, Any]:
        return {"kind": "Mixed", "clean": float(self.clean)}


@dataclass(frozen=True)
class CoinFlip(Objective):
    """Each sample is left clean with probability `clean`, else attacked: the mean of `Mixed`, with more noise."""

    clean: float

    def __post_init__(self) -> None:
        _require_share(self.clean)

    def of(self, loss: Loss) -> Loss:
        return CoinLoss(loss, float(self.clean))

    def of_classes(self, loss: ClassLoss) -> ClassLoss:
        return CoinClassLoss(loss, float(self.clean))

    def describe(self) -> dict[str, Any]:
        return {"kind": "CoinFlip", "clean": float(self.clean)}


@dataclass(frozen=True)
class UniformRadius(Objective):
    """Each sample is attacked at a radius of its own, uniform from `lowest` times the problem's radius to that radius.

    Examples
    --------
    Uniform from zero: a little dearer than half the radius for all.

    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> drawn = jm.Problem(data, jm.SquaredLoss(), radius=0.5, objective=jm.UniformRadius())
    >>> half = jm.Problem(data, jm.SquaredLoss(), radius=0.25)
    >>> round(jm.optimum(drawn).adversarial_risk, 4), round(jm.optimum(half).adversarial_risk, 4)
    (0.2546, 0.2467)
    """

    lowest: float = 0.0

    def __post_init__(self) -> None:
        _require_share(self.lowest, "lowest share of a radius that is drawn", "Without it say `Adversarial()`")

    def of(self, loss: Loss) -> Loss:
        return UniformShiftLoss(loss, float(self.lowest))

    def describe(self) -> dict[str, Any]:
        return {"kind": "UniformRadius", "lowest": float(self.lowest)}


@dataclass(frozen=True)
class TruncatedNormalRadius(Objective):
    """Each sample is attacked at a radius of its own, |N(0, (spread radius)^2)| given that it is at most the radius.

    As in Kurakin, Goodfellow and Bengio (2017), with a spread of one half.
    """

    spread: float = 0.5

    def __post_init__(self) -> None:
        good = isinstance(self.spread, (int, float)) and np.isfinite(self.spread) and 1e-3 <= self.spread <= 1e3
        if not good:
            raise InputError(
                "The spread of a radius that is drawn is a number from 0.001 to 1000, in units of the radius",
                self.spread,
                "0.5 is usual",
            )

    def of(self, loss: Loss) -> Loss:
        return NormalShiftLoss(loss, float(self.spread))

    def describe(self) -> dict[str, Any]:
        return {"kind": "TruncatedNormalRadius", "spread": float(self.spread)}


@dataclass(frozen=True)
class GaussianNoise(Objective):
    """Every input is given fresh normal noise of the `variance` in each feature, and is then attacked: a baseline.

    Random noise of the length of an attack moves scores by 1/sqrt(d) of what the attack does. Noise that does as much
    is a ridge: inputs have the covariance K + variance I in training. What results call adversarial risk is minimised,
    so it is that of noisy inputs; accuracies, the clean risk and all that is read out at other radii or attacks are
    those of inputs without noise. Radius 0 is training on noise alone.

    Every feature but the intercept is noisy. On samples targets are those of the row. On Gaussian mixtures with
    labels or a linear teacher a noisy input is drawn as one, which has the same law. Where the noise turns the
    teacher's direction (covariances that are no multiple of the identity) there is no alignment.

    Parameters
    ----------
    variance : of the noise, in units of (input coordinate)^2: a^2 / 3 for noise that is uniform up to a

    Raises
    ------
    InputError
        A variance that is not a finite number >= 0; several classes; on mixtures random labels or links, a teacher and
        classes of different covariances, an intercept under another attack than `L2()`.

    Notes
    -----
    Source: theory `attacks.md` section 6.

    Examples
    --------
    The optimum is the teacher, shrunk as by a ridge:

    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(2), [0.8, 0.4])
    >>> noisy = jm.Problem(data, jm.SquaredLoss(), radius=0.0, objective=jm.GaussianNoise(variance=0.25))
    >>> jm.optimum(noisy).vector.round(6).tolist()
    [0.64, 0.32]
    """

    variance: float

    def __post_init__(self) -> None:
        given = self.variance
        good = isinstance(given, (int, float)) and not isinstance(given, bool) and np.isfinite(given) and given >= 0
        if not good:
            raise InputError("The variance of noise must be a finite number >= 0", given, "Noise of size 0.5 has 0.25")

    @property
    def input_noise(self) -> float:
        return float(self.variance)

    def of(self, loss: Loss) -> Loss:
        return loss

    def check(self, data: Any) -> None:
        if data.empirical:
            return
        rule, step = "Noise on the inputs of mixtures is known with labels or a linear teacher", None
        for name in ("label_law", "teacher_link"):
            if getattr(data, name, None):
                step = f"Leave {name} out"
        if step:
            raise InputError(rule, type(data).__name__, step)

    def describe(self) -> dict[str, Any]:
        return {"kind": "GaussianNoise", "variance": float(self.variance)}


@dataclass(frozen=True)
class TRADES(Objective):
    """The clean loss and `beta` times the largest divergence of the attacked prediction from the clean one.

    For the logistic loss that is max KL(sigmoid(r) || sigmoid(r')), with the gradient through both; for the squared
    loss max (r - r')^2 / 2, which is a ridge.

    Raises
    ------
    InputError
        Another loss; a beta that is not a finite number >= 0.
    """

    beta: float

    def __post_init__(self) -> None:
        good = isinstance(self.beta, (int, float)) and np.isfinite(self.beta) and self.beta >= 0
        if not good:
            raise InputError("beta of TRADES must be a finite number >= 0", self.beta, "1 to 6 are usual")

    def of(self, loss: Loss) -> Loss:
        if isinstance(loss, LogisticLoss):
            return TradesLoss(loss, float(self.beta))
        if type(loss) is SquaredLoss:
            return TradesSquaredLoss(loss, float(self.beta))
        raise InputError(
            "TRADES compares predictions: probabilities of the logistic loss, or values of the squared loss",
            type(loss).__name__,
            "Use `LogisticLoss()` or `SquaredLoss()`, or `Mixed(clean=0.5)`",
        )

    def describe(self) -> dict[str, Any]:
        return {"kind": "TRADES", "beta": float(self.beta)}


def _require_share(
    value: Any,
    what: str = "clean share of an objective",
    step: str = "For clean training alone say radius=0",
) -> None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
    if not good:
        raise InputError(
            f"The {what} is a number from 0 to below 1",
            value,
            step,
        )


__all__ = [
    "TRADES",
    "Adversarial",
    "CoinFlip",
    "GaussianNoise",
    "Mixed",
    "Objective",
    "TruncatedNormalRadius",
    "UniformRadius",
]
