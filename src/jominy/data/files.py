"""Samples from files (npz, npy, csv, parquet) and from the data sets that scikit-learn ships."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jominy.data.frame_files import read_frame, without_index
from jominy.data.names import columns_named, known_names
from jominy.data.numpy_files import opened
from jominy.data.tables import numeric_table, some_rows
from jominy.data.targets import target_values
from jominy.errors import InputError
from jominy.numerics.foreign import in_step

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".npz", ".npy", ".csv", ".parquet")
_SHIPPED = ("breast_cancer", "wine", "digits", "diabetes")


class _Read(NamedTuple):
    X: Any
    y: NDArray[Any]
    feature_names: list[str]


class Table(_Read):
    """Features and targets as read, before any preprocessing: X, y, feature_names.

    X: (n, D) float64            y: (n,) bool, int, float or str            feature_names: D names, in column order
    notes: what was found out or left out in reading, one sentence each, for `Samples(X, y, notes=...)`
    """

    notes: tuple[str, ...]

    def __new__(cls, X: Any, y: NDArray[Any], feature_names: list[str], notes: Sequence[str] = ()) -> Table:
        table = super().__new__(cls, X, y, feature_names)
        table.notes = tuple(notes)
        return table


def read_table(
    path: str | Path,
    target: str | int | None = None,
    drop: Sequence[str | int] = (),
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encode: bool = False,
) -> Table:
    """Read samples from a file; the ending says how.

    .npz: the array `target` ("y" if not given) and beside it "X", or the only other array
    .npy: a 2-D array whose column number `target` holds the targets; -1 is the last
    .csv, .parquet: a table with named columns, of which `target` is one and the others are the features

    drop: columns that are no features, such as identifiers, by name (in NumPy files by number); "a,b" are two of them
        unless a column has that name
    encode: leave words and missing values in X, a data frame, for `Samples(X, y, transform=Encoder())`, which learns
        on training rows what to make of them
    separator, decimal: of a csv file, such as ";" and ","; None to find out, which `notes` tell

    A column without a name that numbers the rows is left out. Empty fields, and what pandas takes for missing, are
    missing; but a target in words may have a class called "None" or "NA". What a packed file (.npz) unpacks to is
    bounded, at 1 GiB an array; a table has at most 100,000 columns.

    Raises InputError if the file is missing or unreadable, the target or a column of `drop` is not in it (the message
    says what is), a feature is not numeric, or values are missing.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "plants.csv"
    >>> _ = file.write_text("height;width;kind\\n1,5;2;fern\\n3;4;moss\\n")
    >>> table = read_table(file, target="kind")
    >>> table.feature_names, table.X.tolist()
    (['height', 'width'], [[1.5, 2.0], [3.0, 4.0]])
    >>> table.notes
    ('fields of plants.csv are separated by semicolons (--separator)',
     'decimals of plants.csv are written with a comma (--decimal)')
    """
    file = Path(path)
    ending = file.suffix.lower()
    if ending not in ENDINGS:
        raise InputError("a data file ends in " + ", ".join(ENDINGS), str(path))
    if not os.path.isfile(file):
        raise InputError("the data file must exist", str(path), "Check the path.")
    if ending != ".csv" and (separator is not None or decimal is not None):
        raise InputError("a separator and a decimal sign go with a csv file", file.name)
    if ending in (".csv", ".parquet"):
        X, y, names, notes = read_frame(file, target, separator, decimal)
    else:
        X, y, names = _read_npz(file, target) if ending == ".npz" else _read_npy(file, target)
        notes = []
    if drop:
        X, names = _without(X, names, [str(name) for name in drop], file)
    X, names, more = without_index(X, names, file.name)
    features, targets = _for_encoder(X, names) if encode else numeric_table(X, names=names), target_values(y)
    if len(features) != len(targets):
        raise InputError("X and y must have one row per sample", f"{len(features)} rows of X, {len(targets)} of y")
    return Table(features, targets, names, [*notes, *more])


def _for_encoder(X: Any, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    if hasattr(X, "iloc"):
        return X
    if X.ndim != 2:
        raise InputError("X must be a 2-D array with one row per sample", f"shape {X.shape}")
    return pd.DataFrame(X, columns=names)


def from_scikit_learn(name: str, classes: Sequence[Sequence[Any]] | None = None) -> Table:
    """One of scikit-learn's own data sets: breast_cancer, wine, digits or diabetes (the last one a regression).

    classes: two groups of class numbers, see `select_classes`; without them wine and digits have three and ten classes.

    >>> from_scikit_learn("digits", classes=((3,), (8,))).X.shape
    (357, 64)
    """
    if name not in _SHIPPED:
        raise InputError("the data set must be one of " + ", ".join(_SHIPPED), name)
    try:
        from sklearn import datasets
    except ImportError:
        raise InputError("scikit-learn's data sets need scikit-learn", None, "`pip install scikit-learn`") from None
    bunch = getattr(datasets, f"load_{name}")()
    X, y = bunch.data.astype(np.float64), bunch.target
    if classes is not None:
        X, y = select_classes(X, y, classes)
    return Table(X, y, [str(feature) for feature in bunch.feature_names])


def select_classes(X: Any, y: Any, classes: Sequence[Sequence[Any]]) -> tuple[Any, NDArray[Any]]:
    """Keep the rows of two groups of classes: -1 for the first group, +1 for the second.

    Raises InputError unless `classes` is two groups, not empty, without a common member, of values that y has.

    >>> select_classes(np.arange(8).reshape(4, 2), ["cat", "dog", "elk", "cat"], [["elk"], ["cat"]])
    (array([[0, 1],
           [4, 5],
           [6, 7]]), array([ 1, -1,  1]))
    """
    groups = [list(group) for group in classes if isinstance(group, (list, tuple, set, range, np.ndarray))]
    if len(classes) != 2 or len(groups) != 2 or not all(groups):
        raise InputError("classes must be two groups of labels", classes, "Write classes=((3,), (8,)).")
    listed = target_values(in_step(X, y)).tolist()
    meant = {str(value): value for value in listed} | {value: value for value in listed}
    absent = [label for group in groups for label in group if _value(label, meant) is None]
    if absent:
        kinds = sorted(set(listed))
        step = f"The target has {kinds}." if len(kinds) <= 10 else known_names("values", absent[0], kinds)
        raise InputError("classes must be values of the target", absent, step)
    one, other = ({_value(label, meant) for label in group} for group in groups)
    if one & other:
        raise InputError("a class can be in one group only", classes)
    labels = {value: -1 for value in one} | {value: 1 for value in other}
    kept = [i for i, value in enumerate(listed) if value in labels]
    return some_rows(X, kept), np.array([labels[listed[i]] for i in kept])


def _value(label: Any, meant: dict[Any, Any]) -> Any:
    """The value of the target that a label stands for, be it a number or its text; None if there is none."""
    for text in (label, str(label)):
        if text in meant:
            return meant[text]
    try:
        return meant.get(float(label))
    except (TypeError, ValueError):
        return None


def _without(X: Any, names: list[str], drop: list[str], file: Path) -> tuple[Any, list[str]]:
    """Features and names without the columns of these names."""
    dropped = [name for text in drop for name in columns_named(text, names)]
    unknown = [name for name in dropped if name not in names]
    if unknown:
        rule = f"drop must name feature columns of {file.name}"
        raise InputError(rule, unknown, known_names("features", unknown[0], names))
    kept = [j for j, name in enumerate(names) if name not in dropped]
    if not kept:
        raise InputError(f"a feature of {file.name} must be left", f"drop names all {len(names)}", "Drop fewer.")
    return X.iloc[:, kept] if hasattr(X, "iloc") else X[:, kept], [names[j] for j in kept]


def _read_npz(file: Path, target: str | int | None) -> tuple[Any, Any, list[str]]:
    with opened(file) as archive:
        if isinstance(archive, np.ndarray):
            raise _other_ending(file, archive)
        name = "y" if target is None else str(target)
        others = [key for key in archive.names if key != name]
        if name not in archive.names:
            raise InputError(f"{file.name} must hold the target array {name!r}", archive.names, "Name it with target.")
        if "X" not in others and len(others) != 1:
            raise InputError(f"{file.name} must hold the features as array 'X', or as its only other array", others)
        X, y = archive["X" if "X" in others else others[0]], archive[name]
    return X, y, [str(j) for j in range(X.shape[1] if X.ndim == 2 else 0)]


def _read_npy(file: Path, target: str | int | None) -> tuple[Any, Any, list[str]]:
    with opened(file) as values:
        if not isinstance(values, np.ndarray):
            raise _other_ending(file, values)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InputError(f"{file.name} must be a 2-D array of features and one target column", _shape(values))
    width = values.shape[1]
    try:
        column = int(str(target))
        if not -width <= column < width:
            raise ValueError
    except (TypeError, ValueError):
        rule = f"target must be a column number of {file.name}, from {-width} to {width - 1}"
        raise InputError(rule, target, "Use -1 for the last column.") from None
    kept = [j for j in range(width) if j != column % width]
    return values[:, kept], values[:, column], [str(j) for j in kept]


def _shape(values: NDArray[Any]) -> str:
    fields = values.dtype.names
    return f"shape {values.shape}" + (f" with the fields {', '.join(fields)}" if fields else "")


def _other_ending(file: Path, content: Any) -> InputError:
    return InputError(f"{file.name} must hold what its ending says", type(content).__name__, "Rename the file.")


__all__ = ["Table", "from_scikit_learn", "read_table", "select_classes"]
