"""Adversarially trained linear models as estimators of scikit-learn: in pipelines, grid searches, cross validation.

Needs scikit-learn, an optional extra.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from jominy.attacks import L2
from jominy.data import Preprocessing, Samples
from jominy.dynamics import Problem, design, fit
from jominy.dynamics.samples.remarks import largest_safe_rate
from jominy.errors import InputError
from jominy.losses import LogisticLoss, SoftmaxLoss, SquaredLoss
from jominy.models import FittedModel
from jominy.schedules import Constant, Schedule

LARGEST_RATE = 1.0
"""Tried where the data would stand more."""
SHARE = 0.5
"""Of the largest safe rate that is used where that is known."""


class _Adversarial(BaseEstimator):
    """What both estimators do; see them."""

    def __init__(
        self, radius=0.1, *, attack=None, loss=None, schedule=None, time=20.0, intercept=True, clip=3.0,
        random_state=None,
    ):  # fmt: skip
        self.radius = radius
        self.attack = attack
        self.loss = loss
        self.schedule = schedule
        self.time = time
        self.intercept = intercept
        self.clip = clip
        self.random_state = random_state

    def _trained(self, X: Any, y: Any, loss: Any, sample_weight: Any) -> None:
        samples = Samples(X, y, Preprocessing(clip=self.clip), intercept=self.intercept, sample_weight=sample_weight)
        attack = L2() if self.attack is None else self.attack
        problem = Problem(samples, loss if self.loss is None else self.loss, self.radius, attack)
        schedule = Constant(usable_rate(problem)) if self.schedule is None else self.schedule
        if isinstance(schedule, str):
            schedule = designed_schedule(problem, schedule, self.time)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1)) if self.random_state is not None else 0
        self.model_: FittedModel = fit(problem, schedule, self.time, seed=seed, beside_forecast=False, progress=False)

    @property
    def coef_(self) -> NDArray[np.float64]:
        """Weights in data units: (1, D) of two classes, (K, D) of several, (D,) of a regression."""
        two = self.model_.classes is not None and self.model_.weights.ndim == 1
        return self.model_.coef_[None] if two else self.model_.coef_

    @property
    def intercept_(self) -> Any:
        """What belongs to `coef_`."""
        two = self.model_.classes is not None and self.model_.weights.ndim == 1
        return np.array([self.model_.intercept_]) if two else self.model_.intercept_

    def _rows(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=np.float64)


class AdversarialClassifier(ClassifierMixin, _Adversarial):
    """A linear classifier of two classes or several, trained under attack by streaming SGD.

    Parameters
    ----------
    radius : of the attack in training, on features that are scaled so that a row has a mean ||x||^2 of D
    attack : L2() by default; Mahalanobis(weights=...), LInf(...)
    loss : LogisticLoss() for two classes by default, any margin loss; SoftmaxLoss() for several
    schedule : of the learning rate; by default constant, as large as is safe for these rows, and at most 1;
        "designed" for the one of `jominy.design`, which ends with the lowest forecast risk at `time`
    time : train until this time, in samples / dimension
    intercept : whether to learn one, which no attack can touch
    clip : rows whose ||x||^2 is above this many times the mean are shrunk onto it; None for none
    random_state : of the order of rows; None is seed 0

    Attributes
    ----------
    model_ : the FittedModel, with `robust_radius` and `certified_accuracy`
    classes_, coef_, intercept_, n_features_in_ : as scikit-learn has them

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> scores = cross_val_score(AdversarialClassifier(radius=0.3), X, y, cv=3)
    >>> bool(scores.mean() > 0.93)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AdversarialClassifier:
        """Train on rows X (n, D) with two kinds of y (n,) or several, each row's loss times its weight >= 0 (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        X, y, weights = _counted(X, y, sample_weight)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        loss = LogisticLoss() if len(self.classes_) == 2 else SoftmaxLoss()
        self._trained(X, numbers, loss, weights)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """(n,) scores, positive for the second class; of several classes (n, K)."""
        rows = self._rows(X)
        return self.model_.decision_function(rows)

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) classes."""
        rows = self._rows(X)
        scores = self.model_.decision_function(rows)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else np.argmax(scores, axis=1)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """(n, K) probabilities of the classes, after the logistic loss or that of softmax."""
        rows = self._rows(X)
        return self.model_.predict_proba(rows)

    def robust_radius(self, X: Any) -> NDArray[np.float64]:
        """(n,) radius from which on an attack changes the class predicted."""
        rows = self._rows(X)
        return self.model_.robust_radius(rows)


class AdversarialRegressor(RegressorMixin, _Adversarial):
    """A linear regression trained under attack by streaming SGD; parameters as for `AdversarialClassifier`.

    The loss is the squared one by default. Whatever its values, the target is one of numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> bool(AdversarialRegressor(radius=0.05, time=60).fit(X, y).score(X, y) > 0.45)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AdversarialRegressor:
        """Train on rows X (n, D) with numbers y (n,), each row's loss times its weight >= 0 (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2, y_numeric=True)
        X, y, weights = _counted(X, y, sample_weight)
        self._trained(X, y, SquaredLoss(), weights)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """(n,) predictions in units of the target."""
        rows = self._rows(X)
        scores = self.model_.decision_function(rows)
        low, high = self.model_.classes or (0.0, 0.0)
        if self.model_.classes is not None:  # a target of two numbers was learnt as -1 and +1
            return (low + high) / 2 + scores * (high - low) / 2
        return self.model_.target_offset + self.model_.target_scale * scores


def _counted(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Rows, targets and weights of what counts at all."""
    if sample_weight is None:
        return X, y, None
    weights = _check_sample_weight(sample_weight, X)
    counts = weights > 0
    return X[counts], y[counts], weights[counts]


def designed_schedule(problem: Problem, name: str, time: float) -> Schedule:
    """The Hill schedule with the lowest forecast risk on these rows at the end, at rates that are safe for them."""
    if name != "designed":
        raise InputError("A schedule is an object, or 'designed'", name, "Such as `Constant(0.5)`")
    safe = None if problem.loss.several else largest_safe_rate(problem)
    largest = safe if safe and np.isfinite(safe) else None
    return design(problem, time, certificate=False, largest_rate=largest).schedule


def usable_rate(problem: Problem) -> float:
    """Half of the largest rate that is safe for the rows, or 1 if that is less."""
    if problem.loss.several:  # their slopes are bounded
        return LARGEST_RATE
    safe = largest_safe_rate(problem)
    return LARGEST_RATE if safe is None else min(LARGEST_RATE, SHARE * safe)
