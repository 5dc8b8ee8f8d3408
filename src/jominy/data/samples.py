"""A user's own samples as a data law: every sample is a mixture component with zero covariance."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jominy.data.arrays import Array, described, digest, finite_number, read_only, shortened
from jominy.data.class_weights import class_weights
from jominy.data.encoding import FittedEncoder
from jominy.data.immutable import immutable_features
from jominy.data.mixture import GaussianMixture
from jominy.data.preprocessing import FittedPreprocessing, Preprocessing
from jominy.data.row_numbers import row_numbers
from jominy.data.sample_weights import sample_weights
from jominy.data.tables import column_names, numeric_table, with_columns
from jominy.data.targets import Targets, target_values
from jominy.data.transforms import Transform, fitted_transform
from jominy.errors import InputError
from jominy.numerics.foreign import in_step


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Samples:
    """The empirical law of n samples (`theory/realdata.md`), with the preprocessing that brings them to ||x||^2 ~ d.

    X:             array or data frame (n, D) of finite numbers, n >= 2
    y:             (n,) two kinds of anything (numbers, strings, bools): classes, the smaller one being label -1;
                   several kinds of strings, or one-hot rows (n, K): K classes;
                   more than two different numbers: regression, the target centred and divided by its sd, unless the
                   loss is one of several classes (`SoftmaxLoss()`), to which whole numbers name classes
    preprocessing: what to do to the features; None if the data are prepared already: everything is used as given
    transform:     what makes numbers of X before that, for tables with words or missing values: an `Encoder`, which
                   learns from X, or a transformer or pipeline of scikit-learn that is fitted already
    feature_names: of the D columns; by default those of the data frame, or else their numbers
    notes:         what was done to the table before, one sentence each, for the report
    immutable:     features that no attack can touch, by name or position; a column that was encoded counts as one.
                   None: those that were made of words, which nobody moves a little

    intercept:     whether to add a feature that is 1 everywhere, which is not scaled and no attack can touch: for
                   classes of different size, or a target whose mean is not zero
    class_weight:  what a sample of each class counts in the loss: "balanced", n / (K n_class) as in scikit-learn, or
                   {class: weight}; risks are then weighted, accuracies are not
    sample_weight: (n,) > 0, what each sample counts in the loss, beside that of its class; risks on these samples are
                   then means of weight times loss, accuracies and held-out risks are not weighted

    features: (n, d) what is trained on          targets: (n,) labels -1 and +1; for more than two classes their
    numbers 0, ..., K - 1; for a regression standardised targets
    fitted:   the fitted preprocessing or None   target_map: how targets became numbers
    feature_names: (d,) of the features that are left
    groups: column of kinds -> the features that came from it, by position: encoded words are no measurements
    untouched: (d,) whether no attack can touch a feature

    Rows of pandas objects belong together by their index, columns of held-out frames by their names; the rows and
    columns of arrays by position.

    Raises InputError for NaN, wrong shapes, fewer than two rows, one kind of label, labels that are lists, and pandas
    objects whose indices do not hold the same labels.

    >>> mine = Samples([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]], ["a", "b", "b"])
    >>> mine.classes, mine.targets.tolist(), round(float((mine.features**2).sum(axis=1).mean()), 12)
    (('a', 'b'), [-1.0, 1.0, 1.0], 2.0)
    """

    features: Array
    targets: Array
    preprocessing: Preprocessing | None
    fitted: FittedPreprocessing | None
    target_map: Targets
    feature_names: tuple[str, ...]
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    encoding: Transform | FittedEncoder | None
    groups: dict[str, list[int]]
    untouched: NDArray[np.bool_]
    intercept: bool
    class_weights: tuple[float, ...] | None
    sample_weights: Array | None
    given: NDArray[Any]

    def __init__(
        self,
        X: Any,
        y: Any,
        preprocessing: Preprocessing | None = Preprocessing(),  # noqa: B008
        *,
        transform: Any = None,
        feature_names: Sequence[str] | None = None,
        notes: Sequence[str] = (),
        immutable: Sequence[str | int] | None = None,
        intercept: bool = False,
        class_weight: Any = None,
        sample_weight: Any = None,
    ) -> None:
        if not (preprocessing is None or isinstance(preprocessing, Preprocessing)):
            raise InputError("preprocessing must be a Preprocessing or None", preprocessing)
        notes = (*notes, *getattr(X, "remarks", ()))
        columns = column_names(X)
        encoding = None if transform is None else fitted_transform(transform, X)
        table = numeric_table(X, names=feature_names) if encoding is None else encoding.transform(X)
        given = feature_names or columns or map(str, range(table.shape[1]))
        names = list(given) if encoding is None else encoding.names
        if len(names) != table.shape[1]:
            raise InputError("there must be one name for each feature", f"{len(names)} names, {table.shape[1]} columns")
        if len(table) < 2:
            raise InputError("there must be at least two samples", f"{len(table)} row")
        matched = in_step(X, y)
        moved = [] if matched is y else ["put the rows of y in the order of the rows of X, by their index"]
        target_map = Targets.learn(matched, standardise=preprocessing is not None)
        targets = target_map.transform(matched)
        _same_length(table, targets)
        fitted = None if preprocessing is None else preprocessing.fit(table)
        kept = list(range(len(names))) if fitted is None else np.flatnonzero(fitted.kept).tolist()
        place = {j: k for k, j in enumerate(kept)}
        groups = {} if encoding is None else encoding.groups
        kept_groups = {name: [place[j] for j in group if j in place] for name, group in groups.items()}
        by_default = immutable is None and 0 < sum(map(len, kept_groups.values())) < len(kept)
        chosen = [*kept_groups] if by_default else immutable or []
        untouched = immutable_features(chosen, names, kept, kept_groups)
        features = table if fitted is None else fitted.transform(table)
        if intercept:
            features, kept_names = _with_ones(features), [*(names[j] for j in kept), INTERCEPT]
            untouched = np.append(untouched, True)
        else:
            kept_names = [names[j] for j in kept]
        values: dict[str, Any] = {
            "features": read_only(features),
            "targets": read_only(targets),
            "preprocessing": preprocessing,
            "fitted": fitted,
            "target_map": target_map,
            "feature_names": tuple(kept_names),
            "notes": (*notes, *moved, *row_numbers(table, names), *(() if encoding is None else encoding.report)),
            "columns": tuple(columns or (feature_names if encoding is None and feature_names else ())),
            "encoding": encoding,
            "groups": kept_groups,
            "untouched": untouched,
            "intercept": intercept,
            "class_weights": class_weights(class_weight, target_map.classes, targets),
            "sample_weights": sample_weights(sample_weight, X, len(table)),
            "given": target_values(matched),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def with_intercept(self) -> Samples:
        """The same, with a feature that is 1 everywhere."""
        if self.intercept:
            return self
        return self._changed(
            features=read_only(_with_ones(self.features)),
            feature_names=(*self.feature_names, INTERCEPT),
            untouched=np.append(self.untouched, True),
            intercept=True,
        )

    def features_alone(self) -> Samples:
        """The same without intercept, immutable features and weights of classes and samples."""
        count = self.dimension - self.intercept
        return self._changed(
            features=read_only(self.features[:, :count]),
            feature_names=self.feature_names[:count],
            untouched=np.zeros(count, bool),
            intercept=False,
            class_weights=None,
            sample_weights=None,
        )

    def _changed(self, **changes: Any) -> Samples:
        made = object.__new__(type(self))
        for name in self.__dataclass_fields__:
            object.__setattr__(made, name, changes.get(name, getattr(self, name)))
        return made

    @property
    def count(self) -> int:
        """Number of samples n."""
        return self.features.shape[0]

    @property
    def dimension(self) -> int:
        """Number of features after preprocessing, d."""
        return self.features.shape[1]

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes, of two those for the labels -1 and +1; None for regression."""
        return self.target_map.classes

    @property
    def empirical(self) -> bool:
        """Whether this is the law of given rows."""
        return True

    @property
    def scores_by_class(self) -> bool:
        """Whether a model has a score for each class, also where there are two."""
        return False

    @property
    def reach_width(self) -> int:
        """Of what attacks on one row by itself are made of; 0 where attacks have a size of the weights alone."""
        return 0

    @property
    def class_numbers(self) -> NDArray[np.int64]:
        """(n,) the number 0, ..., K - 1 of each row's class."""
        return self.target_map.class_numbers(self.targets)

    def under(self, attack: Any) -> Any:
        """What the size of an attack on these rows is made of; see `Attack.on_rows`."""
        return attack.on_rows(self.untouched)

    def row_reach(self, held_out: Any = None) -> Any:
        """What attacks can do to each row by itself, of those trained on or a pair of held-out ones; None: no such."""
        return None

    def with_classes(self) -> Samples:
        """The same rows with targets that name classes, also where they are numbers.

        InputError where numbers are not whole, or each row's is its own.

        >>> Samples([[0.0], [1.0], [2.0], [5.0]], [7, 8, 9, 9]).with_classes().classes
        (7, 8, 9)
        """
        if self.classification:
            return self
        target_map = Targets.of_classes(self.given)
        made = copy.copy(self)
        object.__setattr__(made, "target_map", target_map)
        object.__setattr__(made, "targets", read_only(target_map.transform(self.given)))
        return made

    @property
    def classification(self) -> bool:
        """Whether the targets are classes."""
        return self.classes is not None

    @property
    def report(self) -> list[str]:
        """What was done to the data, one sentence per step, with counts."""
        features = ["features used as given"] if self.fitted is None else self.fitted.report
        names = self._immutable().get("immutable", [])
        few = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        words = [j for group in self.groups.values() for j in group]
        why = "; those made of words unless others are named" if words and np.all(self.untouched[words]) else ""
        out = [f"no attack can touch {len(names)} of {self.dimension} features: {few}{why}"] if names else []
        if self.class_weights is not None and self.classes is not None:
            pairs = zip(self.classes, self.class_weights, strict=True)
            out.append("weights of classes in the loss: " + ", ".join(f"{name} {weight:.4g}" for name, weight in pairs))
        if (weights := self.sample_weights) is not None:
            told = f"from {np.min(weights):.4g} to {np.max(weights):.4g}, mean {np.mean(weights):.4g}"
            out.append(f"weights of single samples in the loss: {told}")
        return [*self.notes, *features, *self.target_map.steps, *out]

    def transform(self, X: Any, y: Any) -> tuple[Array, Array]:
        """Features (m, d) and targets (m,) of held-out samples X (m, D), y (m,), by the map of the training samples."""
        if self.encoding is None:
            features = numeric_table(with_columns(X, self.columns))
        else:
            features = self.encoding.transform(X)
        if self.fitted is not None:
            features = self.fitted.transform(features)
        elif features.shape[1] != (width := self.dimension - self.intercept):
            raise InputError(f"X must have {width} columns", f"{features.shape[1]} columns")
        if self.intercept:
            features = _with_ones(features)
        targets = self.target_map.transform(in_step(X, y))
        _same_length(features, targets)
        return features, targets

    def transform_pair(self, held_out: Any) -> tuple[Array, Array]:
        """`transform` of (X_test, y_test) as one argument of a verb. InputError if it is no such pair."""
        require_pair(held_out)
        return self.transform(*held_out)

    def weights_to_data(self, weights: ArrayLike) -> tuple[Array, float]:
        """Weights (D,) and intercept in data units of weights (d,): the margin, or the target in its own units.

        Data units are those of the columns that are preprocessed: after the `transform` where there is one.
        """
        own, added = read_only(weights), 0.0
        if self.intercept:
            own, added = own[:-1], float(own[-1])
        raw, intercept = (own, 0.0) if self.fitted is None else self.fitted.weights_to_data(own)
        scale = self.target_map.scale
        return raw * scale, (intercept + added) * scale + self.target_map.offset

    def radius_from_data_units(self, radius: float) -> float:
        """Radius on the scaled features of an l2 radius in data units. InputError if each feature has its own scale."""
        return finite_number(radius, "radius", minimum=0.0) * self._factor()

    def radius_to_data_units(self, radius: float) -> float:
        """The inverse of `radius_from_data_units`."""
        return finite_number(radius, "radius", minimum=0.0) / self._factor()

    def rate_from_data_units(self, step: float) -> float:
        """Learning rate gamma of an SGD step on data-unit weights, x - step * gradient: gamma = d * step / factor^2.

        With factor f, <w, f x> = <f w, x>: data-unit weights are f times the scaled ones, so a step of size `step` on
        them is a step of size step / f^2 = gamma / d on the scaled ones.
        """
        self._require_one_scale()
        return finite_number(step, "step", minimum=0.0) * self.dimension / self._factor() ** 2

    def rate_to_data_units(self, rate: float) -> float:
        """The inverse of `rate_from_data_units`."""
        self._require_one_scale()
        return finite_number(rate, "rate", minimum=0.0) * self._factor() ** 2 / self.dimension

    def class_gaussians(self) -> GaussianMixture:
        """One Gaussian per class, with the mean and covariance (divided by the count) of its samples."""
        if not self.classification:
            raise InputError(
                "one Gaussian per class needs classes", "a regression target", "Use the forecast of the samples."
            )
        if self.classes is not None and len(self.classes) > 2:
            raise InputError(
                "one Gaussian per class is known for two classes", f"{len(self.classes)} classes", "Use `forecast(...)`"
            )
        groups = [self.features[self.targets == label] for label in (-1.0, 1.0)]
        return GaussianMixture(
            weights=[len(rows) / self.count for rows in groups],
            means=[rows.mean(axis=0) for rows in groups],
            covariances=[_covariance(rows) for rows in groups],
            labels=[-1.0, 1.0],
        )

    def describe(self) -> dict[str, Any]:
        """What a result stores about its data (JSON-able)."""
        return (
            {
                "kind": type(self).__name__,
                "count": self.count,
                "dimension": self.dimension,
                "classes": None if self.classes is None else list(self.classes),
                "preprocessing": None if self.preprocessing is None else self.preprocessing.describe(),
                "report": self.report,
                "features": described(self.features),
                "targets": {"sha256": digest(self.targets)},
            }
            | ({"groups": self.groups} if self.groups else {})
            | self._immutable()
            | ({} if self.class_weights is None else {"class_weights": list(self.class_weights)})
            | ({} if self.sample_weights is None else {"sample_weights": described(self.sample_weights)})
        )

    def _immutable(self) -> dict[str, list[str]]:
        """What cannot be attacked, if anything, by name."""
        names = [name for name, out in zip(self.feature_names, self.untouched, strict=True) if out]
        return {"immutable": names} if names else {}

    def _require_one_scale(self) -> None:
        """InputError where an intercept, which is not scaled, would learn at a rate of its own."""
        if self.intercept:
            raise InputError(
                "A rate in data units is one for all weights", "an intercept, which is not scaled", "Give a scaled rate"
            )

    def __repr__(self) -> str:
        kind = "regression" if self.classes is None else f"classes {shortened(self.classes)}"
        return f"Samples({self.count} x {self.dimension}, {kind})"

    def _factor(self) -> float:
        factor = 1.0 if self.fitted is None else self.fitted.factor
        if factor is None:
            raise InputError(
                "data units need one factor for all features",
                "Scaling.PER_FEATURE turns a ball in data units into an ellipsoid",
                "Use `Preprocessing(scaling=Scaling.ONE_FACTOR)`.",
            )
        return factor


def _covariance(rows: Array) -> Array:
    centred = rows - rows.mean(axis=0)
    return centred.T @ centred / len(rows)


INTERCEPT = "intercept"


def _with_ones(features: Array) -> Array:
    """(n, d + 1) with a feature that is 1 everywhere."""
    return np.column_stack([features, np.ones(len(features))])


def _same_length(features: Array, targets: Array) -> None:
    if len(features) != len(targets):
        raise InputError("X and y must have one row per sample", f"{len(features)} rows of X, {len(targets)} of y")


__all__ = ["Samples"]


def require_pair(held_out: Any) -> None:
    """InputError for held-out rows that are no pair (X_test, y_test)."""
    if not isinstance(held_out, (tuple, list)) or len(held_out) != 2:
        count = f" of {len(held_out)}" if isinstance(held_out, (tuple, list)) else ""
        raise InputError("held_out must be a pair (X_test, y_test)", f"a {type(held_out).__name__}{count}")
