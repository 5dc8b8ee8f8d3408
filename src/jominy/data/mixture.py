"""Gaussian mixtures: the data laws of the theory, as a user states them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.data.arrays import Array, described, finite_array, finite_number, read_only
from jominy.data.commuting import shared_eigenbasis
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.spectra import Spectrum
from jominy.errors import InputError

# A vector is an array (d,), or a number: its norm times the unit vector spread evenly over the coordinates.
Vector = Array | float
# A covariance is a Spectrum, an array of eigenvalues (d,) in the coordinate basis, a matrix (d, d), or a number
# (times the identity).
Covariance = Spectrum | Array | float

_PSD_TOLERANCE = 1e-10  # how negative rounding may make an eigenvalue, relative to the largest entry


@dataclass(frozen=True, eq=False, repr=False, init=False)
class GaussianMixture:
    """With probability weights[i], x ~ N(means[i], covariances[i]); the target comes from a label, a teacher or both.

    The target of a sample of component i is `labels[i] + <teacher, x> + noise`, the parts not given being zero and
    the noise N(0, noise_variance).

    weights:        n probabilities > 0 that sum to one (within 1e-9)
    means:          n vectors, each an array (d,) or a number: a norm (with a sign), spread evenly over the coordinates
    covariances:    n positive semidefinite matrices, in units of (input coordinate)^2, each a `Spectrum`, an array (d,)
                    of eigenvalues in the coordinate basis, a matrix (d, d), or a number (times the identity)
    labels:         n numbers, or None; -1 and +1 without a teacher make a classification problem
    teacher:        array (d,), a number (its norm, spread evenly), or None
    noise_variance: >= 0, in units of target^2

    The dimension d comes from whatever has one; it is infinite when the spectra are of infinite dimension, and then
    means and teacher are numbers. Scaling: ||x||^2 ~ d, while means and teacher have norms of order one
    (`theory/dynamics.md` section 1).

    Raises InputError for anything that is not such a law.

    >>> from jominy.data.spectra import identity
    >>> law = GaussianMixture([0.4, 0.6], means=[-1.0, 1.0], covariances=[identity(100)] * 2, labels=[-1, 1]).law
    >>> law.eigenvalues.shape, round(float(law.means[1] @ law.means[1]), 12)
    ((2, 100), 1.0)
    """

    weights: Array
    means: tuple[Vector, ...]
    covariances: tuple[Covariance, ...]
    labels: Array | None
    teacher: Vector | None
    noise_variance: float
    dimension: int | float

    def __init__(
        self,
        weights: ArrayLike,
        means: Sequence[ArrayLike],
        covariances: Sequence[Spectrum | ArrayLike],
        labels: ArrayLike | None = None,
        teacher: ArrayLike | None = None,
        noise_variance: float = 0.0,
    ) -> None:
        probabilities = _checked_weights(weights)
        count = probabilities.size
        values: dict[str, Any] = {
            "weights": probabilities,
            "means": tuple(_vector(mean, f"means[{i}]") for i, mean in enumerate(_listed(means, "means", count))),
            "covariances": tuple(
                _covariance(covariance, f"covariances[{i}]")
                for i, covariance in enumerate(_listed(covariances, "covariances", count))
            ),
            "labels": None if labels is None else _checked_labels(labels, count),
            "teacher": None if teacher is None else _vector(teacher, "teacher"),
            "noise_variance": finite_number(noise_variance, "noise_variance", minimum=0.0),
        }
        if labels is None and teacher is None:
            raise InputError("a mixture needs labels, a teacher or both", None, "Give one label per component.")
        values["dimension"] = _common_dimension(values["means"], values["covariances"], values["teacher"])
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def components(self) -> int:
        """Number of components n."""
        return self.weights.size

    @property
    def classification(self) -> bool:
        """Whether the targets are classes: labels -1 and +1 alone."""
        return self.labels is not None and self.teacher is None and bool(np.all(np.abs(self.labels) == 1))

    @cached_property
    def law(self) -> EigenLaw | DenseLaw:
        """The mixture in the shared eigenbasis of its covariances if they commute (found out to 1e-10), else dense."""
        shares = self._shares()
        if not any(_is_matrix(covariance) for covariance in self.covariances):
            return self._eigen_law(np.stack([_diagonal(c, shares.size) for c in self.covariances]), shares, None)
        matrices = np.stack([_matrix(covariance, shares.size) for covariance in self.covariances])
        diagonals = np.diagonal(matrices, axis1=1, axis2=2)
        if np.count_nonzero(matrices) == np.count_nonzero(diagonals):  # diagonal already: keep the numbers as given
            return self._eigen_law(np.maximum(diagonals, 0.0), shares, None)
        shared = shared_eigenbasis(matrices)
        if shared is not None:
            return self._eigen_law(shared[1], shares, shared[0])
        return DenseLaw(
            weights=self.weights,
            means=read_only([_spread(mean, shares) for mean in self.means]),
            covariances=read_only(matrices),
            teacher=None if self.teacher is None else read_only(_spread(self.teacher, shares)),
            labels=self.labels,
            noise_variance=self.noise_variance,
            dimension=int(self.dimension),
        )

    def describe(self) -> dict[str, Any]:
        """What a result stores about its data (JSON-able): numbers where short, else shape, norm and digest."""
        return {
            "kind": type(self).__name__,
            "dimension": self.dimension if math.isfinite(self.dimension) else "inf",
            "weights": described(self.weights),
            "means": [_described(mean) for mean in self.means],
            "covariances": [_described(covariance) for covariance in self.covariances],
            "labels": None if self.labels is None else described(self.labels),
            "teacher": None if self.teacher is None else _described(self.teacher),
            "noise_variance": self.noise_variance,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.components} component(s), dimension {self.dimension})"

    def _shares(self) -> Array:
        """Fraction of the coordinates that each eigen-coordinate stands for, (Q,)."""
        if math.isfinite(self.dimension):
            return np.full(int(self.dimension), 1 / self.dimension)
        spectra = [c for c in self.covariances if isinstance(c, Spectrum)]
        shares = max((s.shares for s in spectra), key=len)
        for other in spectra:
            if other.shares.size > 1 and not (
                other.shares.size == shares.size and np.allclose(other.shares, shares, rtol=0, atol=1e-12)
            ):
                raise InputError(
                    "spectra of infinite dimension in one mixture must be functions of the same variable s",
                    spectra,
                    "Combine uniform and power_law with each other, anything with identity; else take a finite d.",
                )
        return shares

    def _eigen_law(self, eigenvalues: Array, shares: Array, basis: Array | None) -> EigenLaw:
        def coordinates(vector: Vector) -> Array:
            return _spread(vector, shares) if basis is None else _spread(vector, shares) @ basis

        return EigenLaw(
            weights=self.weights,
            eigenvalues=read_only(eigenvalues),
            shares=read_only(shares),
            dimension=self.dimension,
            means=read_only([coordinates(mean) for mean in self.means]),
            teacher=None if self.teacher is None else read_only(coordinates(self.teacher)),
            labels=self.labels,
            noise_variance=self.noise_variance,
            basis=None if basis is None else read_only(basis),
        )


def _listed(values: Any, what: str, count: int) -> list[Any]:
    if isinstance(values, Spectrum) or np.ndim(values) == 0 and not isinstance(values, Sequence):
        raise InputError(f"{what} must be a list with one entry per component", values, f"Write {what}=[...].")
    values = list(values)
    if len(values) != count:
        raise InputError(f"{what} must have one entry per weight", f"{len(values)} {what}, {count} weights")
    return values


def _checked_weights(weights: ArrayLike) -> Array:
    array = finite_array(weights, "weights")
    if array.ndim != 1 or array.size == 0:
        raise InputError("weights must be a list of one number per component", f"shape {array.shape}")
    if array.min() <= 0:
        raise InputError("weights must be > 0", array.tolist(), "Leave out a component of weight zero.")
    if abs(array.sum() - 1) > 1e-9:
        raise InputError("weights must sum to one", f"{array.tolist()}, sum {array.sum():.12g}", "Divide by their sum.")
    return array


def _checked_labels(labels: ArrayLike, count: int) -> Array:
    array = finite_array(labels, "labels")
    if array.shape != (count,):
        raise InputError("labels must be one number per component", f"shape {array.shape}, {count} components")
    return array


def _vector(value: ArrayLike, what: str) -> Vector:
    array = finite_array(value, what)
    if array.ndim > 1 or array.size == 0:
        raise InputError(f"{what} must be an array (d,) or one number", f"shape {array.shape}")
    return array if array.ndim == 1 else float(array)


def _covariance(value: Spectrum | ArrayLike, what: str) -> Covariance:
    if isinstance(value, Spectrum):
        return value
    array = finite_array(value, what)
    if array.ndim > 2 or array.size == 0 or (array.ndim == 2 and array.shape[0] != array.shape[1]):
        raise InputError(
            f"{what} must be a Spectrum, a number, eigenvalues (d,) or a matrix (d, d)", f"shape {array.shape}"
        )
    if array.ndim == 2:
        return _positive_semidefinite(array, what)
    if array.min() < 0:
        raise InputError(f"{what} must be positive semidefinite", f"eigenvalue {array.min():.6g}")
    return array if array.ndim == 1 else float(array)


def _positive_semidefinite(matrix: Array, what: str) -> Array:
    scale = np.abs(matrix).max()
    asymmetry = np.abs(matrix - matrix.T).max()
    if asymmetry > _PSD_TOLERANCE * scale:
        raise InputError(f"{what} must be symmetric", f"largest difference to its transpose {asymmetry:.3g}")
    matrix = (matrix + matrix.T) / 2
    try:  # far cheaper than eigenvalues; the shift lets rounding pass
        np.linalg.cholesky(matrix + _PSD_TOLERANCE * (scale or 1.0) * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(matrix)[0]
        raise InputError(
            f"{what} must be positive semidefinite",
            f"smallest eigenvalue {smallest:.6g}",
            "Check the estimate, or set negative eigenvalues to zero.",
        ) from None
    return read_only(matrix)


def _common_dimension(
    means: tuple[Vector, ...], covariances: tuple[Covariance, ...], teacher: Vector | None
) -> int | float:
    named = [(f"means[{i}]", mean) for i, mean in enumerate(means)]
    named += [] if teacher is None else [("teacher", teacher)]
    found: dict[str, int | float] = {name: len(v) for name, v in named if isinstance(v, np.ndarray)}
    for i, covariance in enumerate(covariances):
        if isinstance(covariance, Spectrum):
            found[f"covariances[{i}]"] = covariance.dimension
        elif isinstance(covariance, np.ndarray):
            found[f"covariances[{i}]"] = len(covariance)
    if not found:
        raise InputError(
            "the dimension must follow from a covariance, a mean or the teacher", "numbers only", "Use identity(d)."
        )
    if len(set(found.values())) > 1:
        step = "In infinite dimension means and teacher are numbers (norms)." if math.inf in found.values() else ""
        raise InputError("means, covariances and teacher must have one dimension", found, step)
    return next(iter(found.values()))


def _spread(vector: Vector, shares: Array) -> Array:
    return vector if isinstance(vector, np.ndarray) else vector * np.sqrt(shares)


def _is_matrix(covariance: Covariance) -> bool:
    return isinstance(covariance, np.ndarray) and covariance.ndim == 2


def _diagonal(covariance: Covariance, size: int) -> Array:
    values = covariance.eigenvalues if isinstance(covariance, Spectrum) else np.asarray(covariance)
    return np.broadcast_to(values, size)  # a number, or a limiting law that is one point


def _matrix(covariance: Covariance, size: int) -> Array:
    if isinstance(covariance, np.ndarray) and covariance.ndim == 2:
        return covariance
    return np.diag(_diagonal(covariance, size))


def _described(value: Vector | Covariance) -> Any:
    if isinstance(value, Spectrum):
        return value.describe()
    return described(value) if isinstance(value, np.ndarray) else value


__all__ = ["GaussianMixture"]
