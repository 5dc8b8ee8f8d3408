"""A Gaussian mixture with several labels as its scores see it: in the eigenbasis, coordinates of equal numbers grouped.

Scores of component c are N(M mu_c, sum lambda F), with F the Gram matrices of the groups of coordinates; attacks know
of the weights their Gram matrix G = sum reach F. Only differences of scores count, so that averages are sums over
antithetic Sobol' points in K - 1 dimensions, the same for every component.

Source: theory `multiclass.md` sections 1 and 5; attacks with weights per feature: `attacks.md` section 2.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import EigenLaw
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import SoftmaxLoss
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module

FEW_CLASSES = 4
"""Up to so many classes averages take more points: of many classes errors average out (`multiclass.md` section 5)."""
JITTER = 1e-9


class FlowState(NamedTuple):
    """The law of the weights: `mean` (K, Q) by eigen-coordinate, `variance` (G, K, K) by group, times d."""

    mean: Array
    variance: Array


class ScoreLaw(Module):
    """What the scores of a model with weights in the eigenbasis are on a mixture.

    Attributes:
        means: (C, Q) coordinates of the components' means.
        eigenvalues: (C, G) of each group of coordinates.
        reach: (G,) of the attack's form: its size is the root of sum reach weight^2.
        places: (Q,) the group of each coordinate.
        shares: (G,) share of the coordinates of each group.
        weights: (C,) of the components.
        own: (K, C) ones at their labels.
        differences: (K, K - 1) orthonormal columns whose sum over classes is zero.
    """

    means: Array
    eigenvalues: Array
    reach: Array
    places: Array
    shares: Array
    weights: Array
    own: Array
    differences: Array

    def scores(self, state: FlowState, points: Array) -> tuple[Array, Array, Array]:
        """Points (C, K, S) of the components' scores without their mean over classes, from normals (S, K - 1).

        And the Gram matrices (K, K) of the weights: as attacks feel them, and as they are.
        """
        groups = len(self.shares)
        squares = state.mean.T[:, :, None] * state.mean.T[:, None, :]
        grams = jax.ops.segment_sum(squares, self.places, groups) + self.shares[:, None, None] * state.variance
        told = self.differences.T @ grams @ self.differences
        covariances = jnp.einsum("cg,gkl->ckl", self.eigenvalues, told)
        size = jnp.trace(covariances, axis1=1, axis2=2)[:, None, None]
        eye = jnp.eye(covariances.shape[-1])
        roots = jnp.linalg.cholesky(covariances + (JITTER * size + jnp.finfo(float).tiny ** 0.5) * eye)
        centres = self.differences.T @ state.mean @ self.means.T
        scores = self.differences @ (centres.T[:, :, None] + roots @ points.T)
        return scores, jnp.einsum("g,gkl->kl", self.reach, grams), jnp.sum(grams, axis=0)


def score_law(problem: Problem) -> tuple[EigenLaw, ScoreLaw]:
    """The law of a mixture in its eigenbasis, and of its scores; InputError for what is not covered."""
    loss = problem.loss.plain
    if not isinstance(loss, SoftmaxLoss):
        raise InputError("Mixtures with several labels are known for the softmax loss", type(loss).__name__,
                         "Use `SoftmaxLoss()`")  # fmt: skip
    if problem.loss is not loss:
        raise InputError("Mixtures with several labels minimise the adversarial loss itself", problem.objective,
                         "Draw rows from the mixture, and wrap them as `Samples(X, y)`")  # fmt: skip
    if not problem.attack.quadratic:
        raise InputError("Mixtures with several labels are for attacks of type L2 and Mahalanobis",
                         type(problem.attack).__name__,
                         "Draw rows from the mixture, and wrap them as `Samples(X, y)`")  # fmt: skip
    law = problem.law
    if not law.commuting:
        raise InputError("Mixtures with several labels need covariances that commute, and an attack along with them",
                         "others", "Draw rows from the mixture, and wrap them as `Samples(X, y)`")  # fmt: skip
    law = law.in_eigenbasis
    reach = np.ones(law.eigenvalues.shape[1]) if law.attack is None else np.asarray(law.attack)
    distinct, places = np.unique(np.vstack([law.eigenvalues, reach]), axis=1, return_inverse=True)
    places = places.reshape(-1)
    own = (np.asarray(law.labels) == kinds_of(problem)[:, None]).astype(float)
    return law, ScoreLaw(
        law.means, distinct[:-1], distinct[-1], places, np.bincount(places, weights=law.shares), law.weights, own,
        differences_of(len(own)),
    )  # fmt: skip


def kinds_of(problem: Problem) -> np.ndarray:
    """(K,) the labels that there are."""
    return np.unique(np.asarray(problem.mixture.labels))


def differences_of(classes: int) -> np.ndarray:
    """(K, K - 1) orthonormal columns whose sum over classes is zero: Helmert's contrasts.

    >>> differences_of(2).round(3).tolist()
    [[-0.707], [0.707]]
    """
    from scipy.linalg import helmert

    return -helmert(classes).T


def read_points(classes: int) -> int:
    """Points of the averages that are reported."""
    return 1024 if classes <= FEW_CLASSES else 256


def antithetic_points(count: int, dimension: int) -> np.ndarray:
    """(count, dimension) normals by a scrambled Sobol' sequence, each with its mirror image, of covariance one.

    In one dimension they are the quantiles of even shares.
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    if dimension == 1:
        half = (np.arange(count // 2)[:, None] + 0.5) / count
    else:
        half = qmc.Sobol(dimension, seed=0).random_base2((count // 2 - 1).bit_length())[: count // 2]
    normals = ndtri(np.clip(half, 1e-12, 1 - 1e-12))
    # With exact second moments errors of averages are several times smaller.
    root = np.linalg.cholesky(normals.T @ normals / len(normals))
    normals = np.linalg.solve(root, normals.T).T
    return np.concatenate([normals, -normals])
