"""The parts a mixture is made of: what a user may write for each, checked, and how to read it as numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.data.arrays import Array, described, finite_array, read_only
from jominy.data.label_laws import LabelLaw
from jominy.data.links import Link
from jominy.data.spectra import Spectrum
from jominy.errors import InputError

# A vector is an array (d,), or a number: its norm times the unit vector spread evenly over the coordinates.
Vector = Array | float
# A covariance is a Spectrum, an array of eigenvalues (d,) in the coordinate basis, a matrix (d, d), or a number
# (times the identity).
Covariance = Spectrum | Array | float

_PSD_TOLERANCE = 1e-10  # how negative rounding may make an eigenvalue, relative to the largest entry


def listed(values: Any, what: str, count: int) -> list[Any]:
    """The entries of `means` or `covariances`, one per component; InputError otherwise."""
    try:
        values = list(values)
    except TypeError:
        step = f"Write {what}=[...]."
        raise InputError(f"{what} must be a list with one entry per component", values, step) from None
    if len(values) != count:
        raise InputError(f"{what} must have one entry per weight", f"{len(values)} {what}, {count} weights")
    return values


def checked_weights(weights: ArrayLike) -> Array:
    """Probabilities (n,) > 0 that sum to one within 1e-9."""
    array = finite_array(weights, "weights")
    if array.ndim != 1 or array.size == 0:
        raise InputError("weights must be a list of one number per component", f"shape {array.shape}")
    if array.min() <= 0:
        raise InputError("weights must be > 0", array.tolist(), "Leave out a component of weight zero.")
    if abs(array.sum() - 1) > 1e-9:
        raise InputError("weights must sum to one", f"{array.tolist()}, sum {array.sum():.12g}", "Divide by their sum.")
    return array


def checked_labels(labels: ArrayLike, count: int) -> Array:
    """One finite number per component, (n,)."""
    array = finite_array(labels, "labels")
    if array.shape != (count,):
        raise InputError("labels must be one number per component", f"shape {array.shape}, {count} components")
    return array


def checked_vector(value: ArrayLike, what: str) -> Vector:
    """An array (d,) or one number, finite."""
    array = finite_array(value, what)
    if array.ndim > 1 or array.size == 0:
        raise InputError(f"{what} must be an array (d,) or one number", f"shape {array.shape}")
    return array if array.ndim == 1 else float(array)


def checked_covariance(value: Spectrum | ArrayLike, what: str) -> Covariance:
    """A Spectrum, a number, eigenvalues (d,) or a matrix (d, d); finite and positive semidefinite."""
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


def check_label_law(label_law: LabelLaw | None, given: dict[str, Any]) -> None:
    """InputError for a label law that is none, or beside parts of the mixture that leave nothing to draw."""
    if label_law is None:
        return
    if not isinstance(label_law, LabelLaw):
        raise InputError("label_law must be a label law", label_law, "Use for instance `LogisticLabels()`.")
    name = type(label_law).__name__
    if given["teacher"] is None:
        raise InputError(f"{name} draws labels from a teacher's score and needs a teacher", None, "Give `teacher=1.0`.")
    if given["labels"] is not None:
        raise InputError(
            f"{name} draws the labels, so that components have none", described(given["labels"]), "Leave labels out."
        )
    if given["noise_variance"]:
        raise InputError(
            f"{name} has its own noise and takes no noise_variance",
            given["noise_variance"],
            "Leave it out; a teacher of smaller norm makes the labels noisier.",
        )


def check_teacher_link(teacher_link: Link | None, given: dict[str, Any]) -> None:
    """InputError for a teacher's link that is none, or that has no teacher, or a label law in its place."""
    if teacher_link is None:
        return
    if not isinstance(teacher_link, Link):
        raise InputError("teacher_link must be a link", teacher_link, "Use for instance `Erf()`.")
    if given["teacher"] is None:
        raise InputError("a teacher_link needs a teacher", None, "Give `teacher=1.0`.")
    if given["label_law"] is not None:
        raise InputError(
            "a target is a link of the teacher's score or a label drawn from it, not both",
            given["label_law"],
            "Leave teacher_link or label_law out.",
        )


def common_dimension(
    means: tuple[Vector, ...], covariances: tuple[Covariance, ...], teacher: Vector | None
) -> int | float:
    """The dimension of every part that has one; InputError if they differ or none has."""
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


def spread_out(vector: Vector, shares: Array) -> Array:
    """Coordinates (Q,): a number is the norm of a vector spread evenly, s * sqrt(shares)."""
    return vector if isinstance(vector, np.ndarray) else vector * np.sqrt(shares)


def is_matrix(covariance: Covariance) -> bool:
    """Whether the covariance is written as a matrix (d, d)."""
    return isinstance(covariance, np.ndarray) and covariance.ndim == 2


def as_diagonal(covariance: Covariance, size: int) -> Array:
    """Eigenvalues (size,) of a covariance that is not a matrix."""
    values = covariance.eigenvalues if isinstance(covariance, Spectrum) else np.asarray(covariance)
    return np.broadcast_to(values, size)  # a number, or a limiting law that is one point


def as_matrix(covariance: Covariance, size: int) -> Array:
    """Any covariance of finite dimension as a matrix (size, size)."""
    if isinstance(covariance, np.ndarray) and covariance.ndim == 2:
        return covariance
    return np.diag(as_diagonal(covariance, size))


def described_part(value: Vector | Covariance) -> Any:
    """What a result stores about a vector or a covariance (JSON-able)."""
    if isinstance(value, Spectrum):
        return value.describe()
    return described(value) if isinstance(value, np.ndarray) else value


__all__ = [
    "Covariance",
    "Vector",
    "as_diagonal",
    "as_matrix",
    "check_label_law",
    "check_teacher_link",
    "checked_covariance",
    "checked_labels",
    "checked_vector",
    "checked_weights",
    "common_dimension",
    "described_part",
    "is_matrix",
    "listed",
    "spread_out",
]
