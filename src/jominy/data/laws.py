"""What the engines see of a Gaussian mixture: its law in the shared eigenbasis, or dense where there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from jominy.data.arrays import Array, read_only
from jominy.data.label_laws import LabelLaw
from jominy.data.links import Link
from jominy.errors import InputError

COMMUTES = 1e-10
"""Relative size up to which what is off the diagonal counts as rounding, as for covariances."""

CORRELATED = (
    "An l_inf attack on a mixture needs covariances that are diagonal in the features: it is not rotation invariant, "
    "and for correlated features no exact limit is known",
    "a covariance that is not diagonal",
    "Give eigenvalues and vectors in the basis of the features, draw samples of the law, Samples(X, y), or use "
    "`Mahalanobis(weights=...)`",
)
"""Rule, value and next step."""

ONE_COVARIANCE = (
    "With noise on the inputs a teacher looks another way in each class of its own covariance",
    "a teacher and several covariances",
    "Give one covariance, labels in place of the teacher, or leave the noise out",
)
"""Rule, value and next step."""


@dataclass(frozen=True, eq=False, repr=False)
class EigenLaw:
    """A mixture whose covariances commute, in their shared eigenbasis (n components, Q eigen-coordinates).

    weights:        (n,) probabilities of the components
    eigenvalues:    (n, Q) covariance eigenvalues, in units of (input coordinate)^2
    shares:         (Q,) fraction of the coordinates; 1/d each where all d = Q are listed, else weights of nodes
    dimension:      d, or math.inf
    means:          (n, Q) coordinates of the component means; the squared norm of a vector is the sum of its squares
    teacher:        (Q,) or None
    labels:         (n,) or None
    noise_variance: variance of the label noise, in units of label^2
    label_law:      of random labels -1, +1 given the teacher's score, or None
    teacher_link:   of the teacher's score in the target, or None for the score itself
    basis:          (d, d) orthogonal, eigenvectors in columns, or None when the given coordinates are the eigenbasis
    position:       (Q,) in (0, 1) of nodes of which all eigenvalues are functions, or None
    attack:         (Q,) diagonal of the attack's form M, size(X)^2 = X' M X; None for the identity
    budgets:        (Q,) of an attack on single features, size(X) = sum of budget |X| / sqrt(d), which has no form; None
                    for the others
    power:          q > 1 of an l_p attack, size(X) = (mean of (budget |u|)^q)^(1/q) with u = sqrt(d) X; None for q = 1
    intercept:      whether the last coordinate is a feature that is 1 everywhere, which no attack can touch
    block:          (Q,) number of the block of an attack with several budgets at once: the size is the sum over blocks
                    g of the root of X' M_g X, M_g being `attack` on the block; None for a single one

    On nodes a vector of norm s that is spread evenly has the coordinates s * sqrt(shares).
    """

    weights: Array
    eigenvalues: Array
    shares: Array
    dimension: int | float
    means: Array
    teacher: Array | None
    labels: Array | None
    noise_variance: float
    label_law: LabelLaw | None
    teacher_link: Link | None
    basis: Array | None
    position: Array | None
    attack: Array | None = None
    budgets: Array | None = None
    intercept: bool = False
    power: Array | None = None
    block: Array | None = None

    @property
    def commuting(self) -> bool:
        """Whether the covariances have a shared eigenbasis; they have."""
        return True

    @property
    def in_eigenbasis(self) -> EigenLaw:
        """The law itself; of covariances that do not commute there is none."""
        return self

    @property
    def one_centred_class(self) -> EigenLaw | None:
        """The law itself where it is one class without mean or label, of which more is known in closed form."""
        centred = len(self.weights) == 1 and not np.any(self.means)
        return self if centred and (self.labels is None or not np.any(self.labels)) else None

    @property
    def mean_variances(self) -> Array:
        """(n,) tr K_i / d."""
        # By the shares' own sum, so that rounding leaves the mean of equal eigenvalues what they are.
        return np.average(self.eigenvalues, axis=1, weights=self.shares)

    @property
    def teacher_variances(self) -> Array:
        """(n,) X*' K_i X*, the variances of the teacher's score; zero without a teacher."""
        return np.zeros(len(self.weights)) if self.teacher is None else self.eigenvalues @ self.teacher**2

    @property
    def moments(self) -> tuple[Array, Array]:
        """Means (n, d) and covariances in the user's coordinates: (n, d, d), or (n, d) where they are diagonal."""
        if self.basis is None:
            return self.means, self.eigenvalues
        return self.means @ self.basis.T, np.einsum("ij,nj,kj->nik", self.basis, self.eigenvalues, self.basis)

    @cached_property
    def listed(self) -> bool:
        """Whether every coordinate is listed, so that vectors (d,) have a meaning; otherwise there are nodes."""
        # There may be as many nodes as dimensions, but they have shares of their own.
        return self.eigenvalues.shape[1] == self.dimension and bool(np.ptp(self.shares) <= 1e-12)

    def to_eigenbasis(self, vector: Array) -> Array:
        """Eigen-coordinates (..., d) of vectors (..., d) given in the user's coordinates."""
        return vector if self.basis is None else vector @ self.basis

    def from_eigenbasis(self, vector: Array) -> Array:
        """The inverse of `to_eigenbasis`."""
        return vector if self.basis is None else vector @ self.basis.T

    def with_intercept(self) -> EigenLaw:
        """With one more coordinate, the last one: a feature that is 1 everywhere.

        On nodes it counts for one of d + 1 coordinates, which in infinite dimension is none.
        """
        share = 1 / (self.dimension + 1)
        basis = self.basis
        if basis is not None:
            basis = np.block([[basis, np.zeros((len(basis), 1))], [np.zeros((1, len(basis))), np.ones((1, 1))]])
        return replace(
            self,
            eigenvalues=read_only(with_column(self.eigenvalues, 0.0)),
            shares=read_only(np.append(self.shares * (1 - share), share)),
            dimension=self.dimension + 1,
            means=read_only(with_column(self.means, 1.0)),
            teacher=None if self.teacher is None else read_only(np.append(self.teacher, 0.0)),
            basis=None if basis is None else read_only(basis),
            position=None,
            intercept=True,
        )

    def with_noise(self, variance: float) -> EigenLaw:
        """With normal noise of this variance in every feature, which the target does not see.

        The law of input and target together: covariances grow, and given a noisy input x the teacher's score is normal
        around <K (K + v)^-1 (x - mean)>. InputError where that is another direction for each class. An intercept has no
        noise.
        """
        k, added = self.eigenvalues, np.where(self.out_of_reach, 0.0, variance)
        told = replace(self, eigenvalues=read_only(k + added))
        if self.teacher is None:
            return told
        if np.any(k != k[0]):
            raise InputError(*ONE_COVARIANCE)
        kept = np.where(self.out_of_reach, 1.0, k[0] / np.where(self.out_of_reach, 1.0, k[0] + variance))
        return _seen_through_noise(told, kept * self.teacher, float(variance * kept @ self.teacher**2))

    @property
    def out_of_reach(self) -> Array:
        """(Q,) whether no attack can touch a coordinate."""
        return (
            np.arange(self.shares.size) == self.shares.size - 1 if self.intercept else np.zeros(self.shares.size, bool)
        )

    def under_norm(self) -> EigenLaw:
        """Under an attack in l2, which leaves the intercept alone."""
        return replace(self, attack=np.where(self.out_of_reach, 0.0, 1.0)) if self.intercept else self

    def under(self, form: Array) -> EigenLaw | DenseLaw:
        """With the form M of an attack, (d,) or (d, d) in the user's coordinates; dense where it does not commute."""
        if self.intercept:
            form = within_reach(form)
        if not self.listed:
            raise InputError(
                "Weights of single features need a spectrum that lists every coordinate",
                f"dimension {self.dimension}",
                "Give the spectrum a dimension, for instance 1000",
            )
        diagonal = form.ndim == 1
        if diagonal and self.basis is None:
            return replace(self, attack=form)
        full = np.diag(form) if diagonal else form
        turned = full if self.basis is None else self.basis.T @ full @ self.basis
        if np.max(np.abs(turned - np.diag(np.diag(turned)))) <= COMMUTES * np.max(np.abs(turned)):
            return replace(self, attack=np.maximum(np.diag(turned), 0.0))
        return self._dense(full)

    def under_blocks(self, form: Array, block: Array) -> EigenLaw | DenseLaw:
        """Under an attack with a budget for each block of features: its form (d,), and their numbers (d,)."""
        form = within_reach(form) if self.intercept else form
        law, block = self.under(form), _reached_blocks(form, block)  # type: ignore[assignment]
        if block is None or not isinstance(law, EigenLaw) or law.basis is None:
            return replace(law, block=block)
        squares = law.basis.T**2
        shares = np.stack([squares @ (block == number) for number in range(int(block.max()) + 1)])
        within = np.max(shares, axis=0) >= 1 - COMMUTES
        # Each eigenvector that the attack reaches lies within one block; else the blocks' forms do not commute.
        if not np.all(within | (law.attack == 0)):
            return replace(self._dense(np.diag(form)), block=block)
        return replace(law, block=np.argmax(shares, axis=0))

    def moved_by_feature(self, budgets: Array | None, power: float | None = None) -> EigenLaw:
        """Under an attack that moves each feature by its own budget (d,), by default one; all alike, or in l_p."""
        if self.basis is not None:
            raise InputError(*CORRELATED)
        budgets = np.ones(self.eigenvalues.shape[1]) if budgets is None else budgets
        power_given = None if power is None else np.asarray(power)
        return replace(self, budgets=np.where(self.out_of_reach, 0.0, budgets), power=power_given)

    @property
    def dense(self) -> DenseLaw:
        """The law as matrices in the user's coordinates, which have to be listed."""
        return self._dense(None)

    def _dense(self, form: Array | None) -> DenseLaw:
        """The same under an attack with this form (d, d); None for the identity."""
        size = self.eigenvalues.shape[1]
        basis = np.eye(size) if self.basis is None else self.basis
        return DenseLaw(
            weights=self.weights,
            means=self.from_eigenbasis(self.means),
            covariances=np.einsum("ij,nj,kj->nik", basis, self.eigenvalues, basis),
            teacher=None if self.teacher is None else self.from_eigenbasis(self.teacher),
            labels=self.labels,
            noise_variance=self.noise_variance,
            label_law=self.label_law,
            teacher_link=self.teacher_link,
            dimension=size,
            attack=form,
            intercept=self.intercept,
        )


