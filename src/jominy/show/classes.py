"""Several classes as a table: how each fares at the end of training, and what its rows are taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jominy.show.text import number, short, table

if TYPE_CHECKING:
    import xarray as xr

MOST = 20
"""Classes that a terminal shows: of more the ones that fare worst."""


def by_class(result: xr.Dataset) -> str:
    """Accuracy of each class without and under attack at the last time, and the answer that most of its errors get.

    On held-out rows where there are any; over several runs the mean. Empty for a result without classes.

    Examples
    --------
    >>> from jominy.results import Status, make_result
    >>> dims, classes = ("time", "class"), ["cat", "dog"]
    >>> values = {"clean_class_accuracy": (dims, [[0.9, 0.8]]), "adversarial_class_accuracy": (dims, [[0.7, 0.8]])}
    >>> result = make_result(values, {"time": [1.0], "class": classes}, engine="forecast", scenario={},
    ...                      status=Status.COMPLETED)
    >>> print(by_class(result))
    accuracy of each class on the rows trained on, at time 1
    class  no attack  under attack
    cat       0.9000        0.7000
    dog       0.8000        0.8000
    """
    if "clean_class_accuracy" not in result:
        return ""
    prefix, rows = ("held_out_", "rows held out of training") if "held_out_clean_class_accuracy" in result else (
        "", "the rows trained on"
    )  # fmt: skip
    names = [str(name) for name in result["class"].values]
    clean, attacked = (_at_end(result, f"{prefix}{kind}_class_accuracy") for kind in ("clean", "adversarial"))
    shown = np.sort(np.argsort(attacked, kind="stable")[:MOST])
    lines = [["class", "no attack", "under attack"]]
    lines += [[names[k], number(clean[k]), number(attacked[k])] for k in shown]
    if f"{prefix}adversarial_confusion" in result:
        confusion = _at_end(result, f"{prefix}adversarial_confusion")
        np.fill_diagonal(confusion, 0.0)
        lines[0] += ["taken for", "share"]
        for line, k in zip(lines[1:], shown, strict=True):
            worst = int(np.argmax(confusion[k]))
            line += [names[worst], number(confusion[k, worst])] if confusion[k, worst] > 0 else ["-", "-"]
    more = f" (the {MOST} worst of {len(names)})" if len(names) > MOST else ""
    time = short(result["time"].values[-1])
    return f"accuracy of each class on {rows}, at time {time}{more}\n{table(lines)}"


def _at_end(result: xr.Dataset, name: str) -> np.ndarray:
    values = result[name]
    values = values.isel(time=-1) if "time" in values.dims else values
    return np.array(values.mean("seed") if "seed" in values.dims else values, dtype=float)
