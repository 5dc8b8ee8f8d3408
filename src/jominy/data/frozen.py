"""Features of a frozen network, and how far an attack on the network's input can move them.

A network gives a row x the features phi(x) in R^m. To first order an attack delta on x moves them by J delta, with
J = d phi / dx (m x p), which is kept as J = A V' of rank r: A (m x r) is enough for attacks of l2 norm, V (p x r) has
orthonormal columns and is needed for l_inf. Arrays alone: no deep-learning framework is imported here.

Source: theory `heads.md` sections 1 and 6.
"""

from __future__ import annotations

import io
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jominy.data.arrays import digest, shortened
from jominy.data.numpy_files import Archive, opened
from jominy.data.preprocessing import Preprocessing, Scaling
from jominy.data.samples import Samples
from jominy.errors import InputError

FORMAT = "jominy features 1"
MOST_JACOBIANS = 2**26
"""Numbers of the Jacobians of all rows that are multiplied out: a quarter of a gigabyte."""
_ARRAYS = ("features", "factors", "directions", "labels", "inputs", "energy")
_RULE = "Features must be a file that FrozenFeatures.save wrote"


@dataclass(frozen=True, eq=False, repr=False)
class FrozenFeatures:
    """Features of n inputs under a frozen network, and to first order how they move with the input.

    Made by :func:`jominy.features` (features alone) and :func:`jominy.linearised`; they serve every radius, norm, step,
    batch and label set.

    Parameters
    ----------
    features : (n, m) phi
    factors : (n, m, r) A, with A A' = J J' up to rank r; None where only the features are known
    directions : (n, p, r) V with orthonormal columns, J = A V'; None where only l2 attacks are of interest
    labels : (n,) of the inputs, where they came with labels
    inputs : (n, ...) the inputs themselves, which only a readout through the network needs
    energy : (r,) mean share of |J|^2 that the first 1, ..., r ranks keep
    record : how they were made (JSON-able)

    Raises
    ------
    InputError
        Shapes that do not fit; numbers that are not finite.

    Examples
    --------
    >>> rows = FrozenFeatures(np.ones((3, 2)), np.zeros((3, 2, 1)))
    >>> rows, len(rows[:2])
    (FrozenFeatures(3 inputs, 2 features, rank 1), 2)
    """

    features: NDArray[Any]
    factors: NDArray[Any] | None = None
    directions: NDArray[Any] | None = None
    labels: NDArray[Any] | None = None
    inputs: NDArray[Any] | None = None
    energy: NDArray[Any] | None = None
    record: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, m = _shape(self.features, "features (n, m)", 2)
        for name, values, middle in (("factors", self.factors, m), ("directions", self.directions, None)):
            if values is None:
                continue
            found = _shape(values, f"{name} (n, {'m' if middle else 'p'}, r)", 3)
            if found[0] != n or (middle is not None and found[1] != middle):
                raise InputError(f"{name} must belong to the features", f"shapes {found} and {(n, m)}")
        if self.directions is not None and (self.factors is None or self.directions.shape[2] != self.factors.shape[2]):
            raise InputError("directions must have the rank of the factors", f"shape {self.directions.shape}")
        for name, values in (("label", self.labels), ("input", self.inputs)):
            if values is not None and len(values) != n:
                raise InputError(f"there must be one {name} for each row of features", f"{len(values)}, {n} rows")

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: Any) -> FrozenFeatures:
        """Some of the inputs, by a slice, numbers or a mask."""

        def some(values: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if values is None else values[rows]

        return FrozenFeatures(
            self.features[rows], some(self.factors), some(self.directions), some(self.labels), some(self.inputs),
            self.energy, self.record,
        )  # fmt: skip

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        return np.asarray(self.features, dtype=dtype)

    @property
    def rank(self) -> int:
        """r, or 0 where only the features are known."""
        return 0 if self.factors is None else self.factors.shape[2]

    @property
    def remarks(self) -> list[str]:
        """What a forecast must say that takes these features for inputs."""
        return [
            "these rows are features of a network, and the radius is that of an attack on the features: an attack on "
            "the network's input is another thing, and accuracies under it are off by .2 to .5 here. "
            "`HeadSamples(linearised(module, inputs), y)` forecasts it"
        ]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write them to a file (.npz) of numbers and text alone; `load_features` reads it."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        content = io.BytesIO()
        np.savez(
            content,
            told=np.array(json.dumps({"format": FORMAT, "record": self.record})),
            **{name: values for name, values in arrays.items() if values is not None},
        )
        from jominy.results.replaced import write_whole

        return write_whole(path, content.getvalue(), "the features")

    def __repr__(self) -> str:
        rank = f", rank {self.rank}" if self.rank else ""
        return f"FrozenFeatures({len(self)} inputs, {self.features.shape[1]} features{rank})"


def load_features(path: str | os.PathLike[str]) -> FrozenFeatures:
    """Features that `FrozenFeatures.save` wrote, read without pickle.

    Raises
    ------
    InputError
        The file is missing, damaged, or no such file.
    """
    if not os.path.isfile(path):
        raise InputError(_RULE, f"no file {os.fspath(path)}", "Write one with `linearised(module, inputs).save(path)`")
    with opened(os.fspath(path), _RULE) as stored:
        if not isinstance(stored, Archive) or "told" not in stored.names:
            raise InputError(_RULE, os.fspath(path), "Write one with `linearised(module, inputs).save(path)`")
        told = json.loads(str(stored["told"]))
        if told.get("format") != FORMAT:
            raise InputError(_RULE, told.get("format"), "Upgrade jominy")
        return FrozenFeatures(
            **{name: np.asarray(stored[name]) for name in _ARRAYS if name in stored.names}, record=told["record"]
        )


class RowReach(NamedTuple):
    """What an attack can do to each of n rows of d features: attacks on the input of the network that made them.

    Attributes:
        factors: (n, d, r) the rows' A; None where their Jacobians are there.
        directions: (n, p, r) the rows' V, for attacks of l_inf norm; None for l2.
        jacobians: (n, d, p) the rows' A V', for attacks of l_inf norm on small inputs: quicker than the two.
    """

    factors: Any = None
    directions: Any = None
    jacobians: Any = None

    @property
    def width(self) -> int:
        """Of what an attack on one row is made of: r numbers for l2, p for l_inf."""
        if self.jacobians is not None:
            return self.jacobians.shape[2]
        return self.factors.shape[2] if self.directions is None else self.directions.shape[1]

    @property
    def table(self) -> Any:
        """(n, d, q) what features feel of an attack's q numbers: the Jacobians, or the factors."""
        return self.factors if self.jacobians is None else self.jacobians

    def multiplied_out(self) -> RowReach:
        """The same, quicker where all rows are looked at, if that does not take too much memory."""
        if self.directions is None or self.factors.shape[1] * self.directions[..., 0].size > MOST_JACOBIANS:
            return self
        return RowReach(jacobians=self.factors @ self.directions.swapaxes(1, 2))


class HeadSamples(Samples):
    """Rows that are features of a frozen network, each with what an attack on the network's input can do to it.

    The law of samples for a linear head: features are centred and brought by one factor to mean |phi|^2 = m, the
    factors of J by the same one, and an intercept is added that nothing can move. A problem's radius is that of the
    attack on the input, in the units of the input: .3 in l2, 8/255 in l_inf.

    Parameters
    ----------
    frozen : what `linearised` gives
    y : (n,) labels; None for those that came with the inputs
    norm : 2, or math.inf, of attacks
    class_weight : as in `Samples`

    Raises
    ------
    InputError
        Features without factors, or without directions for l_inf; labels that are not one for each.

    Notes
    -----
    Source: theory `heads.md` sections 1 and 6.

    Examples
    --------
    >>> g = np.random.default_rng(0)
    >>> frozen = FrozenFeatures(g.standard_normal((20, 3)), g.standard_normal((20, 3, 2)))
    >>> HeadSamples(frozen, [0, 1] * 10).dimension  # with the intercept
    4
    """

    frozen: FrozenFeatures
    norm: float

    def __init__(self, frozen: FrozenFeatures, y: Any = None, *, norm: float = 2, class_weight: Any = None) -> None:
        if norm not in (2, math.inf):
            raise InputError("The norm of attacks on a network's input is 2 or infinity", norm, "Give norm=math.inf")
        _require_factors(frozen, norm)
        labels = _labels(frozen, y)
        one_factor = Preprocessing(scaling=Scaling.ONE_FACTOR, clip=None)
        super().__init__(np.asarray(frozen.features), labels, one_factor, intercept=True, class_weight=class_weight)
        classes = self.with_classes()
        object.__setattr__(self, "target_map", classes.target_map)
        object.__setattr__(self, "targets", classes.targets)
        object.__setattr__(self, "frozen", frozen)
        object.__setattr__(self, "norm", float(norm))

    @property
    def scores_by_class(self) -> bool:
        return True

    @property
    def reach_width(self) -> int:
        frozen = self.frozen
        return frozen.directions.shape[1] if self.norm == math.inf and frozen.directions is not None else frozen.rank

    def row_reach(self, held_out: Any = None) -> RowReach:
        """What attacks can do to the rows trained on, or to those of a pair (FrozenFeatures, labels)."""
        frozen = self.frozen if held_out is None else held_out[0]
        _require_factors(frozen, self.norm)
        assert self.fitted is not None and self.fitted.factor is not None and frozen.factors is not None
        moved = self.fitted.factor * frozen.factors[:, self.fitted.kept]
        padded = np.pad(moved, ((0, 0), (0, 1), (0, 0))).astype(np.float32)
        if self.norm == 2:
            return RowReach(padded)
        return RowReach(padded, np.asarray(frozen.directions, dtype=np.float32))

    def under(self, attack: Any) -> Any:
        raise InputError(
            "The rows of a head have budgets of their own, under attacks on the network's input",
            repr(attack),
            "Leave attack out of the problem; `HeadSamples(..., norm=math.inf)` is l_inf",
        )

    def transform(self, X: Any, y: Any) -> tuple[Any, Any]:
        """See `Samples`; X is FrozenFeatures, and y None for its own labels."""
        if not isinstance(X, FrozenFeatures):
            raise InputError(
                "Held-out rows of a head must be FrozenFeatures", type(X).__name__, "Use `linearised(module, inputs)`"
            )
        return super().transform(X.features, _labels(X, y))

    def start_from(self, weights: Any, bias: Any = None) -> NDArray[np.float64]:
        """(K, d) the start, on the rows as they are trained on, that a head of weights (K, m) and bias (K,) is."""
        given = np.asarray(weights, dtype=float)
        assert self.fitted is not None and self.fitted.factor is not None and self.classes is not None
        shape = (len(self.classes), self.fitted.kept.size)
        if given.shape != shape:
            raise InputError(
                f"A head must have one row for each class, shape {shape}", f"shape {given.shape}", "Start from zero"
            )
        shift = given @ self.fitted.offset + (0.0 if bias is None else np.asarray(bias, dtype=float))
        return np.column_stack([given[:, self.fitted.kept] / self.fitted.factor, shift])

    @property
    def report(self) -> list[str]:
        """What was done to the data, one sentence per step, with counts."""
        frozen = self.frozen
        layer = f", layer {frozen.record['layer']!r}" if "layer" in frozen.record else ""
        kept = "" if frozen.energy is None else f", which keeps {100 * float(frozen.energy[frozen.rank - 1]):.3g} %"
        told = (
            f"rows are features of {frozen.record.get('module', 'a network')}{layer}; attacks are on its input, in "
            f"{'l_inf' if self.norm == math.inf else 'l2'}, to first order: rank {frozen.rank} of the Jacobian{kept}"
        )
        return [told, *super().report]

    def describe(self) -> dict[str, Any]:
        frozen = self.frozen
        return super().describe() | {
            "norm": "inf" if self.norm == math.inf else 2,
            "rank": frozen.rank,
            "factors": {"sha256": digest(np.asarray(frozen.factors))},
            "network": frozen.record,
        }

    def __repr__(self) -> str:
        norm = "l_inf" if self.norm == math.inf else "l2"
        return f"HeadSamples({self.count} x {self.dimension}, classes {shortened(self.classes or ())}, {norm})"


def _require_factors(frozen: Any, norm: float) -> None:
    if not isinstance(frozen, FrozenFeatures):
        raise InputError("A head needs FrozenFeatures", type(frozen).__name__, "Use `linearised(module, inputs)`")
    if frozen.factors is None or (norm == math.inf and frozen.directions is None):
        missing = "factors" if frozen.factors is None else "directions"
        raise InputError(
            "A head under attack must know how the features move with the input",
            f"features without {missing}",
            "Use `linearised(module, inputs, norm=math.inf)`" if norm == math.inf else "Use `linearised(...)`",
        )


def _labels(frozen: FrozenFeatures, y: Any) -> Any:
    if y is not None:
        return y
    if frozen.labels is None:
        raise InputError("A head needs labels", "inputs that came without any", "Give `HeadSamples(frozen, y)`")
    return frozen.labels


def _shape(values: Any, what: str, dims: int) -> tuple[int, ...]:
    if not isinstance(values, np.ndarray) or values.ndim != dims or not np.issubdtype(values.dtype, np.floating):
        got = f"shape {values.shape}, {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"There must be an array of {what}", got)
    if not np.all(np.isfinite(values)):
        raise InputError(f"{what} must be finite", "NaN or infinite entries")
    return values.shape


__all__ = ["FrozenFeatures", "HeadSamples", "RowReach", "load_features"]