@dataclass(frozen=True, eq=False, repr=False)
class DenseLaw:
    """A mixture whose covariances do not commute, in the user's coordinates (n components, dimension d).

    weights:        (n,) probabilities of the components
    means:          (n, d)
    covariances:    (n, d, d) symmetric, positive semidefinite
    teacher:        (d,) or None
    labels:         (n,) or None
    noise_variance: variance of the label noise, in units of label^2
    label_law:      of random labels -1, +1 given the teacher's score, or None
    teacher_link:   of the teacher's score in the target, or None for the score itself
    dimension:      d
    attack:         (d, d) the attack's form M, size(X)^2 = X' M X; None for the identity
    intercept:      whether the last coordinate is a feature that is 1 everywhere, which no attack can touch
    block:          (d,) number of each feature's block, as in `EigenLaw`; `attack` does not join blocks
    """

    weights: Array
    means: Array
    covariances: Array
    teacher: Array | None
    labels: Array | None
    noise_variance: float
    label_law: LabelLaw | None
    teacher_link: Link | None
    dimension: int
    attack: Array | None = None
    intercept: bool = False
    block: Array | None = None

    @property
    def commuting(self) -> bool:
        """Whether the covariances have a shared eigenbasis; they have none."""
        return False

    @property
    def in_eigenbasis(self) -> EigenLaw:
        """Refused: there is no shared eigenbasis."""
        raise InputError(
            "This needs covariances that commute, with a shared eigenbasis",
            f"{len(self.weights)} covariances without one",
            "Use `forecast(...)`, `simulate(...)` or `optimum(...)`, which know such covariances",
        )

    @property
    def dense(self) -> DenseLaw:
        """The law itself."""
        return self

    @property
    def one_centred_class(self) -> None:
        """Of a single class there is an eigenbasis; under an attack along other directions no more is known."""
        return None

    @property
    def listed(self) -> bool:
        """Whether every coordinate is listed."""
        return True

    @property
    def mean_variances(self) -> Array:
        """(n,) tr K_i / d."""
        return np.trace(self.covariances, axis1=1, axis2=2) / self.dimension

    @property
    def teacher_variances(self) -> Array:
        """(n,) X*' K_i X*, the variances of the teacher's score; zero without a teacher."""
        if self.teacher is None:
            return np.zeros(len(self.weights))
        return np.einsum("i,nij,j->n", self.teacher, self.covariances, self.teacher)

    @property
    def moments(self) -> tuple[Array, Array]:
        """Means (n, d) and covariances (n, d, d)."""
        return self.means, self.covariances

    def moved_by_feature(self, budgets: Array | None, power: float | None = None) -> EigenLaw:
        """Refused: the features are correlated."""
        raise InputError(*CORRELATED)

    def with_intercept(self) -> DenseLaw:
        """With one more coordinate, the last one: a feature that is 1 everywhere."""
        return replace(
            self,
            means=read_only(with_column(self.means, 1.0)),
            covariances=read_only(np.pad(self.covariances, ((0, 0), (0, 1), (0, 1)))),
            teacher=None if self.teacher is None else read_only(np.append(self.teacher, 0.0)),
            dimension=self.dimension + 1,
            intercept=True,
        )

    def with_noise(self, variance: float) -> DenseLaw:
        """With normal noise of this variance in every feature, which the target does not see; see `EigenLaw`."""
        features = self.dimension - self.intercept
        spread = self.covariances + variance * np.diag(np.arange(self.dimension) < features)
        told = replace(self, covariances=read_only(spread))
        if self.teacher is None:
            return told
        if np.any(self.covariances != self.covariances[0]):
            raise InputError(*ONE_COVARIANCE)
        inside = slice(features)
        kept = np.zeros(self.dimension)
        kept[inside] = np.linalg.solve(spread[0][inside, inside], (self.covariances[0] @ self.teacher)[inside])
        return _seen_through_noise(told, kept, float(variance * kept @ self.teacher))

    def under_norm(self) -> DenseLaw:
        """Under an attack in l2, which leaves the intercept alone."""
        return self.under(np.ones(self.dimension)) if self.intercept else self

    def under(self, form: Array) -> DenseLaw:
        """With the form M of an attack, (d,) or (d, d)."""
        form = within_reach(form) if self.intercept else form
        return replace(self, attack=np.diag(form) if form.ndim == 1 else form)

    def under_blocks(self, form: Array, block: Array) -> DenseLaw:
        """Under an attack with a budget for each block of features: its form (d,), and their numbers (d,)."""
        form = within_reach(form) if self.intercept else form
        return replace(self, attack=np.diag(form), block=_reached_blocks(form, block))


