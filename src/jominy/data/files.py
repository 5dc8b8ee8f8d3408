"""Samples from files (npz, npy, csv, parquet) and from the data sets that scikit-learn ships."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from jominy.data.arrays import Array, shortened
from jominy.data.tables import numeric_table, some_rows
from jominy.data.targets import target_values
from jominy.errors import InputError
from jominy.numerics.foreign import in_step

_SHIPPED = ("breast_cancer", "wine", "digits", "diabetes")


class Table(NamedTuple):
    """Features and targets as read, before any preprocessing.

    X: (n, D) float64            y: (n,) bool, int, float or str            feature_names: D names, in column order
    """

    X: Array
    y: NDArray[Any]
    feature_names: list[str]


def read_table(path: str | Path, target: str | int | None = None, drop: Sequence[str | int] = ()) -> Table:
    """Read samples from a file; the ending says how.

    .npz: the array `target` ("y" if not given) and beside it "X", or the only other array
    .npy: a 2-D array whose column number `target` holds the targets; -1 is the last
    .csv, .parquet: a table with named columns, of which `target` is one and the others are the features

    drop: columns that are no features, such as identifiers, by name (in NumPy files by number).

    Raises InputError if the file is missing or unreadable, the target or a column of `drop` is not in it (the message
    lists what is), a feature is not numeric, or values are missing.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "plants.csv"
    >>> _ = file.write_text("height,width,kind\\n1.5,2,fern\\n3,4,moss\\n")
    >>> read_table(file, target="kind").feature_names
    ['height', 'width']
    """
    file = Path(path)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise InputError("a data file ends in " + ", ".join(_READERS), str(path))
    if not file.is_file():
        raise InputError("the data file must exist", str(path), "Check the path.")
    X, y, names = reader(file, target)
    if drop:
        X, names = _without(X, names, [str(name) for name in drop], file)
    features, targets = numeric_table(X, names=names), target_values(y)
    if len(features) != len(targets):
        raise InputError("X and y must have one row per sample", f"{len(features)} rows of X, {len(targets)} of y")
    return Table(features, targets, names)


def from_scikit_learn(name: str, classes: Sequence[Sequence[Any]] | None = None) -> Table:
    """One of scikit-learn's own data sets: breast_cancer, wine, digits or diabetes (the last one a regression).

    classes: two groups of class numbers, see `select_classes`; needed for wine and digits, which have more than two.

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
    elif name in ("wine", "digits"):
        kinds = np.unique(y).tolist()
        raise InputError(f"{name} has more than two classes", kinds, "Choose two groups, such as classes=((0,), (1,)).")
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
    labels = {value: -1 for value in groups[0]} | {value: 1 for value in groups[1]}
    if len(labels) < len(set(groups[0])) + len(set(groups[1])):
        raise InputError("a class can be in one group only", classes)
    listed = target_values(in_step(X, y)).tolist()
    absent = [value for value in labels if value not in set(listed)]
    if absent:
        kinds = shortened(sorted(set(listed)), 100)
        raise InputError("classes must be values of the target", absent, f"The target has {kinds}.")
    kept = [i for i, value in enumerate(listed) if value in labels]
    return some_rows(X, kept), np.array([labels[listed[i]] for i in kept])


def _without(X: Any, names: list[str], drop: list[str], file: Path) -> tuple[Any, list[str]]:
    """Features and names without the columns of these names."""
    unknown = [name for name in drop if name not in names]
    if unknown:
        rule = f"drop must name feature columns of {file.name}"
        raise InputError(rule, unknown, f"The features are {shortened(names, 400)}.")
    kept = [j for j, name in enumerate(names) if name not in drop]
    if not kept:
        raise InputError(f"a feature of {file.name} must be left", f"drop names all {len(names)}", "Drop fewer.")
    return X.iloc[:, kept] if hasattr(X, "iloc") else X[:, kept], [names[j] for j in kept]


def _read_npz(file: Path, target: str | int | None) -> tuple[Any, Any, list[str]]:
    with _loaded(file) as archive:
        name = "y" if target is None else str(target)
        others = [key for key in archive.files if key != name]
        if name not in archive.files:
            raise InputError(f"{file.name} must hold the target array {name!r}", archive.files, "Name it with target.")
        if "X" not in others and len(others) != 1:
            raise InputError(f"{file.name} must hold the features as array 'X', or as its only other array", others)
        X, y = (_without_pickle(archive, key) for key in ("X" if "X" in others else others[0], name))
    return X, y, [str(j) for j in range(X.shape[1] if X.ndim == 2 else 0)]


def _read_npy(file: Path, target: str | int | None) -> tuple[Any, Any, list[str]]:
    values = _loaded(file)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InputError(f"{file.name} must be a 2-D array of features and one target column", f"shape {values.shape}")
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


def _loaded(file: Path) -> Any:
    try:
        content = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        rule = f"{file.name} must be a sound NumPy file without Python objects"
        raise InputError(rule, str(error).split(". ")[0], "Save arrays of numbers or strings.") from None
    if isinstance(content, np.ndarray) != (file.suffix.lower() == ".npy"):
        raise InputError(f"{file.name} must hold what its ending says", type(content).__name__, "Rename the file.")
    return content


def _without_pickle(archive: Any, key: str) -> NDArray[Any]:
    try:
        return archive[key]
    except ValueError as error:
        raise InputError(
            f"array {key!r} must not hold Python objects", str(error), "Save numbers or strings."
        ) from None


def _read_frame(file: Path, target: str | int | None) -> tuple[Any, Any, list[str]]:
    import pandas as pd  # slow to import, and only tables with named columns need it

    try:
        frame = pd.read_csv(file) if file.suffix.lower() == ".csv" else pd.read_parquet(file)
    except ImportError:
        raise InputError("parquet files need pyarrow", file.name, "`pip install pyarrow`") from None
    except (ValueError, OSError) as error:  # parser and arrow errors are ValueErrors or OSErrors
        raise InputError(f"{file.name} must be a readable {file.suffix} table", shortened(str(error), 120)) from None
    names = [str(name) for name in frame.columns]
    frame.columns = names
    if names.count(str(target)) != 1:
        rule = f"target must name one column of {file.name}"
        raise InputError(rule, target, f"The columns are {shortened(names, 400)}.")
    features = frame.drop(columns=str(target))
    return features, frame[str(target)].to_numpy(), [name for name in names if name != str(target)]


_READERS: dict[str, Callable[[Path, str | int | None], tuple[Any, Any, list[str]]]] = {
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": _read_frame,
    ".parquet": _read_frame,
}


__all__ = ["Table", "from_scikit_learn", "read_table", "select_classes"]
