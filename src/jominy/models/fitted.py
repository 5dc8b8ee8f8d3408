"""A linear model that was trained under attack, with the preprocessing that its rows need."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jominy.errors import InputError
from jominy.numerics import safetensors_files
from jominy.numerics.scaling import RowScaling

FORMAT, FORMAT_OF_SEVERAL = "jominy model 1", "jominy model of several classes 1"
"""Of one score, and of a score for each of several classes."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class FittedModel:
    """A linear classifier or regression as it is deployed: rows in data units in, classes or target units out.

    A regression and a classifier of two classes have one score per row, a classifier of several classes one for each.
    The score of a row x is <weights, z> + intercept, where z are the row's features as they were trained on: centred,
    scaled, and shrunk where the row is longer than the cap. `FittedModel` is made by :func:`jominy.fit` and read from a
    file by :func:`load_model`; it needs NumPy alone.

    Parameters
    ----------
    weights : (d,) on the features trained on; (K, d) for K > 2 classes
    intercept : of the score; zero for a model without one; (K,) of several classes
    size : dual norm of the weights under the attack: at radius r an attack moves scores by at most r * size; (K, K) of
        several classes, by how much it moves score k against score j; empty for a head on a frozen network, whose
        rows an attack can move each in its own way
    scaling : how rows become features; None for rows that are used as given
    classes : the classes; of two those for scores below and above zero; None for a regression
    target_offset, target_scale : of a regression, in units of the target
    columns : names of the D columns in data units, where they had any
    probabilistic : whether scores are log odds, that is, whether the loss was the logistic one or that of softmax
    record : how it was trained, and where that lies beside the forecast (JSON-able)
    encoding : what makes numbers of words before that, if anything

    Notes
    -----
    Robust radii are in the units of the radius that the model was trained at, on the features trained on: an attack on
    a row that is shrunk is one on what is left of it.
    """

    weights: Array
    intercept: Any
    size: Any
    scaling: RowScaling | None = None
    classes: tuple[Any, ...] | None = None
    target_offset: float = 0.0
    target_scale: float = 1.0
    columns: tuple[str, ...] = ()
    probabilistic: bool = False
    record: dict[str, Any] = field(default_factory=dict)
    encoding: Any = None

    @property
    def coef_(self) -> Array:
        """(D,) or (K, D) weights in data units: of rows not shrunk, decision_function(x) = <coef_, x> + intercept_."""
        return self._in_data_units()[0]

    @property
    def intercept_(self) -> Any:
        """What belongs to `coef_`: a number, or (K,)."""
        return self._in_data_units()[1]

    @property
    def n_features_in_(self) -> int:
        """Number of columns D that rows must have."""
        if self.encoding is not None:
            return len(self.columns)
        return self.weights.shape[-1] if self.scaling is None else len(self.scaling.kept)

    def features(self, X: Any) -> Array:
        """(n, d) the features trained on, of rows X (n, D) in data units; InputError for rows of another width."""
        rows = self._own_columns(X)
        table = self.encoding.transform(rows) if self.encoding is not None else self._table(rows)
        return table if self.scaling is None else self.scaling(table)

    def decision_function(self, X: Any) -> Array:
        """(n,) scores of rows X (n, D): positive for the second class; of a regression in standard deviations.

        Of several classes (n, K), the largest for the class that is answered.
        """
        return self.features(X) @ self.weights.T + self.intercept

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) classes, or predictions in units of the target."""
        scores = self.decision_function(X)
        if self.classes is None:
            return self.target_offset + self.target_scale * scores
        if self._several:
            return np.asarray(self.classes)[np.argmax(scores, axis=1)]
        return np.where(scores > 0, self.classes[1], self.classes[0])

    def predict_proba(self, X: Any) -> Array:
        """(n, K) probabilities of the classes; InputError unless the loss was the logistic one or that of softmax."""
        if not self.probabilistic:
            raise InputError(
                "Probabilities come from the logistic loss, or that of softmax",
                self.record.get("loss", {}).get("kind", "another loss"),
                "Train with `LogisticLoss()` or `SoftmaxLoss()`, or use decision_function",
            )
        scores = self.decision_function(X)
        if self._several:
            likely = np.exp(scores - scores.max(axis=1, keepdims=True))
            return likely / likely.sum(axis=1, keepdims=True)
        likely = np.exp(-np.logaddexp(0.0, -scores))
        return np.stack([np.exp(-np.logaddexp(0.0, scores)), likely], axis=1)

    def robust_radius(self, X: Any) -> Array:
        """(n,) radius from which on an attack changes the class predicted for a row; infinite if no attack can.

        Exact for a linear model: |score| / size, of several classes the smallest lead over another class over its size.
        """
        self._require_classes("A robust radius")
        if self._several:
            scores = self.decision_function(X)
            gaps, sizes = self._leads(scores, np.argmax(scores, axis=1))
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(sizes > 0, gaps / sizes, np.where(gaps > 0, np.inf, 0.0))
            return np.min(ratio, axis=1)
        scores = np.abs(self.decision_function(X))
        return scores / self.size if self.size > 0 else np.full(len(scores), np.inf)

    def certified_accuracy(self, X: Any, y: Any, radii: Sequence[float] | float) -> Any:
        """Share of rows X (n, D) that are told right whatever an attack of a radius does: (K,) for K radii."""
        self._require_classes("A certified accuracy")
        given = np.asarray(radii, dtype=float)
        if not np.all(given >= 0):
            raise InputError("Radii must be numbers >= 0", radii, "Give for instance radii=[0, 0.1, 0.2]")
        numbers, scores = self._numbers(y), self.decision_function(X)
        if self._several:
            leads, sizes = self._leads(scores, numbers)
            gaps = leads - given.reshape(-1, 1, 1) * sizes
        else:
            gaps = ((2 * numbers - 1) * scores - given.reshape(-1, 1) * self.size)[..., None]
        # Among classes that tie the answer is drawn, as everywhere in jominy.
        smallest, ties = np.min(gaps, axis=-1), np.sum(gaps == 0, axis=-1)
        share = np.mean(np.where(smallest == 0, 1 / (1 + ties), np.where(smallest > 0, 1.0, 0.0)), axis=1)
        return float(share[0]) if given.ndim == 0 else share

    def score(self, X: Any, y: Any) -> float:
        """Accuracy, or R^2 of a regression."""
        if self.classes is not None:
            return float(np.mean(self.predict(X) == np.asarray(y)))
        target = np.asarray(y, dtype=float)
        return 1.0 - float(np.sum((target - self.predict(X)) ** 2) / np.sum((target - target.mean()) ** 2))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file (.npz or .safetensors) that holds numbers and text alone; `load_model` reads it."""
        told = {
            "format": FORMAT_OF_SEVERAL if self._several else FORMAT,
            "classes": None if self.classes is None else [_plain(kind) for kind in self.classes],
            "columns": list(self.columns),
            "probabilistic": self.probabilistic,
            "record": self.record,
        }
        if self.encoding is not None:
            if not hasattr(self.encoding, "as_record"):
                raise InputError(
                    "A model with a transformer of scikit-learn's cannot be saved without pickle",
                    type(self.encoding).__name__,
                    "Apply the transformer yourself and train on what it gives, or use `Encoder()`",
                )
            told["encoding"] = self.encoding.as_record()
        arrays: dict[str, Any] = {"weights": self.weights}
        if self._several:
            arrays |= {"intercepts": self.intercept, "sizes": self.size}
        else:
            arrays["numbers"] = np.array([self.intercept, self.size, self.target_offset, self.target_scale])
        if self.scaling is not None:
            offset, kept, scale, cap, gain = self.scaling
            arrays |= {"offset": offset, "kept": kept, "scale": scale, "cap_and_gain": np.array([cap, gain])}

        from jominy.results.replaced import write_whole  # here, so that prediction needs NumPy alone

        return write_whole(path, _content(path, json.dumps(told), arrays), "the model")

    def __repr__(self) -> str:
        kind = "regression" if self.classes is None else f"classes {self.classes}"
        if self._several:
            kind = f"{len(self.weights)} classes"
        return f"FittedModel({self.n_features_in_} columns, {kind})"

    def __str__(self) -> str:
        return "\n".join([repr(self), *self.record.get("report", [])])

    def _own_columns(self, X: Any) -> Any:
        """The columns trained on, of a frame that has them under their names, perhaps beside others."""
        if not (hasattr(X, "columns") and self.columns):
            return X
        missing = [name for name in self.columns if name not in set(map(str, X.columns))]
        if missing:
            raise InputError("Rows must have the columns trained on", f"no {', '.join(missing[:5])}")
        return X.rename(columns=str)[list(self.columns)]

    def _table(self, X: Any) -> Array:
        try:
            table = np.asarray(X, dtype=float)
        except (TypeError, ValueError):
            raise InputError("Rows must be numbers", type(X).__name__, "Encode words as they were trained on") from None
        if table.ndim != 2 or table.shape[1] != self.n_features_in_:
            raise InputError(f"Rows must have {self.n_features_in_} columns", f"shape {table.shape}", "Give X (n, D)")
        if not np.all(np.isfinite(table)):
            raise InputError("Rows must be finite", "NaN or infinite values", "Fill them as they were trained on")
        return table

    @property
    def _several(self) -> bool:
        return self.weights.ndim == 2

    def _leads(self, scores: Array, numbers: NDArray[np.int64]) -> tuple[Array, Array]:
        """(n, K - 1) by how much the scores of classes (n,) lead those of the others, and the sizes of these pairs."""
        others = np.arange(scores.shape[1]) != numbers[:, None]
        leads = np.take_along_axis(scores, numbers[:, None], axis=1) - scores
        return leads[others].reshape(len(scores), -1), self.size[numbers][others].reshape(len(scores), -1)

    def _numbers(self, y: Any) -> NDArray[np.int64]:
        """(n,) the number of each row's class."""
        assert self.classes is not None
        given = np.asarray(y)
        matches = np.stack([given == kind for kind in self.classes])
        if not np.all(known := np.any(matches, axis=0)):
            raise InputError(f"Targets must be one of the classes {self.classes}", given[~known][:3].tolist())
        return np.argmax(matches, axis=0)

    def _in_data_units(self) -> tuple[Array, Any]:
        if self.scaling is None:
            return self.weights, self.intercept
        raw, shift = self.scaling.weights_to_data(self.weights)
        return raw, self.intercept + shift

    def _require_classes(self, what: str) -> None:
        if self.classes is None:
            raise InputError(f"{what} is that of a classification", "a regression", "Use predict")
        if self._several and not np.size(self.size):
            raise InputError(
                f"{what} of a head on a frozen network needs the network",
                "features alone",
                "Put the head into the module with `with_head(module, model)`, and attack that",
            )


