"""A user's own transformer, of scikit-learn or of its kind, before the samples; and what it makes of categories."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jominy.data.arrays import Array
from jominy.data.encoding import Encoder, FittedEncoder
from jominy.data.tables import column_names, numeric_table, with_columns
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy

_MOST_PROBED = 200  # columns of numbers beyond which only those of words are looked into for groups


@dataclass(frozen=True)
class Transform:
    """A fitted transformer: `transform` gives the numbers that are trained on.

    columns: names of the D columns of the training rows, if they had any
    names:   of the columns that come out
    groups:  column of kinds -> the columns of 0 and 1 (or the like) that come from it alone, by position
    report:  one sentence for each step
    """

    transformer: Any
    columns: tuple[str, ...]
    names: list[str]
    groups: dict[str, list[int]]
    report: tuple[str, ...] = field(default=())

    def transform(self, X: Any) -> Array:
        """Numbers (n, k) of rows X (n, D)."""
        return numeric_table(_applied(self.transformer, with_columns(X, self.columns)), names=self.names)


def fitted_transform(transformer: Any, X: Any) -> Transform | FittedEncoder:
    """The transformer ready for use: an `Encoder` learns from the training rows X (n, D), others must have learnt.

    Which columns come from which is found out by moving the rows of one column at a time, and so for any transformer.

    Raises InputError for what is no transformer, is not fitted, or gives no table of numbers.
    """
    if isinstance(transformer, Encoder):
        return transformer.fit(X)
    if isinstance(transformer, FittedEncoder):
        return transformer
    if not callable(getattr(transformer, "transform", None)) or isinstance(transformer, type):
        step = "Of a pipeline that ends in a model give pipeline[:-1]; or use Encoder()."
        raise InputError("transform must be a fitted transformer", type(transformer).__name__, step)
    out = _applied(transformer, X)
    names = _names_out(transformer, out.shape[1])
    numeric_table(out, names=names)
    with warnings.catch_warnings():  # what it warns of has been said above, once
        warnings.simplefilter("ignore")
        try:
            groups = _groups(transformer, X, out)
        except InputError:  # it does not work on rows that have moved, so that nothing can be told
            groups = {}
    kind = f"transformed {np.shape(X)[1]} columns to {out.shape[1]} with {type(transformer).__name__}"
    told = f"; {len(groups)} of them are kinds: {', '.join(map(repr, list(groups)[:8]))}" if groups else ""
    return Transform(transformer, tuple(column_names(X)), names, groups, (kind + told,))


def _applied(transformer: Any, X: Any) -> np.ndarray:
    try:
        out = transformer.transform(X)
        out = as_numpy(out.toarray() if hasattr(out, "toarray") else out, "what the transform gives")
    except Exception as error:  # the transformer is not ours, and may raise anything
        told = f"{type(error).__name__}: {error}"
        raise InputError("the transform must work on X", told, "Fit it first, on training rows alone.") from error
    if out.ndim != 2:
        raise InputError("the transform must give a table (n, k)", f"shape {out.shape}")
    return out


def _names_out(transformer: Any, count: int) -> list[str]:
    try:
        names = [str(name) for name in transformer.get_feature_names_out()]
    except Exception:  # not every transformer knows them
        names = []
    return names if len(names) == count else [str(j) for j in range(count)]


def _groups(transformer: Any, X: Any, out: np.ndarray) -> dict[str, list[int]]:
    """Columns that come out of one column of kinds, and of nothing else.

    A column that depends on one input alone differs from itself when the rows of that input are moved on by one, unless
    it is constant. Of a column of numbers only what is 0 and 1 throughout counts as kinds, and only in company.
    """
    width = np.shape(X)[1]
    names = column_names(X) or [str(j) for j in range(width)]
    words = [j for j in range(width) if _holds_kinds(X, j)]
    probed = words if width > _MOST_PROBED else list(range(width))
    others = [j for j in range(width) if j not in set(probed)]
    depends = {j: _changed(transformer, X, [j], out) for j in probed}
    elsewhere = _changed(transformer, X, others, out) if others else np.zeros(out.shape[1], dtype=bool)
    number = np.sum([*depends.values(), elsewhere], axis=0)
    found = {}
    for j in probed:
        alone = np.flatnonzero(depends[j] & (number == 1))
        flags = bool(np.isin(out[:, alone].astype(float), (0.0, 1.0)).all()) and len(alone) > 1
        if len(alone) and (j in words or (flags and len(alone) == depends[j].sum())):
            found[names[j]] = alone.tolist()
    return found


def _holds_kinds(X: Any, j: int) -> bool:
    """Whether a column holds words, categories or truth values."""
    dtype = X.dtypes.iloc[j] if hasattr(X, "dtypes") and hasattr(X.dtypes, "iloc") else np.asarray(X).dtype
    if str(dtype) != "object":
        return str(dtype) in ("category", "bool", "boolean", "str") or str(dtype).startswith(("string", "<U"))
    values = X.iloc[:, j] if hasattr(X, "iloc") else np.asarray(X)[:, j]
    return any(isinstance(value, (str, bool, np.bool_)) for value in values)


def _changed(transformer: Any, X: Any, columns: list[int], out: np.ndarray) -> np.ndarray:
    """(k,) which columns come out otherwise when the rows of some columns move on by one."""
    order = np.roll(np.arange(len(out)), 1)
    if hasattr(X, "iloc"):
        moved = X.copy()
        for j in columns:
            moved.isetitem(j, X.iloc[order, j].set_axis(X.index))
    else:
        moved = np.array(as_numpy(X, "X"))
        moved[:, columns] = moved[order][:, columns]
    after = _applied(transformer, moved)
    same = (after == out) | ((after != after) & (out != out))
    return ~np.all(same, axis=0)


__all__ = ["Transform", "fitted_transform"]
