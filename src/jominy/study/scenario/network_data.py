"""The data of a network scenario: how long its inputs are and how far apart its classes, and the inputs themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from jominy.data.numpy_files import Archive, opened
from jominy.errors import InputError
from jominy.meanfield import InputGeometry
from jominy.study.scenario.base import Table
from jominy.wording import install

if TYPE_CHECKING:
    from jominy.networks import LabelledInputs


class DigitsTable(Table):
    """The 1797 images of 8 x 8 pixels that ship with scikit-learn, ten classes."""

    kind: Literal["digits"]

    def sizes(self, folder: Path) -> tuple[int, int] | None:
        """Input dimension and classes."""
        return 64, 10

    def geometry(self, folder: Path) -> InputGeometry:
        """Measured on all images, scaled to ||x||^2 = d."""
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            raise InputError("the digits need scikit-learn, which is absent", None, install("examples")) from None
        images, labels = load_digits(return_X_y=True)
        return InputGeometry.of(_scaled(images), labels)

    def inputs(self, folder: Path, dim: int, classes: int, seed: int) -> LabelledInputs:
        """The images in an order that the seed decides."""
        from jominy.networks import digits

        return digits(seed=seed)


class GaussianClassesTable(Table):
    """Classes around random means on the sphere ||x||^2 = d."""

    kind: Literal["gaussian-classes"]
    count: int = Field(600, ge=4, description="inputs drawn when networks are measured")
    cosine: float = Field(0.5, ge=0, le=1, description="mean cosine of two inputs of one class; 0 between classes")

    def sizes(self, folder: Path) -> tuple[int, int] | None:
        """Any: the network decides."""
        return None

    def geometry(self, folder: Path) -> InputGeometry:
        """That of the law itself."""
        return InputGeometry(1.0, self.cosine, 0.0)

    def inputs(self, folder: Path, dim: int, classes: int, seed: int) -> LabelledInputs:
        """A sample of the law."""
        from jominy.networks import gaussian_classes

        return gaussian_classes(self.count, dim, classes, cosine=self.cosine, seed=seed)


class ClassFileTable(Table):
    """Your own inputs: a .npz file with x (n, ...) and y (n,), labels 0, 1, ...; scaled to ||x||^2 = d."""

    kind: Literal["file"]
    path: str = Field(description="relative to the scenario file")

    def sizes(self, folder: Path) -> tuple[int, int] | None:
        """Input dimension and classes."""
        x, y = self._arrays(folder)
        return x.shape[1], int(y.max()) + 1

    def geometry(self, folder: Path) -> InputGeometry:
        """Measured on all inputs."""
        return InputGeometry.of(*self._arrays(folder))

    def inputs(self, folder: Path, dim: int, classes: int, seed: int) -> LabelledInputs:
        """The inputs in an order that the seed decides."""
        from jominy.networks import LabelledInputs

        x, y = self._arrays(folder)
        order = np.random.default_rng(seed).permutation(len(y))
        return LabelledInputs(x[order], y[order], Path(self.path).name)

    def _arrays(self, folder: Path) -> tuple[np.ndarray, np.ndarray]:
        file = folder / self.path
        if not os.path.isfile(file):
            raise InputError("the data file must exist", str(file), "data.path is relative to the scenario file")
        rule = "the data of a network must be a .npz file with numbers x and labels y"
        with opened(file, rule, "numpy.savez('data.npz', x=x, y=y)") as stored:
            if not isinstance(stored, Archive):
                raise InputError(rule, f"{file.name}: one array", "numpy.savez('data.npz', x=x, y=y)")
            x, y = np.asarray(stored["x"], dtype=float), stored["y"]
        if x.ndim < 2 or not len(x) or y.shape != x.shape[:1]:
            raise InputError("x must be (n, ...) and y (n,)", f"shapes {x.shape} and {y.shape}")
        if y.dtype.kind not in "iu" or y.size == 0 or y.min() < 0:
            raise InputError("the labels y must be whole numbers from 0", f"{y.dtype}, smallest {y.min()}")
        return _scaled(x.reshape(len(x), -1)), y


NetworkData = Annotated[DigitsTable | GaussianClassesTable | ClassFileTable, Field(discriminator="kind")]


def _scaled(x: np.ndarray) -> np.ndarray:
    """Rows on the sphere ||x||^2 = d, the scale of the theory."""
    largest = np.abs(x).max(axis=1, keepdims=True, initial=0.0)
    x = np.divide(x, largest, out=np.zeros_like(x), where=(largest > 0) & np.isfinite(largest))  # squares can overflow
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
        raise InputError("inputs must be finite and not all zero, to be scaled to ||x||^2 = d", "a row that is not")
    return x * (np.sqrt(x.shape[1]) / lengths)