Law = TypeVar("Law", EigenLaw, DenseLaw)


def _seen_through_noise(law: Law, teacher: Array, hidden: float) -> Law:
    """The law with what noisy inputs tell of the teacher's score, and the variance of what they hide."""
    assert law.teacher is not None
    offsets = law.means @ (law.teacher - teacher)
    labels = offsets if law.labels is None else law.labels + offsets
    return replace(
        law,
        teacher=read_only(teacher),
        noise_variance=law.noise_variance + hidden,
        labels=law.labels if not np.any(offsets) else read_only(labels),
    )


def _reached_blocks(form: Array, block: Array) -> Array | None:
    """Numbers from zero without gaps of the blocks (d,) that an attack reaches; None where there is one.

    A feature out of reach is in any block.
    """
    reached = np.unique(block[form > 0])
    if reached.size < 2:
        return None
    return np.where(np.isin(block, reached), np.searchsorted(reached, block), 0)


def with_column(rows: Array, value: float) -> Array:
    """Rows (n, d) with one more column."""
    return np.concatenate([rows, np.full((len(rows), 1), value)], axis=1)


def within_reach(form: Array) -> Array:
    """The form of an attack, (d,) or (d, d), without the last coordinate."""
    within = np.where(np.arange(len(form)) == len(form) - 1, 0.0, 1.0)
    return form * within if form.ndim == 1 else form * np.outer(within, within)


__all__ = ["DenseLaw", "EigenLaw"]
