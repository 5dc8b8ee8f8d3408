"""Your own samples in a scenario file: from a data file, or a set that ships with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from jominy.data import Encoder, Preprocessing, Samples, Scaling, from_scikit_learn, read_table, select_classes
from jominy.data import Table as Read
from jominy.data.tables import some_rows
from jominy.errors import InputError
from jominy.study.scenario.base import Table
from jominy.study.split import split


@dataclass(frozen=True)
class Loaded:
    """Samples to train on, and the raw arrays held out (``None`` when nothing is)."""

    samples: Samples
    held_out: tuple[Any, np.ndarray] | None


class PreprocessingTable(Table):
    """What is done to the features before training; every step is reported, and reversible."""

    centre: bool = Field(True, description="subtract the mean of each feature")
    scaling: Literal["per-feature", "one-factor", "none"] = Field(
        "per-feature", description="divide each feature by its standard deviation, all by one factor, or none"
    )
    clip: float | Literal["off"] = Field(3.0, description="cap on ||x||^2 / d; longer rows are shortened")
    rescale: bool = Field(True, description="scale so that the mean of ||x||^2 is d")

    def build(self) -> Preprocessing:
        """The preprocessing."""
        scaling = {
            "per-feature": Scaling.PER_FEATURE,
            "one-factor": Scaling.ONE_FACTOR,
            "none": Scaling.NONE,
        }[self.scaling]
        clip = None if isinstance(self.clip, str) else self.clip
        return Preprocessing(centre=self.centre, scaling=scaling, clip=clip, rescale=self.rescale)


class _SamplesTable(Table):
    classes: list[list[int | float | str]] | None = Field(
        None, description="two groups of labels to keep, such as [[3], [8]]; others are dropped"
    )
    held_out: float = Field(0.0, ge=0, lt=1, description="share of the samples held out from training")
    split_seed: int = Field(0, ge=0, description="seed of the held-out split")
    encode: bool = Field(
        False, description="make numbers of words, categories and missing values, as the training rows teach"
    )
    immutable: list[str | int] | None = Field(
        None,
        description="features that no attack can touch, by name or position among the columns (unset: encoded words)",
    )
    intercept: bool = Field(
        False, description="add a feature that is 1 everywhere, unscaled, which no attack can touch"
    )
    class_weight: Literal["balanced"] | dict[str, float] | None = Field(
        None, description="what a sample of each class counts in the loss: 'balanced', or a weight for each class"
    )
    preprocessing: PreprocessingTable = Field(default_factory=lambda: PreprocessingTable())

    def build(self, folder: Path) -> Loaded:
        """Read, split, and preprocess what is trained on. Paths are relative to ``folder``."""
        read = self.read(folder)
        features, targets = read.X, read.y
        train, test = split(targets, self.held_out, seed=self.split_seed)
        if len(train) < 2:
            raise InputError(
                "at least two samples must be left to train on",
                f"{len(train)} of {len(targets)} left, share held out {self.held_out:g}",
                "hold out less",
            )
        samples = Samples(
            some_rows(features, train),
            targets[train],
            preprocessing=self.preprocessing.build(),
            transform=Encoder() if self.encode else None,
            feature_names=read.feature_names,
            notes=read.notes,
            immutable=self.immutable,
            intercept=self.intercept,
            class_weight=self.class_weight,
        )
        return Loaded(samples, (some_rows(features, test), targets[test]) if len(test) else None)

    def read(self, folder: Path) -> Read:
        """Features (n, d) and targets (n,) as they are in the source, without the classes that are not chosen."""
        raise NotImplementedError

    def _groups(self) -> tuple[tuple[Any, ...], ...] | None:
        return None if self.classes is None else tuple(tuple(group) for group in self.classes)


class FileTable(_SamplesTable):
    """A data file: npz, npy, csv or parquet."""

    kind: Literal["file"]
    path: str = Field(description="relative to this scenario file")
    target: str | int | None = Field(
        None, description="column to predict; in an npy file its index, in an npz file the array (unset: y)"
    )
    drop: list[str | int] = Field([], description="columns that are no features, such as identifiers")
    separator: str | None = Field(None, description="between the fields of a csv file; unset finds out")
    decimal: str | None = Field(None, description="sign of decimals in a csv file; unset finds out")

    def read(self, folder: Path) -> Read:
        """Features (n, d) and targets (n,) as they are in the file."""
        read = read_table(
            folder / self.path, self.target, self.drop, separator=self.separator, decimal=self.decimal,
            encode=self.encode,
        )  # fmt: skip
        groups = self._groups()
        return read if groups is None else Read(*select_classes(read.X, read.y, groups), read.feature_names, read.notes)


class ScikitLearnTable(_SamplesTable):
    """A data set that ships with scikit-learn."""

    kind: Literal["scikit-learn"]
    name: Literal["breast_cancer", "wine", "digits", "diabetes"]

    def read(self, folder: Path) -> Read:
        """Features (n, d) and targets (n,) as scikit-learn has them."""
        return from_scikit_learn(self.name, classes=self._groups())
