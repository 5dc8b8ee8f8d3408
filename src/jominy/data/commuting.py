"""Do these covariances commute? If so, their shared eigenbasis.

Symmetric matrices commute if and only if they share an orthogonal eigenbasis. The eigenvectors of a random positive
combination are that basis with probability one, because two eigenvectors that some matrix tells apart get different
eigenvalues in the combination. Whatever basis is found is verified, so chance can cost a retry but never be wrong.
"""

from __future__ import annotations

import numpy as np

from jominy.data.arrays import Array

_TOLERANCE = 1e-10  # off-diagonal part of a rotated covariance, relative to its Frobenius norm
_SAME = 1e-12  # eigenvalues closer than this, relative to the largest, are one eigenvalue
_ATTEMPTS = 4  # one unlucky combination nearly merges two eigenvalues and loses digits in their eigenvectors


def shared_eigenbasis(covariances: Array) -> tuple[Array, Array] | None:
    """Basis (d, d), eigenvectors in columns, and eigenvalues (n, d) of commuting covariances (n, d, d); else None.

    Equal eigenvalues come out exactly equal, so that they can be grouped. They are never negative.

    >>> basis, eigenvalues = shared_eigenbasis(np.array([[[2.0, 1.0], [1.0, 2.0]], [[1.0, 0.5], [0.5, 1.0]]]))
    >>> sorted(eigenvalues[0].round(12).tolist())
    [1.0, 3.0]
    >>> shared_eigenbasis(np.array([[[2.0, 1.0], [1.0, 2.0]], [[1.0, 0.0], [0.0, 3.0]]])) is None
    True
    """
    norms = np.linalg.norm(covariances, axis=(1, 2))
    units = covariances / np.where(norms > 0, norms, 1.0)[:, None, None]
    if not _commute(units):
        return None
    random = np.random.default_rng(0)  # fixed: the same problem gives the same basis, bit by bit
    for _ in range(_ATTEMPTS):
        combination = np.tensordot(random.uniform(0.5, 1.5, size=len(units)), units, axes=1)
        basis = np.linalg.eigh(combination)[1]
        rotated = basis.T @ units @ basis
        eigenvalues = np.diagonal(rotated, axis1=1, axis2=2)
        off_diagonal = np.sqrt(np.maximum(np.sum(rotated**2, axis=(1, 2)) - np.sum(eigenvalues**2, axis=1), 0.0))
        if off_diagonal.max() <= _TOLERANCE:
            return basis, np.stack([_merged(row) for row in eigenvalues]) * norms[:, None]
    return None


def _commute(units: Array) -> bool:
    """Cheap test before any eigendecomposition: the commutator of every pair is zero."""
    return all(
        np.linalg.norm(units[i] @ units[j] - units[j] @ units[i]) <= _TOLERANCE
        for i in range(len(units))
        for j in range(i)
    )


def _merged(eigenvalues: Array) -> Array:
    """The same eigenvalues (d,), those that agree to rounding made exactly equal (their mean), none below zero."""
    order = np.argsort(eigenvalues)
    ascending = eigenvalues[order]
    starts = np.concatenate([[True], np.diff(ascending) > _SAME * np.abs(ascending).max()])
    cluster = np.cumsum(starts) - 1
    merged = np.empty_like(ascending)
    merged[order] = (np.bincount(cluster, ascending) / np.bincount(cluster))[cluster]
    return np.maximum(merged, 0.0)


__all__ = ["shared_eigenbasis"]
