"""Gaussian mixtures: the data laws of the theory, as a user states them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.data.arrays import Array, described, finite_number, read_only
from jominy.data.commuting import shared_eigenbasis
from jominy.data.label_laws import LabelLaw
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.limits import Continuum, power_rule, shared_panels
from jominy.data.links import Link
from jominy.data.parts import (
    Covariance,
    Vector,
    as_matrix,
    check_label_law,
    check_teacher_link,
    checked_covariance,
    checked_labels,
    checked_vector,
    checked_weights,
    common_dimension,
    described_part,
    is_matrix,
    listed,
    spread_out,
)
from jominy.data.spectra import Spectrum
from jominy.errors import InputError


@dataclass(frozen=True, eq=False, repr=False, init=False)
class GaussianMixture:
    """With probability weights[i], x ~ N(means[i], covariances[i]); the target comes from a label, a teacher or both.

    The target of a sample of component i is `labels[i] + <teacher, x> + noise`, the parts not given being zero and
    the noise N(0, noise_variance). With a `label_law` it is a random label instead: +1 with the probability that the
    law gives at <teacher, x>, else -1.

    weights:        n probabilities > 0 that sum to one (within 1e-9)
    means:          n vectors, each an array (d,) or a number: a norm (with a sign), spread evenly over the coordinates
    covariances:    n positive semidefinite matrices, in units of (input coordinate)^2, each a `Spectrum`, an array (d,)
                    of eigenvalues in the coordinate basis, a matrix (d, d), or a number (times the identity)
    labels:         n numbers, or None; -1 and +1 without a teacher make a classification problem; with a loss of
                    several classes (`SoftmaxLoss()`) whole numbers name the classes, such as [0, 1, 2, 1]
    teacher:        array (d,), a number (its norm, spread evenly), or None
    noise_variance: >= 0, in units of target^2
    label_law:      LogisticLabels(), ProbitLabels(), SignLabels() or None; it takes a teacher, and neither labels nor
                    noise_variance (its noise is its own)
    teacher_link:   a link g such as Erf(), or None; with it the teacher's part of the target is g(<teacher, x>), and
                    the loss must be a LinkSquaredLoss
    intercept:      whether there is one more feature, the last one, that is 1 everywhere and that no attack can touch:
                    for classes of different size, or a target whose mean is not zero. `dimension`, and with it the step
                    rate / dimension, counts it; an attack's budgets or weights have an entry for it, which is ignored

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
    label_law: LabelLaw | None
    teacher_link: Link | None
    intercept: bool
    dimension: int | float

    def __init__(
        self,
        weights: ArrayLike,
        means: Sequence[ArrayLike],
        covariances: Sequence[Spectrum | ArrayLike],
        labels: ArrayLike | None = None,
        teacher: ArrayLike | None = None,
        noise_variance: float = 0.0,
        label_law: LabelLaw | None = None,
        teacher_link: Link | None = None,
        intercept: bool = False,
    ) -> None:
        probabilities = checked_weights(weights)
        count = probabilities.size
        values: dict[str, Any] = {
            "weights": probabilities,
            "means": tuple(checked_vector(mean, f"means[{i}]") for i, mean in enumerate(listed(means, "means", count))),
            "covariances": tuple(
                checked_covariance(covariance, f"covariances[{i}]")
                for i, covariance in enumerate(listed(covariances, "covariances", count))
            ),
            "labels": None if labels is None else checked_labels(labels, count),
            "teacher": None if teacher is None else checked_vector(teacher, "teacher"),
            "noise_variance": finite_number(noise_variance, "noise_variance", minimum=0.0),
            "label_law": label_law,
            "teacher_link": teacher_link,
            "intercept": _switch(intercept),
        }
        check_label_law(label_law, values)
        check_teacher_link(teacher_link, values)
        if labels is None and teacher is None:
            raise InputError("a mixture needs labels, a teacher or both", None, "Give one label per component.")
        features = common_dimension(values["means"], values["covariances"], values["teacher"])
        values["dimension"] = features + bool(intercept)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._shares()  # refuses limiting laws that do not go together, here rather than in the middle of a forecast

    @property
    def components(self) -> int:
        """Number of components n."""
        return self.weights.size

    @property
    def empirical(self) -> bool:
        """Whether this is the law of given rows; it is not."""
        return False

    @property
    def class_weights(self) -> None:
        """None: the classes of a mixture have the weights of its components."""
        return None

    @property
    def classification(self) -> bool:
        """Whether the targets are classes: labels -1 and +1 alone, or random labels."""
        if self.label_law is not None:
            return True
        return self.labels is not None and self.teacher is None and bool(np.all(np.abs(self.labels) == 1))

    def with_classes(self) -> GaussianMixture:
        """The mixture, whose labels then name classes: whole numbers, of two kinds or more.

        InputError for other labels, and for targets that are more than labels.
        """
        labels = self.labels
        if labels is None or self.teacher is not None or self.label_law is not None or self.noise_variance:
            raise InputError(
                "Several classes of a mixture are the labels of its components",
                "a teacher, noise or random labels" if labels is not None else "no labels",
                "Give `labels=[0, 1, 2, 1]` and nothing else for the target",
            )
        if np.any(labels != np.rint(labels)) or np.ptp(labels) == 0:
            raise InputError(
                "Labels of several classes must be whole numbers of two kinds or more", labels, "Such as [0, 1, 2, 1]"
            )
        return self

    @property
    def _count(self) -> int | float:
        """Number of features, without the intercept."""
        return self.dimension - self.intercept

    @cached_property
    def law(self) -> EigenLaw | DenseLaw:
        """The mixture in the shared eigenbasis of its covariances if they commute (found out to 1e-10), else dense."""
        if self.intercept:
            return self.groups if self._features_law is self._features_groups else self._features_law.with_intercept()
        return self._features_law

    @cached_property
    def groups(self) -> EigenLaw | DenseLaw:
        """The mixture as a simulation has it: a continuous law as few groups of equal eigenvalues, else the `law`."""
        return self._features_groups.with_intercept() if self.intercept else self._features_groups

    @cached_property
    def _features_law(self) -> EigenLaw | DenseLaw:
        """The law of the features alone."""
        if (laws := self._continuous()) is not None:
            return self._on_panels(laws)
        if not any(is_matrix(covariance) for covariance in self.covariances):
            return self._features_groups
        shares = self._shares()
        matrices = np.stack([as_matrix(covariance, shares.size) for covariance in self.covariances])
        diagonals = np.diagonal(matrices, axis1=1, axis2=2)
        if np.count_nonzero(matrices) == np.count_nonzero(diagonals):  # diagonal already: keep the numbers as given
            return self._eigen_law(np.maximum(diagonals, 0.0), shares, None)
        shared = shared_eigenbasis(matrices)
        if shared is not None:
            return self._eigen_law(shared[1], shares, shared[0])
        return DenseLaw(
            weights=self.weights,
            means=read_only([spread_out(mean, shares) for mean in self.means]),
            covariances=read_only(matrices),
            teacher=None if self.teacher is None else read_only(spread_out(self.teacher, shares)),
            labels=self.labels,
            noise_variance=self.noise_variance,
            label_law=self.label_law,
            teacher_link=self.teacher_link,
            dimension=int(self._count),
        )

    @cached_property
    def _features_groups(self) -> EigenLaw | DenseLaw:
        """The groups of the features alone."""
        if any(is_matrix(covariance) for covariance in self.covariances):
            return self._features_law
        shares = self._shares()
        rows = [np.broadcast_to(self._at_nodes(c)[0], shares.size) for c in self.covariances]
        return self._eigen_law(np.stack(rows), shares, None)

    def describe(self) -> dict[str, Any]:
        """What a result stores about its data (JSON-able): numbers where short, else shape, norm and digest."""
        return dict(self._record)

    @cached_property
    def _record(self) -> dict[str, Any]:  # a law may have many numbers, and many questions are asked of it
        told = {"intercept": True} if self.intercept else {}
        return {
            "kind": type(self).__name__,
            "dimension": self.dimension if math.isfinite(self.dimension) else "inf",
            "weights": described(self.weights),
            "means": [described_part(mean) for mean in self.means],
            "covariances": [described_part(covariance) for covariance in self.covariances],
            "labels": None if self.labels is None else described(self.labels),
            "teacher": None if self.teacher is None else described_part(self.teacher),
            "noise_variance": self.noise_variance,
            "label_law": None if self.label_law is None else self.label_law.describe(),
            "teacher_link": None if self.teacher_link is None else self.teacher_link.describe(),
            **told,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.components} component(s), dimension {self.dimension})"

    def _continuous(self) -> list[Continuum] | None:
        """The continuous laws among the covariances, if all that are nodes stand for some."""
        nodes = [c for c in self.covariances if isinstance(c, Spectrum) and not c.listed and c.eigenvalues.size > 1]
        laws = [c.continuum for c in nodes if c.continuum is not None]
        return laws if laws and len(laws) == len(nodes) else None

    def _on_panels(self, laws: list[Continuum]) -> EigenLaw:
        """The law on as many nodes as resolve everything that is solved."""
        edges = shared_panels(laws)
        shared = laws[0].rule(edges)
        rows = [
            covariance.continuum.rule(edges).eigenvalues
            if isinstance(covariance, Spectrum) and covariance.continuum is not None
            else np.broadcast_to(self._at_nodes(covariance)[0], shared.shares.size)
            for covariance in self.covariances
        ]
        return self._eigen_law(np.stack(rows), shared.shares, None, shared.position)

    def _shares(self) -> Array:
        """Fraction of the coordinates that each eigen-coordinate stands for, (Q,)."""
        nodes = [c for c in self.covariances if isinstance(c, Spectrum) and not c.listed]
        if not nodes:
            return np.full(int(self._count), 1 / self._count)
        parts = (*self.means, *self.covariances, self.teacher)
        if any(isinstance(p, np.ndarray) or (isinstance(p, Spectrum) and p.listed) for p in parts):
            raise InputError(
                "with a spectrum given as nodes, means and teacher are numbers (norms) and no covariance is an array",
                nodes[0],
                "Take numbers, or a dimension small enough to list.",
            )
        shares = max((self._at_nodes(c)[1] for c in nodes), key=len)
        for other in (self._at_nodes(c)[1] for c in nodes):
            if other.size > 1 and not (other.size == shares.size and np.allclose(other, shares, rtol=0, atol=1e-12)):
                raise InputError(
                    "spectra of infinite dimension in one mixture must be functions of the same variable s",
                    nodes,
                    "Combine uniform and power_law with each other, anything with identity; else take a finite d.",
                )
        return shares

    def _at_nodes(self, covariance: Covariance) -> tuple[Array, Array]:
        """Eigenvalues and shares of a covariance; functions of s at nodes that serve all functions of s here."""
        if isinstance(covariance, Spectrum) and covariance.quantiles is not None:
            functions = [c.quantiles for c in self.covariances if isinstance(c, Spectrum) and c.quantiles is not None]
            s, shares = power_rule({function.exponent for function in functions})
            return covariance.quantiles.function(s), shares
        if isinstance(covariance, Spectrum):
            return covariance.eigenvalues, covariance.shares
        return np.asarray(covariance), np.ones(1)

    def _eigen_law(
        self, eigenvalues: Array, shares: Array, basis: Array | None, position: Array | None = None
    ) -> EigenLaw:
        def coordinates(vector: Vector) -> Array:
            return spread_out(vector, shares) if basis is None else spread_out(vector, shares) @ basis

        return EigenLaw(
            weights=self.weights,
            eigenvalues=read_only(eigenvalues),
            shares=read_only(shares),
            dimension=self._count,
            means=read_only([coordinates(mean) for mean in self.means]),
            teacher=None if self.teacher is None else read_only(coordinates(self.teacher)),
            labels=self.labels,
            noise_variance=self.noise_variance,
            label_law=self.label_law,
            teacher_link=self.teacher_link,
            basis=None if basis is None else read_only(basis),
            position=None if position is None else read_only(position),
        )


def _switch(intercept: Any) -> bool:
    if not isinstance(intercept, (bool, np.bool_)):
        raise InputError("intercept is True or False", intercept, "It is learnt: no value is given")
    return bool(intercept)


__all__ = ["GaussianMixture"]