def load_model(path: str | os.PathLike[str]) -> FittedModel:
    """A model that `FittedModel.save` wrote, read without pickle.

    Raises
    ------
    InputError
        The file cannot be read, or is no model of jominy's.
    """
    rule = "A model must be a file that FittedModel.save wrote"
    try:
        arrays, told = _stored(path)
        if told["format"] not in (FORMAT, FORMAT_OF_SEVERAL):
            raise InputError(rule, told["format"], "Upgrade jominy")
        offset, scale = 0.0, 1.0
        intercept: Any
        size: Any
        if told["format"] == FORMAT_OF_SEVERAL:
            intercept, size = arrays["intercepts"], arrays["sizes"]
        else:
            intercept, size, offset, scale = map(float, arrays["numbers"])
        scaling = None
        if "offset" in arrays:
            cap, gain = map(float, arrays["cap_and_gain"])
            scaling = RowScaling(arrays["offset"], arrays["kept"], arrays["scale"], cap, gain)
        encoding = None
        if "encoding" in told:
            from jominy.data.encoding import FittedEncoder

            encoding = FittedEncoder.from_record(told["encoding"])
        classes = None if told["classes"] is None else tuple(told["classes"])
        return FittedModel(
            arrays["weights"], intercept, size, scaling, classes, offset, scale, tuple(told["columns"]),
            bool(told["probabilistic"]), told["record"], encoding,
        )  # fmt: skip
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(rule, f"no file {os.fspath(path)}") from None
    except Exception as error:  # a damaged archive fails in a dozen ways
        raise InputError(rule, f"{os.fspath(path)}: {type(error).__name__}", "Train it again with `jm.fit`") from None


SAFETENSORS = ".safetensors"


def _content(path: str | os.PathLike[str], told: str, arrays: dict[str, Any]) -> bytes:
    """What a file of this ending holds."""
    if Path(path).suffix == SAFETENSORS:
        return safetensors_files.written({name: np.asarray(value) for name, value in arrays.items()}, {"told": told})
    content = io.BytesIO()
    np.savez(content, told=np.array(told), **arrays)
    return content.getvalue()


def _stored(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays of a model's file, and what it says of them."""
    if Path(path).suffix == SAFETENSORS:
        arrays, text = safetensors_files.read(Path(path).read_bytes())
        return arrays, json.loads(text["told"])
    with np.load(path, allow_pickle=False) as stored:
        found = {name: stored[name] for name in stored.files}
    return found, json.loads(str(found["told"]))


def _plain(kind: Any) -> Any:
    return kind.item() if hasattr(kind, "item") else kind
