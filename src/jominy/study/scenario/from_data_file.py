"""A scenario made from a data file and a few settings, for a first look without writing one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jominy.study.scenario.defaults import titled, with_defaults
from jominy.study.scenario.model import Scenario

DATA_FILES = (".npz", ".npy", ".csv", ".parquet")


def from_data_file(
    path: str | os.PathLike[str],
    *,
    target: str | int | None = None,
    drop: Sequence[str | int] = (),
    loss: str | None = "logistic",
    radius: float | None = 0.0,
    rate: float | None = 1.0,
    time: float = 10.0,
    evaluate_at: list[float] | None = None,
    held_out: float = 0.0,
    seeds: int = 20,
    units: str = "scaled",
    preprocessing: dict[str, Any] | None = None,
    classes: list[list[Any]] | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encode: bool | None = None,
    immutable: Sequence[str | int] | None = None,
    intercept: bool | None = None,
    class_weight: str | None = None,
    attack: str | None = None,
    evaluate_under: list[dict[str, Any]] | None = None,
) -> Scenario:
    """The scenario that a data file and these settings make.

    Parameters
    ----------
    path
        npz, npy, csv or parquet.
    target
        The column to predict.
    drop
        Columns that are no features, such as identifiers.
    loss
        A kind of loss as in a scenario file, such as ``"logistic"`` or ``"squared"``.
    radius, rate, time, evaluate_at, units
        As in a scenario file; the learning rate is constant. Loss, intercept, radius and rate that are None are
        chosen from the data (classes have an intercept), and the notes of results say so.
    attack
        A kind of attack as in a scenario file, ``"l2"`` (the default) or ``"linf"``.
    evaluate_under
        Further attacks under which a forecast is looked at, as in a scenario file.
    held_out
        Share of the samples held out from training.
    seeds
        How many runs a simulation makes.
    preprocessing, classes, separator, decimal, encode, immutable, intercept, class_weight
        As in the ``[data]`` table of a scenario file.

    Examples
    --------
    >>> from_data_file("folder/patients.csv", target="ill", radius=0.2, intercept=False).data.path
    'patients.csv'
    """
    source = Path(path)
    data: dict[str, Any] = {"kind": "file", "path": source.name, "target": target, "held_out": held_out}
    if drop:
        data["drop"] = list(drop)
    if immutable is not None:
        data["immutable"] = list(immutable)
    if preprocessing:
        data["preprocessing"] = preprocessing
    further = {"separator": separator, "decimal": decimal, "encode": encode, "intercept": intercept}
    further["class_weight"] = class_weight
    for name, value in {"classes": classes, **further}.items():
        if value is not None:
            data[name] = value
    given: dict[str, Any] = {
        "data": data,
        "loss": {"kind": loss or "squared"},
        "radius": radius or 0.0,
        "schedule": {"kind": "constant", "rate": 1.0 if rate is None else rate},
        "time": time,
        "evaluate_at": evaluate_at or [],
        "units": units,
        "simulation": {"seeds": seeds},
    }
    if evaluate_under:
        given["evaluate_under"] = evaluate_under
    if attack is not None:
        given["attack"] = {"kind": attack}
    made = Scenario.from_mapping(given, folder=source.parent, source="the settings")
    asked = {"loss": loss, "intercept": intercept, "rate": rate, "radius": radius}
    unset = [name for name, value in asked.items() if value is None]
    return titled(with_defaults(made, unset) if unset else made, source.name)
