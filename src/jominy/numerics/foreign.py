"""Arrays and tables of other libraries: what users hand over, before anything is computed from it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jominy.errors import InputError


def as_numpy(values: Any, what: str = "values") -> NDArray[Any]:
    """What a user calls an array, as a NumPy array: lists, frames, tensors of PyTorch and JAX, masked arrays.

    NumPy alone refuses tensors that need a gradient or lie on an accelerator, calls bfloat16 raw bytes, and forgets
    the mask of a masked array: here gradients are left behind, bfloat16 becomes float64, what is masked is missing.

    Raises InputError for what no array can be made of, such as rows of unequal length.

    >>> as_numpy(np.ma.masked_array([1, 2], mask=[False, True])).tolist()
    [1.0, nan]
    """
    try:
        if isinstance(values, (list, tuple)) and any(hasattr(row, "detach") for row in values):
            return np.array([as_numpy(row, what) for row in values])
        if hasattr(values, "detach"):  # a PyTorch tensor; this room does not import PyTorch
            values = values.detach().cpu()
            values = values.to_dense() if "strided" not in str(values.layout) else values
            values = values.double() if values.is_floating_point() else values
        if isinstance(values, np.ma.MaskedArray):
            missing: Any = np.nan if values.dtype.kind in "biuf" else None
            values = np.where(np.ma.getmaskarray(values), missing, values.data)
        array = np.asarray(values)
    except Exception as error:  # each library refuses in its own way
        raise InputError(f"{what} must be an array", f"{type(values).__name__}: {error}") from None
    if array.dtype.kind == "V" and array.dtype.type is not np.void:  # bfloat16 and its like, not raw bytes
        array = array.astype(np.float64)
    return array


def in_step(X: Any, y: Any, what: tuple[str, str] = ("X", "y")) -> Any:
    """y with its rows in the order of the rows of X, where both carry labels (pandas' index); else y as it is.

    Rows belong together by label there, and by position everywhere else. What came back is y itself (`is`) unless
    something had to move.

    Raises InputError if the labels are not the same, or repeat in another order.

    >>> import pandas as pd
    >>> in_step(pd.DataFrame({"age": [1, 2]}, index=["a", "b"]), pd.Series([20, 10], index=["b", "a"])).tolist()
    [10, 20]
    """
    rows: Any = getattr(X, "index", None)
    labels: Any = getattr(y, "index", None)
    if not (hasattr(rows, "get_indexer") and hasattr(labels, "get_indexer")):  # lists have an `index` of another kind
        return y
    if len(rows) != len(labels) or rows.equals(labels):
        return y
    step = f"Where they belong together by position, give {what[1]}.to_numpy()."
    if not (rows.is_unique and labels.is_unique):
        raise InputError(f"{what[0]} and {what[1]} must have the same index", "labels that repeat, out of order", step)
    order = labels.get_indexer(rows)
    if (order < 0).any():
        count = f"{int((order < 0).sum())} of {len(rows)} labels of {what[0]} that {what[1]} lacks"
        raise InputError(f"{what[0]} and {what[1]} must have the same index", count, step)
    return y.iloc[order]
