"""Covariances in a scenario file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from jominy.data import Spectrum, identity, marchenko_pastur, power_law, two_level, uniform
from jominy.errors import InputError
from jominy.study.scenario.base import Table

_MEAN = Field(1.0, gt=0, description="mean eigenvalue")


class Identity(Table):
    """The same variance in every direction."""

    kind: Literal["identity"]
    scale: float = Field(1.0, ge=0, description="the variance")

    def build(self, dimension: int | float) -> Spectrum:
        return identity(dimension, self.scale)


class PowerLaw(Table):
    """Eigenvalues that fall off like a power."""

    kind: Literal["power-law"]
    exponent: float = Field(
        description="eigenvalue of coordinate j is ((j + 1/2) / d) to this power, scaled to the mean"
    )
    mean: float = _MEAN

    def build(self, dimension: int | float) -> Spectrum:
        return power_law(dimension, self.exponent, self.mean)


class TwoLevel(Table):
    """Two eigenvalues."""

    kind: Literal["two-level"]
    high: float = Field(1.6, ge=0, description="first eigenvalue")
    low: float = Field(0.4, ge=0, description="second eigenvalue")
    share: float = Field(0.5, gt=0, lt=1, description="share of the coordinates with the first")

    def build(self, dimension: int | float) -> Spectrum:
        return two_level(dimension, self.high, self.low, self.share)


class Uniform(Table):
    """Eigenvalues evenly spaced between two."""

    kind: Literal["uniform"]
    low: float = Field(ge=0, description="smallest eigenvalue")
    high: float = Field(ge=0, description="largest eigenvalue; below `low` for the opposite order of coordinates")

    def build(self, dimension: int | float) -> Spectrum:
        return uniform(dimension, self.low, self.high)


class MarchenkoPastur(Table):
    """The spectrum of a sample covariance of white data."""

    kind: Literal["marchenko-pastur"]
    ratio: float = Field(gt=0, lt=1, description="dimension / number of samples")

    def build(self, dimension: int | float) -> Spectrum:
        return marchenko_pastur(dimension, self.ratio)


class Eigenvalues(Table):
    """Your own eigenvalues, one per coordinate."""

    kind: Literal["eigenvalues"]
    values: list[float] = Field(description="one per coordinate")

    def build(self, dimension: int | float) -> np.ndarray:
        if len(self.values) != dimension:
            raise InputError(
                "there must be as many eigenvalues as data.dimension says",
                f"{len(self.values)} eigenvalues, dimension {dimension}",
            )
        return np.asarray(self.values, dtype=float)


class Matrix(Table):
    """Your own covariance matrix, row by row."""

    kind: Literal["matrix"]
    rows: list[list[float]] = Field(description="symmetric, positive semidefinite")

    def build(self, dimension: int | float) -> np.ndarray:
        if len({len(row) for row in self.rows}) > 1:
            raise InputError("all rows of a covariance matrix must have one length", [len(row) for row in self.rows])
        if len(self.rows) != dimension:
            raise InputError(
                "a covariance matrix must have as many rows as data.dimension says",
                f"{len(self.rows)} rows, dimension {dimension}",
            )
        return np.asarray(self.rows, dtype=float)


_Diagonal = Annotated[
    Identity | PowerLaw | TwoLevel | Uniform | MarchenkoPastur | Eigenvalues, Field(discriminator="kind")
]


class Rotated(Table):
    """A spectrum turned by a random orthogonal matrix, so that it does not commute with the others."""

    kind: Literal["rotated"]
    spectrum: _Diagonal
    seed: int = Field(0, ge=0, description="seed of the rotation")

    def build(self, dimension: int | float) -> np.ndarray:
        if not np.isfinite(dimension):
            raise InputError(
                "a rotated covariance needs a finite dimension", dimension, "set data.dimension to 100, say"
            )
        built: Any = self.spectrum.build(dimension)
        values = np.asarray(getattr(built, "eigenvalues", built), dtype=float)
        gaussian = np.random.default_rng(self.seed).standard_normal((len(values), len(values)))
        rotation, triangle = np.linalg.qr(gaussian)
        rotation = rotation * np.sign(np.diag(triangle))  # makes the rotation uniformly distributed
        matrix = (rotation * values) @ rotation.T
        return (matrix + matrix.T) / 2


Covariance = Annotated[
    Identity | PowerLaw | TwoLevel | Uniform | MarchenkoPastur | Eigenvalues | Matrix | Rotated,
    Field(discriminator="kind"),
]
