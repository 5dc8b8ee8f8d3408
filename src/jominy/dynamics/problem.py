"""The problem: data, loss and radius. Every engine starts from it."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np

from jominy.attacks import L2, Attack, Reach
from jominy.data import GaussianMixture, Samples
from jominy.data.arrays import shortened
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.errors import InputError
from jominy.losses import Adversarial, ClassLoss, ClassWeightedLoss, Loss, Objective, WeightedClassLoss
from jominy.schedules import FixedRadius, RadiusSchedule, require_radius


@dataclass(frozen=True)
class Problem:
    """Adversarial training of x -> <X, x> on `data` with `loss` under attacks of size at most `radius`.

    Minimises R(X) = E max loss(<X, x + delta>, y) over perturbations delta in the attack's set: ||delta|| <= radius for
    l2, the default.

    Parameters
    ----------
    data : GaussianMixture, LinearTeacher or Samples
    loss : a loss object, such as SquaredLoss() or LogisticLoss()
    radius : float, the l2 norm of the attack in the data's scaled units (||x||^2 ~ d); or a schedule of it over time,
        RadiusRamp(0.0, 0.5, time=5), RadiusPiecewise, RadiusKnots or RadiusFunction. Then risks and accuracies are
        those at the radius of the moment (a result's `radius`), while the optimum, and with it distance, excess risk,
        Polyak's rate and the collapse, refer to the final radius
    attack : L2(), the default; LInf() or LInf(budget=...): every feature on its own; or Mahalanobis(weights=...). With
        budgets or weights some features may be out of reach
    objective : Adversarial(), the default; Mixed(clean=0.4), CoinFlip(0.5), TRADES(beta=3), GaussianNoise(variance=0.2)
        or a radius that is drawn. What results call adversarial risk is the risk that is minimised, and `loss` is then
        the one that the objective makes

    Raises
    ------
    InputError
        Negative radius; data or loss of the wrong kind; a classification loss without labels -1, +1.

    Examples
    --------
    >>> import jominy as jm
    >>> Problem(jm.LinearTeacher(jm.identity(100)), jm.SquaredLoss(), radius=0.5).radius
    0.5
    """

    data: GaussianMixture | Samples
    loss: Loss
    radius: float | RadiusSchedule
    attack: Attack = L2()
    objective: Objective = Adversarial()

    def __post_init__(self) -> None:
        if getattr(self.data, "empirical", None) is None:
            raise InputError(
                "The data of a problem must be a GaussianMixture, a LinearTeacher or Samples",
                type(self.data).__name__,
                "Wrap your own arrays as Samples(X, y)",
            )
        if not isinstance(self.loss, Loss):
            raise InputError(
                "The loss of a problem must be a loss object",
                self.loss,
                "Use for instance `SquaredLoss()` or `LogisticLoss()`",
            )
        if not isinstance(self.attack, Attack):
            raise InputError(
                "The attack of a problem must be an attack object",
                self.attack,
                "Use `L2()`, `LInf()`, or `Mahalanobis(weights=...)` for budgets per feature",
            )
        if not isinstance(self.radius, RadiusSchedule):
            object.__setattr__(self, "radius", require_radius(self.radius))
        if isinstance(self.loss, ClassLoss):
            object.__setattr__(self, "data", self.data.with_classes())
        elif self.loss.needs_classes and not self.data.classification:
            raise InputError(
                f"{type(self.loss).__name__} is a classification loss and needs labels -1 and +1",
                "targets without such labels",
                "Give `labels=[...]` for the components (or two kinds of targets of samples), or use `SquaredLoss()`",
            )

        self._check_classes()
        object.__setattr__(self, "loss", self._minimised())
        self.loss.check(self.data)
        if not self.attack.isotropic or self.objective.input_noise:
            _ = self.form if self.data.empirical else self.law

    def _minimised(self) -> Loss:
        """The loss that the objective and the weights of classes make of the one given."""
        if not isinstance(self.objective, Objective):
            raise InputError(
                "The objective of a problem must be an objective object",
                self.objective,
                "Use `Mixed(clean=0.4)`, `CoinFlip(0.5)` or `TRADES(beta=3)`, or leave it out",
            )
        weights, plain = self.data.class_weights, self.loss.plain
        if isinstance(plain, ClassLoss):
            if self.attack.rows_alone:
                raise InputError(
                    "This attack is known for one score per row, not yet for one per class",
                    repr(self.attack),
                    "Use `L2()` or `LInf()`",
                )
            several = self.objective.of_classes(plain)
            return several if weights is None else WeightedClassLoss(several, weights)
        self.objective.check(self.data)
        if self.objective.input_noise and not self.data.empirical and self.mixture.intercept:
            self._require_features_norm()
        loss = self.objective.of(plain)
        return loss if weights is None else ClassWeightedLoss(loss, (weights[0], weights[1]))

    def _require_features_norm(self) -> None:
        """InputError where the norm of the features without the intercept, which noise acts on, is not known."""
        if not self.attack.isotropic:
            raise InputError(
                "On a mixture with an intercept, noise on the inputs is known under l2, whose size is the norm of all "
                "features but the intercept",
                repr(self.attack),
                "Use `L2()`, leave intercept out, or draw rows, Samples(X, y, intercept=True)",
            )

    @property
    def has_accuracy(self) -> bool:
        """Whether a share of the predictions is right: the targets are two classes, or the loss is of several."""
        return self.loss.several or self.data.classification

    @property
    def mixture(self) -> GaussianMixture:
        """The data, where they are a Gaussian mixture; InputError where they are samples."""
        if self.data.empirical:
            raise InputError(
                "This is for a problem on a Gaussian mixture",
                type(self.data).__name__,
                "Use `forecast(...)` or `simulate(...)`, which take samples too",
            )
        return cast(GaussianMixture, self.data)

    @property
    def samples(self) -> Samples:
        """The data, where they are samples; InputError where they are a Gaussian mixture."""
        if not self.data.empirical:
            raise InputError(
                "This is for a problem on samples", type(self.data).__name__, "Wrap your arrays as `Samples(X, y)`"
            )
        return cast(Samples, self.data)

    def _check_classes(self) -> None:
        """InputError for several classes and a loss of one score."""
        if self.data.empirical and self.samples.scores_by_class and not isinstance(self.loss, ClassLoss):
            raise InputError(
                "A head has a score for each class, and a loss of several classes",
                type(self.loss).__name__,
                "Use `SoftmaxLoss()`; for two classes it is the logistic loss at twice the rate",
            )
        known = getattr(self.data, "classes", None)
        if known is not None and len(known) > 2 and not isinstance(self.loss, ClassLoss):
            raise InputError(
                f"{type(self.loss).__name__} is for two classes, or for numbers",
                f"{len(known)} classes: {shortened(known)}",
                "Use `SoftmaxLoss()`, or choose two groups with `select_classes(X, y, classes)`",
            )

    @cached_property
    def form(self) -> np.ndarray | Reach | None:
        """What the attack's size on samples is made of; none of it on features that are out of reach.

        M with size(X)^2 = X' M X, (d,) or (d, d), or None for the identity; the reach of an attack on single features.
        """
        return self.samples.under(self.attack)

    @cached_property
    def feature_noise(self) -> np.ndarray | None:
        """(d,) variance of the noise that training adds to each feature of samples, none to an intercept; or None."""
        variance = self.objective.input_noise
        if not variance:
            return None
        found = np.full(self.samples.dimension, variance)
        found[self.samples.dimension - self.samples.intercept :] = 0.0
        return found

    @cached_property
    def law(self) -> EigenLaw | DenseLaw:
        """The law of a mixture, with the attack's form in its coordinates; InputError where they do not fit."""
        return _trained_on(self.mixture.law, self.objective.input_noise, self.attack)

    @property
    def teacher_norm(self) -> float:
        """Norm of the teacher that students are aligned with; 0 without one, or where noise on the inputs turns it."""
        given, told = self.mixture.law.teacher, self.law.teacher
        if given is None or told is None:
            return 0.0
        size, told_size = float(np.linalg.norm(given)), float(np.linalg.norm(told))
        return told_size if told @ given >= (1 - 1e-12) * size * told_size else 0.0

    @property
    def isotropic(self) -> bool:
        """Whether the attack's size on a mixture is the norm of all weights."""
        return self.attack.isotropic and not self.mixture.intercept

    @cached_property
    def radius_schedule(self) -> RadiusSchedule:
        """The radius as a function of time."""
        return self.radius if isinstance(self.radius, RadiusSchedule) else FixedRadius(self.radius)

    @property
    def final_radius(self) -> float:
        """The radius that training ends with."""
        return self.radius_schedule.final

    @property
    def groups(self) -> EigenLaw | DenseLaw:
        """The same with as few groups of equal eigenvalues as simulators need; see `GaussianMixture.groups`."""
        return _trained_on(self.mixture.groups, self.objective.input_noise, self.attack)

    def describe(self) -> dict[str, Any]:
        """The problem as a JSON-able record."""
        return dict(self._record)

    @cached_property
    def _record(self) -> dict[str, Any]:  # every result carries it, and a law may have many numbers
        record = {"data": self.data.describe(), "loss": self.loss.describe(), "radius": self.radius_schedule.describe()}
        if not self.attack.isotropic:
            record["attack"] = self.attack.describe()
        if self.objective != Adversarial():
            record["objective"] = self.objective.describe()
        return record


def require_one_score(problem: Problem) -> None:
    """InputError for a problem of several classes, where theory of one score is asked."""
    if isinstance(problem.loss, ClassLoss):
        raise InputError(
            "This is known for one score per row, not yet for one per class",
            type(problem.loss).__name__,
            "`forecast(...)`, `simulate(...)`, `fit(...)` and `collapse_radius(...)` take several classes",
        )


@lru_cache(maxsize=16)
def _trained_on(law: EigenLaw | DenseLaw, noise: float, attack: Attack) -> EigenLaw | DenseLaw:
    """One object for each law, noise on its inputs and attack, so that what is known of it is found again."""
    return attack.of(law.with_noise(noise) if noise else law)
